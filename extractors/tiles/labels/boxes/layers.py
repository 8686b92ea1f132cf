"""Vector files (GeoJSON, GeoPackage, Shapefile, FlatGeobuf): polygons on the map, or xView's boxes.

Polygons with a CRS belong to every scene they lie in. xView's features say their box in pixels
(bounds_imcoords) and their image (image_id), and its categories by number (type_id).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio import CRS
from shapely.errors import ShapelyError

from domainclip.errors import BadInput

from ...reading.between import between
from ...reading.errors import words_of
from ...reading.placing import crs_named
from ...reading.scenes import Scene
from ..extent import Extent
from ..vectors.placing import laid, regions
from .categories import XVIEW_TYPES
from .drawn import Drawing, Drawn, areal
from .reading import (
    CATEGORY_NAMES,
    IMAGE_NAMES,
    SCORE_NAMES,
    Asked,
    category_field,
    number_of,
    one_of,
    text_of,
)

__all__ = ["Layer", "read_layers"]

# a name is a proper one in OpenStreetMap and its likes
NAMES = tuple(name for name in CATEGORY_NAMES if name != "name")
_ERRORS = (DataSourceError, DataLayerError, ShapelyError, ValueError, UnicodeError, RuntimeError)


@dataclass
class Layer:
    """Polygons on the map. categories, scores (n,): as the file has them. dropped: reason ->
    number, of what is no polygon."""

    path: Path
    crs: Any
    shapes: np.ndarray
    categories: list[str]
    scores: np.ndarray
    dropped: dict[str, int]
    _tree: shapely.STRtree | None = field(default=None, repr=False)

    @cached_property
    def extent(self) -> Extent:
        """Where its polygons lie, each by itself."""
        return Extent.of(shapely.bounds(self.shapes), self.crs)

    def drawn(self, scene: Scene, asked: Asked) -> Drawn:
        """Those that may lie in a scene with a place, in its pixels. Raises BadInput."""
        if self._tree is None:
            self._tree = shapely.STRtree(self.shapes)
        drawing = Drawing()
        seen = np.zeros(len(self.shapes), bool)
        for box, shift in regions(scene, (0, scene.height), self.crs):
            near = np.zeros(len(self.shapes), bool)
            near[self._tree.query(shapely.box(*box))] = True
            near &= ~seen
            seen |= near
            which = np.flatnonzero(near)
            shapes, areas, kept = laid(
                areal(self.shapes[which]), self.crs, box, shift, scene, drawing.dropped
            )
            for number, shape, area in zip(which[kept].tolist(), shapes, areas, strict=True):
                score = float(self.scores[number])
                drawing.add(self.categories[number], shape=shape, score=score, area=float(area))
        return drawing.done(asked.categories, min_score=asked.min_score, where=str(self.path))

    def reaches(self, scene: Scene, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Do pixels of the scene lie within the bounds of all polygons? (n,) bool"""
        if not len(self.shapes):
            return np.zeros(len(x), bool)
        west, south, east, north = self._bounds
        x, y = between(scene.place.crs, self.crs, *scene.place.point(x, y))
        turns = (-360, 0, 360) if self.crs.is_geographic else (0,)
        with np.errstate(invalid="ignore"):
            within = [(x + turn >= west) & (x + turn <= east) for turn in turns]
            return np.logical_or.reduce(within) & (y >= south) & (y <= north)

    @cached_property
    def _bounds(self) -> tuple[float, float, float, float]:
        """Of them all; each row of tiles asks for them."""
        west, south, east, north = shapely.total_bounds(self.shapes).tolist()
        return west, south, east, north


def read_layers(path: Path, asked: Asked) -> tuple[dict[str, Drawn], list[Layer]]:
    """-> objects in pixels by their image's name, and polygons on the map. Raises BadInput."""
    pictured: dict[str, Drawn] = {}
    layers: list[Layer] = []
    try:
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except _ERRORS as error:
        raise BadInput(f"{path}: no vector file that GDAL can read ({_said(error)}).") from error
    for name in names:
        where = str(path) if len(names) == 1 else f"{path} layer {name}"
        try:
            fields = pyogrio.read_info(path, layer=name)["fields"].tolist()
            lower = [one.lower() for one in fields]
            xview = {"bounds_imcoords", "image_id"} <= set(lower)
            category = category_field(asked, fields, where, NAMES)
            score = one_of(SCORE_NAMES, fields)
            image = one_of(("image_id", *IMAGE_NAMES), fields) if xview else None
            edges = one_of(("bounds_imcoords",), fields) if xview else None
            wanted = [one for one in (category, score, image, edges) if one is not None]
            meta, _, blobs, values = pyogrio.raw.read(
                path, layer=name, columns=list(dict.fromkeys(wanted)), force_2d=True
            )
            shapes = shapely.from_wkb(blobs)
        except _ERRORS as error:
            raise BadInput(f"{where}: damaged ({_said(error)}).") from error
        table = dict(zip(meta["fields"].tolist(), values, strict=True))
        count = len(shapes)
        nouns = _categories(table.get(category or ""), category, asked, count)
        scores = np.full(count, np.nan)
        if score:
            scores = np.array([number_of(one, f"{where}: {score}") for one in table[score]], float)
        if xview:
            drawn = _in_images(table[edges or ""], table[image or ""], nouns, scores, asked, path)
            pictured.update(drawn)
        elif asked.crs == "pixels":
            drawing = Drawing()
            for noun, one, own in zip(nouns, shapes, scores.tolist(), strict=True):
                drawing.add(noun, shape=one if _is_area(one) else None, score=own)
            pictured[path.stem] = drawing.done(
                asked.categories, min_score=asked.min_score, where=where
            )
        elif count:
            layers.append(_layer(path, where, meta["crs"], shapes, nouns, scores, asked))
        else:  # of a scene with its name, it says that nothing is there
            layers.append(Layer(path, CRS.from_epsg(4326), shapes, [], scores, {}))
    return pictured, layers


def _categories(values: Any, name: str | None, asked: Asked, count: int) -> list[str]:
    if values is None or asked.all_are:
        return [asked.all_are] * count
    raw = [text_of(value.item() if isinstance(value, np.generic) else value) for value in values]
    if name == "type_id":
        raw = [
            XVIEW_TYPES.get(int(one), "") if one.isdecimal() and len(one) < 4 else one
            for one in raw
        ]
    # OpenStreetMap's building=yes: the field is the category
    return [name or "" if one.lower() in ("yes", "true") else one for one in raw]


def _in_images(
    edges: Any, images: Any, nouns: list[str], scores: np.ndarray, asked: Asked, path: Path
) -> dict[str, Drawn]:
    drawings: dict[str, Drawing] = {}
    for number, (text, image, noun, score) in enumerate(
        zip(edges, images, nouns, scores.tolist(), strict=True)
    ):
        where = f"{path}: features[{number}].bounds_imcoords"
        numbers = [number_of(word, where) for word in str(text or "").split(",")]
        if len(numbers) != 4:
            raise BadInput(f"{where}: {str(text)[:40]!r} is not xmin,ymin,xmax,ymax.")
        drawings.setdefault(text_of(image), Drawing()).add(noun, box=numbers, score=score)
    return {
        image: drawing.done(asked.categories, min_score=asked.min_score, where=str(path))
        for image, drawing in drawings.items()
    }


def _layer(
    path: Path,
    where: str,
    stated: str | None,
    shapes: np.ndarray,
    nouns: list[str],
    scores: np.ndarray,
    asked: Asked,
) -> Layer:
    given = asked.crs or stated
    if not given:
        raise BadInput(f"{where}: names no CRS; give it with --labels-crs EPSG:...")
    try:
        crs = crs_named(given)
    except BadInput as error:
        raise BadInput(
            f"{'--labels-crs' if asked.crs else where}: {given!r} is no CRS that PROJ knows."
        ) from error
    areas = np.array([_is_area(shape) for shape in shapes], bool)
    dropped = {"not_an_area": int((~areas).sum())} if not areas.all() else {}
    shapes = shapes[areas]
    highest = np.abs(shapely.bounds(shapes)[:, 1::2]).max(initial=0)
    if crs.is_geographic and highest > 91:
        raise BadInput(
            f"{where}: reaches to latitude {highest:g} in {given}, so its coordinates are no "
            "degrees; give the right CRS, or 'pixels', with --labels-crs."
        )
    kept = [noun for noun, area in zip(nouns, areas, strict=True) if area]
    return Layer(path, crs, shapes, kept, scores[areas], dropped)


def _said(error: BaseException) -> str:
    """What GDAL said, without the whole of its SQL."""
    return words_of(error)[:300]


def _is_area(shape: Any) -> bool:
    return (
        shape is not None and shape.geom_type in ("Polygon", "MultiPolygon") and not shape.is_empty
    )
