"""The connected blobs of a mask, by its runs: rows of set pixels joined to the next row's.

numpy alone; about 20 ms for a picture of a million pixels with 30,000 runs.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Runs", "blob_boxes", "blob_runs"]


class Runs(NamedTuple):
    """The runs of a mask, blob after blob: the row, first column and column behind of each (n,),
    and where each blob begins among them (blobs,)."""

    rows: npt.NDArray[np.int64]
    lefts: npt.NDArray[np.int64]
    rights: npt.NDArray[np.int64]
    firsts: npt.NDArray[np.int64]


def blob_runs(
    mask: npt.NDArray[np.bool_], *, longest_run: int, most_runs: int = 120_000
) -> Runs | None:
    """The 8-connected blobs of a mask (height, width).

    Runs longer than ``longest_run`` pixels are left out: they belong to backgrounds and frames.
    None for a mask without runs, or of more than ``most_runs``, which is noise.
    """
    height, width = mask.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1).ravel()  # 1 where a run starts, -1 behind its end
    rows, lefts = np.divmod(np.flatnonzero(steps == 1), width + 1)
    rights = np.flatnonzero(steps == -1) % (width + 1)
    short = rights - lefts <= longest_run
    rows, lefts, rights = rows[short], lefts[short], rights[short]
    if not 0 < len(rows) <= most_runs:
        return None
    labels = _joined(len(rows), *_touching(rows, lefts, rights, width + 2))
    order = np.argsort(labels, kind="stable")
    firsts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    return Runs(rows[order], lefts[order], rights[order], firsts)


def blob_boxes(mask: npt.NDArray[np.bool_], *, longest_run: int) -> npt.NDArray[np.int64]:
    """(n, 4): left, top, right, bottom of the blobs that ``blob_runs`` gives."""
    runs = blob_runs(mask, longest_run=longest_run)
    if runs is None:
        return np.zeros((0, 4), np.int64)
    return np.stack(
        [
            np.minimum.reduceat(runs.lefts, runs.firsts),
            np.minimum.reduceat(runs.rows, runs.firsts),
            np.maximum.reduceat(runs.rights, runs.firsts),
            np.maximum.reduceat(runs.rows, runs.firsts) + 1,
        ],
        axis=1,
    ).astype(np.int64)


def _touching(
    rows: npt.NDArray[np.int64],
    lefts: npt.NDArray[np.int64],
    rights: npt.NDArray[np.int64],
    stride: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs of runs that touch, diagonals too: (upper, lower)."""
    starts, ends = rows * stride + lefts, rows * stride + rights  # both ascend
    first = np.searchsorted(ends, (rows + 1) * stride + lefts, "left")
    behind = np.searchsorted(starts, (rows + 1) * stride + rights, "right")
    counts = np.maximum(behind - first, 0)
    upper = np.repeat(np.arange(len(rows)), counts)
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return upper, np.repeat(first, counts) + offsets


def _joined(
    count: int, above: npt.NDArray[np.int64], below: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """The smallest run of each run's blob: roots hooked to smaller roots, paths halved."""
    labels = np.arange(count)
    while True:
        one, other = labels[above], labels[below]
        apart = one != other
        if not apart.any():
            return labels
        above, below = above[apart], below[apart]
        one, other = one[apart], other[apart]
        np.minimum.at(labels, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(shorter := labels[labels], labels):
            labels = shorter
