"""Boxes as arrays, and the four ways in which a page can be turned to read upright."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .page import Rect

__all__ = ["Array", "Flags", "areas", "as_array", "back", "bounds", "quarter", "shared", "turned"]

Array: TypeAlias = NDArray[np.float64]  # boxes (n, 4): x0, y0, x1, y1
Flags: TypeAlias = NDArray[np.bool_]


def as_array(boxes: Iterable[Rect]) -> Array:
    """The boxes, (n, 4)."""
    return np.array([tuple(box) for box in boxes], dtype=np.float64).reshape(-1, 4)


def quarter(direction: tuple[float, float]) -> int:
    """The quarter turn that text of this direction reads in: 0 upright, 1 upwards, 2 upside down,
    3 downwards."""
    x, y = direction
    if abs(x) >= abs(y):
        return 0 if x >= 0 else 2
    return 1 if y < 0 else 3


def turned(boxes: Array, quarter: int, width: float, height: float) -> Array:
    """The boxes of a page of this size, turned so that text of this quarter reads upright."""
    x0, y0, x1, y1 = boxes.T
    if quarter == 1:
        return np.stack([height - y1, x0, height - y0, x1], axis=1)
    if quarter == 2:
        return np.stack([width - x1, height - y1, width - x0, height - y0], axis=1)
    if quarter == 3:
        return np.stack([y0, width - x1, y1, width - x0], axis=1)
    return boxes


def back(boxes: Array, quarter: int, width: float, height: float) -> Array:
    """The inverse of ``turned``; width and height are still the page's own."""
    if quarter % 2:
        return turned(boxes, 4 - quarter, height, width)
    return turned(boxes, quarter, width, height)


def areas(boxes: Array) -> Array:
    """(n,); 0 for empty ones."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def shared(boxes: Array, box: Array) -> Array:
    """Area that each of the boxes (n, 4) has in common with one box (4,): (n,)."""
    high = np.minimum(boxes[:, 2:], box[2:])
    low = np.maximum(boxes[:, :2], box[:2])
    sides = np.maximum(high - low, 0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def bounds(boxes: Array) -> Array:
    """The box around at least one box: (4,)."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])
