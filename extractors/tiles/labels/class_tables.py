"""The class of a tile from a CSV: labelled boxes, points, polygons, or tiles by their key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from domainclip.errors import BadInput

from ..reading.placing import crs_named
from .class_places import BoxClasses, KeyClasses, PointClasses
from .class_polygons import PolygonClasses
from .classes import Classes
from .csv_lines import lines_of, read_text

__all__ = ["open_class_table"]

HIGHEST = 90.1  # degrees; beyond them there is no latitude, only rounding
WIDEST = 540.0  # degrees, one turn beyond the dateline either way


def open_class_table(path: Path, crs: str | None, *, label: str = "label") -> Classes:
    """A CSV or TSV with the column ``label`` and one of these sets of columns:

    west, south, east, north: boxes; a tile is of a class as far as its boxes cover it.
    geometry: POLYGON or MULTIPOLYGON as WKT; likewise, by the pixels whose centres they hold.
    x, y, or lon, lat (WGS 84): points; a tile is of the class that most of the points in it have.
    key: the tile of that key.

    crs: of the coordinates; by default the scene's. Raises BadInput naming the line.
    """
    what = "the class table"
    columns, lines = lines_of(read_text(path, what), path, what)
    kind = next((names for names in _KINDS if set(names) <= set(columns)), None)
    if label not in columns or kind is None:
        raise BadInput(
            f"{path}: a table of classes needs the column {label}, and west, south, east and "
            "north, or x and y, or lon and lat, or geometry (WKT), or key; it has "
            f"{', '.join(columns[:12]) or 'none'} (--label-column names the one with the class)."
        )
    if crs == "scene" or kind == ("key",):
        crs = None
    elif crs is None and kind == ("lon", "lat"):
        crs = "EPSG:4326"
    known = None if crs is None else _crs(crs)
    in_degrees = known is not None and known.is_geographic
    places, labels = [], []
    class_of: dict[str, str] = {}
    for number, line in lines:
        try:
            place = _KINDS[kind]([line[name] or "" for name in kind])
            if in_degrees:
                _check_degrees(place, crs)
        except ValueError as error:
            raise BadInput(f"{path}:{number}: {error}.") from error
        name = (line[label] or "").strip()
        if kind == ("key",) and class_of.setdefault(place, name) != name:
            raise BadInput(
                f"{path}:{number}: the tile {place} is {name!r} here and {class_of[place]!r} "
                "before; keep one."
            )
        places.append(place)
        labels.append(name)
    if not any(labels):
        empty = f"its column {label}" if labels else "the table of classes"
        raise BadInput(f"{path}: {empty} is empty.")
    names = sorted(set(labels))
    values = np.searchsorted(names, labels)
    classes: Classes = _MADE[kind](places, values, dict(enumerate(names)), known)
    return classes


def _crs(text: str) -> Any:
    try:
        return crs_named(text)
    except BadInput as error:
        raise BadInput(f"--labels-crs {text!r} is no CRS that PROJ knows.") from error


def _check_degrees(place: Any, crs: str | None) -> None:
    bounds = list(place.bounds) if hasattr(place, "bounds") else place
    wide, high = max(map(abs, bounds[::2])), max(map(abs, bounds[1::2]))
    if wide > WIDEST or high > HIGHEST:
        what, value = ("latitude", high) if high > HIGHEST else ("longitude", wide)
        raise ValueError(
            f"{what} {value:.9g} is nowhere in the degrees of {crs}; is it x and y, or longitude "
            "and latitude, the wrong way round? Other coordinates need --labels-crs EPSG:..."
        )


def _box(words: list[str]) -> list[float]:
    west, south, east, north = _numbers(words)
    if not (west < east and south < north):
        raise ValueError(
            f"{', '.join(words)} is not west < east and south < north; points need the columns x "
            "and y"
        )
    return [west, south, east, north]


def _numbers(words: list[str]) -> list[float]:
    try:
        found = [float(word) for word in words]
    except ValueError:
        found = []
    if not found or not np.isfinite(found).all():
        raise ValueError(f"a coordinate of {', '.join(map(repr, words))} is no number")
    return found


def _polygon(words: list[str]) -> Any:
    text = words[0].strip()
    if text.upper().startswith("SRID="):
        raise ValueError(
            f"geometry {text[:40]!r} names its CRS itself; write plain WKT, and give the CRS with "
            "--labels-crs"
        )
    try:
        shape = shapely.from_wkt(text)
    except (shapely.errors.GEOSException, ValueError, NotImplementedError):  # curves
        shape = None
    flat = shape is not None and shape.geom_type in ("Polygon", "MultiPolygon")
    if not flat or shape.is_empty or not np.isfinite(shapely.get_coordinates(shape)).all():
        raise ValueError(f"geometry {text[:60]!r} is no POLYGON or MULTIPOLYGON")
    return shapely.force_2d(shape)


_KINDS: dict[tuple[str, ...], Callable[[list[str]], Any]] = {
    ("west", "south", "east", "north"): _box,
    ("geometry",): _polygon,
    ("x", "y"): _numbers,
    ("lon", "lat"): _numbers,
    ("key",): lambda words: words[0].strip(),
}
_MADE: dict[tuple[str, ...], Callable[..., Any]] = {
    ("west", "south", "east", "north"): BoxClasses,
    ("geometry",): PolygonClasses,
    ("x", "y"): PointClasses,
    ("lon", "lat"): PointClasses,
    ("key",): KeyClasses,
}
