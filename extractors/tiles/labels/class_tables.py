"""The class of a tile from a CSV: labelled boxes, points, polygons, or tiles by their key."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rasterio import CRS
from rasterio.errors import CRSError
from rasterio.features import rasterize
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds, transform_geom

from domainclip.errors import BadInput

from ..reading.scenes import Scene
from .classes import NO_CLASS, Classes, majority, read_text

__all__ = ["open_class_table", "tile_key"]


def tile_key(scene: str, column: int, row: int, size: int) -> str:
    """The key of a tile: the scene's name and the tile's place and side in its pixels."""
    return f"{scene}_x{column:06d}_y{row:06d}_{size}px"


def open_class_table(path: Path, crs: str | None) -> Classes:
    """A CSV or TSV with the column ``label`` and one of these sets of columns:

    west, south, east, north: boxes; a tile is of a class as far as its boxes cover it.
    geometry: POLYGON or MULTIPOLYGON as WKT; likewise, by the pixels whose centres they hold.
    x, y, or lon, lat (WGS 84): points; a tile's share is that of the points in it.
    key: the tile of that key, wholly.

    crs: of the coordinates; by default the scene's. Raises BadInput naming the line.
    """
    reader = csv.DictReader(
        read_text(path).splitlines(), delimiter="\t" if path.suffix == ".tsv" else ","
    )
    columns = set(reader.fieldnames or ())
    kind = next((names for names in _KINDS if set(names) <= columns), None)
    if "label" not in columns or kind is None:
        raise BadInput(
            f"{path}: a table of classes needs the column label, and west, south, east and north, "
            "or x and y, or geometry (WKT), or key."
        )
    places, labels = [], []
    for number, line in enumerate(reader, start=2):
        try:
            places.append(_KINDS[kind]([line[name] or "" for name in kind]))
        except ValueError as error:
            raise BadInput(f"{path}:{number}: {error}.") from error
        labels.append((line["label"] or "").strip())
    if not places:
        raise BadInput(f"{path}: the table of classes is empty.")
    if crs is None and kind == ("lon", "lat"):
        crs = "EPSG:4326"
    if crs is not None:
        try:
            CRS.from_user_input(crs)
        except CRSError as error:
            raise BadInput(f"classes_crs {crs!r} is no CRS that PROJ knows.") from error
    names = sorted(set(labels))
    values = np.array([names.index(label) for label in labels])
    made = {"key": _KeyClasses, "geometry": _PolygonClasses}.get(kind[0], _BoxClasses)
    classes: Classes = made(places, values, dict(enumerate(names)), crs)
    return classes


@dataclass
class _BoxClasses:
    """Boxes, of which points are those without a size."""

    places: list[list[float]]
    values: np.ndarray  # (n,)
    names: Mapping[int, str]
    crs: str | None
    _here: tuple[Scene, np.ndarray] | None = field(default=None, repr=False)

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        margin = (size - inner) // 2
        boxes, values = self._boxes(scene), self.values
        south, north = _heights(scene, row + margin, inner)
        there = (boxes[:, 3] >= south) & (boxes[:, 1] <= north)
        boxes, values = boxes[there], values[there]
        best, share = np.full(len(columns), NO_CLASS, np.int64), np.zeros(len(columns))
        for number, column in enumerate(columns.tolist()):
            west, south, east, north = scene.place.bounds(column + margin, row + margin, inner)
            wide = np.minimum(boxes[:, 2], east) - np.maximum(boxes[:, 0], west)
            high = np.minimum(boxes[:, 3], north) - np.maximum(boxes[:, 1], south)
            touching = (wide >= 0) & (high >= 0)
            if not touching.any():
                continue
            points = touching & (boxes[:, 0] == boxes[:, 2]) & (boxes[:, 1] == boxes[:, 3])
            if points.any():
                weight = points / points.sum()
            else:
                weight = np.where(touching, wide * high, 0.0) / ((east - west) * (north - south))
            sums = np.bincount(values, weight)
            if sums.max() > 0:
                best[number], share[number] = sums.argmax(), min(sums.max(), 1.0)
        return best, share

    def _boxes(self, scene: Scene) -> np.ndarray:
        if self._here is None or self._here[0] is not scene:
            boxes = np.array(self.places, float)
            if self.crs is not None:
                boxes = _moved(boxes, CRS.from_user_input(self.crs), scene.place.crs)
            self._here = scene, boxes
        return self._here[1]


@dataclass
class _PolygonClasses:
    """GeoJSON polygons; where they overlap the later line wins."""

    places: list[dict[str, Any]]
    values: np.ndarray
    names: Mapping[int, str]
    crs: str | None
    _here: tuple[Scene, list[tuple[Any, int, float, float]]] | None = field(
        default=None, repr=False
    )

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        margin = (size - inner) // 2
        top = row + margin
        south, north = _heights(scene, top, inner)
        shapes = [
            (shape, value + 1)
            for shape, value, low, high in self._shapes(scene)
            if high >= south and low <= north
        ]
        if not shapes:
            return np.full(len(columns), NO_CLASS, np.int64), np.zeros(len(columns))
        a, b, c, d, e, f = scene.place.window_transform(0, top)
        band = rasterize(
            shapes,
            out_shape=(inner, scene.width),
            transform=type(scene.place.transform)(a, b, c, d, e, f),
            dtype="int32",
        )
        best, share = majority(band - 1, band > 0, columns + margin, inner)
        return best, share

    def _shapes(self, scene: Scene) -> list[tuple[Any, int, float, float]]:
        """(polygon in the scene's CRS, value, lowest y, highest y)"""
        if self._here is None or self._here[0] is not scene:
            places = self.places
            if self.crs is not None:
                source = CRS.from_user_input(self.crs)
                places = [transform_geom(source, scene.place.crs, place) for place in places]
            found = []
            for place, value in zip(places, self.values.tolist(), strict=True):
                ys = [y for _, y in _points(place["coordinates"])]
                found.append((place, value, min(ys), max(ys)))
            self._here = scene, found
        return self._here[1]


@dataclass
class _KeyClasses:
    """Tiles by their key."""

    places: list[str]
    values: np.ndarray
    names: Mapping[int, str]
    crs: str | None

    def __post_init__(self) -> None:
        self._value_of = dict(zip(self.places, self.values.tolist(), strict=True))

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        keys = [tile_key(scene.name, column, row, size) for column in columns.tolist()]
        best = np.array([self._value_of.get(key, NO_CLASS) for key in keys], np.int64)
        return best, (best != NO_CLASS).astype(float)


def _heights(scene: Scene, row: int, rows: int) -> tuple[float, float]:
    """The lowest and highest y in some rows of a scene."""
    ys = [scene.place.point(x, y)[1] for x in (0, scene.width) for y in (row, row + rows)]
    return min(ys), max(ys)


def _moved(boxes: np.ndarray, source: Any, target: Any) -> np.ndarray:
    points = (boxes[:, 0] == boxes[:, 2]) & (boxes[:, 1] == boxes[:, 3])
    moved = np.empty_like(boxes)
    if points.any():
        x, y = transform_points(source, target, boxes[points, 0], boxes[points, 1])[:2]
        moved[points] = np.stack([x, y, x, y], axis=-1)
    for at in np.nonzero(~points)[0]:
        moved[at] = transform_bounds(source, target, *boxes[at])
    return moved


def _box(words: list[str]) -> list[float]:
    west, south, east, north = _numbers(words)
    if not (west <= east and south <= north):
        raise ValueError(f"{', '.join(words)} is not west <= east and south <= north")
    return [west, south, east, north]


def _point(words: list[str]) -> list[float]:
    x, y = _numbers(words)
    return [x, y, x, y]


def _numbers(words: list[str]) -> list[float]:
    try:
        found = [float(word) for word in words]
    except ValueError:
        found = []
    if not found or not np.isfinite(found).all():
        raise ValueError(f"a coordinate of {', '.join(map(repr, words))} is no number")
    return found


def _polygon(words: list[str]) -> dict[str, Any]:
    """WKT -> GeoJSON."""
    found = re.fullmatch(r"\s*(MULTI)?POLYGON\s*(?:Z\s*)?(\(.*\))\s*", words[0], re.I | re.S)
    number = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
    pair = rf"({number})\s+({number})(?:\s+{number})*"
    try:
        if found is None:
            raise ValueError
        lists = re.sub(pair, lambda m: f"[{float(m[1])!r},{float(m[2])!r}]", found[2])
        coordinates = json.loads(lists.replace("(", "[").replace(")", "]"))
        rings = coordinates if not found[1] else [ring for part in coordinates for ring in part]
        if any(len(ring) < 4 or np.shape(ring)[1:] != (2,) for ring in rings):
            raise ValueError
    except (ValueError, TypeError, IndexError):
        raise ValueError(f"geometry {words[0][:60]!r} is no POLYGON or MULTIPOLYGON") from None
    return {"type": "MultiPolygon" if found[1] else "Polygon", "coordinates": coordinates}


def _points(coordinates: Any) -> list[tuple[float, float]]:
    if isinstance(coordinates[0], int | float):
        return [(float(coordinates[0]), float(coordinates[1]))]
    return [point for part in coordinates for point in _points(part)]


_KINDS: dict[tuple[str, ...], Callable[[list[str]], Any]] = {
    ("west", "south", "east", "north"): _box,
    ("geometry",): _polygon,
    ("x", "y"): _point,
    ("lon", "lat"): _point,
    ("key",): lambda words: words[0].strip(),
}
