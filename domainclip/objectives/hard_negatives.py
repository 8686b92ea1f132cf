"""NegCLIP: InfoNCE in which images also tell their caption from texts made to look like it.

loss = (CE([s I Tᵀ, s I Nᵀ]) + CE(s T Iᵀ)) / 2, targets on the diagonal of the first block, s the
logit scale, N the hard negatives of the whole batch.
Reference: NegCLIP, Yuksekgonul et al. 2023, https://arxiv.org/abs/2210.01936, section 4.
Differs: captions and groups of a batch that are alike are treated as ``infonce`` does. Negatives
are swaps of domain words by rules (``_swaps``), or given, not of parts of speech; its further
images, alike to those of the batch, are left out. A pair without a negative, and one whose caption
is what another's negative says, has fewer; a batch without any is ``infonce``. A run stops where
``source`` is ``given`` and no training pair has one.
TripletCLIP adds the same loss for images of the negative texts, where there are any: ``triplet``.
Shapes: image, text (b, d), negatives (b, k, d), k = ``count``. Ranks: this rank's rows against the
images, captions and negatives of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from torch import Tensor

from domainclip.errors import UsageError
from domainclip.objectives._negclip import negclip
from domainclip.objectives._positives import same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean
from domainclip.objectives._swaps import RULES, swapped

__all__ = ["HardNegatives"]


@dataclass(frozen=True)
class HardNegatives:
    """source: ``swaps`` makes the negatives of the captions by rules; ``given`` takes the pairs'
    texts in the role ``negative``. count: how many a pair, the first ones. rules: of laterality,
    severity, count, place, change, sensor, season, colour, negation; empty for all of them.
    same_text, same_group: as ``infonce``.
    """

    source: Literal["swaps", "given"] = "swaps"
    count: Annotated[int, ">= 1"] = 1
    rules: tuple[str, ...] = ()
    same_text: Literal["positive", "ignore", "negative"] = "positive"
    same_group: Literal["ignore", "positive", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("negatives",)

    @property
    def given_negatives(self) -> bool:
        """Whether training pairs must bring some."""
        return self.source == "given"

    def negative_texts(self, batch: Batch) -> list[list[str]]:
        """b lists of ``count`` texts; empty texts where there are fewer."""
        for rule in self.rules:
            if rule not in RULES:
                raise UsageError(
                    f"hard_negatives: rules has {rule!r}; there are {', '.join(RULES)}."
                )
        made: Sequence[Sequence[str]] = batch.negatives
        if self.source == "swaps":
            made = [swapped(text, self.count, self.rules or RULES) for text in batch.captions]
        elif not made:
            made = [()] * len(batch.captions)
        return [[*texts[: self.count], *[""] * (self.count - len(texts))] for texts in made]

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
    ) -> Tensor:
        """This rank's part of the mean over all images and captions."""
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        loss = negclip(
            image, text, negatives, alike,
            said=batch.captions, wrong_texts=self.negative_texts(batch),
            own_is_wrong=self.same_text == "negative", logit_scale=logit_scale, gather=gather,
        )  # fmt: skip
        return rows_mean(loss.sum(), len(image), gather)
