"""Symmetric InfoNCE: every image finds its own caption in the batch, and every caption its image.

loss = (CE(s I Tᵀ) + CE(s T Iᵀ)) / 2 with targets on the diagonal, s the logit scale.
Reference: CLIP, Radford et al. 2021, https://arxiv.org/abs/2103.00020.
Differs: identical captions of a batch are one positive each for all their images (``same_text:
positive``); the target then is uniform over the positives (SupCon's L_out, Khosla et al. 2020).
``same_text: negative`` is the original. Where equal captions have equal embeddings the two are one
function (docs/tiles_results.md); they differ with dropout in a text tower that is trained.
Figures of one article, or images of one patient or map cell, often show what the caption of the
other says. They are left out of each other's denominators (``same_group: ignore``), both ways and
of what smoothing spreads over; the original keeps them, ``negative``. A pair of which nothing but
itself is left adds 0, so a batch of one article teaches nothing. Pairs without a group share none.
With ``captions: classes`` it is the loss of FLYP, Goyal et al. 2023, arXiv 2212.00638, which tunes
both towers for classification as they were pretrained; its authors have ``same_text: negative``.
Groups say nothing there: another class's prompt is not of the image, wherever that comes from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from domainclip.objectives._positives import both_ways, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["InfoNCE"]


@dataclass(frozen=True)
class InfoNCE:
    """Symmetric InfoNCE over the images and captions of all ranks.

    same_text: identical captions count as each other's positives, or as negatives.
    label_smoothing: share of the target spread over the whole batch, 0 to 1.
    captions: the pairs' own, or of ``classes`` the prompt of each image's class, by a template
    drawn at every step (the first while validating); an image without a class keeps its caption.
    same_group: pairs of one group are left out of each other's negatives, or are positives, or
    negatives.
    """

    same_text: Literal["positive", "negative"] = "positive"
    label_smoothing: Annotated[float, ">= 0 <= 1"] = 0.0
    captions: Literal["pairs", "classes"] = "pairs"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"

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
    ) -> Tensor:
        """This rank's part of the mean over all images and captions; image, text (b, d)."""
        images, texts = gather(image), gather(text)  # (n, d)
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group if self.captions == "pairs" else "negative"
        )
        to_texts, to_images = logit_scale * image @ texts.T, logit_scale * text @ images.T  # (b, n)
        loss = both_ways(to_texts, to_images, alike, self.label_smoothing)
        return rows_mean(loss, len(image), gather)
