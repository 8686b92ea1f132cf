"""The class of a tile from a CSV: labelled boxes, points, polygons, or tiles by their key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform as transform_points
from rasterio.warp import transform_bounds

from domainclip.errors import BadInput

from ..reading.scenes import Scene
from .class_polygons import PolygonClasses
from .classes import NO_CLASS, Classes
from .csv_lines import lines_of, read_text
from .vectors.placing import placed

__all__ = ["open_class_table", "tile_key"]


def tile_key(scene: str, column: int, row: int, size: int) -> str:
    """The key of a tile: the scene's name and the tile's place and side in its pixels."""
    return f"{scene}_x{column:06d}_y{row:06d}_{size}px"


def open_class_table(path: Path, crs: str | None, *, label: str = "label") -> Classes:
    """A CSV or TSV with the column ``label`` and one of these sets of columns:

    west, south, east, north: boxes; a tile is of a class as far as its boxes cover it.
    geometry: POLYGON or MULTIPOLYGON as WKT; likewise, by the pixels whose centres they hold.
    x, y, or lon, lat (WGS 84): points; a tile's share is that of the points in it.
    key: the tile of that key, wholly.

    crs: of the coordinates; by default the scene's. Raises BadInput naming the line.
    """
    what = "the class table"
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    columns, lines = lines_of(read_text(path, what), path, what, delimiter=delimiter)
    kind = next((names for names in _KINDS if set(names) <= set(columns)), None)
    if label not in columns or kind is None:
        raise BadInput(
            f"{path}: a table of classes needs the column {label}, and west, south, east and "
            "north, or x and y, or geometry (WKT), or key."
        )
    places, labels = [], []
    for number, line in lines:
        try:
            places.append(_KINDS[kind]([line[name] or "" for name in kind]))
        except ValueError as error:
            raise BadInput(f"{path}:{number}: {error}.") from error
        labels.append((line[label] or "").strip())
    if not places:
        raise BadInput(f"{path}: the table of classes is empty.")
    if crs == "scene":
        crs = None
    if crs is None and kind == ("lon", "lat"):
        crs = "EPSG:4326"
    if crs is not None:
        try:
            CRS.from_user_input(crs)
        except (CRSError, ValueError) as error:
            raise BadInput(f"--labels-crs {crs!r} is no CRS that PROJ knows.") from error
    names = sorted(set(labels))
    values = np.searchsorted(names, labels)
    made = {"key": _KeyClasses, "geometry": PolygonClasses}.get(kind[0], _BoxClasses)
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
        values, amounts = self.proportions(scene, row + margin, columns + margin, inner)
        best, share = np.full(len(columns), NO_CLASS, np.int64), np.zeros(len(columns))
        if len(values):
            share = np.minimum(amounts.max(axis=0), 1.0)
            best[share > 0] = values[amounts.argmax(axis=0)][share > 0]
        return best, share

    def proportions(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Boxes that overlap count for each of their classes, so that the sum may be above 1."""
        boxes, values = self._boxes(scene), self.values
        south, north = _heights(scene, row, size)
        there = (boxes[:, 3] >= south) & (boxes[:, 1] <= north)
        boxes, values = boxes[there], values[there]
        amounts = np.zeros((len(self.names), len(columns)))
        for number, column in enumerate(columns.tolist()):
            west, south, east, north = _within(scene, column, row, size)
            if not (west < east and south < north):
                continue
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
            amounts[:, number] = np.bincount(values, weight, len(self.names))
        return np.arange(len(self.names)), amounts

    def _boxes(self, scene: Scene) -> np.ndarray:
        if self._here is None or self._here[0] is not scene:
            place = placed(scene)
            boxes = np.array(self.places, float)
            if self.crs is not None:
                boxes = _moved(boxes, CRS.from_user_input(self.crs), place.crs)
            self._here = scene, boxes
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

    def proportions(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        best, share = self.shares(scene, row, columns, size, size)
        values = np.arange(len(self.names))
        return values, (values[:, None] == best) * share


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


def _polygon(words: list[str]) -> Any:
    try:
        shape = shapely.from_wkt(words[0])
    except (shapely.errors.GEOSException, ValueError):
        shape = None
    flat = shape is not None and shape.geom_type in ("Polygon", "MultiPolygon")
    if not flat or shape.is_empty or not np.isfinite(shape.bounds).all():
        raise ValueError(f"geometry {words[0][:60]!r} is no POLYGON or MULTIPOLYGON")
    return shapely.force_2d(shape)


def _within(scene: Scene, column: int, row: int, size: int) -> tuple[float, float, float, float]:
    """(west, south, east, north) of a window as far as it lies in the scene."""
    if column + size <= scene.width and row + size <= scene.height:
        return scene.place.bounds(column, row, size)
    right, low = min(column + size, scene.width), min(row + size, scene.height)
    if right <= column or low <= row:
        return 0.0, 0.0, 0.0, 0.0
    corners = [scene.place.point(x, y) for x in (column, right) for y in (row, low)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


_KINDS: dict[tuple[str, ...], Callable[[list[str]], Any]] = {
    ("west", "south", "east", "north"): _box,
    ("geometry",): _polygon,
    ("x", "y"): _point,
    ("lon", "lat"): _point,
    ("key",): lambda words: words[0].strip(),
}
