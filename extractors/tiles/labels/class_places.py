"""The class of a tile from labelled boxes, points, or tiles by their key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from rasterio.warp import transform_bounds

from ..reading.between import between
from ..reading.errors import GDAL_ERRORS
from ..reading.scenes import Scene
from .classes import NO_CLASS
from .extent import Extent, Holds, holds_of_places
from .vectors.placing import placed

__all__ = ["BoxClasses", "KeyClasses", "PointClasses", "tile_key"]


def tile_key(scene: str, column: int, row: int, size: int) -> str:
    """The key of a tile: the scene's name and the tile's place and side in its pixels."""
    return f"{scene}_x{column:06d}_y{row:06d}_{size}px"


class _Places:
    """Places with a class each; a tile is of the class of which it has most."""

    what = "places"
    places: list[list[float]]
    crs: Any

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
        raise NotImplementedError

    def reaches(self, scene: Scene) -> bool:
        return self._extent.meets(scene)

    def holds(self) -> Holds:
        return holds_of_places(len(self.places), self.what, (self._extent,))

    @cached_property
    def _extent(self) -> Extent:
        boxes = [[*place, *place] if len(place) == 2 else place for place in self.places]
        return Extent.of(boxes, self.crs)


@dataclass
class BoxClasses(_Places):
    """Boxes: west, south, east, north (n, 4). crs: of these; None: the scene's."""

    places: list[list[float]]
    values: np.ndarray  # (n,)
    names: Mapping[int, str]
    crs: Any
    areal = True
    what = "boxes"
    _here: tuple[Scene, np.ndarray] | None = field(default=None, repr=False)

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
            covered = wide.clip(0) * high.clip(0) / ((east - west) * (north - south))
            amounts[:, number] = np.bincount(values, covered, len(self.names))
        return np.arange(len(self.names)), amounts

    def _boxes(self, scene: Scene) -> np.ndarray:
        """(n, 4) in the scene's CRS, NaN for those that have no place there."""
        if self._here is None or self._here[0] is not scene:
            target = placed(scene).crs
            boxes = np.array(self.places, float)
            if self.crs is not None and self.crs != target:
                boxes = np.array([_moved(box, self.crs, target) for box in self.places])
            self._here = scene, boxes
        return self._here[1]


@dataclass
class PointClasses(_Places):
    """Points (n, 2): x, y. They say which class a tile is of, and not how much of it."""

    places: list[list[float]]
    values: np.ndarray
    names: Mapping[int, str]
    crs: Any
    areal = False
    what = "points"
    _here: tuple[Scene, np.ndarray, np.ndarray] | None = field(default=None, repr=False)

    def proportions(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Of the points in each tile; one on the border of two is in the right, lower one."""
        x, y = self._pixels(scene)
        with np.errstate(invalid="ignore"):
            there = (y >= row) & (y < min(row + size, scene.height))
        x, values = x[there], self.values[there]
        amounts = np.zeros((len(self.names), len(columns)))
        for number, column in enumerate(columns.tolist()):
            inside = (x >= column) & (x < min(column + size, scene.width))
            counts = np.bincount(values[inside], minlength=len(self.names))
            amounts[:, number] = counts / max(counts.sum(), 1)
        return np.arange(len(self.names)), amounts

    def _pixels(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        if self._here is None or self._here[0] is not scene:
            place = placed(scene)
            x, y = np.array(self.places, float).T
            if self.crs is not None:
                x, y = between(self.crs, place.crs, x, y)
            self._here = scene, *place.pixels(x, y)
        return self._here[1:]


@dataclass
class KeyClasses:
    """Tiles by their key: somebody's word for a tile, and not how much of it is of the class."""

    places: list[str]
    values: np.ndarray
    names: Mapping[int, str]
    crs: Any
    areal = False

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

    def reaches(self, scene: Scene) -> bool:
        return scene.name in self._scenes

    def holds(self) -> Holds:
        return Holds(
            f"none of its {len(self.places):,} keys is of a tile of these scenes",
            "a key is SCENE_x000000_y000000_224px, with the scene's name below the root and its "
            "ending",
            names=tuple(self.places),
        )

    @cached_property
    def _scenes(self) -> set[str]:
        return {key.rsplit("_x", 1)[0] for key in self.places}


def _moved(box: list[float], source: Any, target: Any) -> list[float]:
    try:
        return list(transform_bounds(source, target, *box))
    except GDAL_ERRORS:
        return [np.nan] * 4


def _heights(scene: Scene, row: int, rows: int) -> tuple[float, float]:
    """The lowest and highest y in some rows of a scene."""
    ys = [scene.place.point(x, y)[1] for x in (0, scene.width) for y in (row, row + rows)]
    return min(ys), max(ys)


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
