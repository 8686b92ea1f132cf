"""What a run says of captions that its text tower cannot read to their end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from domainclip.backbones import Backbone
from domainclip.data._loading import captions_of
from domainclip.pairs import Pair, Pairs

__all__ = ["said_of_cut"]

_LOOKED_AT = 2_000


def said_of_cut(pairs: Pairs, backbone: Backbone, roles: Sequence[str]) -> str:
    """How many captions in the roles the backbone's way of reading long texts cuts and how much of
    them is lost, by at most 2,000 pairs at even distances; empty where none is."""
    count = getattr(backbone.strategy, "lost", None)
    if count is None or not len(pairs):
        return ""
    chosen = np.unique(np.linspace(0, len(pairs) - 1, _LOOKED_AT).astype(np.int64))
    captions = [caption for pair in _at(pairs, chosen) for caption in captions_of(pair, roles)]
    cut, share = count(backbone, captions)
    if not cut:
        return ""
    whose = f" (of {len(chosen):,} of {len(pairs):,} pairs)" if len(chosen) < len(pairs) else ""
    return (
        f"text: {cut:,} of {len(captions):,} captions{whose} are cut by {backbone.long['name']}, "
        f"which loses {share:.1%} of all their tokens; text.name=window reads them whole"
    )


def _at(pairs: Pairs, chosen: np.ndarray) -> Iterator[Pair]:
    for group in pairs.groups:
        first, end = np.searchsorted(chosen, (group.start, group.start + group.rows))
        yield from pairs.read_rows(group, ("text", "texts"), chosen[first:end] - group.start)
