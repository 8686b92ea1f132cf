"""The class of a tile from a class raster: the majority of its central pixels."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np
from rasterio.enums import ColorInterp, Resampling
from rasterio.vrt import WarpedVRT

from domainclip.errors import BadInput

from ..reading.rows import GDAL_ERRORS, Rows, is_sequential, words_of
from ..reading.scenes import Scene, open_scene

__all__ = ["NO_CLASS", "Classes", "RasterClasses", "majority", "open_raster_classes", "read_text"]

NO_CLASS = -(2**62)  # a pixel outside the class raster, or nodata in it; a tile without a class
WARPED_PX = 1 << 26  # a class raster that decodes from its start is kept whole up to this size


class Classes(Protocol):
    """Says what a tile shows. names: class value -> name; none: the values are the names."""

    names: Mapping[int, str]

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tiles of ``size`` pixels whose upper left corners are (columns, row), judged by their
        central ``inner`` pixels -> (majority value, its share 0 to 1), each (tiles,)."""
        ...


@dataclass
class RasterClasses:
    """A class raster of any resolution and CRS.

    It is read at the centres of the scene's pixels (nearest neighbour; across CRSs to within an
    eighth of a pixel), so a share is the exact share of these.
    """

    raster: Scene
    names: Mapping[int, str]
    _grid: tuple[Scene, Rows] | None = field(default=None, repr=False)

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        margin = (size - inner) // 2
        values, valid = self._rows(scene).at(row + margin, inner)
        return majority(values[0], valid, columns + margin, inner)

    def _rows(self, scene: Scene) -> Rows:
        if self._grid is None or self._grid[0] is not scene:
            source = self.raster.dataset
            warped = self._laid_over(scene)
            resident = is_sequential(source) and scene.width * scene.height <= WARPED_PX
            rows = Rows(self.raster.name, warped, (1,), resident=resident)
            self._grid = scene, rows
        return self._grid[1]

    def _laid_over(self, scene: Scene) -> WarpedVRT:
        source = self.raster.dataset
        try:
            return WarpedVRT(
                source,
                src_crs=self.raster.place.crs,
                src_transform=self.raster.place.transform,
                crs=scene.place.crs,
                transform=scene.place.transform,
                width=scene.width,
                height=scene.height,
                resampling=Resampling.nearest,
                # without it, what lies outside would be of class 0
                add_alpha=source.nodata is None and ColorInterp.alpha not in source.colorinterp,
            )
        except GDAL_ERRORS as error:
            raise BadInput(
                f"{self.raster.name}: the class raster cannot be laid over {scene.name} "
                f"({words_of(error)})."
            ) from error


def majority(
    band: np.ndarray, valid: np.ndarray, columns: np.ndarray, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """The most frequent value in squares of a band, and its share of all their pixels.

    band, valid (side, width), columns (tiles,): left edges -> (tiles,), (tiles,). Of equals the
    smallest value wins; a square without a valid pixel is NO_CLASS with share 0.
    """
    best = np.full(len(columns), NO_CLASS, np.int64)
    most = np.zeros(len(columns), np.int64)
    whole = valid.all()
    for value in np.unique(band if whole else band[valid]):
        found = band == value if whole else (band == value) & valid
        along = np.concatenate([[0], np.cumsum(found.sum(axis=0))])
        count = along[columns + side] - along[columns]
        better = count > most
        best[better], most[better] = value, count[better]
    return best, most / side**2


def open_raster_classes(source: str, table: str | None) -> RasterClasses:
    """A class raster with the names of its values: a CSV with columns value and name.

    Raises BadInput.
    """
    raster = open_scene(source)
    if raster.georeference is None:
        raise BadInput(
            f"{source}: the class raster has no CRS or no transform; give it both, e.g. with "
            "gdal_translate -a_srs EPSG:... -a_ullr WEST NORTH EAST SOUTH."
        )
    kind = np.dtype(raster.dataset.dtypes[0])
    if not np.issubdtype(kind, np.integer):
        raise BadInput(
            f"{source}: its values are {kind}, and classes are whole numbers; convert it with "
            "gdal_translate -ot Int32."
        )
    if table is None and source == "koppen_geiger":
        text = (files(__package__) / "koppen_geiger.csv").read_text(encoding="utf-8")
        return RasterClasses(raster, _read_names(text, source))
    if table is None:
        return RasterClasses(raster, {})
    return RasterClasses(raster, _read_names(read_text(Path(table)), table))


def read_text(path: Path) -> str:
    """The text of a table. Raises BadInput."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: the class table cannot be read ({error}).") from error


def _read_names(text: str, place: str) -> dict[int, str]:
    reader = csv.DictReader(text.splitlines())
    if not {"value", "name"} <= set(reader.fieldnames or ()):
        raise BadInput(f"{place}: a class table needs the columns value and name.")
    names: dict[int, str] = {}
    for number, line in enumerate(reader, start=2):
        try:
            names[int(line["value"])] = line["name"].strip()
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{place}:{number}: value {line['value']!r} is no integer.") from error
    return names
