"""Distances along a line: which lie on an even grid, which of it are missing."""

from __future__ import annotations

import numpy as np

__all__ = ["even_places", "gap_tolerance", "typical_gap"]


def gap_tolerance(gap: float) -> float:
    """How far a slice may lie off an even grid: 1 % of the gap or 0.1 mm, and less than a tenth of
    gaps that are themselves that small."""
    return max(0.01 * gap, min(0.1, 0.1 * gap))


def typical_gap(distances: np.ndarray) -> float:
    """distances (n,) growing, n >= 2 -> the median gap, the lower one of two."""
    return float(np.percentile(np.diff(distances), 50, method="lower"))


def even_places(distances: np.ndarray) -> np.ndarray | None:
    """distances (n,) not falling, n >= 2 -> the place of each on an even grid, int (n,) from 0;
    None where they lie on none.

    The grid's step is the median gap, or the smallest one where at least a quarter of all gaps are
    as small: more than half of the slices may be missing.
    """
    gaps = np.diff(distances)
    if gaps.min() <= 0:
        return None
    for guess in dict.fromkeys((typical_gap(distances), float(gaps.min()))):
        step = float(gaps[(gaps > 0.5 * guess) & (gaps < 1.5 * guess)].mean())
        counts = np.rint(gaps / step)
        even = np.abs(gaps - counts * step) <= gap_tolerance(step) * np.sqrt(counts)
        if not (even.all() and np.mean(counts == 1) >= 0.25):
            continue
        places = np.concatenate([[0], np.cumsum(counts)])
        # errors that add up: against the whole line, not only the neighbour
        fitted = distances[0] + places * (distances[-1] - distances[0]) / places[-1]
        if np.abs(distances - fitted).max() <= gap_tolerance(step):
            return places.astype(int)
    return None
