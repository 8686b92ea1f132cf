"""Blanks put back into lines whose words run together.

MuPDF takes a gap for a blank from about a fifth of the type's size on. Lines that were squeezed to
fit have narrower gaps: "Giantpandamilk". There the letters' own gaps tell, for they are of two
kinds: none within words, and a tenth of the size between them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["blocks_with_blanks"]

_LONG_WORD = re.compile(r"(?!\S{0,80}(?:[/@_]|www\.))[^\W\d_](?:[\w.,;:()'’-]){27}")
_LEAST_GAP = 0.07  # of the size; kerning stays below
_MEAN_WORD = (2.5, 12.0)  # letters; of running text in any Latin script


def blocks_with_blanks(text: Any) -> Sequence[Mapping[str, Any]]:
    """The blocks of a ``pymupdf.TextPage``, as extractDICT gives them, squeezed lines mended.

    The letters' boxes are asked for only where a word is longer than words are.
    """
    blocks: Sequence[Mapping[str, Any]] = text.extractDICT()["blocks"]
    squeezed = [
        (at, number)
        for at, block in enumerate(blocks)
        for number, line in enumerate(block.get("lines", ()))
        if line["dir"][0] > 0.99 and any(_LONG_WORD.search(span["text"]) for span in line["spans"])
    ]
    if squeezed:
        raw = text.extractRAWDICT()["blocks"]
        for at, number in squeezed:
            spans = blocks[at]["lines"][number]["spans"]
            texts = _respaced(raw[at]["lines"][number]["spans"])
            if texts is not None and len(texts) == len(spans):
                for span, mended in zip(spans, texts, strict=True):
                    span["text"] = mended
    return blocks


def _respaced(spans: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """The text of each span of a line of MuPDF's raw dictionary, with blanks; None without gain."""
    texts, letters, blanks = [], 0, 0
    right: float | None = None
    for span in spans:
        text = ""
        for char in span["chars"]:
            x0, _, x1, _ = char["bbox"]
            wide = right is not None and x0 - right > _LEAST_GAP * span["size"]
            if wide and not char["c"].isspace() and not text.endswith(" "):
                text += " "
            text += char["c"]
            letters += not char["c"].isspace()
            right = None if char["c"].isspace() else x1
        texts.append(text)
        blanks += len(text.split())
    low, high = _MEAN_WORD
    return texts if blanks > 1 and low < letters / blanks < high else None
