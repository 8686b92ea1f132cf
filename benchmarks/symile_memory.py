"""Memory and time of Symile's n² negatives: a step on random features, in a process of its own.

    python -m benchmarks.symile_memory [--batch 512] [--width 512]

prints, for the chunked loss and for one that holds all n³ products, how much the peak of resident
memory grows over that of the features, and the seconds of a forward and backward pass.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.objectives._protocol import Alone
from domainclip.objectives.symile import Symile

__all__ = ["main"]

SCALE = torch.tensor(100.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--form", choices=list(FORMS))
    arguments = parser.parse_args()
    if arguments.form:
        print(_measured(FORMS[arguments.form], arguments.batch, arguments.width))
        return 0
    for form in FORMS:
        command = [sys.executable, "-m", "benchmarks.symile_memory", "--form", form,
                   "--batch", str(arguments.batch), "--width", str(arguments.width)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True)
        said = done.stdout.strip() or f"ended with {done.returncode}: {done.stderr[-200:]}"
        print(f"{form:8} {said}", flush=True)
    return 0


def _measured(loss: Callable[[Tensor, Tensor, Tensor], Tensor], batch: int, width: int) -> str:
    torch.manual_seed(0)
    three = [functional.normalize(torch.randn(batch, width), dim=1).requires_grad_()
             for _ in range(3)]  # fmt: skip
    small = [each[:2].detach().requires_grad_() for each in three]
    loss(*small).backward()  # whatever the first pass loads
    before, started = _peak_mib(), time.perf_counter()
    value = loss(*three)
    value.backward()
    seconds = time.perf_counter() - started
    return f"loss {value.item():.5f}  {_peak_mib() - before:7.0f} MiB  {seconds:6.1f} s"


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # Linux: KiB


def _chunked(image: Tensor, text: Tensor, second: Tensor) -> Tensor:
    captions = tuple(f"caption {number}" for number in range(len(image)))
    labels = torch.full((len(image),), -1)
    batch = SimpleNamespace(captions=captions, groups=captions, labels=labels)
    return Symile(negatives="n2")(
        image, text, batch, logit_scale=SCALE, logit_bias=None, gather=Alone(),
        second=second,
    )  # fmt: skip


def _whole(image: Tensor, text: Tensor, second: Tensor) -> Tensor:
    products = image[:, None] * text  # (n, n, d)
    logits = SCALE * products.flatten(0, 1) @ second.T  # (n², n)
    z = logits.view(len(image), len(image), len(image))
    own = z.diagonal().diagonal()
    sums = [z.transpose(0, anchor).flatten(1).logsumexp(1) - own for anchor in range(3)]
    return torch.stack(sums).mean()


FORMS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "chunked": _chunked,
    "whole": _whole,
}


if __name__ == "__main__":
    sys.exit(main())
