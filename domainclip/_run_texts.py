"""What a run says of captions that its text tower cannot read to their end."""

from __future__ import annotations

import pyarrow as pa

from domainclip.backbones import Backbone
from domainclip.pairs import Pairs

__all__ = ["said_of_cut"]

_LOOKED_AT = 2_000


def said_of_cut(pairs: Pairs, backbone: Backbone) -> str:
    """How many captions the backbone's way of reading long texts cuts and how much of them is lost,
    by at most 2,000 captions at even distances; empty where none is."""
    count = getattr(backbone.strategy, "lost", None)
    if count is None or not len(pairs):
        return ""
    rows = min(len(pairs), _LOOKED_AT)
    chosen = pa.array([number * len(pairs) // rows for number in range(rows)])
    captions = pairs.table(["text"]).column("text").take(chosen).to_pylist()
    cut, share = count(backbone, [caption or "" for caption in captions])
    if not cut:
        return ""
    looked = f"{rows:,} of {len(pairs):,}" if rows < len(pairs) else f"{rows:,}"
    return (
        f"text: {cut:,} of {looked} captions are cut by {backbone.long['name']}, which loses "
        f"{share:.1%} of all their tokens; text.name=window reads them whole"
    )
