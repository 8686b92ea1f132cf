"""SLIP: InfoNCE of images and captions, and SimCLR's of two more views of each image.

loss = clip · InfoNCE + simclr · (S(z₁, z₂) + S(z₂, z₁)) / 2, z = a head's unit features of a view,
S(x, y) = mean over images of -log(exp(x·y / τ) / (Σ over y' of all images exp(x·y' / τ) +
Σ over x' of other images exp(x·x' / τ))).
Reference: SLIP, Mu et al. 2021, https://arxiv.org/abs/2112.12750, section 3, and its code.
Differs: the head reads the joint-space features, SLIP's those before the image projection. Views
are those of the recipe's augmentation; SimCLR wants strong ones (small crops, colour), which a
domain may forbid. InfoNCE is ``infonce``. Images of one group (figures of an article, slices of a
patient) are left out of each other's Σ, both of them (``same_group: ignore``); ``negative`` is the
original. Captions say nothing about whether images are alike, so equal ones matter to InfoNCE only.
Shapes: image, text (b, d), views (b, 2, d). Ranks: this rank's views against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.backbones._unit import widened
from domainclip.objectives._beside import beside_infonce
from domainclip.objectives._heads import MLP
from domainclip.objectives._positives import Alike, log_shares, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["SLIP"]


@dataclass(frozen=True)
class SLIP:
    """temperature: τ. hidden, out: widths of the head. simclr, clip: weights of the two parts; clip
    0 beside another objective in ``weighted``. same_group: images of one group are left out of each
    other's negatives, in both parts. same_text: as ``infonce``, of that part."""

    temperature: Annotated[float, "> 0"] = 0.1
    hidden: Annotated[int, ">= 1"] = 4096
    out: Annotated[int, ">= 1"] = 256
    simclr: Annotated[float, ">= 0"] = 1.0
    clip: Annotated[float, ">= 0"] = 1.0
    same_text: Literal["positive", "negative"] = "positive"
    same_group: Literal["ignore", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("views", "parts")
    views: ClassVar[int] = 2

    def make_parts(self, dim: int) -> nn.Module:
        """The head: three layers with normalisation over the batch."""
        return MLP((dim, self.hidden, self.hidden, self.out))

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
        views: Tensor,
        parts: nn.Module,
    ) -> Tensor:
        """This rank's part of the mean over all images."""
        z = [functional.normalize(widened(parts(view, gather)), dim=-1) for view in views.unbind(1)]
        everyone = [gather(each) for each in z]
        alike = same_as(batch, gather, image.device).judged(group=self.same_group)
        both = [self._summed(z[one], everyone[1 - one], everyone[one], alike) for one in (0, 1)]
        loss = torch.stack(both).sum()
        loss = rows_mean(self.simclr * loss / 2, len(image), gather)
        return beside_infonce(
            loss, self.clip, image, text, batch,
            like={"same_text": self.same_text, "same_group": self.same_group},
            logit_scale=logit_scale, logit_bias=logit_bias, gather=gather,
        )  # fmt: skip

    def _summed(self, x: Tensor, others: Tensor, likes: Tensor, alike: Alike) -> Tensor:
        """x (b, o) of one view against the other view and the same view of all (n, o)."""
        own, left_out = alike.positive, torch.cat([alike.left_out, ~alike.negative], 1)
        logits = torch.cat([x @ others.T, x @ likes.T], 1) / self.temperature  # (b, 2 n)
        return -log_shares(logits, left_out)[:, : len(others)][own].sum()
