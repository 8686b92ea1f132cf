"""The place of arrays whose pixels are named by longitudes and latitudes, and the times of bands.

A NetCDF or Zarr array whose dimensions are those has a place without a grid mapping (Climate and
Forecast conventions 1.11, sections 4.1, 4.2 and 4.4, https://cfconventions.org). GDAL makes the
transform of it, and no CRS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from rasterio import CRS

from .errors import GDAL_ERRORS
from .remote import is_remote, open_dataset
from .trust import local_file

__all__ = ["crs_of_coordinates", "times_of_bands"]

DRIVERS = ["netCDF", "Zarr"]
USUAL = (("lon", "longitude", "x"), ("lat", "latitude", "y"))
UNITS = (re.compile(r"degrees?_?(?:east|e)", re.IGNORECASE),
         re.compile(r"degrees?_?(?:north|n)", re.IGNORECASE))  # fmt: skip
OFF = 0.1  # of a pixel: what single precision and rounding leave of even steps
CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_SINCE = re.compile(
    r"(days?|d|hours?|hrs?|h|minutes?|mins?|seconds?|secs?|s) since (\d{4})-(\d\d?)-(\d\d?)"
    r"(?:[T ]+(\d\d?):(\d\d?)(?::(\d\d?)(?:\.\d*)?)?)? ?(?:Z|UTC|GMT|\+?00?:?00)?"
)


def crs_of_coordinates(dataset: Any, path: str) -> Any:
    """WGS 84 where an open array lies on even steps of degrees east and north, else None.

    Which ellipsoid the degrees are on is not said; the difference is far below such a pixel. The
    coordinates are read, since GDAL makes even steps of uneven ones.
    """
    if dataset.driver not in DRIVERS or is_remote(path):
        return None
    t = dataset.transform
    if t.b or t.d:
        return None
    for axis, start, step, size in ((0, t.c, t.a, dataset.width), (1, t.f, t.e, dataset.height)):
        centres = start + step * (np.arange(size) + 0.5)
        found = _coordinates(dataset, path, axis)
        if not any(_are_near(values, centres, OFF * abs(step)) for values in found):
            return None
    return CRS.from_epsg(4326)


def _are_near(values: np.ndarray, centres: np.ndarray, tolerance: float) -> bool:
    """In their order or the other way round, as GDAL turns rows that go north."""
    return len(values) == len(centres) and any(
        bool(np.abs(each - centres).max() <= tolerance) for each in (values, values[::-1])
    )


def _coordinates(dataset: Any, path: str, axis: int) -> Iterator[np.ndarray]:
    """The values of arrays beside it in degrees east (axis 0) or north."""
    said = [
        key.removesuffix("#units")
        for key, value in dataset.tags().items()
        if key.endswith("#units") and UNITS[axis].fullmatch(value)
    ]
    for name in dict.fromkeys((*said, *USUAL[axis])):
        try:
            with open_dataset(_beside(dataset, path, name), drivers=DRIVERS) as array:
                units = array.tags(1).get("units") or array.units[0] or ""
                if array.height == 1 and UNITS[axis].fullmatch(units):
                    yield array.read(1)[0].astype(np.float64)
        except GDAL_ERRORS:
            continue


def _beside(dataset: Any, path: str, name: str) -> str:
    """What GDAL calls another array of the group that one is in."""
    file = local_file(path)
    _, _, inner = path.rpartition(":") if str(file) != path else ("", "", "")
    group = inner.rpartition("/")[0]
    if dataset.driver == "Zarr":
        return f'ZARR:"{file}":{group}/{name}'
    return f'NETCDF:"{file}":{group}/{name}' if group else f'NETCDF:"{file}":{name}'


def times_of_bands(dataset: Any) -> tuple[str, ...]:
    """For each band of a NetCDF variable the date, with its time unless that is midnight, in ISO
    8601; () where bands are no times, or those of a calendar that is not ours."""
    general = dataset.tags()
    if "NETCDF_DIM_EXTRA" not in general:
        return ()
    for key in dataset.tags(1):
        name = key.removeprefix("NETCDF_DIM_")
        since = _SINCE.fullmatch(general.get(f"{name}#units", "").strip()) if name != key else None
        if since and general.get(f"{name}#calendar", "").lower() in CALENDARS:
            return tuple(_time(since, dataset.tags(band).get(key)) for band in dataset.indexes)
    return ()


def _time(since: re.Match[str], value: str | None) -> str:
    unit, *parts = since.groups()
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    try:
        start = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        when = start + timedelta(seconds=round(float(value or "nan") * SECONDS[unit[0]]))
    except (ValueError, OverflowError):
        return ""
    if when.time() == start.min.time():
        return when.date().isoformat()
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")
