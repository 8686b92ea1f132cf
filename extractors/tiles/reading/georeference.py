"""Where a pixel lies: bounds, metres to a pixel, and the map cell."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from rasterio import CRS, Affine

from .between import between
from .bodies import base_of, ellipsoid_of, is_on_earth

__all__ = ["Georeference", "compose", "default_cell", "is_placed"]

# A projection whose areas are true to this is taken at its word, so that 10 m read 10 m.
_TRUE_TO = 0.01


@dataclass(frozen=True)
class Georeference:
    """A CRS and the affine transform from pixels (column, row; the upper left corner of the first
    is 0, 0) to its coordinates."""

    crs: Any
    transform: Any

    @cached_property
    def name(self) -> str:
        """``EPSG:4326`` where there is such a code, else the CRS as WKT."""
        return str(self.crs.to_string())

    @cached_property
    def short_name(self) -> str:
        """The name, or a hash of the WKT."""
        if len(self.name) <= 20:
            return self.name
        return "crs-" + hashlib.sha256(self.name.encode()).hexdigest()[:8]

    def point(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Pixel coordinates (numbers or arrays) -> CRS coordinates."""
        # by hand, since affine's own operator differs between its versions
        t = self.transform
        return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f

    def pixels(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """CRS coordinates -> pixel coordinates; what has no place (NaN, infinite) stays without."""
        t = self._inverse
        with np.errstate(invalid="ignore", over="ignore"):
            return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f

    def bounds(self, column: int, row: int, size: int) -> tuple[float, float, float, float]:
        """(west, south, east, north) of a square window: of its four corners where the scene is
        rotated."""
        xs, ys = zip(
            *(self.point(column + a * size, row + b * size) for a in (0, 1) for b in (0, 1)),
            strict=True,
        )
        return min(xs), min(ys), max(xs), max(ys)

    def window_transform(self, column: int, row: int) -> list[float]:
        """[a, b, c, d, e, f]: x = a column + b row + c, y = d column + e row + f in the window."""
        t = self.transform
        x, y = self.point(column, row)
        return [t.a, t.b, x, t.d, t.e, y]

    def gsd_m(self, columns: np.ndarray, row: float, size: int) -> list[float | None]:
        """Metres on the ground to a pixel at the centres of windows (columns, row): the square root
        of a pixel's area, so the geometric mean of both directions.

        Degrees are measured on the CRS's own ellipsoid at the centre's latitude. Projected units
        are taken as they are where the projection's areas are true to 1 % there (UTM, equal-area
        ones); elsewhere (web Mercator) the ground below is measured. None where the CRS has no
        length, or no place at that point.
        """
        if self._ellipsoid is None:
            return [None] * len(columns)
        area = abs(self.transform.determinant)
        x, y = self.point(np.asarray(columns) + size / 2, np.full(len(columns), row + size / 2))
        if self.crs.is_geographic:
            unit = float(self.crs.units_factor[1])  # in radians
            return [_root(area * unit**2 * self._square_radian(phi)) for phi in y * unit]
        if not self.crs.is_projected:
            return [None] * len(columns)
        nominal = area * float(self.crs.linear_units_factor[1]) ** 2
        return [
            _root(nominal if abs(ground / nominal - 1) <= _TRUE_TO else ground)
            for ground in self._ground_areas(x, y)
        ]

    def gsd_at(self, column: float, row: float) -> float | None:
        """The same at one point in pixels."""
        return self.gsd_m(np.array([column]), row, 0)[0]

    def lonlats(
        self, columns: np.ndarray, rows: np.ndarray, size: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Longitudes (-180 up to 180) and latitudes, WGS 84 degrees, of the centres of windows;
        NaN where there are none, and everywhere on other planets."""
        columns, rows = np.broadcast_arrays(np.asarray(columns, float), np.asarray(rows, float))
        nowhere = np.full(columns.shape, math.nan)
        if not is_on_earth(self.crs):
            return nowhere, nowhere.copy()
        x, y = self.point(columns + size / 2, rows + size / 2)
        lon, lat = between(self.crs, CRS.from_epsg(4326), x, y)
        with np.errstate(invalid="ignore"):
            lon = (lon + 180) % 360 - 180
        lost = ~(np.isfinite(lon) & np.isfinite(lat)) | (np.abs(lat) > 90)
        return np.where(lost, math.nan, lon), np.where(lost, math.nan, lat)

    def cell(self, column: int, row: int, size: int, side: float) -> str:
        """The map cell that holds the window's centre: ``EPSG:4326/10/-3/4`` spans x from -30 to
        -20 and y from 40 to 50. Longitudes beyond 180 are those of the same meridian."""
        x, y = self.point(column + size / 2, row + size / 2)
        if self.crs.is_geographic and not -180 <= x < 180:
            x = (x + 180) % 360 - 180
        return f"{self.short_name}/{side:g}/{math.floor(x / side)}/{math.floor(y / side)}"

    @cached_property
    def _inverse(self) -> Any:
        return ~self.transform

    @cached_property
    def _ellipsoid(self) -> Any:
        return ellipsoid_of(self.crs)

    @cached_property
    def _base(self) -> Any:
        return base_of(self.crs)

    def _square_radian(self, latitude: float) -> float:
        return float(self._ellipsoid.square_radian(latitude))

    def _ground_areas(self, x: np.ndarray, y: np.ndarray) -> list[float]:
        """Ground area in m² of the pixels centred on these points; NaN outside the projection's
        domain."""
        t = self.transform
        half = [(t.a / 2, t.d / 2), (-t.a / 2, -t.d / 2), (t.b / 2, t.e / 2), (-t.b / 2, -t.e / 2)]
        xs = np.concatenate([x + dx for dx, _ in half])
        ys = np.concatenate([y + dy for _, dy in half])
        lon, lat = between(self.crs, self._base, xs, ys)
        a, b, c, d = np.stack([lon, lat], axis=-1).reshape(4, len(x), 2) * (math.pi / 180)
        with np.errstate(invalid="ignore"):  # a point without a place is infinite
            right, down = a - b, c - d
            for step in (right, down):  # the short way, across the dateline
                step[:, 0] = (step[:, 0] + math.pi) % (2 * math.pi) - math.pi
            angles = np.abs(right[:, 0] * down[:, 1] - right[:, 1] * down[:, 0])
        middle = (a[:, 1] + b[:, 1]) / 2
        return [
            float(angle * self._square_radian(phi)) if np.isfinite(angle) else math.nan
            for angle, phi in zip(angles, middle, strict=True)
        ]


def compose(outer: Any, inner: Any) -> Affine:
    """The transform that applies ``inner`` first; affine's operators differ between versions."""
    return Affine(
        outer.a * inner.a + outer.b * inner.d,
        outer.a * inner.b + outer.b * inner.e,
        outer.a * inner.c + outer.b * inner.f + outer.c,
        outer.d * inner.a + outer.e * inner.d,
        outer.d * inner.b + outer.e * inner.e,
        outer.d * inner.c + outer.e * inner.f + outer.f,
    )


def is_placed(transform: Any) -> bool:
    """Is it a transform that can be inverted, and not that of a file that has none?"""
    values = (transform.a, transform.b, transform.c, transform.d, transform.e, transform.f)
    if not all(map(math.isfinite, values)) or transform.is_identity:
        return False
    # what is left of the area where both directions are nearly one is rounding
    sides = math.hypot(transform.a, transform.d) * math.hypot(transform.b, transform.e)
    return bool(abs(transform.determinant) > 1e-9 * sides)


def default_cell(georeference: Georeference, size_px: int) -> float:
    """Eight tile sides, rounded up to 1, 2 or 5 times a power of ten, in units of the CRS."""
    t = georeference.transform
    side = 8 * size_px * max(math.hypot(t.a, t.d), math.hypot(t.b, t.e))
    power = 10.0 ** math.floor(math.log10(side))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= side * (1 - 1e-9)))


def _root(area: float) -> float | None:
    return math.sqrt(area) if area > 0 and math.isfinite(area) else None
