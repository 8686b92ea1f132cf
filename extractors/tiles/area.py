"""An area of interest: a box in degrees, or the polygons of a vector file."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from rasterio import CRS
from rasterio.warp import transform as transform_points

from domainclip.errors import BadInput, UsageError

from .reading.between import between
from .reading.errors import GDAL_ERRORS, words_of
from .reading.placing import crs_named

__all__ = ["Area", "open_area"]

MAX_FEATURES = 1_000_000
MAX_VERTICES = 20_000_000  # 320 MB of coordinates
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
MESH = 64  # cells each way of the mesh by which rows without a tile are told


@dataclass(frozen=True)
class Area:
    """Polygons in a CRS. Points are brought into that CRS and tested there, so that edges are as
    straight as their author drew them, however much another CRS would bend them."""

    name: str
    crs: Any
    shape: Any

    def holds(self, crs: Any, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points (x, y) of a CRS lie in it or on its boundary; bool, of their shape.

        Longitudes are those of the same meridian, also beyond 180. Points without a place in the
        area's CRS are outside. Raises BadInput where the CRSs do not belong together.
        """
        if crs != self.crs:
            x, y = self._transformed(crs, x, y)
        found = np.zeros(len(x), bool)
        known = np.isfinite(x) & np.isfinite(y)
        for turn in self._turns:
            found[known] |= shapely.intersects_xy(self._prepared, x[known] + turn, y[known])
        return found

    def pixel_bounds(
        self, place: Any, width: float, height: float
    ) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the part of ``width`` x ``height`` pixels of a
        georeference outside of which nothing lies in the area; all 0 where nothing does.

        A coarse mesh over the pixels, and another over what it leaves, is brought into the area's
        CRS. A cell counts where the box around its corners, grown by its own half, meets the area,
        and wherever that box cannot be trusted: a corner has no place, or a pole or the dateline
        may lie in it. Raises BadInput where the CRSs do not belong together.
        """
        bounds = 0.0, 0.0, width, height
        for _ in range(2):
            bounds = self._narrowed(place, *bounds)
        return bounds

    def _narrowed(
        self, place: Any, left: float, top: float, right: float, bottom: float
    ) -> tuple[float, float, float, float]:
        xs = np.linspace(left, right, MESH + 1)
        ys = np.linspace(top, bottom, MESH + 1)
        columns, rows = (each.ravel() for each in np.meshgrid(xs, ys))
        x, y = place.point(columns, rows)
        if place.crs != self.crs:
            x, y = self._transformed(place.crs, x, y)
        low, high = _cells(np.stack([x, y]).reshape(2, MESH + 1, MESH + 1))
        turns = self._turns
        with np.errstate(invalid="ignore"):
            grown = (high - low) / 2 + 1e-9
            counts = ~np.isfinite(low + high).all(axis=0)
            if len(turns) > 1:
                counts |= high[0] - low[0] > max(turns) / 2
            (west, south), (east, north) = low - grown, high + grown
        for turn in turns:
            tested = np.nonzero(~counts)
            boxes = shapely.box(
                west[tested] + turn, south[tested], east[tested] + turn, north[tested]
            )
            counts[tested] |= shapely.intersects(self._prepared, boxes)
        down, across = np.nonzero(counts)
        if not len(down):
            return 0.0, 0.0, 0.0, 0.0
        return (
            float(xs[across.min()]),
            float(ys[down.min()]),
            float(xs[across.max() + 1]),
            float(ys[down.max() + 1]),
        )

    @property
    def _turns(self) -> tuple[float, ...]:
        """What longitudes of the same meridian differ by."""
        if not self.crs.is_geographic:
            return (0.0,)
        full = 2 * math.pi / float(self.crs.units_factor[1])  # 360, whatever the unit
        return (0.0, -full, full)

    def _transformed(self, crs: Any, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        try:
            xs, ys = transform_points(crs, self.crs, x.tolist(), y.tolist())
        except GDAL_ERRORS as error:
            middle = shapely.point_on_surface(self.shape)
            if not _have_a_way(self.crs, crs, middle.x, middle.y):
                raise BadInput(
                    f"{self.name}: the area of interest cannot be brought into the scene's CRS "
                    f"({words_of(error)})."
                ) from error
            return between(crs, self.crs, x, y)
        return np.asarray(xs), np.asarray(ys)

    @cached_property
    def _prepared(self) -> Any:
        shapely.prepare(self.shape)
        return self.shape


def open_area(aoi: str) -> Area:
    """``W,S,E,N`` in degrees of WGS 84 (W above E: across the dateline), or a vector file that OGR
    reads, in any CRS: all polygons of its first layer, ``FILE:LAYER`` for another.

    Raises UsageError for a box that is none, BadInput for a file that cannot be read, names no CRS
    or holds no polygon.
    """
    numbers = [part.strip() for part in aoi.split(",")]
    if len(numbers) == 4 and all(map(_NUMBER.fullmatch, numbers)):
        return _box(aoi, [float(number) for number in numbers])
    return _of_file(aoi, _state(aoi))


def _box(aoi: str, numbers: list[float]) -> Area:
    west, south, east, north = numbers
    if not (-90 <= south < north <= 90 and -360 <= west <= 360 and -360 <= east <= 360):
        raise UsageError(f"--aoi={aoi}: give W,S,E,N in degrees, the south first.")
    if west == east or east - west > 360:
        raise UsageError(f"--aoi={aoi} is no box: it goes from {west:g} to {east:g} east.")
    if west > east:
        shape = shapely.box(west, south, east + 360, north)
    else:
        shape = shapely.box(west, south, east, north)
    return Area(aoi, CRS.from_epsg(4326), shape)


def _cells(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """corners (2, n + 1, n + 1) -> least and largest of each cell's four, (2, n, n)."""
    four = np.stack(
        [corners[:, :-1, :-1], corners[:, 1:, :-1], corners[:, :-1, 1:], corners[:, 1:, 1:]]
    )
    return four.min(axis=0), four.max(axis=0)


@lru_cache(maxsize=8)
def _have_a_way(source: Any, target: Any, x: float, y: float) -> bool:
    """Does a point of one CRS have a place in the other?"""
    try:
        transform_points(source, target, [x], [y])
    except GDAL_ERRORS:
        return False
    return True


@lru_cache(maxsize=2)
def _of_file(name: str, state: tuple[int, ...]) -> Area:
    path, layer = _layer_of(name)
    try:
        count = pyogrio.read_info(path, layer=layer, force_feature_count=True)["features"]
        if count > MAX_FEATURES:
            raise BadInput(f"{name}: {count:,} features are too many for an area of interest.")
        meta, _, shapes, _ = pyogrio.raw.read(path, layer=layer, columns=[], force_2d=True)
    except (DataSourceError, DataLayerError, ValueError, OSError) as error:
        raise BadInput(
            f"--aoi {name}: the area of interest is neither W,S,E,N nor a vector file that can be "
            f"read ({words_of(error)})."
        ) from error
    polygons = _polygons(name, shapes if shapes is not None else ())
    if meta["crs"] is None:
        raise BadInput(f"{name}: the area of interest names no CRS; add one with ogr2ogr -a_srs.")
    try:
        crs = crs_named(meta["crs"])
    except BadInput as error:
        raise BadInput(f"{name}: its CRS cannot be made out ({words_of(error)}).") from error
    return Area(name, crs, polygons)


def _polygons(name: str, wkb: Sequence[bytes | None] | np.ndarray) -> Any:
    shapes = shapely.from_wkb([each for each in wkb if each is not None], on_invalid="ignore")
    shapes = shapely.get_parts(shapes[~shapely.is_missing(shapes)])
    shapes = shapes[shapely.get_dimensions(shapes) == 2]
    if not len(shapes):
        raise BadInput(f"{name}: the area of interest holds no polygon.")
    if int(shapely.get_num_coordinates(shapes).sum()) > MAX_VERTICES:
        raise BadInput(f"{name}: its polygons have too many vertices for an area of interest.")
    return shapely.union_all(shapely.make_valid(shapes))


def _layer_of(name: str) -> tuple[str, str | None]:
    """``FILE:LAYER`` in two, where there is no such file but one without the layer."""
    path, colon, layer = name.rpartition(":")
    if colon and not Path(name).exists() and Path(path).exists():
        return path, layer
    return name, None


def _state(name: str) -> tuple[int, ...]:
    try:
        status = Path(_layer_of(name)[0]).stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns, os.getpid()
