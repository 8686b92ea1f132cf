"""What is painted on a page, as a few boxes: images and drawings that touch are one.

Drawings are painted into a grid of cells and connected there, so that ten thousand paths cost
about as much as ten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .frames import Array, Flags, areas, as_array
from .page import Page, Rect

__all__ = ["clustered", "painted", "stationary"]

_CELL = 3.0  # points


def stationary(pages: Sequence[Page]) -> frozenset[Rect]:
    """Boxes (rounded to 2 points) of what is painted at the same place of many pages.

    Logos, frames, rules beneath running heads: three times in the margins, or on four pages of
    five anywhere (plots of one size often stand at one place of a few pages).
    """
    seen: Counter[Rect] = Counter()
    margins = set()
    for page in pages:
        boxes = {_rounded(raster.box) for raster in page.rasters}
        boxes |= {_rounded(drawing.box) for drawing in page.drawings}
        seen.update(boxes)
        margins |= {box for box in boxes if _in_margin(box, page)}
    many = max(3, 0.8 * len(pages))
    return frozenset(box for box, count in seen.items() if count >= (3 if box in margins else many))


def _in_margin(box: Rect, page: Page) -> bool:
    """Whether a box lies in the outer eighth at the top or bottom, or tenth at the sides."""
    x0, y0, x1, y1 = box
    high, wide = page.height / 8, page.width / 10
    return y1 < high or y0 > page.height - high or x1 < wide or x0 > page.width - wide


def _rounded(box: Rect) -> Rect:
    return (
        2.0 * round(box[0] / 2),
        2.0 * round(box[1] / 2),
        2.0 * round(box[2] / 2),
        2.0 * round(box[3] / 2),
    )


def painted(page: Page, furniture: frozenset[Rect]) -> tuple[Array, Flags]:
    """What may belong to figures, clipped to the page: boxes (n, 4), and which are images (n,).

    Left out: furniture, what is white, covers the page or is outside of it.
    """
    drawings = [d.box for d in page.drawings if not d.white and _rounded(d.box) not in furniture]
    images = [r.box for r in page.rasters if _rounded(r.box) not in furniture]
    boxes = as_array((*images, *drawings))
    image = np.arange(len(boxes)) < len(images)
    whole = np.array([0.0, 0.0, page.width, page.height])
    boxes[:, :2] = np.maximum(boxes[:, :2], whole[:2])
    boxes[:, 2:] = np.minimum(boxes[:, 2:], whole[2:])
    sides = boxes[:, 2:] - boxes[:, :2]
    keep = (sides >= 0).all(axis=1) & (sides.max(axis=1, initial=0) > 0)
    keep &= areas(boxes) < 0.9 * page.width * page.height
    return boxes[keep], image[keep]


def clustered(boxes: Array, width: float, height: float) -> Array:
    """The boxes of what is connected: (m, 4).

    Boxes join that touch, and may join up to two cells apart.
    """
    if len(boxes) <= 1:
        return boxes
    columns, rows = int(width / _CELL) + 3, int(height / _CELL) + 3
    low = np.floor(boxes[:, :2] / _CELL).astype(int)
    high = np.floor(boxes[:, 2:] / _CELL).astype(int)
    steps = np.zeros((rows + 1, columns + 1), dtype=np.int64)
    np.add.at(steps, (low[:, 1], low[:, 0]), 1)
    np.add.at(steps, (low[:, 1], high[:, 0] + 1), -1)
    np.add.at(steps, (high[:, 1] + 1, low[:, 0]), -1)
    np.add.at(steps, (high[:, 1] + 1, high[:, 0] + 1), 1)
    filled = steps.cumsum(axis=0).cumsum(axis=1) > 0
    names = _components(filled)
    own = names[low[:, 1], low[:, 0]]
    order = np.argsort(own, kind="stable")
    starts = np.flatnonzero(np.diff(own[order], prepend=-1))
    low_edges = np.minimum.reduceat(boxes[order, :2], starts, axis=0)
    high_edges = np.maximum.reduceat(boxes[order, 2:], starts, axis=0)
    return np.concatenate([low_edges, high_edges], axis=1)


def _components(filled: Flags) -> NDArray[np.int64]:
    """A name for each filled cell (-1 elsewhere), the same where cells touch by their sides."""
    edges = np.diff(filled.astype(np.int8), axis=1, prepend=0, append=0)
    run_row, run_start = np.nonzero(edges == 1)
    run_end = np.nonzero(edges == -1)[1]
    parent = list(range(len(run_row)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    above = 0  # the first run of the row before that may still touch
    for at in range(len(run_row)):
        row, start, end = run_row[at], run_start[at], run_end[at]
        while above < at and (
            run_row[above] < row - 1 or (run_row[above] == row - 1 and run_end[above] <= start)
        ):
            above += 1
        other = above
        while other < at and run_row[other] == row - 1 and run_start[other] < end:
            parent[root(other)] = root(at)
            other += 1
    names = np.full(filled.shape, -1, dtype=np.int64)
    for at in range(len(run_row)):
        names[run_row[at], run_start[at] : run_end[at]] = root(at)
    return names
