"""Objects of an image's file laid over the scene that is made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from ...reading.between import between
from ...reading.georeference import Georeference
from ...reading.scenes import Scene
from ..things import Objects
from .drawn import Drawn
from .reading import counted

__all__ = ["FileGrid", "PixelMap", "grid_of_file", "to_objects"]

ROUNDING_PX = 1e-3  # by which shares of a side with six digits miss whole pixels
PixelMap = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class FileGrid:
    """The pixels of the file that a scene is a view of. to_scene: from the file's pixels to the
    scene's, (x, y) -> (x, y); None where they are the same. georeference: of the file's pixels."""

    width: int
    height: int
    to_scene: PixelMap | None = None
    georeference: Georeference | None = None


def grid_of_file(scene: Scene) -> FileGrid:
    """Of a scene, which a view may show on another grid; one without a place it can only scale."""
    width, height, placing = scene.file.width, scene.file.height, scene.file.placing
    shown = scene.georeference
    if placing is None or shown is None:
        if (width, height) == (scene.width, scene.height):
            return FileGrid(width, height)
        by_x, by_y = scene.width / width, scene.height / height
        return FileGrid(width, height, lambda x, y: (x * by_x, y * by_y))
    place = Georeference(placing.crs, placing.transform) if placing.kind == "affine" else None
    same_sides = (width, height) == (scene.width, scene.height)
    if same_sides and place is not None and place == shown:
        return FileGrid(width, height, georeference=place)

    def to_scene(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return shown.pixels(*between(placing.crs, shown.crs, *placing.xy(x, y)))

    return FileGrid(width, height, to_scene, place)


def to_objects(
    drawn: Drawn, grid: FileGrid | None, *, width: int, height: int, min_side_px: float
) -> tuple[Objects, dict[str, int]]:
    """Objects in the scene's pixels, and those left out: reason -> number.

    grid: None where they are in the scene's pixels already. Those are left out that lie outside the
    scene (width, height), and whose longer side is below min_side_px of its pixels, since nobody
    can see them.
    """
    boxes, shapes = drawn.boxes, drawn.shapes
    if drawn.relative and grid is not None:
        sides = np.array([grid.width, grid.height], float)
        boxes = boxes * np.tile(sides, 2)
        shapes = _moved(shapes, lambda points: points * sides)
    in_file = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    areas = in_file
    if grid is not None and grid.to_scene is not None:
        to_scene = grid.to_scene
        boxes, areas = _through(boxes, to_scene)
        shapes = _moved(shapes, lambda points: np.stack(to_scene(*points.T), axis=1))
    stated = np.isfinite(drawn.areas)
    areas = np.where(stated, areas * drawn.areas / in_file, areas)
    if shapes is not None:
        there = ~shapely.is_missing(shapes)
        boxes = boxes.copy()
        boxes[there] = shapely.bounds(shapes[there])
        there &= ~stated
        areas[there] = shapely.area(shapes[there])
    dropped: dict[str, int] = {}
    good = np.ones(len(boxes), bool)
    with np.errstate(invalid="ignore"):
        longer = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
        inside = (boxes[:, 0] < width) & (boxes[:, 1] < height) & (boxes[:, 2:] > 0).all(axis=1)
        reasons = {
            "outside": ~inside,
            "zero_area": ~(areas > 0),
            "too_small": ~(longer >= min_side_px - ROUNDING_PX),
        }
    for reason, bad in reasons.items():
        if count := int((good & bad).sum()):
            dropped[reason] = count
        good &= ~bad
    kept = None if shapes is None else shapes[good]
    objects = Objects(drawn.names, drawn.codes[good], boxes[good], areas[good], kept)
    return objects, counted(drawn.dropped, dropped)


def _moved(shapes: np.ndarray | None, how: Callable[[np.ndarray], np.ndarray]) -> np.ndarray | None:
    return None if shapes is None else shapely.transform(shapes, how)


def _through(boxes: np.ndarray, to_scene: PixelMap) -> tuple[np.ndarray, np.ndarray]:
    """The boxes around the moved corners, and the areas between these."""
    x, y = to_scene(boxes[:, [0, 2, 2, 0]].ravel(), boxes[:, [1, 1, 3, 3]].ravel())
    x, y = np.asarray(x).reshape(-1, 4), np.asarray(y).reshape(-1, 4)
    after = np.roll(np.arange(4), -1)
    areas = np.abs((x * y[:, after] - x[:, after] * y).sum(axis=1)) / 2
    moved = np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)
    return moved, areas
