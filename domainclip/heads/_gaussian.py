"""Gaussian classes of one shared precision: what the heads of the GDA family share.

P = D ((n - 1) S + tr(S) I)⁻¹ is never formed: w_c = P mu_c is a Cholesky solve, of n x n where
there are fewer images than dimensions (Woodbury). Features are centred before they are multiplied,
which float32 then carries to seven digits; centring afterwards loses three of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.heads._training import held_out

__all__ = ["ALPHAS", "blended", "chosen_alpha", "finite", "gaussian", "linear", "weighted"]

ALPHAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)
CHUNK = 2048  # rows whose products are summed in float32; their sums are added in float64
BLOCK = 128  # columns: of 512 dimensions only 5 / 8 of the products are made
FLAT = 1e-12  # a trace below it is no scatter at all

Fit = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def gaussian(z: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Features (n, d) of any length, labels (n,) -> w (c, d), b (c,) for unit features.

    b is -inf where a class has no image.
    """
    n, d = z.shape
    counts = torch.bincount(y, minlength=classes)
    inverse = 1 / z.norm(dim=1).clamp(min=FLAT)  # (n,)
    sums = torch.zeros(classes, d, dtype=torch.float64)
    for part in _chunks(n):
        sums += _sums(z[part], y[part], inverse[part], classes)
    means = sums / counts.clamp(min=1)[:, None]
    if n < d:
        centred = z.double() * inverse[:, None] - means[y]
        weight = _by_images(centred, means)
    else:
        weight = _by_dimensions(z, y, inverse, means)
    bias = linear(weight, means).masked_fill(counts == 0, float("-inf"))
    return weight.float(), bias.float()


def weighted(z: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Unit features (n, d) and their shares in the classes (n, c) -> mu, w (c, d) in float64.

    With the rows X about the mean of all images, the pooled scatter
    sum_ic share (x - mu_c)(x - mu_c)ᵀ is Xᵀ Q X, Q = I - S diag(1 / mass) Sᵀ of the shares S: n x n
    where there are fewer images than dimensions, else one product of the rows.
    """
    n, d = z.shape
    share = share.double()
    mass = share.sum(0).clamp(min=FLAT)  # (c,)
    centre = z.mean(0, dtype=torch.float64)
    rows = z.double() - centre
    means = share.T @ rows / mass[:, None]  # about the centre
    if n < d:
        values, vectors = torch.linalg.eigh(
            torch.eye(n, dtype=torch.float64) - (share / mass) @ share.T
        )
        spread = values.clamp(min=0).sqrt()[:, None] * (vectors.T @ rows)  # (n, d)
        return means + centre, _by_images(spread, means + centre)
    scatter = rows.T @ rows - means.T @ (means * mass[:, None])
    trace = _shrinkage(scatter, n)
    scatter.diagonal().add_(trace)
    means = means + centre
    return means, d * torch.cholesky_solve(means.T, torch.linalg.cholesky(scatter)).T


def linear(weight: Tensor, means: Tensor) -> Tensor:
    """b (c,) = log(1 / C) - mu_cᵀ w_c / 2 of classes alike in number."""
    return -torch.tensor(float(len(means))).log() - 0.5 * (means * weight).sum(1)


def finite(logits: Tensor) -> Tensor:
    """(m, c) whose -inf, of classes without an image, are the least logit of their row."""
    absent = logits.isinf()
    least = logits.masked_fill(absent, float("inf")).min(1, keepdim=True).values
    return torch.where(absent, least, logits)


def blended(z: Tensor, parts: Mapping[str, Tensor], scale: float) -> Tensor:
    """Logits (m, c) of unit features (m, d): scale z tᵀ + alpha (z wᵀ + b)."""
    votes = finite(z @ parts["weight"].T + parts["bias"])
    return scale * z @ parts["text"].T + parts["alpha"] * votes


def chosen_alpha(
    z: Tensor,
    y: Tensor,
    text: Tensor,
    validation: tuple[Any, Any] | None,
    *,
    scale: float,
    fit: Fit = gaussian,
    fitted: tuple[Tensor, Tensor] | None = None,
) -> float:
    """The first of ``ALPHAS`` with the most images right, of unit features and class texts.

    The images are the validation's or, without any, those of the support set, each held out once in
    up to four folds; with one image a class alpha makes the spreads of both terms alike, times the
    share of images that zero-shot gets wrong. fitted: w and b on all of z, where they are there.
    """
    held = held_out(validation, z.shape[1], len(text))
    if held is not None:
        weight, bias = fitted or fit(z, y, len(text))
        return _best(scale * held[0] @ text.T, finite(held[0] @ weight.T + bias), held[1])
    rank = torch.zeros_like(y)  # of each image among those of its class
    for c in torch.unique(y):
        rank[y == c] = torch.arange(int((y == c).sum()))
    folds = int(torch.bincount(y).max().clamp(max=4))
    if folds < 2:
        weight, bias = fitted or fit(z, y, len(text))
        return _even(scale * z @ text.T, finite(z @ weight.T + bias), y)
    crossed = torch.zeros(len(z), len(text))
    for fold in range(folds):
        out = rank % folds == fold
        if bool(out.any()) and not bool(out.all()):
            weight, bias = fit(z[~out], y[~out], len(text))
            crossed[out] = finite(z[out] @ weight.T + bias)
    return _best(scale * z @ text.T, crossed, y)


def _sums(z: Tensor, y: Tensor, factor: Tensor, classes: int) -> Tensor:
    """(c, d) sums of factor times z by class; ``index_add_`` takes the rows one by one."""
    order = torch.argsort(y)
    counts = torch.bincount(y, minlength=classes)
    return functional.embedding_bag(
        order, z, counts.cumsum(0) - counts, mode="sum", per_sample_weights=factor[order]
    )


def _chunks(n: int) -> list[slice]:
    return [slice(row, row + CHUNK) for row in range(0, n, CHUNK)]


def _by_images(centred: Tensor, means: Tensor) -> Tensor:
    """w (c, d) through n x n: (ZᵀZ + t I)⁻¹ m = (m - Zᵀ (Z Zᵀ + t I)⁻¹ Z m) / t."""
    n, d = centred.shape
    gram = centred @ centred.T
    trace = _shrinkage(gram, n)
    gram.diagonal().add_(trace)
    seen = centred @ means.T  # (n, c)
    inner = torch.cholesky_solve(seen, torch.linalg.cholesky(gram))
    return (means - inner.T @ centred) * (d / trace)


def _by_dimensions(z: Tensor, y: Tensor, inverse: Tensor, means: Tensor) -> Tensor:
    """w (c, d) through d x d."""
    n, d = z.shape
    minus = -means.float()
    scatter = torch.zeros(d, d, dtype=torch.float64)  # its lower half
    for part in _chunks(n):
        # gathered first: multiplying first and subtracting a gathered copy takes ten times as long
        centred = minus.index_select(0, y[part]).addcmul_(z[part], inverse[part, None])
        for start in range(0, d, BLOCK):
            stop = start + BLOCK
            scatter[start:stop, :stop] += centred[:, start:stop].T @ centred[:, :stop]
    trace = _shrinkage(scatter, n)
    scatter.diagonal().add_(trace)
    factor = torch.linalg.cholesky_ex(scatter, check_errors=True).L
    return d * torch.cholesky_solve(means.T, factor).T


def _shrinkage(scatter: Tensor, n: int) -> Tensor:
    """tr(S) of (n - 1) S, or of its Gram matrix, which has the same trace."""
    trace = scatter.diagonal().sum() / max(n - 1, 1)
    # one image a class has no scatter: every direction is then alike
    return trace if float(trace) > FLAT else torch.tensor(1.0, dtype=torch.float64)


def _even(zero_shot: Tensor, gaussians: Tensor, y: Tensor) -> float:
    """alpha without anything to hold out."""
    wrong = torch.ones_like(gaussians, dtype=torch.bool)
    if gaussians.shape[1] > 2:  # one wrong class alone has no spread, nor has one class
        wrong.scatter_(1, y[:, None], False)
    spread = [
        term[wrong].reshape(len(y), -1).std(1, correction=0).mean()
        for term in (zero_shot, gaussians)
    ]
    errors = (zero_shot.argmax(1) != y).float().mean()
    return float(errors * spread[0] / spread[1].clamp(min=FLAT))


def _best(zero_shot: Tensor, gaussians: Tensor, y: Tensor) -> float:
    right = [int(((zero_shot + a * gaussians).argmax(1) == y).sum()) for a in ALPHAS]
    return ALPHAS[right.index(max(right))]
