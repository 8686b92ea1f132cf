"""Read a long text whole: the tower's positions are stretched, the first 20 stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import Tensor

from domainclip.backbones._unit import unit
from domainclip.backbones._words import breakable
from domainclip.backbones.handle import Backbone
from domainclip.backbones.shortening import (
    shortened,
    takes_positions,
    text_features,
    used_positions,
)
from domainclip.errors import UsageError
from domainclip.text._positions import positions_of, stretched
from domainclip.text._protocol import PieceEncoder, Pieces
from domainclip.text._tokens import lengths, lost_beyond

__all__ = ["Stretch"]

_FITS = -1  # in place of ids beyond the context: the text is read with the tower's own positions


@dataclass(frozen=True)
class Stretch(PieceEncoder):
    """Texts (n) -> (n, d) unit length; a text that fits is encoded as ``truncate`` would.

    keep: positions that stay, from the first. length: positions after the stretch; what is longer
    is cut there. every_text: read short texts with the stretched positions too, as Long-CLIP does;
    they differ where a text has more than ``keep`` tokens. The table is computed from the tower's
    own whenever a text is read: nothing is added to the model, and what trains its positions trains
    these. As it stands the tower has not seen such positions: it is made to be tuned on long texts,
    best with the objective ``primary_component``.
    A BERT is read on all positions that it was made with (512 as a rule), without a stretch. A
    tower that reads every position (SigLIP) is refused, since nothing of its zero-shot accuracy is
    left on another context (open_clip issue 1067); untested: read it so all the same.
    Reference: Long-CLIP, Zhang et al. 2024, arXiv 2403.15378, section 3.1.
    Differs: Long-CLIP trains a table of its own behind the first 20, which stay fixed; here what
    trains, if the adapter trains positions at all, is the tower's own table, on its first 20 rows
    too.
    """

    keep: Annotated[int, ">= 0"] = 20
    length: Annotated[int, ">= 1"] = 248
    every_text: bool = False
    untested: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.keep < self.length - 1:
            raise UsageError(
                f"text.length: {self.length} positions are no stretch of a tower whose first "
                f"text.keep={self.keep} stay; give text.length above the tower's own, such as 248."
            )

    def check(self, backbone: Backbone) -> None:
        """Raises UsageError for a tower that stretched positions do not fit."""
        if _masks_pads(backbone):
            return
        context = backbone.context_length
        if not takes_positions(backbone.model):
            raise UsageError(
                f"the text tower of {backbone.name!r} puts more than positions around a text, so "
                "stretch does not apply to it; use long='window'."
            )
        if getattr(_tower(backbone), "attn_mask", None) is None and not self.untested:
            raise UsageError(
                f"the text tower of {backbone.name!r} reads every position, and stretched to "
                f"{self.length} it says nothing until it is tuned so; use long='sentences', or "
                "untested=true to tune it."
            )
        if not self.keep < context - 1:
            raise UsageError(
                f"text.keep: {self.keep} is not between 0 and {context - 2}; {backbone.name!r} has "
                f"{context} positions."
            )
        if self.length < context:
            raise UsageError(
                f"text.length: {self.length} is less than the {context} positions that "
                f"{backbone.name!r} has; give {context} or more."
            )

    def pieces(self, backbone: Backbone, texts: Sequence[str]) -> Pieces:
        """A piece a text. Raises UsageError for a tower that cannot be read so."""
        self.check(backbone)
        context, limit = backbone.context_length, self._limit(backbone)
        plain = backbone.tokenize(texts)
        needed = lengths(backbone, texts)
        fits = needed <= context
        if not len(texts) or limit <= context or bool(fits.all()):
            ids = plain
        else:
            ids = _cut_at(backbone, texts, int(needed.max().clamp(max=limit)), limit)
            if not _masks_pads(backbone):
                ids[:, context:][fits] = _FITS
        by_tower = None if self.every_text and not _masks_pads(backbone) else fits
        return Pieces(ids, torch.arange(len(texts)), torch.ones(len(texts)), by_tower)

    def read(self, backbone: Backbone, ids: Tensor) -> Tensor:
        """Ids as ``pieces`` gives them -> (w, d) unit length; a text that fits by the tower."""
        context = backbone.context_length
        if _masks_pads(backbone):
            return backbone.text(ids)
        if ids.shape[1] <= context:
            return unit(self._stretched(backbone, ids)) if self.every_text else backbone.text(ids)
        long = ids[:, context] != _FITS
        if self.every_text or bool(long.all()):
            return unit(self._stretched(backbone, ids.clamp(min=0)))
        short = backbone.text(ids[~long, :context])
        if not bool(long.any()):
            return short
        read = unit(self._stretched(backbone, ids[long]))
        found = read.new_zeros(len(ids), read.shape[1])
        at = long.to(read.device)
        return found.index_put((at,), read).index_put((~at,), short.to(read))

    def lost(self, backbone: Backbone, texts: Sequence[str]) -> tuple[int, float]:
        """(texts that are cut, share of all their tokens, 0 to 1, that the tower never sees)."""
        return lost_beyond(backbone, texts, max(self._limit(backbone), backbone.context_length))

    def _stretched(self, backbone: Backbone, ids: Tensor) -> Tensor:
        """(b, d) as the tower gives them, on the shortest exact context."""
        model = backbone.model
        own = getattr(model, "text", model).positional_embedding
        ids = shortened(model, ids)
        table = stretched(own, self.keep, max(self.length, len(own)))
        return text_features(model, ids.to(backbone.device), table)

    def _limit(self, backbone: Backbone) -> int:
        """Positions that a text may take."""
        if _masks_pads(backbone):
            return positions_of(_tower(backbone)) or max(self.length, backbone.context_length)
        return max(self.length, backbone.context_length)


def _tower(backbone: Backbone) -> Any:
    return getattr(backbone.model, "text", backbone.model)


def _masks_pads(backbone: Backbone) -> bool:
    """A Hugging Face tower in open_clip's wrapping."""
    tower = _tower(backbone)
    return hasattr(tower, "pooler") and hasattr(tower, "config")


def _cut_at(backbone: Backbone, texts: Sequence[str], length: int, limit: int) -> Tensor:
    """(n, length) ids as the tower's tokenizer gives them for a context of that length.

    A tower that reads its pads is given all of the limit, so that a text is the same in any batch.
    """
    read_whole = used_positions(backbone.model, torch.zeros(1, 1, dtype=torch.int64)) is None
    tokenizer: Any = backbone.tokenizer
    ids: Tensor = tokenizer(
        breakable(tokenizer, texts), context_length=limit if read_whole else length
    )
    return ids
