"""The class of a tile from a class raster, and how much of it is of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from rasterio.enums import ColorInterp

from domainclip.errors import BadInput

from ..reading.laying import laid_over
from ..reading.rows import Rows, is_sequential
from ..reading.scenes import Scene, open_scene
from .class_names import names_of
from .extent import Extent, Holds, extent_of_raster, holds_of_raster
from .vectors.placing import placed

__all__ = [
    "NO_CLASS",
    "Classes",
    "Gridded",
    "RasterClasses",
    "leading",
    "open_raster_classes",
    "tally",
    "whole_numbers",
]

Tally = tuple[np.ndarray, np.ndarray, np.ndarray]  # see tally
NO_CLASS = -(2**62)  # a pixel outside the class raster, or nodata in it; a tile without a class
WHOLE = 2.0**53  # above it, the numbers of a float raster are not told apart
SAMPLE_PX = 64
WARPED_PX = 1 << 26  # a class raster that decodes from its start is kept whole up to this size


class Classes(Protocol):
    """Says what a tile shows. names: class value -> name; none: the values are the names. areal: do
    shares say how much of the ground is of a class? Points, say, tell no more than which it is of.

    Of windows that stick out of the scene to the right or below only the part within counts.
    """

    names: Mapping[int, str]
    areal: bool

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tiles of ``size`` pixels whose upper left corners are (columns, row), judged by their
        central ``inner`` pixels -> (majority value, its share 0 to 1), each (tiles,)."""
        ...

    def proportions(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """-> (values (k,), the share of each in each tile (k, tiles)), together at most 1; what is
        missing from that is of no class."""
        ...

    def reaches(self, scene: Scene) -> bool:
        """See Labels."""
        ...

    def holds(self) -> Holds:
        """See Labels."""
        ...


class Gridded:
    """Classes that are painted onto the scene's pixels, so that a share is the exact share of
    these."""

    areal = True
    _last: tuple[Scene, int, np.ndarray, np.ndarray] | None = None
    _counted: tuple[Scene, int, np.ndarray, int, Tally] | None = None

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        margin = (size - inner) // 2
        return leading(*self._counts(scene, row + margin, columns + margin, inner))

    def proportions(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        values, counts, pixels = self._counts(scene, row, columns, size)
        return values, counts / np.maximum(pixels, 1)

    def painted(self, scene: Scene, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Values and where there are any, each (rows, width of the scene)."""
        raise NotImplementedError

    def _counts(self, scene: Scene, row: int, columns: np.ndarray, side: int) -> Tally:
        """Those asked for last, where they are the same: a tile's shares, its class and whether it
        is labelled all follow from them."""
        last = self._counted
        if (
            last is not None
            and last[0] is scene
            and (last[1], last[3]) == (row, side)
            and np.array_equal(last[2], columns)
        ):
            return last[4]
        found = tally(*self._rows_of(scene, row, side), columns, side)
        self._counted = scene, row, columns, side, found
        return found

    def _rows_of(self, scene: Scene, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Of those asked for last, where they hold these."""
        rows = min(rows, scene.height - row)
        if rows <= 0:
            return np.zeros((0, scene.width), np.int64), np.zeros((0, scene.width), bool)
        last = self._last
        if last is not None and last[0] is scene:
            start = row - last[1]
            if start >= 0 and start + rows <= len(last[2]):
                return last[2][start : start + rows], last[3][start : start + rows]
        band, valid = self.painted(scene, row, rows)
        self._last = scene, row, band, valid
        return band, valid


@dataclass
class RasterClasses(Gridded):
    """A class raster of any resolution and CRS.

    It is read at the centres of the scene's pixels (nearest neighbour; across CRSs to within an
    eighth of a pixel), so a share is the exact share of these.
    """

    raster: Scene
    names: Mapping[int, str]
    _grid: tuple[Scene, Rows] | None = field(default=None, repr=False)

    def painted(self, scene: Scene, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        values, valid = self._rows(scene).at(row, rows)
        return whole_numbers(self.raster.name, values[0], valid, scene.name, (0, row)), valid

    def reaches(self, scene: Scene) -> bool:
        return self._extent.meets(scene)

    def holds(self) -> Holds:
        return holds_of_raster("class raster", self._extent)

    @cached_property
    def _extent(self) -> Extent:
        return extent_of_raster(self.raster)

    def _rows(self, scene: Scene) -> Rows:
        if self._grid is None or self._grid[0] is not scene:
            source = self.raster.dataset
            placed(scene)
            laid = laid_over(self.raster, self.raster.place, scene, "class raster")
            resident = is_sequential(source) and scene.width * scene.height <= WARPED_PX
            self._grid = scene, Rows(self.raster.name, laid, (1,), resident=resident, palette=False)
        return self._grid[1]


def leading(
    values: np.ndarray, counts: np.ndarray, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As ``tally`` gives them -> the most frequent value of each square, and its share of all the
    square's pixels, (tiles,), (tiles,).

    Of equals the smallest value wins; a square without a valid pixel is NO_CLASS with share 0.
    """
    if not len(values):
        return np.full(len(pixels), NO_CLASS, np.int64), np.zeros(len(pixels))
    most = counts.max(axis=0)
    best = np.where(most > 0, values[counts.argmax(axis=0)], NO_CLASS)
    return best, most / np.maximum(pixels, 1)


def tally(band: np.ndarray, valid: np.ndarray, columns: np.ndarray, side: int) -> Tally:
    """Counts of values in squares of a band, as far as these lie in it.

    band, valid (rows, width), columns (tiles,): left edges -> the values (k,) int64, rising; how
    many pixels of each are in each square (k, tiles); how many pixels each has (tiles,).
    """
    rows, width = band.shape
    left, right = np.minimum(columns, width), np.minimum(columns + side, width)
    whole = bool(valid.all())
    values, codes = _coded(band, None if whole else valid)
    kinds = len(values) + 1  # the last stands for what is not valid
    each = codes + np.arange(width, dtype=np.int64) * kinds
    found = np.bincount(each.ravel(), minlength=width * kinds).reshape(width, kinds)[:, :-1]
    along = np.concatenate([np.zeros((1, len(values)), np.int64), np.cumsum(found, axis=0)])
    return values, (along[right] - along[left]).T, (right - left) * rows


def _coded(band: np.ndarray, valid: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The valid values, rising (k,) int64, and for each pixel which of them it is, k for none."""
    some = band if valid is None else band[valid]
    low, high = (int(some.min()), int(some.max())) if some.size else (0, -1)
    if high - low < 1 << 16:
        low = min(low, 0) if some.dtype == np.uint8 else low
        within = some if low == 0 else some.astype(np.int64) - low
        there = np.zeros(max(high - low + 1, 1), bool)
        there[within] = True
        values = np.nonzero(there)[0] + low
        code_of = np.cumsum(there) - 1
        if valid is None:
            return values, code_of[within]
        codes = np.full(band.shape, len(values), np.int64)
        codes[valid] = code_of[within]
        return values, codes
    values, inverse = np.unique(some, return_inverse=True)
    codes = np.full(band.shape, len(values), np.int64)
    codes[... if valid is None else valid] = inverse.reshape(some.shape)
    return values.astype(np.int64), codes


def open_raster_classes(source: str, table: str | None) -> RasterClasses:
    """A class raster with the names of its values: from a CSV with columns value and name, a table
    of ours by its name (``worldcover``), else those that the file itself gives.

    Raises BadInput.
    """
    raster = open_scene(source)
    if raster.georeference is None:
        raise BadInput(
            f"{source}: the class raster has no CRS or no transform; give it both, e.g. with "
            "gdal_translate -a_srs EPSG:... -a_ullr WEST NORTH EAST SOUTH."
        )
    if ColorInterp.red in raster.dataset.colorinterp and raster.dataset.count >= 3:
        raise BadInput(f"{source}: is a picture in colours, and classes are one band of numbers.")
    kind = raster.dataset.dtypes[0]
    if kind.startswith("complex"):
        raise BadInput(f"{source}: its values are {kind}, and classes are whole numbers.")
    if kind.startswith("float"):
        _look_at_middle(raster)
    return RasterClasses(raster, names_of(source, raster.dataset, table))


def whole_numbers(
    name: str, values: np.ndarray, valid: np.ndarray, where: str, corner: tuple[int, int]
) -> np.ndarray:
    """Values (h, w), floats among them, -> as integers, 0 where they are not valid. name: of the
    raster; where: in which image its upper left corner is (column, row). Raises BadInput naming
    the first that is no whole number."""
    if values.dtype.kind != "f":
        return values
    known = np.where(valid, values, 0)
    broken = (known != np.rint(known)) | (np.abs(known) > WHOLE)
    if broken.any():
        row, column = (int(each) for each in np.argwhere(broken)[0])
        raise BadInput(
            f"{name}: its value {known[row, column]:.6g} at column {corner[0] + column}, row "
            f"{corner[1] + row} of {where} is no class, since classes are whole numbers; give a "
            "raster of classes."
        )
    return known.astype(np.int64)


def _look_at_middle(raster: Scene) -> None:
    """A raster of heights or temperatures is refused before a scene is cut."""
    wide, high = min(raster.width, SAMPLE_PX), min(raster.height, SAMPLE_PX)
    column, row = (raster.width - wide) // 2, (raster.height - high) // 2
    rows = Rows(raster.name, raster.dataset, (1,), palette=False)
    try:
        values, valid = rows.window(column, row, wide, high)
    except BadInput:  # a damaged block costs the tiles on it
        return
    whole_numbers(raster.name, values[0], valid, "it", (column, row))
