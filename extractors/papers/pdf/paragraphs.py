"""Which lines of a page are running text, and which run at its head or foot.

A line belongs to the running text where it fills its column, has the column's usual density and
stands among others like it; the paragraph's last line and the headings above go with it. What
remains (axis labels, table cells, titles, notes) may belong to figures.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .frames import Array, Flags
from .layout import LONG, Column, Layout
from .page import Line, Page

__all__ = ["repeated", "running_text"]

_FORMULA = re.compile(r"[=≈≤≥<>∝→].*\(\w{0,2}\d{1,3}[a-z]?\)\s*$")
_SEQUENCE = re.compile(r"[A-Za-z.*-]{35}")  # of an alignment: no word is so long
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")


def repeated(pages: Sequence[Page]) -> list[set[int]]:
    """For each page, its running heads and feet.

    They say the same (but for digits) at the same height of several pages, and stand further out
    than the text does: the column heads of a table that goes on over pages do not.
    """
    places: defaultdict[tuple[str, int], set[int]] = defaultdict(set)
    keys: list[dict[int, tuple[str, int]]] = []
    for page in pages:
        own = {}
        for at, line in enumerate(page.lines):
            middle = (line.box[1] + line.box[3]) / 2
            if not page.height / 8 < middle < page.height * 7 / 8:
                key = (_DIGITS.sub("#", line.text.casefold()), round(middle / 4))
                own[at] = key
                places[key].add(page.number)
        keys.append(own)

    def often(key: tuple[str, int]) -> bool:
        words, height = key
        on = set().union(*(places.get((words, height + step), ()) for step in (-1, 0, 1)))
        return len(on) >= 3 or len(on) == len(pages) == 2

    same = [{at for at, key in own.items() if often(key)} for own in keys]
    rest = [
        line.box
        for page, own in zip(pages, same, strict=True)
        for at, line in enumerate(page.lines)
        if at not in own and len(line.text) >= LONG
    ]
    if not rest:
        return same
    top, bottom = (float(np.percentile([box[i] for box in rest], p)) for i, p in ((1, 1), (3, 99)))
    return [
        {at for at in own if page.lines[at].box[3] < top + 2 or page.lines[at].box[1] > bottom - 2}
        for page, own in zip(pages, same, strict=True)
    ]


def running_text(
    lines: Sequence[Line], boxes: Array, layout: Layout, skip: Flags
) -> tuple[Flags, Flags]:
    """Which of a page's lines (n,) are running text, and which of these fill their column.

    boxes: of the lines, turned to read upright. skip: captions, running heads and lines that read
    in another direction.
    """
    body = np.zeros(len(boxes), dtype=bool)
    full = np.zeros(len(boxes), dtype=bool)
    skip = skip | np.array([_SEQUENCE.search(line.text) is not None for line in lines], dtype=bool)
    for column in layout.columns:
        inside = (boxes[:, 0] >= column.x0 - 4) & (boxes[:, 2] <= column.x1 + 5) & ~skip
        members = np.flatnonzero(inside)
        if not len(members):
            continue
        rows = _rows(members, boxes)
        kinds = [_kind(row, lines, boxes, column, layout) for row in rows]
        paragraphs = _in_paragraphs(rows, kinds, lines, boxes, column, layout)
        for row, kind, running in zip(rows, kinds, paragraphs, strict=True):
            if running:
                body[row] = True
                full[row] |= kind == "full"
        _with_formulas(members, body, boxes)
    justified = _justified(lines, boxes, layout, skip | body)
    return body | justified, full | justified


def _justified(lines: Sequence[Line], boxes: Array, layout: Layout, skip: Flags) -> Flags:
    """Lines of justified paragraphs of any width (n,): text that flows around a figure."""
    found = np.zeros(len(boxes), dtype=bool)
    long = np.array([len(line.text) >= 20 for line in lines], dtype=bool)
    sizes = np.array([line.size for line in lines])
    usual = np.abs(sizes - layout.size) < 0.7
    at = np.flatnonzero(long & usual & ~skip)
    if len(at) < 4:
        return found
    at = at[np.lexsort((boxes[at, 1], np.round(boxes[at, 0] / 3)))]
    steps = np.diff(boxes[at], axis=0)
    follows = (np.abs(steps[:, 0]) < 2) & (np.abs(steps[:, 2]) < 2)
    follows &= (steps[:, 1] > 0) & (steps[:, 1] < 1.8 * layout.size)
    for run in np.split(at, np.flatnonzero(~follows) + 1):
        if len(run) >= 4:
            found[run] = True
    return found


def _with_formulas(members: NDArray[np.intp], body: Flags, boxes: Array) -> None:
    """Marks the pieces of formulas that stand in a line of running text of their column."""
    for at in members[~body[members]]:
        text = boxes[members[body[members]]]
        low, high = np.maximum(text[:, 1], boxes[at, 1]), np.minimum(text[:, 3], boxes[at, 3])
        level = high - low > 0.25 * (boxes[at, 3] - boxes[at, 1])
        near = (text[:, 0] - boxes[at, 2] < 12) & (boxes[at, 0] - text[:, 2] < 12)
        body[at] = bool((level & near).any())


def _rows(members: NDArray[np.intp], boxes: Array) -> list[list[int]]:
    """Lines side by side, from the top: those whose middles lie in one another."""
    order = sorted(members.tolist(), key=lambda at: boxes[at, 1] + boxes[at, 3])
    rows: list[list[int]] = []
    for at in order:
        middle = (boxes[at, 1] + boxes[at, 3]) / 2
        if rows and boxes[rows[-1][0], 1] <= middle <= boxes[rows[-1][0], 3]:
            rows[-1].append(at)
        else:
            rows.append([at])
    return [sorted(row, key=lambda at: boxes[at, 0]) for row in rows]


def _kind(row: list[int], lines: Sequence[Line], boxes: Array, column: Column, of: Layout) -> str:
    """full: text from edge to edge; part: a shorter line; odd: from edge to edge with holes (a
    formula in the line); "": cells, or something else."""
    first, last = row[0], row[-1]
    size = lines[max(row, key=lambda at: len(lines[at].text))].size
    gaps = [boxes[b, 0] - boxes[a, 2] for a, b in pairwise(row)]
    justified = abs(boxes[first, 0] - column.x0) < 4 and boxes[last, 2] > column.x1 - 6
    if gaps and max(gaps) > max(10.0, 1.2 * size):
        return "odd" if justified else ""
    if boxes[first, 0] > column.x0 + 36:
        return ""
    width = boxes[last, 2] - boxes[first, 0]
    letters = sum(len(lines[at].text) for at in row)
    dense = 0.28 * width < letters * size / 2 * 0.7 and letters >= LONG - 5
    usual = 0.7 * of.size <= size <= 1.35 * of.size
    return "full" if usual and dense and width >= 0.75 * (column.x1 - column.x0) else "part"


def _is_numbered_formula(text: str) -> bool:
    """Whether the words of a row are an equation with its number at the end."""
    return _FORMULA.search(text) is not None


def _is_sentence(line: Line, box: Array, column: Column, layout: Layout) -> bool:
    """Whether a line by itself, in the text's own type, is a paragraph's first or last."""
    return (
        len(line.text) >= LONG
        and line.font == layout.font
        and abs(line.size - layout.size) < 0.3
        and -2 < box[0] - column.x0 < 24
        and (line.text[-1] in ".?!" or line.text[0].islower() or box[2] > column.x1 - 4)
    )


def _in_paragraphs(
    rows: list[list[int]],
    kinds: list[str],
    lines: Sequence[Line],
    boxes: Array,
    column: Column,
    layout: Layout,
) -> list[bool]:
    """Whether each row is running text: two long ones in a row, and what hangs on them."""
    tops = [min(boxes[at, 1] for at in row) for row in rows]
    heads = [row[0] for row in rows]
    sizes = [lines[max(row, key=lambda at: len(lines[at].text))].size for row in rows]
    usual = [abs(own - layout.size) < 0.7 for own in sizes]
    wide = max(1.0, layout.leading / 1.5)  # lines set far apart, as in manuscripts
    running = [False] * len(rows)
    long = ("full", "odd")
    for at in range(len(rows) - 1):
        pitch, same = tops[at + 1] - tops[at], abs(sizes[at] - sizes[at + 1]) < 0.7
        pair = kinds[at], kinds[at + 1]
        both = "full" in pair and pair[0] in long and pair[1] in long
        if (
            same
            and pitch <= 2.2 * wide * sizes[at]
            and (both or (pair == ("full", "part") and usual[at]))
        ):
            running[at] = running[at + 1] = True
    for at, row in enumerate(rows):
        running[at] |= len(row) == 1 and _is_sentence(lines[row[0]], boxes[row[0]], column, layout)
    grown = list(running)
    for at in range(len(rows) - 1):
        pitch, same = tops[at + 1] - tops[at], abs(sizes[at] - sizes[at + 1]) < 0.7
        formula = usual[at + 1] and _is_numbered_formula(
            " ".join(lines[i].text for i in rows[at + 1])
        )
        if running[at] and not running[at + 1] and formula:
            grown[at + 1] |= pitch <= 3.2 * wide * sizes[at]
        if running[at] and not running[at + 1] and kinds[at + 1] and same:
            grown[at + 1] |= pitch <= 1.8 * wide * sizes[at]
        if running[at + 1] and not running[at]:
            aligned = abs(boxes[heads[at], 0] - column.x0) < 4
            formula = usual[at] and _is_numbered_formula(" ".join(lines[i].text for i in rows[at]))
            smaller = sizes[at] < sizes[at + 1] - 0.7
            reach = 3.2 if (aligned and not smaller) or formula else 1.8
            grown[at] |= bool(kinds[at] or formula) and pitch <= reach * wide * sizes[at + 1]
    return grown
