"""The columns of a document: the left edges at which many of its longer lines begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .frames import Array, as_array, quarter, turned
from .page import Page

__all__ = ["LONG", "Column", "Layout", "read_layout"]

_FEW = 200  # long lines
LONG = 25  # letters; shorter lines are cells, labels and headings


@dataclass(frozen=True, slots=True)
class Column:
    """A column of text, points. weight: share of the document's long lines that begin at x0."""

    x0: float
    x1: float
    weight: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Of the lines of a document that read in one direction.

    size, font: of the running text, points. leading: from line to line of it, in sizes. columns: by
    weight, heaviest first. x0, x1, y0, y1: what the running text of all pages fills.
    """

    size: float
    columns: tuple[Column, ...]
    x0: float
    y0: float
    x1: float
    y1: float
    leading: float = 1.2
    font: str = ""


def read_layout(pages: Sequence[Page], turn: int = 0) -> Layout:
    """The layout of the lines that read in this quarter turn (0: upright)."""
    sizes: Counter[float] = Counter()
    fonts: Counter[str] = Counter()
    boxes = []
    for page in pages:
        lines = [
            line
            for line in page.lines
            if len(line.text) >= LONG and quarter(line.direction) == turn
        ]
        boxes.append(turned(as_array(line.box for line in lines), turn, page.width, page.height))
        for line in lines:
            sizes[round(line.size * 2) / 2] += len(line.text)
            fonts[line.font] += len(line.text)
    every = np.concatenate(boxes) if boxes else np.empty((0, 4))
    if not len(every):
        return Layout(0.0, (), 0.0, 0.0, np.inf, np.inf)
    # a few turned tables make no columns
    owners = np.repeat(np.arange(len(boxes)), [len(own) for own in boxes])
    columns = _columns(every, owners) if turn == 0 or len(every) > _FEW else ()
    inside = every
    if columns:
        starts = np.array([column.x0 for column in columns])
        near = np.abs(every[:, :1] - starts).min(axis=1) < 4
        inside = every[near] if near.any() else every
    x0, x1 = (
        (min(c.x0 for c in columns), max(c.x1 for c in columns))
        if columns
        else (float(np.percentile(every[:, 0], 2)), float(np.percentile(every[:, 2], 98)))
    )
    y0, y1 = np.percentile(inside[:, 1], 1), np.percentile(inside[:, 3], 99)
    size = sizes.most_common(1)[0][0]
    font = fonts.most_common(1)[0][0]
    return Layout(size, columns, x0, float(y0), x1, float(y1), _leading(boxes, size), font)


def _leading(pages: Sequence[Array], size: float) -> float:
    """The commonest step from a long line down to the next at the same edge, in sizes."""
    steps: Counter[float] = Counter()
    for boxes in pages:
        order = boxes[np.lexsort((boxes[:, 1], np.round(boxes[:, 0] / 3)))]
        moves = np.diff(order[:, :2], axis=0)
        down = moves[(np.abs(moves[:, 0]) < 2) & (moves[:, 1] > 0.8 * size), 1] / size
        steps.update(np.round(down[down < 4], 1).tolist())
    return max(steps, key=steps.__getitem__, default=1.2)


def _columns(boxes: Array, pages: NDArray[np.intp]) -> tuple[Column, ...]:
    """Left edges at which at least 4 % of the lines begin, with the right edge of most of them.

    pages: the page of each line. Ragged lines on one page of several, and a few in a narrow column,
    may be those of a diagram.
    """
    several = len(np.unique(pages)) > 2
    extent = np.percentile(boxes[:, 2], 95) - np.percentile(boxes[:, 0], 5)
    edges = np.round(boxes[:, 0])
    values, counts = np.unique(edges, return_counts=True)
    found: list[Column] = []
    left = dict(zip(values.tolist(), counts.tolist(), strict=True))
    while left:
        peak = max(left, key=lambda edge: left[edge])
        near = [edge for edge in left if abs(edge - peak) <= 3]
        weight = sum(left.pop(edge) for edge in near) / len(boxes)
        if weight < 0.04:
            break
        own = np.abs(boxes[:, 0] - peak) <= 3.5
        once = several and weight < 0.15 and len(np.unique(pages[own])) == 1
        for right, share in _right_edges(boxes[own, 2]):
            sharp = np.mean(np.abs(boxes[own, 2] - right) <= 2) >= 0.4
            narrow = right - peak < 0.28 * extent
            if (once and (narrow or not sharp)) or (narrow and weight * share < 0.08):
                continue
            indented = any(0 < peak - c.x0 <= 40 and abs(c.x1 - right) < 6 for c in found)
            if right - peak > 80 and not indented:
                found.append(Column(float(peak), right, weight * share))
    return tuple(column for column in found if not _nested(column, found))


def _nested(column: Column, columns: Sequence[Column]) -> bool:
    """Whether a column is a part of a weightier one without a neighbour: a table's, a list's."""
    width = column.x1 - column.x0
    holders = [
        other
        for other in columns
        if other.weight > column.weight
        and other.x0 - 4 <= column.x0
        and column.x1 <= other.x1 + 6
        and width < 0.9 * (other.x1 - other.x0)
    ]
    return bool(holders) and not any(
        abs(other.x1 - other.x0 - width) < 8 and (other.x0 > column.x1 or other.x1 < column.x0)
        for other in columns
    )


def _right_edges(ends: Array) -> list[tuple[float, float]]:
    """Where the lines of one left edge end, with their shares: justified text has sharp edges.

    Two where lines of a column and lines across all columns begin at the same edge. Ragged text
    has none: the column is as wide as most of its lines then.
    """
    edges = []
    left = ends
    for _ in range(2):
        values, counts = np.unique(np.round(left), return_counts=True)
        if not len(values):
            break
        near = np.abs(values[:, None] - values) <= 2
        sums = near @ counts
        edge = values[np.argmax(sums)]
        if sums.max() < max(0.15 * len(ends), 5):
            break
        edges.append((float(edge), float(sums.max() / len(ends))))
        left = left[np.abs(left - edge) > 8]
    return edges or [(float(np.percentile(ends, 85)), 1.0)]
