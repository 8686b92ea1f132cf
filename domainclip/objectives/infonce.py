"""Symmetric InfoNCE: every image finds its own caption in the batch, and every caption its image.

loss = (CE(s I Tᵀ) + CE(s T Iᵀ)) / 2 with targets on the diagonal, s the logit scale.
Reference: CLIP, Radford et al. 2021, https://arxiv.org/abs/2103.00020.
Differs: identical captions of a batch are one positive each for all their images (``same_text:
positive``); the target then is uniform over the positives (SupCon's L_out, Khosla et al. 2020).
``same_text: negative`` is the original. Where equal captions have equal embeddings the two are one
function (docs/tiles_results.md); they differ with dropout in a text tower that is trained.
With ``captions: classes`` it is the loss of FLYP, Goyal et al. 2023, arXiv 2212.00638, which tunes
both towers for classification as they were pretrained; its authors have ``same_text: negative``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from domainclip.objectives._protocol import Batch, Gather, numbers_of

__all__ = ["InfoNCE"]


@dataclass(frozen=True)
class InfoNCE:
    """Symmetric InfoNCE over the images and captions of all ranks.

    same_text: identical captions count as each other's positives, or as negatives.
    label_smoothing: share of the target spread over the whole batch, 0 to 1.
    captions: the pairs' own, or of ``classes`` the prompt of each image's class, by a template
    drawn at every step (the first while validating); an image without a class keeps its caption.
    """

    same_text: Literal["positive", "negative"] = "positive"
    label_smoothing: Annotated[float, ">= 0 <= 1"] = 0.0
    captions: Literal["pairs", "classes"] = "pairs"

    needs: ClassVar[str] = "captions"

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
        start, stop = gather.mine(len(image))
        positive = self._positive(batch.captions, gather, start, stop, image.device)
        to_texts = _cross_entropy(logit_scale * image @ texts.T, positive, self.label_smoothing)
        to_images = _cross_entropy(logit_scale * text @ images.T, positive, self.label_smoothing)
        # ranks average their losses: this makes it the mean over all rows, however they are dealt
        return (to_texts + to_images) * (gather.world_size / (2 * len(images)))

    def _positive(
        self, captions: Sequence[str], gather: Gather, start: int, stop: int, device: torch.device
    ) -> Tensor:
        """(b, n) bool: which texts of all ranks belong to which of this rank's images."""
        if self.same_text == "negative":
            n = gather.total(stop - start)
            return torch.eye(n, dtype=torch.bool, device=device)[start:stop]
        numbers = gather(numbers_of(captions, device))
        return numbers[start:stop, None] == numbers[None, :]


def _cross_entropy(logits: Tensor, positive: Tensor, smoothing: float) -> Tensor:
    """Sum over rows (b, n) of the cross-entropy with a target uniform over the positives."""
    target = positive / positive.sum(1, keepdim=True)
    target = target * (1 - smoothing) + smoothing / target.shape[1]
    return -(target * logits.float().log_softmax(1)).sum()
