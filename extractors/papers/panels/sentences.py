"""Where the sentences of a caption begin and end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

__all__ = ["sentence_spans"]

_END = re.compile(
    r"[.!?][\"”’]?(?=\s+[\"“(\[*†‡§#∗]{0,3}\s?[^\W\d_a-zа-я]|\s+[\d(\[]|\s+[a-z]\)|\s*[(\[][A-Za-z][)\]–,-]"
    r"|\s+[*†‡§#∗]|[A-Z][a-z]+\s)|[。；！？]"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:figs?|tabs?|eqs?|refs?|vs|ca|cf|approx|resp|no|nos|vol|sp|spp|var|al|e\.g|i\.e|dr|st|"
    r"mag|temp|conc|max|min|incl|arb|a\.u|bzw|z\.b)|\b[A-Z])\.$",
    re.I,
)
_LOWER_START = re.compile(r"(?<=\.)\s+(?=[a-z],?\s+[A-Z])")  # "Title. b Second"


def sentence_spans(text: str, starts: Sequence[int] = ()) -> list[tuple[int, int]]:
    """(start, end) of each sentence, which together are all of the text.

    starts: places where one begins besides. A full stop inside brackets or after an abbreviation
    ends none.
    """
    inside = _bracketed(text)
    cuts = {at for at in starts if re.search(r"(?:^|[.!?])\s*$", text[max(0, at - 4) : at])}
    cuts |= {match.end() for match in _LOWER_START.finditer(text)}
    for match in _END.finditer(text):
        end = match.end()
        if not inside[match.start()] and not _ABBREVIATION.search(text[max(0, end - 12) : end]):
            cuts.add(end)
    places = sorted(cut for cut in cuts if 0 < cut < len(text))
    return list(zip([0, *places], [*places, len(text)], strict=True))


def _bracketed(text: str) -> list[bool]:
    """Whether each character stands in brackets that are closed again."""
    depth = [0] * (len(text) + 1)
    opened: list[int] = []
    for at, character in enumerate(text):
        if character in "([（":
            opened.append(at)
        elif character in ")]）" and opened:
            depth[opened.pop()] += 1
            depth[at] -= 1
    return [level > 0 for level in accumulate(depth)]
