"""The lines of a caption, from its first: what stands on the same line and what follows below."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from .upright import BodyType, Placed

__all__ = ["caption_lines"]

_PANEL = re.compile(r"\(?[A-Za-z][).:,]|\([A-Za-z]\b")
_ADDRESS = re.compile(r"(?:https?://|doi:|www\.)\S+$", re.IGNORECASE)
_ENDED = re.compile(r"[.!?][\"'”’)\]]*\s*$")


@dataclass(slots=True)
class _Growing:
    """A caption while it grows. pitch: from line to line, points; 0 while it is not known."""

    rows: list[list[Placed]]
    size: float
    fonts: set[str]
    pitch: float = 0.0
    edges: list[float] = field(default_factory=list)

    @property
    def x0(self) -> float:
        return min(row[0].x0 for row in self.rows)

    @property
    def x1(self) -> float:
        return max(row[-1].x1 for row in self.rows)


def caption_lines(
    first: Placed, lines: Sequence[Placed], others: Collection[int], body: BodyType
) -> list[list[Placed]]:
    """The caption's rows from top to bottom, each from left to right.

    lines: of its direction, by y0. others: indices of lines at which other captions begin.
    """
    assert first.label is not None
    row = _row(first, lines, others)
    text = [placed for placed in row if placed is not first] or [first]
    alone = len(row) == 1 and not first.line.text[first.label.end :].strip()
    caption = _Growing([row], max(placed.size for placed in text), {p.line.font for p in text})
    while (below := _next(caption, lines, others)) is not None:
        if not _belongs(below, caption, body, alone and len(caption.rows) == 1):
            break
        pitch = _bottom(below) - _bottom(caption.rows[-1])
        if alone and len(caption.rows) == 1:
            caption.size, caption.fonts = below[0].size, {below[0].line.font}
        else:
            caption.pitch = min(caption.pitch, pitch) if caption.pitch else pitch
            caption.fonts.update(placed.line.font for placed in below)
        caption.rows.append(below)
    return caption.rows


def _row(first: Placed, lines: Sequence[Placed], others: Collection[int]) -> list[Placed]:
    """The pieces that stand on one line with the first, as far as no gap parts them."""
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
        if other.index in others or other.x0 - row[-1].x1 > _near(row[-1], other):
            break
        row.append(other)
    if first.index in others:
        return row
    for other in reversed(beside[:at]):
        if other.index in others or row[0].x0 - other.x1 > _near(other, row[0]):
            break
        row.insert(0, other)
    return row


def _near(left: Placed, right: Placed) -> float:
    """How wide a gap may be within a row, points. Columns stand as close as 1.5 em."""
    label = left.label
    if label is not None and not left.line.text[label.end :].strip():
        return 3 * left.size  # the label alone: "Figure 1.   The title"
    return (2.5 if left.line.block == right.line.block else 0.8) * left.size


def _next(
    caption: _Growing, lines: Sequence[Placed], others: Collection[int]
) -> list[Placed] | None:
    """The row under the caption's last, within its width; None where another caption begins."""
    bottom, x0, x1 = _bottom(caption.rows[-1]), caption.x0, caption.x1
    used = {placed.index for row in caption.rows for placed in row}
    below = [
        other
        for other in lines
        if other.index not in used
        and bottom + 0.4 * other.size < other.y1 < bottom + 3 * caption.size
        and other.x0 < x1
        and other.x1 > x0
    ]
    if not below:
        return None
    top = min(below, key=lambda other: other.y1)
    level = [other for other in below if other.y0 < (top.y0 + top.y1) / 2]
    if any(other.index in others for other in level):
        return None
    # An index stands above its line: the row is the one that most of the text is of.
    return _row(max(level, key=lambda other: len(other.line.text)), lines, others)


def _bottom(row: Sequence[Placed]) -> float:
    """Of the row's largest letters, so that indices do not move it."""
    return max(row, key=lambda placed: placed.size * len(placed.line.text)).y1


def _belongs(row: Sequence[Placed], caption: _Growing, body: BodyType, alone: bool) -> bool:
    """Whether the row goes on with the caption. alone: so far there is but the label."""
    main = max(row, key=lambda placed: len(placed.line.text))
    last = caption.rows[-1]
    pitch = _bottom(row) - _bottom(last)
    same_block = main.line.block in {placed.line.block for placed in last}
    if len(row) == 1 and _ADDRESS.match(main.line.text):
        return False  # the figure's own address, which journals print below
    if alone:
        return pitch < 2.2 * max(main.size, caption.size)
    if abs(main.size - caption.size) > 0.06 * caption.size + 0.1:
        return False
    usual = caption.pitch or 1.35 * caption.size
    if pitch > usual * (1.4 if same_block or not caption.pitch else 1.2) + 0.5:
        return False
    if main.line.font not in caption.fonts and not same_block and main.line.font == body.font:
        return False
    aligned = any(abs(row[0].x0 - other[0].x0) < 2 for other in caption.rows)
    centred = abs(row[0].x0 + row[-1].x1 - last[0].x0 - last[-1].x1) < 6
    if not (aligned or centred or same_block):
        return False
    if row[-1].x1 > caption.x1 + 3 * caption.size and len(caption.rows) > 1 and not centred:
        return False
    if same_block or _PANEL.match(row[0].line.text):
        return True
    short = last[-1].x1 < caption.x1 - 0.15 * (caption.x1 - caption.x0)
    like_body = main.line.font == body.font and abs(main.size - body.size) < 0.35
    return not (short and like_body and _ENDED.search(last[-1].line.text))
