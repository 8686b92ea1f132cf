"""The objects of a scene cut to its tiles: which tile shows which, and how much of it.

A tile shows an object where at least ``min_visible`` of its area lies in it, or its box's centre
does, or the object is so large that its part covers a quarter of the tile. So every object whose
centre lies in the scene is shown by some tile of a grid without gaps, also one that a corner of
four tiles cuts into quarters.
RemoteCLIP (arXiv 2306.11029) gives no rule: it cuts no tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from domainclip.errors import BadInput

from ..reading.scenes import Scene
from ..records import Facts, Thing
from .draws import draw

__all__ = ["Objects", "Shown", "facts_of_tiles"]

FILLS = 0.25  # share of a tile that an object fills, so that it is shown however large it is
MOST_PARTS = 10_000_000  # parts of objects in one row of tiles


@dataclass(frozen=True)
class Objects:
    """Objects in the pixels of a scene, in the order of their annotation.

    boxes (n, 4): x0, y0, x1, y1, of some area. codes (n,): of their category in names. areas (n,):
    pixels that they cover. shapes (n,): their polygons, None for a box; None: all are boxes.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    shapes: np.ndarray | None = None


class Shown:
    """Objects of a scene of (width, height) pixels, found by the rows that they lie in.

    A row of tiles looks at what lies in it and at little else: objects are sorted by their upper
    edge among those of about their height.
    """

    def __init__(self, objects: Objects, *, width: int, height: int, min_visible: float) -> None:
        self._objects, self._min_visible = objects, min_visible
        self._width, self._height = width, height
        self._levels: list[tuple[np.ndarray, np.ndarray, float]] = []
        tops, heights = objects.boxes[:, 1], objects.boxes[:, 3] - objects.boxes[:, 1]
        levels = np.frexp(heights)[1]
        for level in np.unique(levels):
            own = np.flatnonzero(levels == level)
            own = own[np.argsort(tops[own], kind="stable")]
            self._levels.append((tops[own], own, float(heights[own].max())))

    def of_row(self, row: int, columns: np.ndarray, size: int) -> list[tuple[Thing, ...]]:
        """Tiles of ``size`` pixels whose upper left corners are (columns, row) -> what each shows,
        in the annotation's order. Raises BadInput for more parts than memory should hold."""
        bottom = min(row + size, self._height)
        which = self._between(row, bottom)
        boxes = self._objects.boxes[which]
        order = np.argsort(columns, kind="stable")
        lefts = columns[order]
        first = np.searchsorted(lefts, boxes[:, 0] - size, "right")
        counts = np.maximum(np.searchsorted(lefts, boxes[:, 2], "left") - first, 0)
        if counts.sum() > MOST_PARTS:
            raise BadInput(
                f"{counts.sum():,} parts of objects lie in one row of tiles; they cover each other."
            )
        which = np.repeat(which, counts)
        offsets = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        tiles = order[np.repeat(first, counts) + offsets]
        return self._things(which, tiles, columns, row, size)

    def _between(self, top: int, bottom: int) -> np.ndarray:
        """Numbers of the objects with a part in these rows, ascending."""
        found = [np.zeros(0, np.int64)]
        for tops, own, tallest in self._levels:
            start = np.searchsorted(tops, top - tallest, "left")
            found.append(own[start : np.searchsorted(tops, bottom, "left")])
        which = np.concatenate(found)
        return np.sort(which[self._objects.boxes[which, 3] > top])

    def _things(
        self, which: np.ndarray, tiles: np.ndarray, columns: np.ndarray, row: int, size: int
    ) -> list[tuple[Thing, ...]]:
        objects = self._objects
        boxes, left = objects.boxes[which], columns[tiles]
        right, bottom = np.minimum(left + size, self._width), min(row + size, self._height)
        parts = np.stack(
            [
                np.maximum(boxes[:, 0], left),
                np.full(len(left), row).clip(boxes[:, 1]),
                np.minimum(boxes[:, 2], right),
                np.minimum(boxes[:, 3], bottom),
            ],
            axis=1,
        )
        shares = _areas(parts) / _areas(boxes)
        areas = objects.areas[which]
        covered = areas * shares
        self._cut_shapes(which, parts, covered, shares, areas)
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        centred = (x >= left) & (x < right) & (y >= row) & (y < bottom)
        fills = covered >= FILLS * size**2
        some = (covered > 0) & (parts[:, 2] > parts[:, 0]) & (parts[:, 3] > parts[:, 1])
        kept = some & ((shares >= self._min_visible) | centred | fills)
        parts -= np.stack([left, np.full(len(left), row)] * 2, axis=1)
        found: list[list[Thing]] = [[] for _ in columns]
        names = objects.names
        for tile, code, box, area, share in zip(
            tiles[kept].tolist(),
            objects.codes[which[kept]].tolist(),
            parts[kept].tolist(),
            covered[kept].tolist(),
            np.minimum(shares[kept], 1.0).tolist(),
            strict=True,
        ):
            found[tile].append(Thing(names[code], tuple(box), area, share))
        return [tuple(things) for things in found]

    def _cut_shapes(
        self,
        which: np.ndarray,
        parts: np.ndarray,
        covered: np.ndarray,
        shares: np.ndarray,
        areas: np.ndarray,
    ) -> None:
        """Polygons that a tile's edge cuts: the exact part, its box, area and share, in place."""
        if self._objects.shapes is None:
            return
        shapes = self._objects.shapes[which]
        cut = np.flatnonzero(~shapely.is_missing(shapes) & (shares < 1))
        if not len(cut):
            return
        pieces = shapely.intersection(shapes[cut], shapely.box(*parts[cut].T))
        covered[cut] = shapely.area(pieces)
        shares[cut] = covered[cut] / areas[cut]
        bounds = shapely.bounds(pieces)
        there = covered[cut] > 0
        parts[cut[there]] = bounds[there]


def facts_of_tiles(
    scene: Scene,
    row: int,
    columns: np.ndarray,
    size: int,
    things: Sequence[tuple[Thing, ...]],
    *,
    keep_empty: float,
    seed: int,
    gsd_m: float | None = None,
) -> list[Facts | str]:
    """What tiles show -> their facts; ``no_objects`` for those that show none, but for a share of
    them, keep_empty, drawn with the seed by the tile's place. gsd_m: where the scene does not know
    its own.
    """
    gsds = scene.gsds_m(row, columns, size)
    if scene.georeference is None:
        gsds = [own or gsd_m for own in gsds]
    found: list[Facts | str] = []
    for column, shown, gsd in zip(columns.tolist(), things, gsds, strict=True):
        if shown or (keep_empty > 0 and draw(seed, scene.name, column, row) <= keep_empty):
            found.append(Facts(size, gsd, objects=shown, looked=True))
        else:
            found.append("no_objects")
    return found


def _areas(boxes: np.ndarray) -> np.ndarray:
    return (boxes[:, 2] - boxes[:, 0]).clip(0) * (boxes[:, 3] - boxes[:, 1]).clip(0)
