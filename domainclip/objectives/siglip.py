"""Sigmoid loss: every image and caption of the batch is a yes or no question of its own.

loss = -1/n Σ_ij log σ(z_ij (s I_i·T_j + b)), z_ij = 1 where caption j belongs to image i, else -1;
s the logit scale, b the bias; without the questions that are left out.
Reference: SigLIP, Zhai et al. 2023, https://arxiv.org/abs/2303.15343, section 3.
Differs: identical captions are each other's positives (``same_text: positive``), and what pairs of
one group say of each other is not asked (``same_group: ignore``), as in ``infonce``; with both
``negative`` it is the original.
A tower without a bias gets one that trains; it starts at -s times ``start``, and not at the -10 of
a training from nothing: a CLIP tower's scale is 100 already.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.backbones._unit import widened
from domainclip.objectives._positives import same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["SigLIP"]


@dataclass(frozen=True)
class SigLIP:
    """same_text, same_group: what pairs of one caption or one group are to each other, positives,
    negatives, or neither. start: the cosine at which an image and a caption count as even in a
    tower that has no bias of its own."""

    same_text: Literal["positive", "ignore", "negative"] = "positive"
    start: float = 0.25
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("parts",)

    def make_parts(self, dim: int) -> nn.Module:
        """The bias, as a cosine."""
        return nn.ParameterDict({"even": nn.Parameter(torch.tensor(self.start))})

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
        parts: nn.Module,
    ) -> Tensor:
        """This rank's images against the captions of all; image, text (b, d)."""
        texts = gather(text)  # (n, d)
        even = parts["even"]  # type: ignore[index]
        bias = -logit_scale * even if logit_bias is None else logit_bias + 0 * even
        logits = widened(logit_scale * image @ texts.T + bias)  # (b, n)
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        signs = torch.where(alike.positive, 1.0, -1.0)
        answers = functional.logsigmoid(signs * logits).masked_fill(alike.left_out, 0)
        return rows_mean(-answers.sum(), len(image), gather)
