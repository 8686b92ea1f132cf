"""The ground that tiles cover, as polygons in longitude and latitude (OGC:CRS84).

The corners are those of the tile's own transform, so a rotated tile is no envelope. Edges that bend
on the way to degrees get points between, until the chord is within a tenth of a pixel of the edge.
What crosses the antimeridian is cut there (RFC 7946, 3.1.9); what holds a pole is closed along it.
Nothing that lies on another body than the Earth is given a place on it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio import CRS
from rasterio._err import CPLE_BaseError
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import transform as transform_points

from domainclip.pairs._bodies import ellipsoid_of
from domainclip.pairs.schema import Pair

__all__ = ["nothing_placed", "outlines", "placed", "sentences"]

# reason -> the sentence of an export's report, after "12 pairs "
REASONS = {
    "no_place": "have no place (where.crs and where.bounds)",
    "bad_place": "have a place that cannot be made out (an unknown CRS, or bounds without area)",
    "other_body": "lie on another body than the Earth or in a CRS that is bound to none",
    "off_the_earth": "reach beyond where their CRS has a place on the Earth",
}
MOST_STEPS = 64
_GDAL_ERRORS = (RasterioError, CRSError, CPLE_BaseError)


def outlines(pairs: Sequence[Pair]) -> list[Any]:
    """For each pair its shapely Polygon or MultiPolygon, counter-clockwise; or, as a str, which of
    REASONS it has none for.

    Made a CRS at a time, so a batch costs a few calls of PROJ. Longitudes are -180 to 180.
    """
    found: list[Any] = []
    by_crs: dict[str, list[int]] = {}
    for number, pair in enumerate(pairs):
        found.append(_corners(pair))
        if not isinstance(found[-1], str):
            by_crs.setdefault(pair.where["crs"], []).append(number)
    for name, numbers in by_crs.items():
        corners = np.stack([found[number][0] for number in numbers])
        sizes = np.array([found[number][1] for number in numbers])
        for number, one in zip(numbers, _polygons(name, corners, sizes), strict=True):
            found[number] = one
    return found


def placed(batch: Sequence[Pair], left_out: Counter[str]) -> tuple[list[Pair], list[Any]]:
    """The pairs that have an outline, and the outlines."""
    rows, shapes = [], []
    for pair, shape in zip(batch, outlines(batch), strict=True):
        if isinstance(shape, str):
            left_out[shape] += 1
        else:
            rows.append(pair)
            shapes.append(shape)
    return rows, shapes


def sentences(left_out: Counter[str]) -> Iterator[str]:
    """What was left out for want of a place, a sentence for each reason."""
    for reason, number in sorted(left_out.items()):
        yield f"{number:,} pairs {REASONS[reason]}, and were left out."


def nothing_placed(path: Path, left_out: Counter[str]) -> str:
    """The error's sentence where no pair at all has a footprint."""
    reasons = "; ".join(f"{number:,} {REASONS[reason]}" for reason, number in left_out.items())
    found = f" ({reasons})" if reasons else ""
    return f"{path}: no pair has a footprint on the Earth{found}; nothing was written."


def _corners(pair: Pair) -> tuple[np.ndarray, float] | str:
    """Corners (4, 2) in the pair's CRS, in the order of the pixels, and its longer side in pixels;
    or a reason."""
    crs, bounds = pair.where.get("crs"), pair.where.get("bounds")
    if not crs or bounds is None:
        return "no_place"
    bounds = _numbers(bounds, 4)
    if not isinstance(crs, str) or bounds is None:
        return "bad_place"
    west, south, east, north = bounds
    if not (west < east and south < north):
        return "bad_place"
    envelope = np.array([[west, north], [east, north], [east, south], [west, south]])
    transform = _numbers(pair.where.get("transform"), 6)
    window = _numbers(pair.where.get("window"), 4)
    sizes = [tuple(window[2:])] if window else []
    # a tile that was resampled has pixels of its own, not those of its window in the scene
    for width, height in [*sizes, (float(pair.width), float(pair.height))]:
        if transform and width > 0 and height > 0:
            a, b, c, d, e, f = transform
            pixels = np.array([[0, 0], [width, 0], [width, height], [0, height]])
            corners = pixels @ np.array([[a, d], [b, e]]) + (c, f)
            reach = np.concatenate([corners.min(axis=0), corners.max(axis=0)])
            if np.abs(reach - bounds).max() <= 0.01 * max(east - west, north - south):
                return corners, max(width, height)
    return envelope, float(max(pair.width, pair.height, 1))


def _polygons(name: str, corners: np.ndarray, sizes: np.ndarray) -> Iterable[Any]:
    """corners (n, 4, 2), sizes (n,) -> n polygons or reasons."""
    crs = _crs(name)
    if isinstance(crs, str):
        return [crs] * len(corners)
    found: list[Any] = [None] * len(corners)
    steps = _steps(crs, corners, sizes)
    for step in np.unique(steps).tolist():
        numbers = np.flatnonzero(steps == step)
        rings = _lonlat(crs, _densified(corners[numbers], step))
        for number, ring in zip(numbers.tolist(), rings, strict=True):
            found[number] = _polygon(ring)
    return found


@lru_cache(maxsize=64)
def _crs(name: str) -> Any:
    """The CRS, or why a place in it is none on the Earth."""
    try:
        crs = CRS.from_user_input(name)
        if not (crs.is_geographic or crs.is_projected):
            return "other_body"
        body = ellipsoid_of(crs)
    except (*_GDAL_ERRORS, ValueError, TypeError, RecursionError):
        return "bad_place"
    return crs if body is None or body.is_earth else "other_body"


def _steps(crs: Any, corners: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Into how many pieces each tile's edges are cut: (n,), powers of two up to MOST_STEPS.

    The sagitta of an edge falls with the square of the pieces; it is measured at the middles.
    """
    if crs.is_geographic:
        # straight in degrees; a piece below 90 degrees says which way round the Earth it goes
        degrees = np.ptp(corners[:, :, 0], axis=1) * math.degrees(float(crs.units_factor[1]))
        needed = np.maximum(degrees / 90, 1)
    else:
        ring = _lonlat(crs, _densified(corners, 2)).reshape(len(corners), 4, 2, 2)
        start, middle = ring[:, :, 0], ring[:, :, 1]
        edge = np.roll(start, -1, axis=1) - start
        sagitta = middle - start
        edge[..., 0], sagitta[..., 0] = _wrapped(edge[..., 0]), _wrapped(sagitta[..., 0])
        sagitta = _wrapped(sagitta - edge / 2)
        pixel = np.linalg.norm(edge, axis=-1).max(axis=1) / sizes  # in degrees
        bend = np.linalg.norm(sagitta, axis=-1).max(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            needed = np.sqrt(bend / (0.1 * pixel))
        needed = np.where(np.isfinite(needed), needed, MOST_STEPS)
    return 2 ** np.ceil(np.log2(np.clip(needed, 1, MOST_STEPS))).astype(int)


def _densified(corners: np.ndarray, steps: int) -> np.ndarray:
    """Corners (n, 4, 2) -> rings (n, 4 steps, 2) that are not closed."""
    along = (np.arange(steps) / steps)[:, None]
    ends = np.roll(corners, -1, axis=1)
    rings = corners[:, :, None] * (1 - along) + ends[:, :, None] * along
    return np.asarray(rings.reshape(len(corners), -1, 2))


def _lonlat(crs: Any, rings: np.ndarray) -> np.ndarray:
    """(n, m, 2) in the CRS -> the same in degrees; NaN where PROJ has no place."""
    flat = rings.reshape(-1, 2)
    try:
        lon, lat = transform_points(crs, _CRS84, flat[:, 0].tolist(), flat[:, 1].tolist())
        degrees = np.stack([lon, lat], axis=-1)
    except _GDAL_ERRORS:
        if len(rings) == 1:
            return np.full(rings.shape, np.nan)
        # one point without a place fails them all
        return np.concatenate([_lonlat(crs, rings[[number]]) for number in range(len(rings))])
    degrees[~np.isfinite(degrees).all(axis=1)] = np.nan
    return degrees.reshape(rings.shape)


def _polygon(ring: np.ndarray) -> Any:
    """A ring (m, 2) of degrees that is not closed -> a polygon, or a reason."""
    if not np.isfinite(ring).all() or np.abs(ring[:, 1]).max() > 90 + 1e-6:
        return "off_the_earth"
    ring = np.concatenate([ring, ring[:1]])
    ring[:, 1] = np.clip(ring[:, 1], -90, 90)
    along = np.diff(ring[:, 0])
    if np.abs(along).max() > 180:  # else they stay as they are, to the last bit
        ring[1:, 0] = ring[0, 0] + np.cumsum(_wrapped(along))
    turned = ring[-1, 0] - ring[0, 0]
    if abs(turned) > 180:  # round a pole, which is an edge in degrees
        pole = math.copysign(90, ring[:, 1].mean())
        ring = np.concatenate([ring, [[ring[-1, 0], pole], [ring[0, 0], pole], ring[0]]])
    polygon = shapely.polygons(ring)
    if not polygon.is_valid:
        polygon = shapely.make_valid(polygon)
    west, _, east, _ = polygon.bounds
    if west < -180 or east > 180:
        polygon = _cut(polygon, west, east)
    polygons = [part for part in shapely.get_parts(polygon) if part.geom_type == "Polygon"]
    if not polygons or not sum(part.area for part in polygons):
        return "bad_place"
    turned_right = [shapely.geometry.polygon.orient(part) for part in polygons]
    return turned_right[0] if len(turned_right) == 1 else shapely.multipolygons(turned_right)


def _cut(polygon: Any, west: float, east: float) -> Any:
    """A polygon beyond -180 or 180, as its parts that lie within."""
    parts = []
    for turn in range(math.floor((west + 180) / 360), math.ceil((east + 180) / 360)):
        shift = 360.0 * turn
        world = shapely.box(-180 + shift, -90, 180 + shift, 90)
        part = shapely.intersection(polygon, world)
        moved = shapely.transform(part, lambda xy, by=shift: xy - (by, 0))
        parts += [each for each in shapely.get_parts(moved) if each.geom_type == "Polygon"]
    return shapely.union_all(parts)


def _wrapped(degrees: Any) -> Any:
    """Differences of longitude, the short way: -180 to 180."""
    return (degrees + 180) % 360 - 180


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """A JSON list of so many finite numbers."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        return None
    if not all(isinstance(each, int | float) and math.isfinite(each) for each in value):
        return None
    return tuple(float(each) for each in value)


_CRS84 = CRS.from_user_input("OGC:CRS84")
