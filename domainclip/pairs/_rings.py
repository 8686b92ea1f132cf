"""Boxes of any CRS as rings of points on the ground, compared in a plane that touches it.

Rings on other bodies than the Earth are made as if their planetocentric latitudes and longitudes
were those of WGS 84; Body.scale brings distances between them down to size.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np

from domainclip.errors import BadInput, MissingExtra
from domainclip.pairs._bodies import body_of, crs_name
from domainclip.pairs._footprints import is_lonlat
from domainclip.pairs._lonlat import AXIS_M, geocentric

__all__ = ["lonlat_of", "planar_gaps", "planar_shares", "rings_of"]

_AT_ONCE = 1 << 15  # boxes

# sixteen points round the unit square, of which every other is kept
_STEPS = np.arange(4) / 4
_SQUARE = np.concatenate(
    [
        np.stack([_STEPS, 0 * _STEPS], axis=1),
        np.stack([0 * _STEPS + 1, _STEPS], axis=1),
        np.stack([1 - _STEPS, 0 * _STEPS + 1], axis=1),
        np.stack([0 * _STEPS, 1 - _STEPS], axis=1),
    ]
)


def rings_of(boxes: np.ndarray, crs: str) -> tuple[np.ndarray, np.ndarray]:
    """(n, 4) boxes -> (n, 8, 3) metres from the Earth's centre: corners and middles of sides; and
    (n,) metres that a true side, which bends in other CRSs, may lie off the chord between two.

    Raises BadInput where they have no place on the ground, MissingExtra where rasterio is missing.
    """
    rings, sags = np.empty((len(boxes), 8, 3)), np.empty(len(boxes))
    for start in range(0, len(boxes), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        low, size = boxes[part, None, :2], boxes[part, None, 2:] - boxes[part, None, :2]
        corners = low + size * _SQUARE  # (n, 16, 2)
        lon, lat = lonlat_of(crs, corners[..., 0].ravel(), corners[..., 1].ravel())
        ring = geocentric(np.radians(lon), np.radians(lat)).reshape(-1, 16, 3)
        rings[part], between = ring[:, ::2], ring[:, 1::2]
        middles = (rings[part] + np.roll(rings[part], -1, axis=1)) / 2
        # sideways: that a chord runs below the ground is no distance on it
        sideways = _direction(between) - _direction(middles)
        # the farthest point off a chord need not be its middle
        sags[part] = 1.5 * AXIS_M * np.linalg.norm(sideways, axis=2).max(axis=1)
    return rings, sags


def lonlat_of(crs: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) coordinates -> (n,) longitudes and latitudes in degrees: of WGS 84, or planetocentric on
    other bodies than the Earth. Raises as rings_of."""
    if is_lonlat(crs):
        return x, y
    body = body_of(crs)
    try:
        from rasterio._err import CPLE_BaseError  # what transform raises, and no public name has
        from rasterio.errors import RasterioError
        from rasterio.warp import transform
    except ImportError as error:
        raise MissingExtra("tiles", "rasterio") from error
    try:
        lon, lat = transform(crs, "EPSG:4326" if body.is_earth else body.lonlat, x, y)
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise BadInput(
            f"where.crs {crs_name(crs)}: PROJ finds no longitudes and latitudes for some "
            "where.bounds, so no place on the ground."
        ) from error
    lons, lats = np.array(lon, dtype=float), np.array(lat, dtype=float)
    if not (np.isfinite(lons).all() and np.isfinite(lats).all()):
        raise BadInput(f"where.crs {crs_name(crs)}: some where.bounds lie outside of it.")
    return lons, lats if body.is_earth else body.planetocentric(lats)


def planar_gaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, 8, 3) rings, twice -> (m,) metres between them, 0 where they meet."""
    shapely = _shapely()
    return np.asarray(shapely.distance(*_polygons(a, b)))


def planar_shares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, 8, 3) rings, twice -> (m,) the share of b's area that a covers."""
    shapely = _shapely()
    shapes, others = _polygons(a, b)
    own = shapely.area(others)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = shapely.area(shapely.intersection(shapes, others)) / own
    return np.where(own > 0, np.minimum(share, 1.0), 0.0)


def _polygons(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as polygons in the azimuthal equidistant plane of the point between them."""
    shapely = _shapely()
    up = _direction(a.mean(axis=1) + b.mean(axis=1))  # (m, 3)
    # any direction that is not up serves to lay the axes
    helper = np.where(np.abs(up[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    east = _direction(np.cross(helper, up))
    axes = np.stack([east, np.cross(up, east), up], axis=2)  # (m, 3, 3)
    shapes = []
    for ring in (a, b):
        flat = ring @ axes  # (m, 8, 3): east, north, up
        level = np.hypot(flat[..., 0], flat[..., 1])
        angle = np.arctan2(level, flat[..., 2])
        scale = np.ones_like(level)
        # along the ground instead of straight through it
        np.divide(angle * np.linalg.norm(ring, axis=2), level, out=scale, where=level > 1e-6)
        shapes.append(shapely.polygons(flat[..., :2] * scale[..., None]))
    # a box that a CRS folds over (the whole world in one) crosses itself
    return tuple(shapely.make_valid(s) if not shapely.is_valid(s).all() else s for s in shapes)


def _direction(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-300)


def _shapely() -> ModuleType:
    try:
        import shapely
    except ImportError as error:
        raise MissingExtra("tiles", "shapely") from error
    return shapely
