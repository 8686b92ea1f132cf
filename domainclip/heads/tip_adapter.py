"""Tip-Adapter: support images as a cache of keys and values, added to zero-shot; no training.

Keys F (n, d) are the support features, values their classes one-hot:
logits = 100 x tᵀ + alpha exp(-beta (1 - x Fᵀ)) V.
Reference: Tip-Adapter, Zhang et al. 2022, arXiv 2207.09519, section 3.1.
Differs: alpha and beta are searched on validation images or, without them, on the support images
with their own key left out, never on test images; with one image a class, where leaving a key out
leaves none, they are 1 and 5.5. One that is given is not searched. Features of several views of an
image are averaged by who encodes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch.nn import functional

from domainclip.errors import BadInput
from domainclip.heads._cache_model import CacheModel, search
from domainclip.heads._protocol import checked
from domainclip.heads._training import held_out

__all__ = ["TipAdapter"]


ALPHA, BETA = 1.0, 5.5


@dataclass
class TipAdapter(CacheModel):
    """alpha: weight of the cache, beta: its sharpness; None searches up to ``search_scale`` (beta,
    alpha), or without ``search`` takes 1 and 5.5. scale: the zero-shot logits'."""

    alpha: Annotated[float, ">= 0"] | None = None
    beta: Annotated[float, ">= 0"] | None = None
    search: bool = True
    search_scale: tuple[float, float] = (50.0, 50.0)
    scale: Annotated[float, "> 0"] = 100.0

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Keep features (n, d) and labels (n,) as the cache beside class texts (c, d).

        Raises BadInput without any image.
        """
        z, y, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("tip_adapter needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        alpha = ALPHA if self.alpha is None else self.alpha
        beta = BETA if self.beta is None else self.beta
        given = self.beta, self.alpha
        searching = self.search and None in given
        held = held_out(validation, z.shape[1], len(text))
        if searching and held is not None:
            zero_shot, affinity = self.scale * held[0] @ text.T, held[0] @ z.T
            beta, alpha = search(zero_shot, affinity, y, held[1], self.search_scale, given=given)
        elif searching and int(torch.bincount(y).max()) > 1:
            # a key at distance infinity has no weight
            others = (z @ z.T).fill_diagonal_(-torch.inf)
            zero_shot = self.scale * z @ text.T
            beta, alpha = search(zero_shot, others, y, y, self.search_scale, given=given)
        self._parts = {
            "text": text, "keys": z, "labels": y,
            "alpha": torch.tensor(alpha), "beta": torch.tensor(beta),
        }  # fmt: skip
        return self
