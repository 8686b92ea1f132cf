"""Fitting heads against the published way to fit them, in one run, on the same features.

    python benchmarks/heads.py [--width 512] [--samples 160 1600 16000] [--classes 10]

GDA: ours, a Cholesky solve (of n x n where there are fewer images than dimensions), against the
pseudo-inverse of the released code. Tip-Adapter: our search of its 200 x 20 grid against the
released one, which computes affinity and logits anew at every point; ``--grid-images`` validation
images. The promise (exit 1 where broken): GDA 10, 5 and 3 times at 160, 1,600 and 16,000 images,
the grid 40 times, with the same choice.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.heads._cache_model import search
from domainclip.heads.gda import GDA

PROMISED = {160: 10.0, 1600: 5.0, 16000: 3.0}
GRID_PROMISED = 40.0
SCALE = (12.0, 10.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--samples", type=int, nargs="+", default=[160, 1600, 16000])
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--grid-images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    broken = False
    for count in arguments.samples:
        z, y, text = problem(count, arguments.width, arguments.classes)
        theirs, ours = fastest(
            arguments.repeats,
            lambda z=z, y=y, text=text: pseudo_inverse(z, y, len(text)),
            lambda z=z, y=y, text=text: GDA(alpha=1.0).fit(z, y, text),
        )
        ratio = theirs / ours
        print(f"gda, {count:>6} images x {arguments.width}: {ratio:6.1f} times as fast "
              f"({theirs * 1e3:.1f} -> {ours * 1e3:.1f} ms)", flush=True)  # fmt: skip
        broken |= ratio < PROMISED.get(count, 1.0)
    z, y, text = problem(16 * arguments.classes, arguments.width, arguments.classes)
    x, truth, _ = problem(arguments.grid_images, arguments.width, arguments.classes, seed=1)
    # the released loop is long: a twentieth of it is timed, and its cost is the same at each point
    start = time.perf_counter()
    published_grid(x, truth, z, y, text, betas=10)
    theirs = (time.perf_counter() - start) * 20
    start = time.perf_counter()
    search(100 * x @ text.T, x @ z.T, y, truth, SCALE)
    ours = time.perf_counter() - start
    same = published_grid(x, truth, z, y, text, 10) == search(
        100 * x @ text.T, x @ z.T, y, truth, (0.1 + 10 * (SCALE[0] - 0.1) / 200, SCALE[1]), (10, 20)
    )
    print(f"tip-adapter grid, {len(x)} x {len(z)}: {theirs / ours:6.0f} times as fast, "
          f"same choice: {same}")  # fmt: skip
    return 1 if broken or theirs / ours < GRID_PROMISED or not same else 0


def fastest(repeats: int, *works: Callable[[], object]) -> list[float]:
    """The least seconds of each, taken in turn."""
    found = [float("inf")] * len(works)
    for _ in range(repeats):
        for place, work in enumerate(works):
            start = time.perf_counter()
            work()
            found[place] = min(found[place], time.perf_counter() - start)
    return found


def problem(count: int, width: int, classes: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Unit features in noisy classes, labels, class texts; the classes are the same at any seed."""
    centres = torch.randn(classes, width, generator=torch.Generator().manual_seed(99))
    y = torch.arange(count) % classes
    noise = torch.randn(count, width, generator=torch.Generator().manual_seed(seed))
    z = functional.normalize(centres[y] + 4 * noise, dim=1)
    return z, y, functional.normalize(centres, dim=1)


def pseudo_inverse(z: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """GDA's weights and biases as main_few_shots.py of the released code has them, in float32: its
    operations in its order, the covariance computed twice, the general (not Hermitian) pinv."""
    means = torch.cat([z[y == c].mean(dim=0, keepdim=True) for c in range(classes)])
    centred = torch.cat([z[y == c] - means[c].unsqueeze(0) for c in range(classes)])
    n, d = centred.shape
    shrunk = (n - 1) * torch.cov(centred.T) + torch.cov(centred.T).trace() * torch.eye(d)
    precision = d * torch.linalg.pinv(shrunk)
    prior = torch.ones(classes) / classes
    weight = torch.einsum("nd, dc -> cn", means, precision)
    return weight, prior.log() - torch.einsum("nd, dc, nc -> n", means, precision, means) / 2


def published_grid(
    x: Tensor, truth: Tensor, z: Tensor, y: Tensor, text: Tensor, betas: int
) -> tuple[float, float]:
    """The first ``betas`` of the 200 x 20 points, each from the features."""
    values = functional.one_hot(y, len(text)).float()
    best, found = -1.0, (0.1, 0.1)
    for i in range(betas):
        for j in range(20):
            beta = 0.1 + i * (SCALE[0] - 0.1) / 200
            alpha = 0.1 + j * (SCALE[1] - 0.1) / 20
            affinity = x @ z.T
            cache = ((-1) * (beta - beta * affinity)).exp() @ values
            logits = 100 * x @ text.T + cache * alpha
            right = float((logits.topk(1, 1).indices[:, 0] == truth).float().mean())
            if right > best:
                best, found = right, (beta, alpha)
    return found


if __name__ == "__main__":
    sys.exit(main())
