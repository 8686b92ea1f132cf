"""Points from one CRS to another, those without a place among them."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasterio.warp import transform as transform_points

from .errors import GDAL_ERRORS

__all__ = ["between"]


def between(
    source: Any, target: Any, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points between CRSs; NaN where there is no place."""
    if source == target:
        return x, y
    try:
        moved = transform_points(source, target, x.tolist(), y.tolist())
    except GDAL_ERRORS:
        if len(x) == 1:
            return np.full(1, np.nan), np.full(1, np.nan)
        # one point without a place fails them all
        half = len(x) // 2
        parts = [between(source, target, x[at], y[at]) for at in (slice(half), slice(half, None))]
        moved = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return np.array(moved[0]), np.array(moved[1])
