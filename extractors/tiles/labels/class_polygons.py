"""The class of a tile from polygons, by the pixels whose centres they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from rasterio import Affine
from rasterio.features import rasterize

from domainclip.errors import BadInput

from ..reading.scenes import Scene
from .boxes.reading import text_of
from .classes import Classes, Gridded
from .extent import Extent, Holds, holds_of_places
from .vectors.placing import cleaned, laid, placed, regions
from .vectors.reading import Layer, holds_of_layers, open_layers

__all__ = ["PolygonClasses", "open_class_vectors"]

MOST = 1_000_000  # polygons of a scene


def open_class_vectors(path: str, crs: str | None, *, label: str = "label") -> Classes:
    """Polygons of any file that OGR reads, with their class in the column ``label``; a tile is of
    a class by the pixels whose centres they hold, and where they overlap the later one wins.

    crs: of the coordinates, ``scene`` for that of each scene; by default what the file says.
    Raises BadInput.
    """
    opened = open_layers(path, crs=crs)
    labelled = [layer for layer in opened if label in layer.fields]
    if not labelled:
        fields = sorted({each for layer in opened for each in layer.fields})
        raise BadInput(
            f"{path}: polygons of classes need the column {label}; there is "
            f"{', '.join(fields[:30]) or 'none'}: name the one with the class with --label-column."
        )
    names = sorted({name for layer in labelled for name in layer.distinct(label) if name})
    if not names:
        raise BadInput(f"{path}: its column {label} is empty.")
    return _LayerClasses(labelled, label, dict(enumerate(names)))


class _Painted(Gridded):
    """Polygons in the scene's pixels, kept for the scene at hand."""

    _here: tuple[Scene, np.ndarray, np.ndarray, np.ndarray] | None

    def painted(self, scene: Scene, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        if self._here is None or self._here[0] is not scene:
            shapes, values = self.shapes(scene)
            areas = shapely.get_dimensions(shapes) == 2
            shapes, values = shapes[areas], values[areas]
            self._here = scene, shapes, values, shapely.bounds(shapes)
        _, shapes, values, bounds = self._here
        there = (bounds[:, 3] >= row) & (bounds[:, 1] <= row + rows)
        if not there.any():
            band = np.zeros((rows, scene.width), np.int32)
        else:
            band = rasterize(
                zip(shapes[there], (values[there] + 1).tolist(), strict=True),
                out_shape=(rows, scene.width),
                transform=Affine.translation(0, row),
                dtype="int32",
            )
        return band - 1, band > 0

    def shapes(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        """Shapes in the scene's pixels (n,), of which the later ones win, and values (n,)."""
        raise NotImplementedError


@dataclass
class PolygonClasses(_Painted):
    """Polygons; where they overlap the later line wins."""

    places: list[Any]
    values: np.ndarray
    names: Mapping[int, str]
    crs: Any
    _here: Any = field(default=None, repr=False)

    def reaches(self, scene: Scene) -> bool:
        return self._extent.meets(scene)

    def holds(self) -> Holds:
        return holds_of_places(len(self.places), "polygons", (self._extent,))

    @cached_property
    def _extent(self) -> Extent:
        return Extent.of(shapely.bounds(np.array(self.places, object)), self.crs)

    @cached_property
    def _cleaned(self) -> tuple[np.ndarray, np.ndarray]:
        """Valid shapes (m,), and for each the number of its line (m,)."""
        return cleaned(np.array(self.places, object), Counter())

    def shapes(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        source = placed(scene).crs if self.crs is None else self.crs
        shapes, at = self._cleaned
        boxes = list(regions(scene, (0, scene.height), source))
        found = [laid(shapes, source, box, shift, scene, Counter()) for box, shift in boxes]
        numbers = np.concatenate([at[kept] for _, _, kept in found])
        order = np.argsort(numbers, kind="stable")
        return np.concatenate([each for each, _, _ in found])[order], self.values[numbers[order]]


@dataclass
class _LayerClasses(_Painted):
    """Polygons of vector layers; where they overlap the later one wins."""

    layers: list[Layer]
    label: str
    names: Mapping[int, str]
    _here: Any = field(default=None, repr=False)

    def reaches(self, scene: Scene) -> bool:
        return any(layer.reaches(scene) for layer in self.layers)

    def holds(self) -> Holds:
        return holds_of_layers(self.layers, "polygons")

    def shapes(self, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
        value_of = {name: value for value, name in self.names.items()}
        shapes, values = [], []
        for layer in self.layers:
            raw = layer.within(scene, (0, scene.height), [self.label], MOST)
            if raw is None:
                raise BadInput(
                    f"{layer.path}: over {MOST:,} polygons lie in {scene.name}; turn them into a "
                    "class raster (gdal_rasterize), or cut the file up."
                )
            own = [text_of(each) for each in raw.columns.get(self.label, np.empty(0)).tolist()]
            kept = np.array([bool(name) for name in own], bool)
            shapes.append(raw.shapes[kept])
            values.append(np.array([value_of[name] for name in own if name], np.int64))
        return np.concatenate(shapes), np.concatenate(values)
