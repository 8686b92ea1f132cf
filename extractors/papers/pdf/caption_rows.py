"""The pieces of one line of a caption: MuPDF gives lines with wide gaps or formulas in parts."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from .upright import Placed

__all__ = ["caption_row", "is_bare"]

_LONG = 20  # letters; no piece of a formula is so long


def caption_row(
    first: Placed,
    lines: Sequence[Placed],
    others: Collection[int],
    edges: tuple[float, float] = (-math.inf, math.inf),
) -> list[Placed]:
    """The pieces that stand on one line with the first, as far as no gap parts them.

    edges: x0, x1 of the rows above; what stands beside these is of another column sooner.
    """
    height = first.y1 - first.y0
    beside = [
        other
        for other in lines
        if min(other.y1, first.y1) - max(other.y0, first.y0)
        > 0.5 * min(height, other.y1 - other.y0)
    ]
    beside.sort(key=lambda placed: placed.x0)
    at = beside.index(first)
    row = [first]
    for other in beside[at + 1 :]:
        if other.index in others or _parted(row[-1], other, lines, edges):
            break
        row.append(other)
    if first.index in others:
        return row
    for other in reversed(beside[:at]):
        if other.index in others or _parted(other, row[0], lines, edges):
            break
        row.insert(0, other)
    return row


def _parted(
    left: Placed, right: Placed, lines: Sequence[Placed], edges: tuple[float, float]
) -> bool:
    """Whether two pieces on one line are of two columns.

    Columns stand as close as 1.4 em, and the blanks of justified text are as wide: it is a column
    where other lines too begin at the right piece's edge.
    """
    gap = right.x0 - left.x1
    if is_bare(left):
        return gap > 3 * left.size  # "Figure 1.   The title"
    same_block = left.line.block == right.line.block
    # a narrow column's justified lines may have few words, and blanks of several em around each
    spread = same_block and " " not in left.line.text and " " not in right.line.text
    shortest = _LONG if spread else 0
    begin = sum(
        abs(line.x0 - right.x0) < 1.5 and line is not right and len(line.line.text) >= shortest
        for line in lines
    )
    column = begin > 1
    if not same_block and column and gap > 0.4 * left.size and len(right.line.text) >= _LONG:
        return True
    if gap <= 0.8 * left.size:
        return False
    if not same_block and (left.x1 < edges[0] or right.x0 > edges[1]):
        return True
    return gap > (8.0 if spread else 2.5) * left.size or column


def is_bare(placed: Placed) -> bool:
    """Whether the line is a label and nothing else."""
    return placed.label is not None and not placed.line.text[placed.label.end :].strip()
