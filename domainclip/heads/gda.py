"""Gaussian discriminant analysis on features, added to zero-shot; closed form, no training.

mu_c the class means, S the pooled covariance of the centred features, n images in D dimensions:
P = D ((n - 1) S + tr(S) I)⁻¹, w_c = P mu_c, b_c = log(1 / C) - mu_cᵀ P mu_c / 2, and
logits = 100 x tᵀ + alpha (x wᵀ + b). Reference: "A Hard-to-Beat Baseline for Training-free
CLIP-based Adaptation", Wang et al. 2024, arXiv 2402.04087.
Differs: the inverse is a Cholesky solve, of n x n where n < d (Woodbury); alpha is chosen on
validation images or, without them, by cross-validation on the support set, never on test images.
With one image a class nothing can be held out; alpha then gives both terms the same spread over the
wrong classes, times the share of the support images that zero-shot gets wrong: where texts are
right, one image cannot teach more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import torch
from scipy.linalg.blas import ssyrk
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._protocol import as_features, as_labels, checked

__all__ = ["GDA"]

CHUNK = 2048  # rows whose products are summed in float32
ALPHAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2)


@dataclass
class GDA:
    """alpha: weight of the Gaussian logits; None chooses one of 1e-4 ... 1e2. scale: zero-shot."""

    alpha: float | None = None
    scale: float = 100.0
    _parts: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit on features (n, d), labels (n,), class texts (c, d).

        A class without an image keeps its zero-shot logit plus the least Gaussian one. Raises
        BadInput without any image.
        """
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("gda needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        weight, bias = _gaussian(z, y, len(text))
        alpha = self.alpha
        if alpha is None and validation is not None:
            held = functional.normalize(as_features(validation[0]), dim=-1)
            gaussian = held @ weight.T + bias
            alpha = self._best(held @ text.T, gaussian, as_labels(validation[1]))
        elif alpha is None:
            alpha = self._crossed(z, y, text)
        self._parts = {"text": text, "weight": weight, "bias": bias, "alpha": torch.tensor(alpha)}
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        if not self._parts:
            raise UsageError("this gda head is not fitted; call fit first.")
        z = functional.normalize(as_features(features), dim=-1)
        gaussian = z @ self._parts["weight"].T + self._parts["bias"]
        return self.scale * z @ self._parts["text"].T + self._parts["alpha"] * _finite(gaussian)

    def state(self) -> dict[str, Tensor]:
        return dict(self._parts)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        self._parts = dict(state)

    def _crossed(self, z: Tensor, y: Tensor, text: Tensor) -> float:
        """alpha by cross-validation: every image is held out once, classes evenly over folds."""
        rank = torch.zeros_like(y)  # of each image among those of its class
        for c in torch.unique(y):
            rank[y == c] = torch.arange(int((y == c).sum()))
        count = int(torch.bincount(y).max().clamp(max=4))
        if count < 2:
            return self._even(z, y, text)
        cosine, gaussian = z @ text.T, torch.zeros(len(z), len(text))
        for fold in range(count):
            held = rank % count == fold
            if not bool(held.any()) or bool(held.all()):
                continue
            weight, bias = _gaussian(z[~held], y[~held], len(text))
            gaussian[held] = _finite(z[held] @ weight.T + bias)
        return self._best(cosine, gaussian, y)

    def _even(self, z: Tensor, y: Tensor, text: Tensor) -> float:
        """alpha without anything to hold out."""
        weight, bias = _gaussian(z, y, len(text))
        zero_shot, gaussian = self.scale * z @ text.T, _finite(z @ weight.T + bias)
        wrong = torch.ones_like(gaussian, dtype=torch.bool)
        if len(text) > 2:  # one wrong class alone has no spread
            wrong.scatter_(1, y[:, None], False)
        spread = [term[wrong].reshape(len(z), -1).std(1).mean() for term in (zero_shot, gaussian)]
        errors = (zero_shot.argmax(1) != y).float().mean()
        return float(errors * spread[0] / spread[1].clamp(min=1e-12))

    def _best(self, cosine: Tensor, gaussian: Tensor, y: Tensor) -> float:
        """The first alpha of the grid with the most images right."""
        right = [
            int(((self.scale * cosine + a * _finite(gaussian)).argmax(1) == y).sum())
            for a in ALPHAS
        ]
        return ALPHAS[right.index(max(right))]


def _gaussian(z: Tensor, y: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Unit features (n, d), labels (n,) -> w (c, d), b (c,); b is -inf where a class is empty."""
    n, d = z.shape
    counts = torch.bincount(y, minlength=classes).double()
    means = _sums(z, y, classes) / counts.clamp(min=1)[:, None]  # (c, d)
    if n < d:
        # (ZᵀZ + t I)⁻¹ m = (m - Zᵀ (Z Zᵀ + t I)⁻¹ Z m) / t, with Z the n centred rows
        centred = z.double() - means[y]
        gram = centred @ centred.T
        trace = _shrinkage(gram, n)
        inner = gram + trace * torch.eye(n, dtype=torch.float64)
        seen = centred @ means.T  # (n, c)
        weight = means - torch.cholesky_solve(seen, torch.linalg.cholesky(inner)).T @ centred
        weight = weight * (d / trace)
    else:
        scatter = _products(z) - (means * counts[:, None]).T @ means  # (n - 1) S, (d, d)
        trace = _shrinkage(scatter, n)
        shrunk = scatter + trace * torch.eye(d, dtype=torch.float64)
        weight = d * torch.cholesky_solve(means.T, torch.linalg.cholesky(shrunk)).T  # (c, d)
    bias = -torch.tensor(float(classes)).log() - 0.5 * (means * weight).sum(1)
    bias = bias.masked_fill(counts == 0, float("-inf"))
    return weight.float(), bias.float()


def _shrinkage(scatter: Tensor, n: int) -> Tensor:
    """tr(S) of (n - 1) S, or of its Gram matrix, which has the same trace."""
    trace = scatter.diagonal().sum() / max(n - 1, 1)
    # one image a class has no scatter: every direction is then alike
    return trace if float(trace) > 1e-12 else torch.tensor(1.0, dtype=torch.float64)


def _sums(z: Tensor, y: Tensor, classes: int) -> Tensor:
    """(c, d) sums of the rows of each class; in float32 over few rows, in float64 over all."""
    total = torch.zeros(classes, z.shape[1], dtype=torch.float64)
    for rows, labels in zip(torch.split(z, CHUNK), torch.split(y, CHUNK), strict=True):
        total += torch.zeros(classes, z.shape[1]).index_add_(0, labels, rows)
    return total


def _products(z: Tensor) -> Tensor:
    """zᵀz (d, d) in float64, of which BLAS computes one triangle, summed as in ``_sums``."""
    upper = np.zeros((z.shape[1], z.shape[1]))
    for rows in torch.split(z, CHUNK):
        upper += ssyrk(1.0, rows.contiguous().numpy().T)
    return torch.from_numpy(np.triu(upper) + np.triu(upper, 1).T)


def _finite(gaussian: Tensor) -> Tensor:
    """The classes without an image get the least logit of the row."""
    absent = gaussian.isinf()
    least = gaussian.masked_fill(absent, float("inf")).min(1, keepdim=True).values
    return torch.where(absent, least, gaussian)
