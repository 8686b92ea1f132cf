"""Nearest neighbours by cosine, voting by weight: no training, a baseline for every feature.

The k support images nearest to x vote for their classes with weight exp(cosine / temperature);
logits are the log of the classes' shares.
Reference: Wu et al. 2018, arXiv 1805.01978, section 3.4, temperature 0.07.
Differs: k is chosen on validation images or, without them, by leaving one support image out at a
time; a class that no neighbour votes for has a share of 1e-6 instead of none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._fitted import FittedHead
from domainclip.heads._protocol import checked
from domainclip.heads._training import accuracy, held_out

__all__ = ["KNN"]

CANDIDATES = (1, 2, 4, 8, 16, 32, 64)
LEAST_SHARE = 1e-6


@dataclass
class KNN(FittedHead):
    """k: neighbours; None chooses one of 1, 2, 4 ... 64. temperature: of the votes, above 0."""

    k: Annotated[int, ">= 1"] | None = None
    temperature: Annotated[float, "> 0"] = 0.07

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Keep features (n, d) and labels (n,); class_text (c, d) says how many classes there are.

        Raises BadInput without any image, UsageError for k below 1 or a temperature not above 0.
        """
        if (self.k is not None and self.k < 1) or not self.temperature > 0:
            raise UsageError("knn: k is 1 or more, and the temperature above 0.")
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("knn needs at least one image.")
        z = functional.normalize(z, dim=-1)
        held = held_out(validation, z.shape[1], len(w))
        k = self.k or self._chosen(z, y, len(w), held)
        self._parts = {
            "keys": z,
            "labels": y,
            "k": torch.tensor(k),
            "classes": torch.tensor(len(w)),
        }
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c), log shares."""
        cosine = self._asked(features, "keys") @ self._parts["keys"].T
        classes, k = int(self._parts["classes"]), int(self._parts["k"])
        return self._votes(cosine, self._parts["labels"], classes, k)

    def _votes(self, cosine: Tensor, y: Tensor, classes: int, k: int) -> Tensor:
        near = cosine.topk(min(k, cosine.shape[1]), dim=1)
        weight = ((near.values - near.values[:, :1]) / self.temperature).exp()  # the nearest: 1
        shares = torch.zeros(len(cosine), classes).scatter_add_(1, y[near.indices], weight)
        return (shares / shares.sum(1, keepdim=True)).clamp(min=LEAST_SHARE).log()

    def _chosen(
        self, z: Tensor, y: Tensor, classes: int, held: tuple[Tensor, Tensor] | None
    ) -> int:
        """The smallest k of the candidates with the most images right."""
        if held is not None:
            cosine, truth = held[0] @ z.T, held[1]
        elif int(torch.bincount(y).max()) < 2:
            return 1  # an image that is left out has no neighbour of its own class
        else:
            cosine, truth = (z @ z.T).fill_diagonal_(-torch.inf), y
        usable = [k for k in CANDIDATES if k < len(z)] or [1]
        right = [accuracy(self._votes(cosine, y, classes, k), truth) for k in usable]
        return usable[right.index(max(right))]
