"""TripletCLIP: NegCLIP in which the wrong texts have images of their own, and both sides learn.

NegCLIP(I, T, N) = (CE([s I Tᵀ, s I Nᵀ]) + CE(s T Iᵀ)) / 2, targets on the diagonal of the first
block, s the logit scale;
loss = NegCLIP(I, T, T⁻) + NegCLIP(I⁻, T⁻, T), I⁻ the image of the wrong text T⁻ of a pair.
Reference: TripletCLIP, Patel et al. 2024, https://arxiv.org/abs/2411.02545, and its code
(src/openclip/src/loss.py).
Differs: the authors write T⁻ with a language model and paint I⁻; here both are the user's own: a
row of the pairs whose meta says ``negative_of: KEY`` (a column of a CSV), made by a model or a
real picture of the opposite. Of several, one is drawn each epoch. Such rows are no pairs of their
own in training. The second half is over the pairs that have such a row, and 0 without any; the
first over all, where another pair's T⁻ is its first given negative text, if it has one, as
``hard_negatives``. So are captions and groups treated that are alike; in the second half, equal T⁻
and the groups of the pairs that they belong to.
Shapes: image, text, negative_images (b, d), negatives (b, 1, d). Ranks: this rank's rows against
images and texts of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar, Literal

import torch
from torch import Tensor

from domainclip.objectives._negclip import negclip
from domainclip.objectives._positives import Alike, own_of, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, numbers_of, rows_mean

__all__ = ["Triplet"]


@dataclass(frozen=True)
class Triplet:
    """same_text, same_group: as ``infonce``."""

    same_text: Literal["positive", "ignore", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("negatives", "negative_images")

    def negative_texts(self, batch: Batch) -> list[list[str]]:
        """b lists of one text: of the negative image, else the first negative, else empty."""
        given: Sequence[Sequence[str]] = batch.negatives or [()] * len(batch.captions)
        both = zip(_negative_captions(batch), given, strict=True)
        return [[caption or next(iter(texts), "")] for caption, texts in both]

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
        negatives: Tensor,
        negative_images: Tensor,
    ) -> Tensor:
        """This rank's part of the two means."""
        strict, device = self.same_text == "negative", image.device
        alike = same_as(batch, gather, device).judged(text=self.same_text, group=self.same_group)
        first = negclip(
            image, text, negatives, alike,
            said=batch.captions, wrong_texts=self.negative_texts(batch), own_is_wrong=strict,
            logit_scale=logit_scale, gather=gather,
        )  # fmt: skip
        captions = _negative_captions(batch)
        wrong = SimpleNamespace(captions=captions, groups=batch.groups, labels=batch.labels)
        both = same_as(wrong, gather, device).judged(text=self.same_text, group=self.same_group)
        has, everyone_has = _present(captions, gather, device)
        second = negclip(
            negative_images, negatives[:, 0], text[:, None],
            _among(both, everyone_has, own_of(len(image), gather, device)),
            said=captions, wrong_texts=[[caption] for caption in batch.captions],
            own_is_wrong=strict, logit_scale=logit_scale, gather=gather,
        )  # fmt: skip
        mean = rows_mean(first.sum(), len(image), gather)
        part = gather.world_size / everyone_has.sum().clamp(min=1)
        return mean + part * second.masked_fill(~has, 0).sum()


def _negative_captions(batch: Batch) -> Sequence[str]:
    return batch.negative_captions or ("",) * len(batch.captions)


def _present(captions: Sequence[str], gather: Gather, device: torch.device) -> tuple[Tensor, ...]:
    """(b,) and (n,) bool: which pairs of this rank, and of all, have a negative image."""
    has = numbers_of(captions, device) != numbers_of([""], device)
    return has, gather(has.int()).bool()


def _among(alike: Alike, everyone_has: Tensor, itself: Tensor) -> Alike:
    """The same, of those alone that have one; one that has none is left alone with itself."""
    left_out = (alike.left_out | ~everyone_has) & ~itself
    return Alike(alike.positive & ~left_out, left_out)
