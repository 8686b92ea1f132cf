"""The planet or moon that a CRS is bound to, and what a CRS is called in a message."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from domainclip.errors import BadInput, MissingExtra
from domainclip.pairs._footprints import is_lonlat
from domainclip.pairs._lonlat import AXIS_M

__all__ = ["Body", "body_of", "crs_name", "ellipsoid_of", "gathered"]

_WITHIN = 0.01  # of a radius: the spheres and ellipsoids that maps take for one body
_EARTH_POLAR_M = 6356752.314245
_GREATEST_RADIUS_M = AXIS_M**2 / _EARTH_POLAR_M  # of curvature, on WGS 84: at the poles
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Body:
    """An ellipsoid. axis_m, polar_m: its radii at the equator and at the poles."""

    axis_m: float
    polar_m: float

    @property
    def is_earth(self) -> bool:
        """The Earth is told by its size: weather models take it for spheres of some 6371 km."""
        return abs(self.axis_m / AXIS_M - 1) <= _WITHIN

    @property
    def name(self) -> str:
        """``earth``, or its radius: ``radius-3396km``. CRSs share no other name of a body."""
        kilometres = self.axis_m / 1000
        shown = f"{kilometres:.0f}" if kilometres >= 100 else f"{kilometres:.4g}"
        return "earth" if self.is_earth else f"radius-{shown}km"

    @property
    def lonlat(self) -> str:
        """Its longitudes (eastwards) and geodetic latitudes in degrees, as PROJ takes them."""
        return f"+proj=longlat +a={self.axis_m!r} +b={self.polar_m!r} +no_defs"

    @property
    def scale(self) -> float:
        """Metres on this body, at least, to a metre between the same planetocentric latitudes and
        longitudes taken for those of WGS 84; 1 on the Earth.

        The least radius of the one over the greatest of curvature of the other: 0.3 % less than the
        truth on a sphere, 0.9 % on Mars.
        """
        return 1.0 if self.is_earth else min(self.axis_m, self.polar_m) / _GREATEST_RADIUS_M

    def planetocentric(self, latitudes: np.ndarray) -> np.ndarray:
        """Geodetic degrees -> degrees seen from the centre, which maps of spheres give too."""
        phi = np.radians(latitudes)
        ratio = (self.polar_m / self.axis_m) ** 2
        return np.asarray(np.degrees(np.arctan2(ratio * np.sin(phi), np.cos(phi))))


EARTH = Body(AXIS_M, _EARTH_POLAR_M)


@lru_cache(maxsize=256)
def body_of(crs: str) -> Body:
    """That of ``where.crs``. Raises BadInput where it has none, MissingExtra without rasterio."""
    if is_lonlat(crs):
        return EARTH
    if not crs:
        raise BadInput("where.bounds without where.crs: such rows have no place on the ground.")
    try:
        import rasterio
        from rasterio._err import CPLE_BaseError  # what GDAL raises, and no public name has
        from rasterio.errors import RasterioError
    except ImportError as error:
        raise MissingExtra("tiles", "rasterio") from error
    try:
        with rasterio.Env():  # which keeps PROJ from writing to stderr itself
            body = ellipsoid_of(rasterio.CRS.from_user_input(crs))
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise BadInput(f"where.crs {crs_name(crs)}: no CRS that PROJ knows.") from error
    if body is None:
        raise BadInput(f"where.crs {crs_name(crs)}: bound to no planet, so no place on the ground.")
    return body


def ellipsoid_of(crs: Any) -> Body | None:
    """The first ellipsoid of a rasterio CRS, which of a compound or bound one is that of its
    horizontal part; None where it has none. Raises what GDAL raises."""
    return _body(json.loads(json.dumps(crs.to_dict(projjson=True))))


def gathered(bodies: Sequence[Body]) -> list[Body]:
    """For each ellipsoid the body that it is one of: those whose radii differ by a percent or less
    are taken for one, of the largest radius and the least one at the poles.

    Moons as alike as Rhea and Oberon are taken for one too, and share their cells.
    """
    order = sorted(set(bodies), key=lambda body: (body.axis_m, body.polar_m))
    groups: list[list[Body]] = []
    for body in order:
        if groups and body.axis_m <= groups[-1][-1].axis_m * (1 + _WITHIN):
            groups[-1].append(body)
        else:
            groups.append([body])
    found: dict[Body, Body] = {}
    for group in groups:
        earth = any(body.is_earth for body in group)
        largest = max(body.axis_m for body in group)
        least = min(min(body.axis_m, body.polar_m) for body in group)
        one = EARTH if earth else Body(largest, least)
        found |= dict.fromkeys(group, one)
    return [found[body] for body in bodies]


def crs_name(crs: str) -> str:
    """What a message calls a CRS: its code or the name in its WKT, quoted; or, where it has none,
    ``unnamed (Equirectangular, radius 3396 km)``. Never a piece of WKT."""
    text = crs.strip()
    if text.startswith("{"):
        found = re.search(r'"name"\s*:\s*"([^"]*)"', text)
        name = found[1] if found else "unknown"
    elif found := re.match(r'\w+\s*[\[(]\s*"([^"]*)"', text):
        name = found[1]
    elif len(text) <= _LONGEST_NAME:
        return repr(text)
    else:
        return repr(text[:_LONGEST_NAME].rpartition(" ")[0] or text[:_LONGEST_NAME]) + " (and more)"
    if name.lower() not in ("", "unknown", "unnamed"):
        return repr(name[:_LONGEST_NAME])
    parts = []
    if projection := re.search(r'(?:PROJECTION|METHOD)\s*\[\s*"([^"]*)"', text):
        parts.append(projection[1].replace("_", " "))
    elif text.upper().startswith(("GEOG", "GEOD")):
        parts.append("longitude and latitude")
    if radius := re.search(r'(?:SPHEROID|ELLIPSOID)\s*\[\s*"[^"]*"\s*,\s*([\d.]+)', text):
        parts.append(f"radius {float(radius[1]) / 1000:.0f} km")
    return f"unnamed ({', '.join(parts)})" if parts else "unnamed"


def _body(projjson: Any) -> Body | None:
    if isinstance(projjson, list):
        return next((body for each in projjson if (body := _body(each)) is not None), None)
    if not isinstance(projjson, dict):
        return None
    ellipsoid = projjson.get("ellipsoid")
    if not isinstance(ellipsoid, dict):
        return _body(list(projjson.values()))
    axis = _metres(ellipsoid.get("semi_major_axis", ellipsoid.get("radius")))
    polar = _metres(ellipsoid.get("semi_minor_axis"))
    inverse = ellipsoid.get("inverse_flattening")
    if axis is None or not 0 < axis < np.inf:
        return None
    if polar is None:
        polar = axis * (1 - 1 / float(inverse)) if inverse else axis
    return Body(axis, polar) if 0 < polar < np.inf else None


def _metres(length: Any) -> float | None:
    if isinstance(length, dict):  # in another unit
        unit = length.get("unit")
        factor = unit.get("conversion_factor", 1.0) if isinstance(unit, dict) else 1.0
        length = length["value"] * factor
    return None if length is None else float(length)
