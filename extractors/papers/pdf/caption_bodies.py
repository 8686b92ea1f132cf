"""The lines of a caption, from its first: what stands on the same line and what follows below."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .caption_rows import caption_row, is_bare
from .upright import BodyType, Placed

__all__ = ["caption_lines", "lines_carried_over"]

_MOST_ROWS = 200  # more than a page has
_PANEL = re.compile(r"\(?[A-Za-z][).:,]|\([A-Za-z]\b")
_ADDRESS = re.compile(r"(?:https?://|doi:|www\.)\S+$", re.IGNORECASE)
_ENDED = re.compile(r"[.!?][\"'”’)\]]*\s*$")


@dataclass(slots=True)
class _Growing:
    """A caption, or a column of it, while it grows. pitch: from line to line; 0 while unknown.

    label_alone: so far there is but the label, and the type of the text is still to be seen.
    """

    rows: list[list[Placed]]
    size: float
    fonts: set[str]
    pitch: float = 0.0
    label_alone: bool = False

    @property
    def x0(self) -> float:
        return min(row[0].x0 for row in self.rows)

    @property
    def x1(self) -> float:
        return max(row[-1].x1 for row in self.rows)


def caption_lines(
    first: Placed, lines: Sequence[Placed], others: Collection[int], body: BodyType
) -> list[list[Placed]]:
    """The caption's rows in reading order, each from left to right.

    lines: of its direction, by y0. others: indices of lines at which other captions begin.
    """
    row = caption_row(first, lines, others)
    text = [placed for placed in row if placed is not first] or [first]
    fonts = {placed.line.font for placed in text}
    alone = len(row) == 1 and is_bare(first)
    caption = _Growing([row], max(placed.size for placed in text), fonts, label_alone=alone)
    _grow(caption, lines, others, body)
    rows = list(caption.rows)
    while (top := _next_column(caption, lines, others, body)) is not None:
        caption.rows = [caption_row(top, lines, others)]
        _grow(caption, lines, others, body)
        rows += caption.rows
    return rows


def lines_carried_over(
    rows: Sequence[Sequence[Placed]],
    lines: Sequence[Placed],
    following: Sequence[Placed],
    others: Collection[int],
    body: BodyType,
) -> list[list[Placed]]:
    """The rows with which a caption goes on at the head of the next page.

    Only one whose last line is full, is its page's last and ends no sentence. following: the next
    page's lines; others: those at which its captions begin.
    """
    last = rows[-1][-1]
    if (
        not following
        or _ENDED.search(last.line.text)
        or any(line.base > last.base + 0.5 * last.size for line in lines)
    ):
        return []
    first = min(following, key=lambda line: (round(line.base), line.x0))
    word_width = 0.6 * first.size * (1 + len(first.line.text.split()[0]))
    if last.x1 + word_width < max(line.x1 for line in lines):
        return []  # there was room for the word: the caption has ended
    if (
        first.index in others
        or first.label is not None
        or (body.sets(first.line) and not first.line.text[0].islower())
        or first.line.font not in {placed.line.font for row in rows for placed in row}
        or abs(first.size - last.size) > 0.1
        or abs(first.x0 - rows[-1][0].x0) > 2 * last.size
    ):
        return []
    caption = _Growing([caption_row(first, following, others)], first.size, {first.line.font})
    _grow(caption, following, others, body)
    return caption.rows


def _grow(
    caption: _Growing, lines: Sequence[Placed], others: Collection[int], body: BodyType
) -> None:
    """Add the rows below that belong to it."""
    label = caption.rows[0][0].label
    table = label is not None and label.kind == "table"
    while (
        len(caption.rows) < _MOST_ROWS
        and (below := _next(caption, lines, others, body)) is not None
        and _belongs(below, caption, body)
        and not (table and _are_cells(below, caption, lines))
    ):
        pitch = _base(below) - _base(caption.rows[-1])
        if caption.label_alone:
            caption.size, caption.fonts = below[0].size, {below[0].line.font}
            caption.label_alone = False
        else:
            caption.pitch = min(caption.pitch or pitch, max(pitch, 0.9 * caption.size))
            caption.fonts.update(placed.line.font for placed in below)
        caption.rows.append(below)


def _next_column(
    caption: _Growing, lines: Sequence[Placed], others: Collection[int], body: BodyType
) -> Placed | None:
    """Where a caption set in columns goes on: at the right, on the height of its column's first.

    Only for captions in a type of their own, else the text's next column would be taken for it.
    """
    top, last = _base(caption.rows[0]), caption.rows[-1][-1]
    width = caption.x1 - caption.x0
    if len(caption.rows) < 2 or (
        _ENDED.search(last.line.text) and last.x1 < caption.x1 - 0.1 * width
    ):
        return None
    right = [
        other
        for other in lines
        if 0 < other.x0 - caption.x1 < 4 * caption.size
        and abs(other.base - top) < 1.2 * caption.pitch
        and abs(other.size - caption.size) < 0.1
        and other.line.font in caption.fonts
        and not body.sets(other.line)
        and other.x1 - other.x0 > 0.5 * width
    ]
    start = min(right, key=lambda other: other.base, default=None)
    if start is None or start.index in others or start.label is not None:
        return None
    above = any(
        0.5 * caption.size < start.base - other.base < 1.5 * caption.pitch
        and abs(other.size - start.size) < 0.1
        and other.x0 < start.x1
        and other.x1 > start.x0
        for other in lines
    )
    return None if above else start


def _next(
    caption: _Growing, lines: Sequence[Placed], others: Collection[int], body: BodyType
) -> list[Placed] | None:
    """The row under the caption's last, within its width; None where another caption begins."""
    base, x0, x1 = _base(caption.rows[-1]), caption.x0, caption.x1
    reach = max(3.0, 1.3 * body.leading) * caption.size
    used = {placed.index for row in caption.rows for placed in row}
    below = [
        other
        for other in lines
        if other.index not in used
        and base + 0.4 * caption.size < other.base < base + reach
        and other.x0 < x1
        and other.x1 > x0
    ]
    if not below:
        return None
    top = min(below, key=lambda other: other.base)
    level = [other for other in below if other.y0 < (top.y0 + top.y1) / 2]
    if any(other.index in others for other in level):
        return None
    # An index stands above its line: the row is the one that most of the text is of.
    return caption_row(max(level, key=lambda other: len(other.line.text)), lines, others, (x0, x1))


def _text_edges(row: Sequence[Placed]) -> list[float]:
    """Where a caption's text may begin in its first row, if the label stands left of all of it."""
    edges = [placed.x0 for placed in row[1:]]
    if len(row) == 1 and row[0].line.origin is not None and row[0].line.direction[0] > 0.99:
        edges.append(row[0].line.origin[0])
    return edges


def _are_cells(row: Sequence[Placed], caption: _Growing, lines: Sequence[Placed]) -> bool:
    """Whether the row is a table's: behind a gap others go on on its line, under the caption."""
    last = row[-1]
    return any(
        last.x1 < other.x0 < caption.x1 - caption.size
        and abs(other.base - last.base) < 0.2 * caption.size
        and abs(other.size - last.size) < 0.1
        for other in lines
    )


def _base(row: Sequence[Placed]) -> float:
    """Of most of the row's letters, so that indices do not move it."""
    return max(row, key=lambda placed: placed.size * len(placed.line.text)).base


def _belongs(row: Sequence[Placed], caption: _Growing, body: BodyType) -> bool:
    """Whether the row goes on with the caption."""
    main = max(row, key=lambda placed: len(placed.line.text))
    last = caption.rows[-1]
    pitch = _base(row) - _base(last)
    same_block = main.line.block in {placed.line.block for placed in last}
    if len(row) == 1 and _ADDRESS.match(main.line.text):
        return False  # the figure's own address, which journals print below
    if caption.label_alone:
        return pitch < max(2.2, 1.2 * body.leading) * max(main.size, caption.size)
    if abs(main.size - caption.size) > 0.06 * caption.size + 0.1:
        return False
    like_body = body.sets(main.line)
    leading = max(1.35, body.leading) if like_body else 1.35
    usual = caption.pitch or leading * caption.size
    if pitch > usual * (1.4 if same_block or not caption.pitch else 1.2) + 0.5:
        return False
    # Text in the body's type under a title in bold belongs to it where it is set close.
    if (
        main.line.font not in caption.fonts
        and not same_block
        and main.line.font == body.font
        and (len(caption.rows) > 1 or pitch > max(1.3, 1.05 * body.leading) * caption.size)
    ):
        return False
    aligned = any(abs(row[0].x0 - other[0].x0) < 2 for other in caption.rows)
    aligned |= any(abs(row[0].x0 - x) < 2 for x in _text_edges(caption.rows[0]))
    centred = abs(row[0].x0 + row[-1].x1 - last[0].x0 - last[-1].x1) < 6
    if not (aligned or centred or same_block):
        return False
    wider = row[-1].x1 > caption.x1 + 3 * caption.size and len(caption.rows) > 1
    if wider and not (centred or last[-1].line.text.endswith("-")):
        return False
    if same_block or _PANEL.match(row[0].line.text):
        return True
    short = last[-1].x1 < caption.x1 - 0.15 * (caption.x1 - caption.x0)
    return not (short and like_body and _ENDED.search(last[-1].line.text))
