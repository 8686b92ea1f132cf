"""NegCLIP: InfoNCE in which images also tell their caption from texts made to look like it.

loss = (CE([s I Tᵀ, s I Nᵀ]) + CE(s T Iᵀ)) / 2, targets on the diagonal of the first block, s the
logit scale, N the hard negatives of the whole batch.
Reference: NegCLIP, Yuksekgonul et al. 2023, https://arxiv.org/abs/2210.01936, section 4.
Differs: captions and groups of a batch that are alike are treated as ``infonce`` does. Negatives
are swaps of domain words by rules (``_swaps``), or given, not of parts of speech; its further
images, alike to those of the batch, are left out. A pair without a negative, and one whose caption
is what another's negative says, has fewer; a batch without any is ``infonce``.
TripletCLIP (Patel et al. 2024, arXiv 2411.02545) adds the same loss for images made for the
negative texts. There are no such images in an archive, and none are made up here.
Shapes: image, text (b, d), negatives (b, k, d), k = ``count``. Ranks: this rank's rows against the
images, captions and negatives of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor

from domainclip.errors import UsageError
from domainclip.objectives._positives import Alike, log_shares, same_as, target_over
from domainclip.objectives._protocol import Batch, Gather, numbers_of, rows_mean
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
        images, texts = gather(image), gather(text)  # (n, d)
        wrong = gather(negatives).flatten(0, 1)  # (n * k, d)
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        to_texts = logit_scale * image @ torch.cat([texts, wrong]).T  # (b, n + n * k)
        left_out = torch.cat([alike.left_out, self._no_negative(batch, gather, alike)], 1)
        said = log_shares(to_texts, left_out)[:, : len(texts)]
        said = said + log_shares(logit_scale * text @ images.T, alike.left_out)
        return rows_mean(-(target_over(alike) * said).sum() / 2, len(image), gather)

    def _no_negative(self, batch: Batch, gather: Gather, alike: Alike) -> Tensor:
        """(b, n * k) true where a text is empty, or true of the image: its caption, or made from
        that of a pair which is left out."""
        device = alike.positive.device
        rows = self.negative_texts(batch)
        numbers = numbers_of([text for texts in rows for text in texts], device)
        everyone = gather(numbers.reshape(len(rows), self.count)).flatten()
        blank = everyone == numbers_of([""], device)
        own = numbers_of(batch.captions, device)[:, None] == everyone
        others = alike.left_out.repeat_interleave(self.count, dim=1)
        return (own & (self.same_text != "negative")) | others | blank
