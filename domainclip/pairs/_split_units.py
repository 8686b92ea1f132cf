"""What splits are made of besides columns: cells of a map or of a body's ground, and days."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np

from domainclip.errors import BadInput
from domainclip.pairs._footprints import NO_DAY, Footprints, is_geographic
from domainclip.pairs._ground import Ground

__all__ = ["chronological", "day_names", "earth_cells", "map_cells"]

_MERIDIAN_M = 20_003_931.5  # from pole to pole on WGS 84


def earth_cells(ground: Ground, cell_m: float) -> list[str]:
    """(n,) the cell of each footprint's middle, ``earth/5000/1800/2141``: row from the south pole,
    column eastwards from 180° W. All rows must be placed. Of another body
    ``radius-3396km/5000/...``: each has cells of its own.

    One grid for scenes of every CRS of a body: rows of latitude ``cell_m`` high (a little less, so
    that a whole number fits), each cut into the whole number of columns that makes its cells
    nearest to square. So cells are of nearly equal area everywhere but at the poles, and none
    crosses the dateline (the integerised sinusoidal grid of Rossow and Garder 1984, as in MODIS's
    bins).
    """
    names = np.empty(len(ground.bodies), dtype=object)
    for number, body in enumerate(ground.body):
        held = np.flatnonzero(ground.bodies == number)
        # a sphere's, which is never less than that of its ellipsoid
        meridian_m = _MERIDIAN_M if body.is_earth else math.pi * body.axis_m
        row, column = _cells(ground.centres[held], meridian_m, cell_m)
        names[held] = _named(f"{body.name}/{cell_m:g}", row, column)
    return list(names)


def map_cells(footprints: Footprints, cell: float) -> list[str]:
    """(n,) the cell of each footprint's middle in units of its own CRS,
    ``EPSG:32633/5000/98/1102`` (x, y); the tiles extractor names its cells so."""
    boxes = footprints.boxes
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    names = np.empty(len(boxes), dtype=object)
    for number, crs in enumerate(footprints.names):
        rows = np.flatnonzero(footprints.systems == number)
        across = (x[rows] + 180) % 360 - 180 if is_geographic(crs) else x[rows]
        cells = np.floor(np.stack([across, y[rows]]) / cell).astype(np.int64)
        names[rows] = _named(f"{crs}/{cell:g}", *cells)
    return list(names)


def chronological(days: np.ndarray, fractions: Mapping[str, float]) -> list[str]:
    """(n,) days -> the split of each row: the oldest in the first of ``fractions``, the newest in
    the last; "" for rows without a day (NO_DAY).

    Cut between whole days, so that no day is in two splits, as near to the fractions as days
    allow. Raises BadInput where there are fewer days than splits.
    """
    names = list(fractions)
    dated = days != NO_DAY
    held, of_row, counts = np.unique(days[dated], return_inverse=True, return_counts=True)
    if len(held) < len(names):
        bare = f"; {(~dated).sum():,} of {len(days):,} rows have no date" if not dated.all() else ""
        raise BadInput(
            f"{len(held)} day{'s' * (len(held) != 1)} of acquisition (where.acquired) cannot fill "
            f"{len(names)} splits{bare}. Take scenes of more days (the option acquired of tiles "
            "dates those that do not say it), name fewer splits, or split by another unit."
        )
    until = np.cumsum(counts)
    split_of = np.zeros(len(held), dtype=int)
    first = 0
    for number, share in enumerate(np.cumsum(list(fractions.values()))[:-1]):
        # at least a day for this split, and one for each that follows
        last = len(held) - (len(names) - number - 1)
        first += 1 + int(np.abs(until[first:last] - share * until[-1]).argmin())
        split_of[first:] = number + 1
    splits = np.full(len(days), "", dtype=object)
    splits[dated] = np.array(names, dtype=object)[split_of[of_row]]
    return list(splits)


def day_names(days: np.ndarray) -> list[str]:
    """``2019-07-14``, or "" where there is none."""
    held, of_row = np.unique(days, return_inverse=True)
    start = date(1970, 1, 1)
    names = ["" if d == NO_DAY else str(start + timedelta(days=int(d))) for d in held.tolist()]
    return [names[at] for at in of_row.tolist()]


def _cells(lonlat: np.ndarray, meridian_m: float, cell_m: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) degrees -> (n,) rows and (n,) columns of a body's grid."""
    lon, lat = lonlat.T
    rows = max(1, math.ceil(meridian_m / cell_m))
    row = np.clip(np.floor((lat + 90) / 180 * rows), 0, rows - 1).astype(np.int64)
    round_m = 2 * meridian_m * np.cos(np.radians((row + 0.5) / rows * 180 - 90))
    columns = np.maximum(1, np.round(round_m / cell_m)).astype(np.int64)
    column = np.minimum(np.floor((lon + 180) % 360 / 360 * columns).astype(np.int64), columns - 1)
    return row, column


def _named(prefix: str, first: np.ndarray, second: np.ndarray) -> list[str]:
    cells, of_row = np.unique(np.stack([first, second]), axis=1, return_inverse=True)
    names = [f"{prefix}/{a}/{b}" for a, b in cells.T.tolist()]
    return [names[at] for at in of_row.ravel().tolist()]
