"""Gaussian discriminant analysis on features, added to zero-shot; closed form, no training.

mu_c the class means, S the pooled covariance of the centred features, n images in D dimensions:
P = D ((n - 1) S + tr(S) I)⁻¹, w_c = P mu_c, b_c = log(1 / C) - mu_cᵀ P mu_c / 2, and
logits = 100 x tᵀ + alpha (x wᵀ + b).
Reference: "A Hard-to-Beat Baseline ...", Wang et al. 2024, arXiv 2402.04087, few-shot.
Differs: the inverse is a Cholesky solve, of n x n where n < d (Woodbury); alpha is chosen on
validation images or, without them, by cross-validation on the support set, never on test images.
With one image a class nothing can be held out; alpha then gives both terms the same spread over the
wrong classes, times the share of the support images that zero-shot gets wrong: where texts are
right, one image cannot teach more. One image a class has no scatter, so P is taken to be a multiple
of I, where the released pseudo-inverse is 0 and leaves zero-shot alone (``alpha=0``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput
from domainclip.heads._fitted import FittedHead
from domainclip.heads._gaussian import blended, chosen_alpha, gaussian
from domainclip.heads._protocol import checked

__all__ = ["GDA"]


@dataclass
class GDA(FittedHead):
    """alpha: weight of the Gaussian logits; None chooses one of 1e-4 ... 1e2. scale: zero-shot."""

    alpha: Annotated[float, ">= 0"] | None = None
    scale: Annotated[float, "> 0"] = 100.0

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
        text = functional.normalize(w, dim=-1)
        weight, bias = gaussian(z, y, len(text))
        alpha = self.alpha
        if alpha is None:
            alpha = chosen_alpha(
                functional.normalize(z, dim=-1), y, text, validation,
                scale=self.scale, fitted=(weight, bias),
            )  # fmt: skip
        self._parts = {"text": text, "weight": weight, "bias": bias, "alpha": torch.tensor(alpha)}
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        return blended(self._asked(features, "text"), self._parts, self.scale)
