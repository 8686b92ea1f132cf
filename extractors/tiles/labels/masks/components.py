"""Objects in masks: connected components of each class, or all pixels of a value, as boxes.

RemoteCLIP's mask-to-box (arXiv 2306.11029): components, then axis-aligned boxes. Here they are
8-connected, and many tiles go through numpy together, one below the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from domainclip.images.blobs import blob_runs

__all__ = ["Parts", "components", "instances"]


@dataclass(frozen=True)
class Parts:
    """Objects of tiles, (n,) each: the tile's number, the value, its box (n, 4) x0, y0, x1, y1 in
    pixels of the tile, and the pixels it covers; ordered by tile, value, y0, x0."""

    tiles: np.ndarray
    values: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray


def components(tiles: np.ndarray) -> Parts:
    """Tiles of classes (t, h, w), 0 the background -> the 8-connected components of each class."""
    count, height, width = tiles.shape
    # a row of background keeps each tile's components to itself
    stacked = np.zeros((count, height + 1, width), tiles.dtype)
    stacked[:, :height] = tiles
    stacked = stacked.reshape(-1, width)
    found = []
    for value in np.unique(stacked[stacked > 0]).tolist():
        runs = blob_runs(stacked == value, longest_run=width, most_runs=stacked.size)
        if runs is not None:
            values = np.full(len(runs.firsts), value, np.int64)
            found.append(_boxed(runs.rows, runs.lefts, runs.rights, runs.firsts, values, height))
    return _ordered(found)


def instances(tiles: np.ndarray) -> Parts:
    """Tiles of values (t, h, w), 0 the background -> all pixels of each value as one object."""
    count, height, width = tiles.shape
    rows_of = np.zeros((count * (height + 1), width + 2), tiles.dtype)
    rows_of.reshape(count, height + 1, width + 2)[:, :height, 1:-1] = tiles
    # runs of one value: where it changes, but for those of the background
    changes = np.flatnonzero(rows_of[:, 1:] != rows_of[:, :-1])
    rows, lefts = np.divmod(changes, width + 1)
    values = rows_of[rows, lefts + 1]
    runs = np.flatnonzero(values != 0)
    if not len(runs):
        return _ordered([])
    # each run ends at the next change, which is in its row since every row ends in background
    rows, lefts, rights, values = rows[runs], lefts[runs], lefts[runs + 1], values[runs]
    order = np.lexsort((rows, values, rows // (height + 1)))
    rows, lefts, rights, values = rows[order], lefts[order], rights[order], values[order]
    tile = rows // (height + 1)
    firsts = np.flatnonzero((np.diff(tile, prepend=-1) != 0) | np.r_[True, np.diff(values) != 0])
    return _ordered([_boxed(rows, lefts, rights, firsts, values[firsts].astype(np.int64), height)])


def _boxed(
    rows: np.ndarray,
    lefts: np.ndarray,
    rights: np.ndarray,
    firsts: np.ndarray,
    values: np.ndarray,
    height: int,
) -> Parts:
    """Runs, those of an object after each other from ``firsts`` on -> the objects."""
    tiles, within = np.divmod(rows, height + 1)
    boxes = np.stack(
        [
            np.minimum.reduceat(lefts, firsts),
            np.minimum.reduceat(within, firsts),
            np.maximum.reduceat(rights, firsts),
            np.maximum.reduceat(within, firsts) + 1,
        ],
        axis=1,
    )
    return Parts(tiles[firsts], values, boxes, np.add.reduceat(rights - lefts, firsts))


def _ordered(found: list[Parts]) -> Parts:
    if not found:
        none = np.zeros(0, np.int64)
        return Parts(none, none, np.zeros((0, 4), np.int64), none)
    tiles, values, boxes, areas = (
        np.concatenate([getattr(parts, name) for parts in found])
        for name in ("tiles", "values", "boxes", "areas")
    )
    order = np.lexsort((boxes[:, 0], boxes[:, 1], values, tiles))
    return Parts(tiles[order], values[order], boxes[order], areas[order])
