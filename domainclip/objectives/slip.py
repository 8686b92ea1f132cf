"""SLIP: InfoNCE of images and captions, and SimCLR's of two more views of each image.

loss = clip · InfoNCE + simclr · (S(z₁, z₂) + S(z₂, z₁)) / 2, z = a head's unit features of a view,
S(x, y) = mean over images of -log(exp(x·y / τ) / (Σ over y' of all images exp(x·y' / τ) +
Σ over x' of other images exp(x·x' / τ))).
Reference: SLIP, Mu et al. 2021, https://arxiv.org/abs/2112.12750, section 3, and its code.
Differs: the head reads the joint-space features, SLIP's those before the image projection. Views
are those of the recipe's augmentation; SimCLR wants strong ones (small crops, colour), which a
domain may forbid. InfoNCE is ``infonce`` with its defaults; views of images of one group are
negatives here, as in SLIP.
Shapes: image, text (b, d), views (b, 2, d). Ranks: this rank's views against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.objectives._beside import beside_infonce
from domainclip.objectives._heads import MLP
from domainclip.objectives._positives import own_of, widened
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["SLIP"]


@dataclass(frozen=True)
class SLIP:
    """temperature: τ. hidden, out: widths of the head. simclr, clip: weights of the two parts; clip
    0 beside another objective in ``weighted``."""

    temperature: Annotated[float, "> 0"] = 0.1
    hidden: Annotated[int, ">= 1"] = 4096
    out: Annotated[int, ">= 1"] = 256
    simclr: Annotated[float, ">= 0"] = 1.0
    clip: Annotated[float, ">= 0"] = 1.0

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("views", "parts")
    views: ClassVar[int] = 2

    def make_parts(self, dim: int) -> nn.Module:
        """The head: three layers with normalisation over the batch."""
        return MLP((dim, self.hidden, self.hidden, self.out))

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
        own = own_of(len(image), gather, image.device)  # (b, n)
        both = [self._summed(z[one], everyone[1 - one], everyone[one], own) for one in (0, 1)]
        loss = torch.stack(both).sum()
        loss = rows_mean(self.simclr * loss / 2, len(image), gather)
        return beside_infonce(
            loss, self.clip, image, text, batch,
            logit_scale=logit_scale, logit_bias=logit_bias, gather=gather,
        )  # fmt: skip

    def _summed(self, x: Tensor, others: Tensor, likes: Tensor, own: Tensor) -> Tensor:
        """x (b, o) of one view against the other view and the same view of all (n, o)."""
        across = x @ others.T / self.temperature
        within = (x @ likes.T / self.temperature).masked_fill(own, -torch.inf)
        said = torch.cat([across, within], 1).log_softmax(1)[:, : len(others)]
        return -said[own].sum()
