"""Which boxes come within a distance of any of some other boxes."""

from __future__ import annotations

import numpy as np

__all__ = ["near_mask"]


def near_mask(
    boxes: np.ndarray, others: np.ndarray, distance: float, *, wrap: float | None = None
) -> np.ndarray:
    """(n, 4) boxes [w, s, e, n] -> (n,) bool: within ``distance`` of, or touching, one of others.

    Euclidean distance between the boxes' nearest points. wrap: the x axis closes after this length.
    Others are hashed into square cells the size of a typical box, so that each box meets only its
    neighbours: O(n) for tiles, never worse than all against all.
    """
    near = np.zeros(len(boxes), dtype=bool)
    if not len(boxes) or not len(others):
        return near
    if wrap is not None:
        shifted = [others + np.array([k * wrap, 0, k * wrap, 0]) for k in (-1, 0, 1)]
        others = np.concatenate(shifted)
        low, high = boxes[:, 0].min() - distance, boxes[:, 2].max() + distance
        others = others[(others[:, 2] >= low) & (others[:, 0] <= high)]
    spans = np.concatenate([boxes, others])
    cell = max(float(np.median((spans[:, 2:] - spans[:, :2]).max(axis=1))), distance, 1e-9)
    grid = _hashed(others, cell)
    reach = np.array([-distance, -distance, distance, distance])
    # touching is near even where 0.1 + 0.2 != 0.3
    slack = 1e-9 * max(1.0, float(np.abs(spans).max()))
    for i, (low_x, low_y, high_x, high_y) in enumerate(_cells(boxes + reach, cell, slack)):
        candidates: set[int] = set()
        for x in range(low_x, high_x + 1):
            for y in range(low_y, high_y + 1):
                candidates.update(grid.get((x, y), ()))
        if candidates:
            found = others[list(candidates)]
            dx = np.maximum(found[:, 0] - boxes[i, 2], boxes[i, 0] - found[:, 2]).clip(min=0)
            dy = np.maximum(found[:, 1] - boxes[i, 3], boxes[i, 1] - found[:, 3]).clip(min=0)
            near[i] = bool((np.hypot(dx, dy) <= distance + slack).any())
    return near


def _hashed(boxes: np.ndarray, cell: float) -> dict[tuple[int, int], list[int]]:
    grid: dict[tuple[int, int], list[int]] = {}
    for i, (low_x, low_y, high_x, high_y) in enumerate(_cells(boxes, cell, 0.0)):
        for x in range(low_x, high_x + 1):
            for y in range(low_y, high_y + 1):
                grid.setdefault((x, y), []).append(i)
    return grid


def _cells(boxes: np.ndarray, cell: float, slack: float) -> list[list[int]]:
    low = np.floor((boxes[:, :2] - slack) / cell)
    high = np.floor((boxes[:, 2:] + slack) / cell)
    cells: list[list[int]] = np.concatenate([low, high], axis=1).astype(np.int64).tolist()
    return cells
