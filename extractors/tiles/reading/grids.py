"""The grid that tiles are cut from: the file's own, or one that a view asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from rasterio import CRS, Affine
from rasterio.warp import transform as transform_points

from domainclip.errors import BadInput

from ..records import View
from .between import between
from .bodies import base_of, is_on_earth, same_body
from .errors import GDAL_ERRORS, words_of
from .georeference import Georeference, compose
from .placing import Placing, crs_named

__all__ = ["Grid", "grid_for"]

# points on which the outline of a scene in another CRS is found, along each side and inside
SAMPLES = 33
# a target grid this many times as large as the source at its resolution is a misplaced scene
MOST_GROWTH = 64
SAME = 1e-6  # a ratio this near to 1 is 1


@dataclass(frozen=True)
class Grid:
    """A grid to put a scene on. crs: None for a scene without a place. factor: source pixels to
    one of its pixels, along a side, at the centre."""

    crs: Any
    transform: Any
    width: int
    height: int
    factor: float


def grid_for(
    name: str, placing: Placing | None, width: int, height: int, view: View
) -> Grid | None:
    """The grid on which a view wants a scene of width x height pixels; None: the one it has.

    Scenes of other planets keep their CRS, and only their resolution follows the view. Raises
    BadInput where the scene cannot be brought to the CRS.
    """
    if placing is None:
        if view.gsd_m is None or view.pixel_m is None:
            return None
        return _scaled(None, Affine.identity(), width, height, view.gsd_m / view.pixel_m)
    wanted = _wanted_crs(name, placing, width, height, view)
    if placing.kind == "affine":
        t = placing.transform
        north_up = t.a > 0 > t.e and max(abs(t.b), abs(t.d)) < 1e-9 * t.a
        if wanted is None or (wanted == placing.crs and north_up):
            if view.gsd_m is None:
                return None
            own = Georeference(placing.crs, t).gsd_at(width / 2, height / 2)
            if own is None:
                return None
            return _scaled(placing.crs, t, width, height, view.gsd_m / own)
    return _warped(name, placing, wanted or placing.crs, width, height, view.gsd_m)


def _scaled(crs: Any, transform: Affine, width: int, height: int, ratio: float) -> Grid | None:
    """The same corner and directions with pixels ``ratio`` times as large."""
    if abs(ratio - 1) < SAME:
        return None
    return Grid(
        crs,
        compose(transform, Affine.scale(ratio)),
        max(1, round(width / ratio)),
        max(1, round(height / ratio)),
        ratio,
    )


def _wanted_crs(name: str, placing: Placing, width: int, height: int, view: View) -> Any:
    """None: no other than its own."""
    on_earth = is_on_earth(placing.crs)
    # points and RPCs have no grid to keep: degrees would be narrow pixels, metres are square
    by_zone = view.crs.lower() == "utm" or (
        not view.crs and placing.kind != "affine" and placing.crs.is_geographic
    )
    if by_zone:
        return _zone(name, placing, width, height) if on_earth else None
    if not view.crs:
        return None
    wanted = crs_named(view.crs)
    return wanted if same_body(wanted, placing.crs) else None


def _zone(name: str, placing: Placing, width: int, height: int) -> Any:
    """UTM by the zone of the centre; polar stereographic (UPS) where UTM is not defined."""
    try:
        x, y = placing.xy(np.array([width / 2]), np.array([height / 2]))
    except GDAL_ERRORS as error:
        raise BadInput(f"{name}: its centre has no place ({words_of(error)}).") from error
    (lon,), (lat,) = _moved(name, placing.crs, CRS.from_epsg(4326), x, y)
    if not (math.isfinite(lon) and math.isfinite(lat)):
        raise BadInput(f"{name}: its centre has no longitude and latitude to choose a zone by.")
    if lat > 84:
        return CRS.from_epsg(5041)
    if lat < -80:
        return CRS.from_epsg(5042)
    zone = int((lon + 180) % 360 // 6) + 1
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def _warped(
    name: str, placing: Placing, crs: Any, width: int, height: int, gsd_m: float | None
) -> Grid:
    """A north-up grid of square pixels around the scene, its lines at multiples of the pixel."""
    steps = np.linspace(0, 1, SAMPLES)
    columns, rows = (part.ravel() for part in np.meshgrid(steps * width, steps * height))
    x, y = _to(name, placing, crs, columns, rows)
    centre = SAMPLES * SAMPLES // 2
    if not (np.isfinite(x[centre]) and np.isfinite(y[centre])):
        raise BadInput(f"{name}: its centre has no place in {crs.to_string()[:40]}.")
    turn = _turn(crs)
    if turn:
        with np.errstate(invalid="ignore"):  # what has no place is infinite
            around = x[centre] + (x - x[centre] + turn / 2) % turn - turn / 2
        if _span(around) < min(turn / 2, _span(x)):
            x = around  # across the dateline: longitudes go on beyond 180
        if crs.is_projected:
            y = np.clip(y, -turn / 2, turn / 2)  # a pole is infinitely far in Mercator's projection
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    native = _pixel(name, placing, crs, width, height, turn)
    pixel = native
    if gsd_m is not None:
        middle = Affine(native, 0, float(x.mean()), 0, -native, float(y.mean()))
        own = Georeference(crs, middle).gsd_at(0, 0)
        if own is not None:
            pixel = native * gsd_m / own
            unit = float(crs.linear_units_factor[1]) if crs.is_projected else 0.0
            if unit and abs(pixel * unit / gsd_m - 1) < 1e-9:
                pixel = gsd_m / unit  # a round number stays one
    west, north = math.floor(x.min() / pixel + SAME), math.ceil(y.max() / pixel - SAME)
    wide = math.ceil(x.max() / pixel - SAME) - west
    high = north - math.floor(y.min() / pixel + SAME)
    grown = wide * high * (pixel / native) ** 2 > MOST_GROWTH * width * height
    if grown and wide * high > 1 << 20:
        raise BadInput(
            f"{name}: in {crs.to_string()[:40]} it would have {wide} x {high} pixels; choose a "
            "CRS that suits where it lies, or utm."
        )
    transform = Affine(pixel, 0, west * pixel, 0, -pixel, north * pixel)
    return Grid(crs, transform, max(1, wide), max(1, high), pixel / native)


def _pixel(
    name: str, placing: Placing, crs: Any, width: int, height: int, turn: float | None
) -> float:
    """The side of a square in units of ``crs`` with the area of the scene's central pixel."""
    half = max(0.5, min(width, height, 64) / 4)
    c, r = width / 2, height / 2
    columns = np.array([c - half, c + half, c, c])
    rows = np.array([r, r, r - half, r + half])
    x, y = _to(name, placing, crs, columns, rows)
    right, down = np.array([x[1] - x[0], y[1] - y[0]]), np.array([x[3] - x[2], y[3] - y[2]])
    for step in (right, down):
        if turn:
            step[0] = (step[0] + turn / 2) % turn - turn / 2
    side = math.sqrt(abs(float(right[0] * down[1] - right[1] * down[0]))) / (2 * half)
    if not (math.isfinite(side) and side > 0):
        raise BadInput(f"{name}: its pixels have no size in {crs.to_string()[:40]}.")
    return side


def _to(
    name: str, placing: Placing, crs: Any, columns: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    try:
        x, y = placing.xy(columns, rows)
    except GDAL_ERRORS as error:
        raise BadInput(f"{name}: its pixels cannot be placed ({words_of(error)}).") from error
    return _moved(name, placing.crs, crs, x, y)


def _moved(
    name: str, source: Any, target: Any, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Points from one CRS to another; what has no place there is not finite. Raises BadInput where
    several have none."""
    if source == target:
        return x, y
    try:
        moved = transform_points(source, target, x.tolist(), y.tolist())
    except GDAL_ERRORS as error:
        found = between(source, target, x, y)
        if len(x) > 1 and not np.isfinite(found[0]).any():
            raise BadInput(
                f"{name}: cannot be brought to {target.to_string()[:40]} ({words_of(error)})."
            ) from error
        return found
    return np.asarray(moved[0], float), np.asarray(moved[1], float)


def _span(x: np.ndarray) -> float:
    finite = x[np.isfinite(x)]
    return float(finite.max() - finite.min())


def _turn(crs: Any) -> float | None:
    """Once around the globe in units of x, where x grows with the longitude alone."""
    if crs.is_geographic:
        return 2 * math.pi / float(crs.units_factor[1])
    base = base_of(crs) if crs.is_projected else None
    if base is None:
        return None
    try:
        x, _ = transform_points(base, crs, [-170, -85, 0, 85, 170, 85], [0, 0, 0, 0, 0, 40])
    except GDAL_ERRORS:
        return None
    steps = np.diff(np.asarray(x[:5], float))
    if np.isfinite(x).all() and np.ptp(steps) < 1e-6 * steps.max() and abs(x[5] - x[3]) < 1:
        return float(steps.mean() * 360 / 85)
    return None
