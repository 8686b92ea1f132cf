"""CLIP-Refine: both modalities drawn to the same random vectors, the old similarities as guide.

loss = rafa · RaFA + hycd · HyCD. RaFA = MSE(i, z) + MSE(t, z), one z ~ N(0, 1) (d,) for image and
text of a pair, new at every step. HyCD = T² (KL(P_i ‖ Q_i) + KL(P_t ‖ Q_t)) / 2 with
Q = softmax(i tᵀ / T) over the batch, P = a I + (1 - a) softmax(i₀ t₀ᵀ / T) by the frozen teacher.
Features are not of unit length, so the products carry no logit scale. Meant for one epoch over
captions, full tuning of both towers, lr 1e-6, weight decay 0.1, batches of 512.
Reference: CLIP-Refine, Yamaguchi et al. 2025, https://arxiv.org/abs/2504.12717, and its code, whose
scale this is: MSE is a mean over dimensions too.
Differs: over several ranks the batch of HyCD is that of all ranks. Where captions repeat, I is
uniform over their pairs (``same_text: positive``), and pairs of one group are left out of P and Q
(``same_group: ignore``), as in ``infonce``; with both ``negative`` it is the original. RaFA
compares a pair with no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones._unit import widened
from domainclip.objectives._positives import Alike, log_shares, same_as, target_over
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["CLIPRefine"]


@dataclass(frozen=True)
class CLIPRefine:
    """rafa, hycd: weights of the two parts. alpha: share of the target that is the pair itself, 0
    to 1; the rest is the teacher's. temperature: T, above 1 for softer similarities. same_text,
    same_group: as ``infonce``, of HyCD."""

    rafa: Annotated[float, ">= 0"] = 1.0
    hycd: Annotated[float, ">= 0"] = 1.0
    alpha: Annotated[float, ">= 0 <= 1"] = 0.5
    temperature: Annotated[float, "> 0"] = 1.0
    same_text: Literal["positive", "ignore", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    raw: ClassVar[bool] = True
    wants: ClassVar[tuple[str, ...]] = ("teacher",)

    @single_precision
    def __call__(
        self,
        image: Tensor,
        text: Tensor,
        batch: Batch,
        *,
        logit_scale: Tensor,
        logit_bias: Tensor | None,
        gather: Gather,
        teacher: tuple[Tensor, Tensor],
    ) -> Tensor:
        """This rank's part of the mean over all pairs; image, text and the teacher's (b, d)."""
        images, texts = gather(image), gather(text)  # (n, d)
        old_image, old_text = teacher
        old_images, old_texts = gather(old_image), gather(old_text)
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        distilled = self._kl(image @ texts.T, old_image @ old_texts.T, alike)
        distilled = distilled + self._kl(text @ images.T, old_text @ old_images.T, alike)
        z = torch.randn_like(image)
        drawn = (image - z).float().square().sum() + (text - z).float().square().sum()
        drawn = drawn / image.shape[1]
        return rows_mean(self.hycd * distilled / 2 + self.rafa * drawn, len(image), gather)

    def _kl(self, logits: Tensor, old: Tensor, alike: Alike) -> Tensor:
        """T² KL(P ‖ Q), summed over rows (b, n)."""
        taught = widened(old).masked_fill(alike.left_out, -torch.inf) / self.temperature
        target = self.alpha * target_over(alike) + (1 - self.alpha) * taught.softmax(1)
        said = log_shares(logits / self.temperature, alike.left_out)
        return functional.kl_div(said, target, reduction="sum") * self.temperature**2
