"""Which points come close to which, without comparing all: a grid in two or three dimensions."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

__all__ = ["close_pairs"]

_AT_ONCE = 1 << 19  # pairs given at once
_CELLS = 1 << 20  # of each axis at most, so that a cell's number fits 63 bits


def close_pairs(
    points: np.ndarray,
    radii: np.ndarray,
    others: np.ndarray,
    other_radii: np.ndarray,
    distance: float,
    *,
    done: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(rows of points, rows of others), some at a time: every pair of which the points lie, along
    each axis, within the sum of both radii and ``distance``; some farther pairs come with them.

    points: (n, d), d of 2 or 3; radii: (n,) of what lies about them. done: (n,) bool that the
    caller sets for points it needs no more of. Each size of the others (by powers of four) has its
    own grid, so a few large ones among many small cost nothing.
    """
    if not len(points) or not len(others):
        return
    radii, other_radii = radii + distance / 2, other_radii + distance / 2
    sizes, other_sizes = _sizes(radii), _sizes(other_radii)
    for size, other_size in product(np.unique(sizes), np.unique(other_sizes)):
        rows, far = np.flatnonzero(sizes == size), np.flatnonzero(other_sizes == other_size)
        reach = float(radii[rows].max() + other_radii[far].max())
        yield from _within(points, rows, others, far, reach, done)


def _within(
    points: np.ndarray,
    rows: np.ndarray,
    others: np.ndarray,
    far: np.ndarray,
    reach: float,
    done: np.ndarray | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    low = np.minimum(points[rows].min(axis=0), others[far].min(axis=0))
    high = np.maximum(points[rows].max(axis=0), others[far].max(axis=0))
    # a hair more, for what rounding takes away
    side = max(reach * (1 + 1e-9), float((high - low).max()) / _CELLS, 1e-300)
    mine = np.floor((points[rows] - low) / side).astype(np.int64) + 1
    theirs = np.floor((others[far] - low) / side).astype(np.int64) + 1
    order = np.argsort(_numbered(theirs), kind="stable")
    far, numbers = far[order], _numbered(theirs)[order]
    # the last axis is contiguous: three cells of it are one run
    for offset in product((-1, 0, 1), repeat=points.shape[1] - 1):
        at = np.arange(len(rows)) if done is None else np.flatnonzero(~done[rows])
        cell = mine[at] + np.array([*offset, 0])
        begin = np.searchsorted(numbers, _numbered(cell - _LAST[points.shape[1]]), side="left")
        end = np.searchsorted(numbers, _numbered(cell + _LAST[points.shape[1]]), side="right")
        held = np.flatnonzero(end > begin)
        yield from _runs(rows[at[held]], begin[held], end[held], far, done)


def _runs(
    rows: np.ndarray,
    begin: np.ndarray,
    end: np.ndarray,
    far: np.ndarray,
    done: np.ndarray | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Each row with the others of its run; a run longer than _AT_ONCE comes in parts."""
    ends = np.cumsum(end - begin)
    first = 0
    while first < len(rows):
        before = int(ends[first - 1]) if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        chosen = np.arange(first, last)
        if done is not None:
            chosen = chosen[~done[rows[chosen]]]
        for at in range(0, int((end - begin)[chosen].max(initial=0)), _AT_ONCE):
            start = begin[chosen] + at
            counts = np.clip(end[chosen] - start, 0, _AT_ONCE)
            shift = np.repeat(start - (np.cumsum(counts) - counts), counts)
            yield np.repeat(rows[chosen], counts), far[shift + np.arange(len(shift))]
        first = last


def _sizes(radii: np.ndarray) -> np.ndarray:
    positive = np.maximum(radii, max(float(radii.max()) * 1e-6, 1e-300))
    return np.floor(np.log2(positive) / 2).astype(np.int64)


def _numbered(cells: np.ndarray) -> np.ndarray:
    number = cells[:, 0]
    for axis in range(1, cells.shape[1]):
        number = number * (_CELLS + 4) + cells[:, axis]
    return number


_LAST = {2: np.array([0, 1]), 3: np.array([0, 0, 1])}
