"""Gaussian discriminant analysis without labels: class means learnt from unlabelled images (trial).

Expectation-maximisation from the zero-shot posterior r = softmax(100 x tᵀ): M-step mu_c the means
weighted by r, S the pooled covariance weighted by r, P = D ((n - 1) S + tr(S) I)⁻¹, w_c = P mu_c,
b_c = log(1 / C) - mu_cᵀ w_c / 2; E-step r = softmax(100 x tᵀ + alpha (x wᵀ + b)), ``rounds`` times.
Reference: "A Hard-to-Beat Baseline ...", Wang et al. 2024, arXiv 2402.04087, unsupervised learning.
Differs: experimental. The released code leaves this form out, so rounds and alpha are ours, and
nothing here was compared with published numbers. It can only sharpen what zero-shot half knows:
where the texts mislead, so will this. Without validation images alpha gives both terms the same
spread over an image's classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import BadInput, UsageError
from domainclip.heads._fitted import FittedHead
from domainclip.heads._gaussian import ALPHAS, blended, linear, weighted
from domainclip.heads._protocol import checked
from domainclip.heads._training import accuracy, held_out

__all__ = ["GDAEM"]


@dataclass
class GDAEM(FittedHead):
    """rounds: E- and M-steps. alpha: weight of the Gaussian logits; None takes the best of
    1e-4 ... 1e2 on validation images, and without any the one of even spreads. scale: zero-shot.
    """

    rounds: Annotated[int, ">= 1"] = 10
    alpha: Annotated[float, ">= 0"] | None = None
    scale: Annotated[float, "> 0"] = 100.0

    def fit(
        self,
        features: Any,
        labels: Any,
        class_text: Any,
        validation: tuple[Any, Any] | None = None,
    ) -> Self:
        """Fit on features (n, d) and class texts (c, d); labels (n,) are checked and not used.

        Raises BadInput without any image, UsageError for less than one round.
        """
        if self.rounds < 1:
            raise UsageError(f"gda_em: rounds is {self.rounds}, and must be 1 or more.")
        z, _, w = checked(features, labels, class_text)
        if not len(z):
            raise BadInput("gda_em needs at least one image.")
        z, text = functional.normalize(z, dim=-1), functional.normalize(w, dim=-1)
        held = held_out(validation, z.shape[1], len(text))
        if self.alpha is not None or held is None:
            self._parts = self._settled(z, text, self.alpha)
            return self
        best = -1.0
        for alpha in ALPHAS:
            parts = self._settled(z, text, alpha)
            right = accuracy(blended(held[0], parts, self.scale), held[1])
            if right > best:
                best, self._parts = right, parts
        return self

    def logits(self, features: Any) -> Tensor:
        """(m, d) -> (m, c)."""
        return blended(self._asked(features, "text"), self._parts, self.scale)

    def _settled(self, z: Tensor, text: Tensor, alpha: float | None) -> dict[str, Tensor]:
        zero_shot = self.scale * z @ text.T
        parts, logits = {"text": text}, zero_shot
        for _ in range(self.rounds):
            means, weight = weighted(z, logits.softmax(1))
            bias = linear(weight, means)
            gaussians = z @ weight.float().T + bias.float()
            factor = _spread(zero_shot) / _spread(gaussians) if alpha is None else alpha
            parts |= {
                "weight": weight.float(), "bias": bias.float(), "alpha": torch.tensor(factor),
            }  # fmt: skip
            logits = blended(z, parts, self.scale)
        return parts


def _spread(logits: Tensor) -> float:
    """Mean over rows of the logits' standard deviation over classes; above 0."""
    return float(logits.std(1, correction=0).mean().clamp(min=1e-12))
