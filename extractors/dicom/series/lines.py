"""Parallel slices, told apart by where in their plane they lie: stacks side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .geometry import Slice

__all__ = ["lines_of"]

_MOST_LINES = 64


def lines_of(slices: Sequence[Slice]) -> list[tuple[list[Slice], bool]]:
    """``slices`` of one orientation -> those of one straight line together, and True; a line may
    lean, as a tilted gantry makes it. Slices that lie on no few lines stay together, with False.
    """
    first = slices[0]
    assert first.orientation is not None
    rows, columns = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    positions = np.array([each.position for each in slices], float)
    positions -= positions.mean(axis=0)
    aside = np.stack([positions @ rows, positions @ columns], axis=1)  # (n, 2)
    tolerance = _tolerance(first)
    if np.abs(aside - np.median(aside, axis=0)).max() <= tolerance:
        return [(list(slices), True)]
    along = positions @ np.cross(rows, columns)
    if np.ptp(along) > tolerance:
        leaning = np.stack([along, np.ones_like(along)], axis=1)
        fitted = leaning @ np.linalg.lstsq(leaning, aside, rcond=None)[0]
        if np.abs(aside - fitted).max() <= tolerance:
            return [(list(slices), True)]
    lines: list[tuple[np.ndarray, list[Slice]]] = []
    for at, each in enumerate(slices):
        for start, members in lines:
            if np.abs(start - aside[at]).max() <= tolerance:
                members.append(each)
                break
        else:
            lines.append((aside[at], [each]))
            if len(lines) > max(2, min(len(slices) // 3, _MOST_LINES)):
                return [(list(slices), False)]
    return [(members, True) for _, members in lines]


def _tolerance(slice_: Slice) -> float:
    """mm in the plane: a quarter of a pixel, within 0.5 mm; 0.1 mm where that is not known."""
    return min(0.5, 0.25 * min(slice_.pixel_spacing)) if slice_.pixel_spacing else 0.1
