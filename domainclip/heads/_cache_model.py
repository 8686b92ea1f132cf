"""The cache model of Tip-Adapter and its grid, which both of its heads search."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.heads._fitted import FittedHead

__all__ = ["CacheModel", "cache_logits", "search"]


class CacheModel(FittedHead):
    """What both heads are once they are fitted: class texts, keys, their labels, alpha, beta."""

    scale: float

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        z, parts = self._asked(features, "text"), self._parts
        votes = cache_logits(
            z @ parts["keys"].T, parts["labels"], len(parts["text"]), float(parts["beta"])
        )
        return self.scale * z @ parts["text"].T + parts["alpha"] * votes


def cache_logits(affinity: Tensor, y: Tensor, classes: int, beta: float) -> Tensor:
    """exp(-beta (1 - affinity)) summed by class: affinity (m, n), labels y (n,) -> (m, c)."""
    weight = torch.exp(-beta * (1 - affinity))
    return torch.zeros(len(affinity), classes).index_add_(1, y, weight)


def search(
    zero_shot: Tensor,
    affinity: Tensor,
    y: Tensor,
    truth: Tensor,
    scale: tuple[float, float],
    steps: tuple[int, int] = (200, 20),
    given: tuple[float | None, float | None] = (None, None),
) -> tuple[float, float]:
    """(beta, alpha) of the grid with the most images right; the first of equals.

    zero_shot (m, c), affinity (m, n) of held-out images, truth (m,). The grid is the published
    one: from 0.1 in ``steps`` equal steps towards ``scale``, whose ends do not belong to it; beta
    outside, alpha inside; one that is ``given`` stays. The affinity is computed once, and a step of
    beta is one product: exp(-(beta + s) u) = exp(-beta u) exp(-s u).
    """
    classes = zero_shot.shape[1]
    betas, alphas = (
        [0.1 + i * (end - 0.1) / count for i in range(count)] if value is None else [value]
        for end, count, value in zip(scale, steps, given, strict=True)
    )
    away = 1 - affinity
    weight = torch.exp(-betas[0] * away)
    factor = torch.exp(-(betas[1] - betas[0]) * away) if len(betas) > 1 else weight
    grid = torch.tensor(alphas)[:, None, None]
    by_class = functional.one_hot(y, classes).float()  # (n, c)
    best, found = -1, (betas[0], alphas[0])
    for beta in betas:
        votes = weight @ by_class  # (m, c)
        right = ((zero_shot + grid * votes).argmax(2) == truth).sum(1)  # (alphas,)
        most = int(right.max())
        if most > best:
            best, found = most, (beta, alphas[int(right.argmax())])
        weight = weight * factor
    return found
