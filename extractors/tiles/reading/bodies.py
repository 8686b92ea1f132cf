"""The body that a CRS is on: its ellipsoid, its longitudes and latitudes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rasterio import CRS

from .errors import GDAL_ERRORS

__all__ = ["Ellipsoid", "base_of", "ellipsoid_of", "is_on_earth", "same_body"]

# semi-major axes between which an ellipsoid or a sphere is the Earth's, metres; Venus has 6 051 800
EARTH_M = (6_350_000.0, 6_400_000.0)


@dataclass(frozen=True)
class Ellipsoid:
    """axis_m: semi-major. e2: squared eccentricity."""

    axis_m: float
    e2: float

    def square_radian(self, latitude: float) -> float:
        """Area in m² of one squared radian at a latitude (radians): M N cos φ, the radii of
        curvature along the meridian and across it."""
        bulge = 1 - self.e2 * math.sin(latitude) ** 2
        return self.axis_m**2 * (1 - self.e2) / bulge**2 * max(math.cos(latitude), 0.0)


def ellipsoid_of(crs: Any) -> Ellipsoid | None:
    """That of a CRS, of whatever planet; None for one without (a local CRS)."""
    found = re.search(r'SPHEROID\["[^"]*",\s*([-\d.eE+]+),\s*([-\d.eE+]+)', _wkt(crs))
    if found is None:
        return None
    axis, inverse = float(found[1]), float(found[2])
    flattening = 1 / inverse if inverse else 0.0
    return Ellipsoid(axis, flattening * (2 - flattening)) if axis > 0 else None


def is_on_earth(crs: Any) -> bool:
    """Has it the Earth's ellipsoid or sphere?"""
    found = ellipsoid_of(crs)
    return found is not None and EARTH_M[0] <= found.axis_m <= EARTH_M[1]


def same_body(one: Any, other: Any) -> bool:
    """Are two CRS on the same planet or moon, by the size of their ellipsoids to 1 %?"""
    first, second = ellipsoid_of(one), ellipsoid_of(other)
    if first is None or second is None:
        return False
    return abs(first.axis_m / second.axis_m - 1) < 0.01


def base_of(crs: Any) -> Any:
    """The geographic CRS inside a projected one; None where there is none."""
    wkt = _wkt(crs)
    start = wkt.find("GEOGCS[")
    depth = 0
    for at in range(max(start, 0), len(wkt)):
        depth += {"[": 1, "]": -1}.get(wkt[at], 0)
        if start >= 0 and depth == 0 and wkt[at] == "]":
            return CRS.from_wkt(wkt[start : at + 1])
    return None


def _wkt(crs: Any) -> str:
    try:
        return _cached_wkt(crs)
    except GDAL_ERRORS:  # newer kinds of CRS cannot be written this way
        return ""


@lru_cache(maxsize=256)
def _cached_wkt(crs: Any) -> str:
    return str(crs.to_wkt(version="WKT1_GDAL"))
