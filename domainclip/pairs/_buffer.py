"""Boxes on a map: read from ``where``, and which come within a distance of any of others."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from domainclip.errors import BadInput

__all__ = ["boxes_of", "near_mask"]


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


def boxes_of(
    where: Sequence[str | Mapping[str, Any]], buffer: float, keys: Sequence[str] | None
) -> tuple[np.ndarray, bool]:
    """(n, 4) boxes [w, s, e, n] of the rows' ``where``, NaN where absent; and: in degrees?"""
    boxes = np.full((len(where), 4), np.nan)
    systems: set[str] = set()
    for row, place in enumerate(where):
        place = json.loads(place or "{}") if isinstance(place, str) else place
        name = repr(keys[row]) if keys is not None else f"row {row}"
        bounds = place.get("bounds")
        if bounds is None:
            if buffer > 0:
                raise BadInput(
                    f"{name}: no where.bounds, so its distance is unknown; use a buffer of 0 or "
                    "none for pairs that lie on no map."
                )
            continue
        try:
            w, s, e, n = map(float, bounds)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{name}: where.bounds {bounds!r} is not [w, s, e, n].") from error
        systems.add(str(place.get("crs", "")))
        if e < w and _is_geographic(str(place.get("crs", ""))):
            e += 360.0  # a box across the dateline
        if not (w <= e and s <= n):
            raise BadInput(f"{name}: where.bounds {bounds!r} is not [w, s, e, n].")
        boxes[row] = w, s, e, n
    if len(systems) > 1:
        raise BadInput(
            f"where.crs differs among the rows ({', '.join(sorted(systems)[:4])}), so their "
            "distances cannot be compared; extract the tiles in one CRS, or split without a buffer."
        )
    return boxes, any(map(_is_geographic, systems))


def _is_geographic(crs: str) -> bool:
    name = crs.strip().upper().replace(" ", "")
    return name in ("EPSG:4326", "OGC:CRS84", "CRS84", "EPSG:4269", "EPSG:4258", "EPSG:4979") or (
        name.startswith(("GEOGCS", "GEOGCRS", "GEODCRS"))
    )
