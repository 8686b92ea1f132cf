"""Features of vector layers as facts of tiles: what is visible, and which of it a tile is about.

Measured (benchmarks/tile_vectors.py, one core of a 2-core machine, 900 tiles of 224 pixels with 22
visible features each): 1,700 tiles/s from a GeoPackage and 1,400 from GeoJSON, 350 where each tile
is read and cut alone; 2 and 15 MB on top.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from domainclip.errors import BadInput

from ...reading.scenes import Scene
from ...records import Facts, Thing
from ..extent import Holds
from .placing import placed
from .reading import Layer, holds_of_layers, open_layers
from .strips import Strip, read_strip
from .visibility import extents, visible
from .vocabulary import Vocabulary, read_vocabulary

__all__ = ["Vectors", "open_vectors"]

TELLING = 40.0  # the rank from which on a feature can be what a tile is about
MOST = 500_000  # features that are held at once, about a kilobyte each
AHEAD = 4  # tiles' heights that are read at once from a file with an index


@dataclass
class Vectors:
    """Facts of tiles from layers of one file. category: the column with the noun, "" for tags.
    Tiles of a scene that lies beyond all of them are left out as ``not_annotated``."""

    layers: list[Layer]
    vocabulary: Vocabulary
    category: str = ""
    most: int = MOST
    _here: tuple[Scene, int, int, Strip] | None = field(default=None, repr=False)
    _reached: tuple[Scene, bool] | None = field(default=None, repr=False)
    _whole: tuple[Scene, Counter[str]] | None = field(default=None, repr=False)

    def of_row(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> list[Facts | str]:
        """See Labels. Features are those visible at the tile's resolution: first the one that the
        tile is about, if there is one, then by rank, and by area. Raises BadInput."""
        placed(scene)
        if not self.reaches(scene):
            return ["not_annotated"] * len(columns)
        strip = self._strip(scene, row, size)
        gsds = scene.gsds_m(row, columns, size)
        found: list[list[tuple[Thing, float]]] = [[] for _ in range(len(columns))]
        windows = _windows(scene, row, columns, size)
        for number, at, thing in self._seen(strip, windows, gsds):
            found[number].append((thing, strip.meanings[at].rank))
        results: list[Facts | str] = []
        for things, gsd_m in zip(found, gsds, strict=True):
            ordered, focus = _ordered(things, size)
            results.append(Facts(size, gsd_m, features=ordered, focus=focus))
        return results

    def reaches(self, scene: Scene) -> bool:
        if self._reached is None or self._reached[0] is not scene:
            self._reached = scene, any(layer.reaches(scene) for layer in self.layers)
        return self._reached[1]

    def holds(self) -> Holds:
        return holds_of_layers(self.layers, "features")

    def left_out(self, scene: Scene, *, first: bool) -> dict[str, int]:
        """Features in a scene that no tile can show: reason -> number, to the first who asks for
        it; none where the scene has more than are held at once. Raises BadInput."""
        if not first:
            return {}
        dropped: Counter[str] = Counter()
        if self._whole is not None and self._whole[0] is scene:
            dropped = self._whole[1]
        elif self._read(scene, (0, scene.height), dropped) is None:
            return {}
        return {
            f"feature_{reason}": count
            for reason, count in dropped.items()
            if count and reason != "repaired_geometry"
        }

    def _read(self, scene: Scene, rows: tuple[int, int], dropped: Counter[str]) -> Strip | None:
        return read_strip(
            self.layers, self.vocabulary, scene, rows,
            category=self.category, most=self.most, dropped=dropped,
        )  # fmt: skip

    def centres(self, scene: Scene, size: int) -> Iterator[tuple[int, int]]:
        """Upper left corners (column, row) of tiles around what a tile can be about, as SkyScript
        takes its images: telling features in the order of their place, whose tile lies within the
        scene and further than half a tile from those before. Raises BadInput."""
        step = AHEAD * size
        taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for top in range(0, scene.height, step):
            strip = self._strip(scene, top, size)
            if not len(strip.shapes):
                continue
            middle = shapely.get_coordinates(shapely.centroid(strip.shapes))
            ranks = np.array([each.rank for each in strip.meanings])
            own = (ranks >= TELLING) & (middle[:, 1] >= top) & (middle[:, 1] < top + step)
            order = np.lexsort((middle[:, 0], middle[:, 1]))
            corners = np.floor(middle + 0.5).astype(np.int64) - size // 2
            for at in order[own[order]].tolist():
                column, row = corners[at].tolist()
                if not (0 <= column <= scene.width - size and 0 <= row <= scene.height - size):
                    continue
                gsd = scene.gsds_m(row, np.array([column]), size)
                window = _windows(scene, row, np.array([column]), size)
                if self._is_free(taken, column, row, size) and any(
                    seen == at for _, seen, _ in self._seen(strip, window, gsd)
                ):
                    taken.setdefault((column // size, row // size), []).append((column, row))
                    yield column, row

    def _strip(self, scene: Scene, row: int, size: int) -> Strip:
        """What lies in the rows of a tile and some more: all of the scene where the file has no
        index, since each reading is one of the whole file."""
        if self._here is not None:
            held, first, last, strip = self._here
            if held is scene and first <= row and min(row + size, scene.height) <= last:
                return strip
        indexed = all(layer.indexed for layer in self.layers)
        last = min(row + (AHEAD + 1) * size, scene.height)
        first, last = (row, last) if indexed else (0, scene.height)
        dropped: Counter[str] = Counter()
        found = self._read(scene, (first, last), dropped)
        if found is not None and (first, last) == (0, scene.height):
            self._whole = scene, dropped
        if found is None:
            remedy = (
                "keep the layers that matter, or choose smaller tiles"
                if indexed
                else "give it a spatial index, so that it is read in parts: ogr2ogr new.gpkg FILE"
            )
            raise BadInput(
                f"{self.layers[0].path}: over {self.most:,} features lie in {last - first} rows of "
                f"{scene.name}; {remedy}."
            )
        self._here = scene, first, last, found
        return found

    def _seen(
        self, strip: Strip, windows: np.ndarray, gsds: list[float | None]
    ) -> Iterator[tuple[int, int, Thing]]:
        """(number of the window, of the feature, what is seen of it)"""
        if not len(strip.shapes):
            return
        tile, at = strip.tree.query(shapely.box(*windows.T), predicate="intersects")
        order = np.lexsort((at, tile))
        tile, at = tile[order], at[order]
        # a point on the border of two tiles is in the right, lower one
        ends = (strip.bounds[at, :2] >= windows[tile, 2:]).any(axis=1)
        own = ~((strip.kinds[at] == 0) & ends)
        tile, at = tile[own], at[own]
        parts, inside = _cut(strip, windows, tile, at)
        kind = strip.kinds[at]
        gsd = np.array([np.nan if each is None else each for each in gsds])[tile]
        width = strip.widths_m[at] / gsd
        width[np.isinf(strip.widths_m[at])] = np.inf
        area = shapely.area(parts)
        length = np.where(kind == 1, shapely.length(parts), 0.0)
        keep = visible(kind, area, length, width, strip.pixels[at]) & ~shapely.is_empty(parts)
        tile, at, kind, width = tile[keep], at[keep], kind[keep], width[keep]
        area, length, parts = area[keep], length[keep], parts[keep]
        boxes = extents(kind, shapely.bounds(parts), width, windows[tile])
        sides = boxes[:, 2:] - boxes[:, :2]
        broad = np.where(np.isfinite(width), width, 0.0)
        covered = np.select(
            [kind == 2, (kind == 1) & (broad > 0)], [area, length * broad], sides.prod(axis=1)
        )
        measure = np.select([kind == 2, kind == 1], [area, length], 1.0)
        share = np.clip(measure / np.maximum(strip.whole[at], 1e-12), 0.0, 1.0)
        share[inside[keep] & ~strip.cut[at]] = 1.0
        for row in zip(
            tile.tolist(), at.tolist(), boxes.tolist(), covered.tolist(), share.tolist(),
            length.tolist(), strict=True,
        ):  # fmt: skip
            number, feature, box, pixels, part, long = row
            yield number, feature, Thing(
                category=strip.meanings[feature].category,
                box=(box[0], box[1], box[2], box[3]),
                area_px=pixels,
                visible=part,
                length_px=long,
                name=strip.names[feature],
                tags=strip.tags[feature],
            )  # fmt: skip

    def _is_free(
        self, taken: dict[tuple[int, int], list[tuple[int, int]]], column: int, row: int, size: int
    ) -> bool:
        near = (
            other
            for x in (-1, 0, 1)
            for y in (-1, 0, 1)
            for other in taken.get((column // size + x, row // size + y), ())
        )
        return all(max(abs(column - x), abs(row - y)) > size / 2 for x, y in near)


def open_vectors(
    path: str,
    *,
    layers: tuple[str, ...] = (),
    crs: str | None = None,
    tags: str | None = None,
    category: str = "",
) -> Vectors:
    """Any file that OGR reads (GeoJSON, GeoPackage, Shapefile, FlatGeobuf, .osm.pbf, CSV, zipped).

    layers: those that are meant; by default all. crs: of the coordinates, or ``scene``; by default
    what the file says. tags: a vocabulary like tags.yaml; by default that. category: the column
    whose value is the noun. Else features are what their tags say, and those of a layer without a
    column of tags are of the layer's name. Points and lines of a category or layer that no size is
    known of are taken as visible.

    Raises BadInput for what cannot be read.
    """
    opened = open_layers(path, layers=layers, crs=crs)
    if category and not any(category in layer.fields for layer in opened):
        fields = sorted({each for layer in opened for each in layer.fields})
        raise BadInput(
            f"{path}: no column {category!r}, as --category asks for; it has "
            f"{', '.join(fields[:30])}."
        )
    return Vectors(opened, read_vocabulary(tags), category=category)


def _windows(scene: Scene, row: int, columns: np.ndarray, size: int) -> np.ndarray:
    """(n, 4) x0, y0, x1, y1 in the scene's pixels, as far as they lie in it."""
    columns = np.asarray(columns, float)
    right = np.minimum(columns + size, scene.width)
    low = np.full(len(columns), float(row))
    high = np.full(len(columns), float(min(row + size, scene.height)))
    return np.stack([columns, low, right, high], axis=1)


def _cut(
    strip: Strip, windows: np.ndarray, tile: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(the part of each feature in its tile, was it all in it)"""
    bounds, frames = strip.bounds[at], windows[tile]
    inside = (bounds[:, :2] >= frames[:, :2]).all(axis=1) & (
        bounds[:, 2:] <= frames[:, 2:]
    ).all(axis=1)  # fmt: skip
    parts: Any = strip.shapes[at]
    if not inside.all():
        out = ~inside
        parts[out] = shapely.intersection(parts[out], shapely.box(*frames[out].T))
    return parts, inside


def _ordered(things: list[tuple[Thing, float]], size: int) -> tuple[tuple[Thing, ...], bool]:
    """By rank, area, category and place; before them the focus, and is there one.

    As in SkyScript a tile is about the object at its centre: the nearest to it of those that tell
    enough, whose middle lies in the tile's central quarter, and of which the tile holds most or
    that cover most of the tile.
    """
    ranked = sorted(
        things, key=lambda each: (-each[1], -each[0].area_px, each[0].category, each[0].box)
    )
    best, nearest = None, size / 4 + 1e-9
    for at, (thing, rank) in enumerate(ranked):
        if rank < TELLING or (thing.visible < 0.5 and thing.area_px < size**2 / 2):
            continue
        x, y = (thing.box[0] + thing.box[2]) / 2, (thing.box[1] + thing.box[3]) / 2
        distance = max(abs(x - size / 2), abs(y - size / 2))
        if distance < nearest:
            best, nearest = at, distance
    if best is not None:
        ranked.insert(0, ranked.pop(best))
    return tuple(thing for thing, _ in ranked), best is not None
