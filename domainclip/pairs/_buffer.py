"""Which boxes come within a distance of any of others: in units of a map, and on the ground."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from domainclip.errors import BadInput
from domainclip.pairs._bodies import crs_name
from domainclip.pairs._close import close_pairs
from domainclip.pairs._footprints import Footprints, is_geographic
from domainclip.pairs._ground import Ground

__all__ = [
    "PRIORITY", "check_located", "check_one_map", "near_mask", "placed_on_ground", "without_near",
]  # fmt: skip

# Who keeps a place where two splits meet: the last one. Other names come before all of these.
PRIORITY = ("train", "val", "test")


def near_mask(
    boxes: np.ndarray, others: np.ndarray, distance: float, *, wrap: float | None = None
) -> np.ndarray:
    """(n, 4) boxes [w, s, e, n] -> (n,) bool: within ``distance`` of, or touching, one of others.

    Euclidean distance between the boxes' nearest points. wrap: the x axis closes after this length.
    """
    near = np.zeros(len(boxes), dtype=bool)
    if not len(boxes) or not len(others):
        return near
    if wrap is not None:
        shifted = [others + np.array([k * wrap, 0, k * wrap, 0]) for k in (-1, 0, 1)]
        others = np.concatenate(shifted)
        low, high = boxes[:, 0].min() - distance, boxes[:, 2].max() + distance
        others = others[(others[:, 2] >= low) & (others[:, 0] <= high)]
        if not len(others):
            return near
    # touching is near even where 0.1 + 0.2 != 0.3
    slack = 1e-9 * max(1.0, float(np.abs(boxes).max()), float(np.abs(others).max()))
    found = close_pairs(*_discs(boxes), *_discs(others), distance + slack, done=near)
    for rows, far in found:
        a, b = boxes[rows], others[far]
        dx = np.maximum(b[:, 0] - a[:, 2], a[:, 0] - b[:, 2]).clip(min=0)
        dy = np.maximum(b[:, 1] - a[:, 3], a[:, 1] - b[:, 3]).clip(min=0)
        near[rows[np.hypot(dx, dy) <= distance + slack]] = True
    return near


def check_located(footprints: Footprints, keys: Sequence[str] | None) -> None:
    """Raises BadInput where a row has no bounds, so that no distance is known."""
    missing = np.flatnonzero(~footprints.located)
    if len(missing):
        name = repr(keys[missing[0]]) if keys is not None else f"row {missing[0]}"
        raise BadInput(
            f"{name}: no where.bounds, as {len(missing):,} of {len(footprints.located):,} rows, so "
            "it lies in no cell and its distance is unknown; split such pairs by document or "
            "another column, without a buffer."
        )


def check_one_map(footprints: Footprints) -> None:
    """Raises BadInput where cells in units of the CRS would be of several CRSs."""
    _check_one_crs(
        footprints,
        "cells in its units are no one grid",
        "give the side of a cell in metres (--cell-m; in a recipe data.split.cell=null "
        "data.split.cell_m=METRES)",
    )


def placed_on_ground(
    footprints: Footprints, keys: Sequence[str] | None, *, cells: bool = False
) -> Ground:
    """All rows on the ground. Raises BadInput where one has no place there, with what to give
    instead of metres: cells, if these are what asked for them, or a buffer."""
    check_located(footprints, keys)
    ground = Ground(footprints)
    if ground.refused:
        if len(footprints.names) > 1:
            remedy = _WITHOUT_GROUND[0].upper() + _WITHOUT_GROUND[1:]
        elif cells:
            remedy = "Give cells in units of the CRS (--cell SIDE)"
        else:
            remedy = "Give the buffer in units of the CRS (--buffer DISTANCE)"
        raise BadInput(f"{next(iter(ground.refused.values()))} {remedy}.")
    return ground


def without_near(
    splits: Sequence[str],
    footprints: Footprints,
    ground: Ground | None,
    buffer: float | None,
    buffer_m: float | None,
    keys: Sequence[str] | None,
) -> list[str]:
    """The splits with "" for rows too close to another; see splits.buffered_splits."""
    if ground is None and buffer is None:
        return list(splits)
    if buffer:
        check_located(footprints, keys)
    geographic = _in_degrees(footprints) if buffer is not None else False
    others = sorted({s for s in splits if s and s not in PRIORITY})
    ranked = [s for s in (*others, *PRIORITY) if s in set(splits)][::-1]
    names = np.asarray(splits, dtype=object)
    for position, name in enumerate(ranked[1:], start=1):
        mine = np.flatnonzero((names == name) & footprints.located)
        higher = np.flatnonzero(np.isin(names, ranked[:position]) & footprints.located)
        if ground is not None and buffer_m is not None:
            near = _near_on_ground(ground, mine, higher, buffer_m)
        else:
            boxes = footprints.boxes
            wrap = 360.0 if geographic else None
            near = near_mask(boxes[mine], boxes[higher], buffer or 0.0, wrap=wrap)
        names[mine[near]] = ""
    return [str(name) for name in names]


def _near_on_ground(
    ground: Ground, rows: np.ndarray, others: np.ndarray, metres: float
) -> np.ndarray:
    """(n,) rows of ``ground`` -> (n,) bool: within ``metres`` of, or touching, one of others.

    Never too few: a hundredth of a percent and a millimetre more are taken for rounding.
    """
    near = np.zeros(len(rows), dtype=bool)
    reach = metres * 1.0001 + 1e-3
    for i, j in ground.close(rows, others, reach, done=near):
        near[i[ground.gaps(rows[i], others[j]) <= reach]] = True
    return near


def _in_degrees(footprints: Footprints) -> bool:
    """Whether the one CRS is in degrees; raises BadInput where there are several."""
    _check_one_crs(
        footprints,
        "their distances cannot be compared in its units",
        "give the buffer in metres (--buffer-m; in a recipe data.split.buffer=null "
        "data.split.buffer_m=METRES), where 0 leaves out tiles that touch",
    )
    return any(map(is_geographic, footprints.names))


_WITHOUT_GROUND = "split such pairs by document or group, without a buffer"


def _check_one_crs(footprints: Footprints, problem: str, in_metres: str) -> None:
    """Raises BadInput where there are several. in_metres: what to do instead, where all rows have a
    place on the ground."""
    if len(footprints.names) < 2:
        return
    names = sorted(map(crs_name, footprints.names))
    more = f" and {len(names) - 4:,} more" if len(names) > 4 else ""
    remedy = in_metres
    if refused := Ground(footprints).refused:
        told = crs_name(next(iter(refused)))
        remedy = f"{_WITHOUT_GROUND}, since metres cannot be told in {told}"
    raise BadInput(
        f"where.crs differs among the rows ({', '.join(names[:4])}{more}), so {problem}; {remedy}."
    )


def _discs(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and half of the longer sides."""
    return (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]).max(axis=1) / 2
