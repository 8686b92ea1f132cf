"""The class of a tile: the majority of a class raster, or of a table of boxes or points."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from domainclip.errors import BadInput

from .scenes import SEQUENTIAL, Scene, open_scene

__all__ = ["Classes", "RasterClasses", "TableClasses", "open_classes", "read_names"]


class Classes:
    """names: class value -> name. ``shares`` says how much of each tile is of which class."""

    names: Mapping[int, str]

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tiles of ``size`` pixels whose upper left corners are (columns, row), judged by their
        central ``inner`` pixels -> (majority value, its share 0 to 1), each (tiles,)."""
        raise NotImplementedError


@dataclass
class RasterClasses(Classes):
    """A class raster of any resolution and CRS, read on the scene's grid by nearest neighbour."""

    raster: Scene
    names: Mapping[int, str]
    _grid: Any = None
    _whole: np.ndarray | None = None
    _of: str = ""

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        margin = (size - inner) // 2
        band = self._rows(scene, row + margin, inner)  # (inner, width)
        counts = []
        values = np.unique(band)
        for value in values:
            along = np.concatenate([[0], np.cumsum((band == value).sum(0))])
            counts.append(along[columns + margin + inner] - along[columns + margin])
        table = np.stack(counts)  # (values, tiles)
        best = table.argmax(0)
        return values[best], table[best, np.arange(len(columns))] / inner**2

    def _rows(self, scene: Scene, row: int, rows: int) -> np.ndarray:
        if self._grid is None or self._of != scene.name:
            self._grid, self._of = scene.warped(self.raster), scene.name
            small = scene.width * scene.height <= 2**26
            sequential = self.raster.dataset.driver in SEQUENTIAL
            self._whole = self._grid.read(1) if small and sequential else None
        if self._whole is not None:
            return self._whole[row : row + rows]
        found: np.ndarray = self._grid.read(1, window=Window(0, row, scene.width, rows))
        return found


@dataclass
class TableClasses(Classes):
    """Boxes (west, south, east, north) or points, in the scene's CRS, each with a class."""

    boxes: np.ndarray  # (n, 4)
    values: np.ndarray  # (n,)
    names: Mapping[int, str]

    def shares(
        self, scene: Scene, row: int, columns: np.ndarray, size: int, inner: int
    ) -> tuple[np.ndarray, np.ndarray]:
        margin = (size - inner) // 2
        majority, share = np.zeros(len(columns), int), np.zeros(len(columns))
        for number, column in enumerate(columns):
            west, south, east, north = scene.bounds(int(column) + margin, row + margin, inner)
            wide = np.minimum(self.boxes[:, 2], east) - np.maximum(self.boxes[:, 0], west)
            high = np.minimum(self.boxes[:, 3], north) - np.maximum(self.boxes[:, 1], south)
            touching = (wide >= 0) & (high >= 0)
            is_point = (self.boxes[:, 0] == self.boxes[:, 2]) & (
                self.boxes[:, 1] == self.boxes[:, 3]
            )
            if not touching.any():
                continue
            if (is_point & touching).any():
                weight = (is_point & touching).astype(float)
                weight /= weight.sum()
            else:
                weight = np.where(touching, wide * high, 0.0) / ((east - west) * (north - south))
            sums = np.bincount(self.values, weight)
            majority[number], share[number] = sums.argmax(), min(sums.max(), 1.0)
        return majority, share


def open_classes(source: str, table: str | None) -> Classes:
    """``source``: a class raster, a built-in name, or a CSV of labelled boxes or points.

    table: a CSV with columns value and name for a raster's classes. Raises BadInput.
    """
    if source.endswith((".csv", ".tsv")):
        return _read_table(Path(source))
    raster = open_scene(source)
    if raster.crs is None:
        raise BadInput(f"{source}: the class raster has no CRS; give it one with gdal_edit -a_srs.")
    if table is None and source == "koppen_geiger":
        text = (files(__package__) / "koppen_geiger.csv").read_text(encoding="utf-8")
        return RasterClasses(raster, read_names(text, source))
    if table is None:
        return RasterClasses(raster, {})
    try:
        text = Path(table).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{table}: the class table cannot be read ({error}).") from error
    return RasterClasses(raster, read_names(text, table))


def read_names(text: str, place: str) -> dict[int, str]:
    """A CSV with columns value and name -> {value: name}. Raises BadInput naming the line."""
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


def _read_table(path: Path) -> TableClasses:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: the class table cannot be read ({error}).") from error
    reader = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",")
    columns = set(reader.fieldnames or ())
    boxes = {"west", "south", "east", "north"} <= columns
    points = next((p for p in (("x", "y"), ("lon", "lat")) if set(p) <= columns), None)
    if "label" not in columns or not (boxes or points):
        raise BadInput(
            f"{path}: a table of classes needs the column label and either west, south, east and "
            "north, or x and y."
        )
    rows, labels = [], []
    for number, line in enumerate(reader, start=2):
        try:
            if boxes:
                rows.append([float(line[c]) for c in ("west", "south", "east", "north")])
            else:
                assert points is not None
                x, y = (float(line[c]) for c in points)
                rows.append([x, y, x, y])
        except (TypeError, ValueError) as error:
            raise BadInput(f"{path}:{number}: a coordinate is no number.") from error
        labels.append((line["label"] or "").strip())
    if not rows:
        raise BadInput(f"{path}: the table of classes is empty.")
    known = sorted(set(labels))
    values = np.array([known.index(label) for label in labels])
    return TableClasses(np.array(rows), values, dict(enumerate(known)))
