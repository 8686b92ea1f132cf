"""Rows of a raster, each read once: a window that slides down keeps what it already holds.

Measured (benchmarks/tile_reading.py, one core of a 2-core machine, 5400 x 2700 RGB, deflate, 224
pixels every 112): 7,300 tiles/s from a striped file and 9,700 from a tiled one, 64 and 14 times as
many as when the file is opened for each tile, in the memory of 3.3 rows of tiles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from domainclip.errors import BadInput

from .errors import GDAL_ERRORS, words_of
from .masks import valid_pixels
from .remote import BLOCK_CACHE_BYTES
from .values import read_bands

__all__ = [
    "GDAL_ERRORS",
    "Rows",
    "default_bands",
    "is_sequential",
    "rows_of_band",
    "stays_in_memory",
    "words_of",
]

# Formats that can only be decoded from their start, so that windows cost as much as the whole.
SEQUENTIAL = {"JPEG", "PNG", "GIF", "BMP"}
# Such a scene is decoded once a process and kept, up to this size (Blue Marble: 44 MB).
IN_MEMORY_BYTES = 256 * 2**20
# So many bytes of rows are held at once, whatever width a file says it has.
HELD_BYTES = 512 * 2**20


class Rows:
    """Some bands of an open raster, all columns, a few rows at a time.

    Holds the rows of the last call, and gives those that the next one shares with it without
    reading them again. From top to bottom, each block is decoded once: GDAL's cache keeps those
    that reach further down, and where they are too large for it, their other rows are held too.
    resident: read everything at the first call and keep it. A palette is resolved into its red,
    green and blue.
    """

    def __init__(
        self,
        name: str,
        dataset: Any,
        bands: Sequence[int],
        *,
        resident: bool = False,
        palette: bool = True,
    ) -> None:
        self._name, self._dataset, self._bands = name, dataset, list(bands)
        self._resident = resident
        self._palette = _palette(dataset, bands) if palette else None
        # a byte more for where they hold data
        self._row_bytes = dataset.width * (1 + sum(_item_bytes(dataset, at) for at in bands))
        self._block_row_bytes = (
            dataset.width
            * dataset.block_shapes[bands[0] - 1][0]
            * sum(_item_bytes(dataset, at) for at in dataset.indexes)
        )
        self._first = 0
        self._held: tuple[np.ndarray, np.ndarray] | None = None

    def at(self, row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """``rows`` rows from ``row`` on -> values (bands, rows, width) and where they hold data
        (rows, width) bool. Raises BadInput for what cannot be decoded, and where the rows are too
        wide to be held; windows can then be read alone."""
        if self._resident:
            if self._held is None:
                self._held = self.window(0, 0, self._dataset.width, self._dataset.height)
            values, valid = self._held
            return values[:, row : row + rows], valid[row : row + rows]
        held, self._held = self._held, None  # nothing is held if the reading fails
        stop = row + rows
        if held is None or not self._first <= row < self._first + held[1].shape[0]:
            held = self._read(row, self._until(row, stop))
        else:
            held = held[0][:, row - self._first :], held[1][row - self._first :]
            end = row + held[1].shape[0]
            if end < stop:
                new = self._read(end, self._until(end, stop), kept=end - row)
                held = np.concatenate([held[0], new[0]], axis=1), np.concatenate([held[1], new[1]])
        self._first, self._held = row, held
        return held[0][:, :rows], held[1][:rows]

    def _until(self, start: int, stop: int) -> int:
        """The row to read up to: where GDAL's cache could not hold a row of blocks until the next
        call, the end of the blocks that are decoded now."""
        if self._block_row_bytes <= BLOCK_CACHE_BYTES // 4:
            return stop
        high = self._dataset.block_shapes[self._bands[0] - 1][0]
        end = int(min(-(-stop // high) * high, self._dataset.height))
        return max(stop, end) if (end - start) * self._row_bytes <= HELD_BYTES // 2 else stop

    def _read(self, start: int, stop: int, *, kept: int = 0) -> tuple[np.ndarray, np.ndarray]:
        if (stop - start + kept) * self._row_bytes > HELD_BYTES:
            raise BadInput(
                f"{self._name}: {stop - start + kept} of its rows take more than "
                f"{HELD_BYTES >> 20} MiB, so its tiles are read one by one."
            )
        return self.window(0, start, self._dataset.width, stop - start)

    def window(self, column: int, row: int, width: int, height: int) -> tuple[Any, Any]:
        """Any window, read anew. Raises BadInput."""
        window = Window(column, row, width, height)
        try:
            values = read_bands(self._dataset, self._bands, window=window)
            valid = valid_pixels(self._dataset, self._bands, values, window)
        except GDAL_ERRORS as error:
            raise BadInput(
                f"{self._name}: rows {row} to {row + height} cannot be decoded ({words_of(error)})."
            ) from error
        if self._palette is not None:
            colours = self._palette[values[0]]
            valid = valid & (colours[..., 3] > 0)  # a colour that is clear is no data
            values = np.moveaxis(colours[..., :3], -1, 0)
        return values, valid


def default_bands(dataset: Any) -> tuple[int, ...]:
    """The bands that the file calls red, green and blue, else its first three, else its first."""
    meaning = list(dataset.colorinterp)
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    if all(colour in meaning for colour in colours):
        return tuple(meaning.index(colour) + 1 for colour in colours)
    if _is_series(dataset):
        return (1,)
    plain = [at + 1 for at, each in enumerate(meaning) if each != ColorInterp.alpha]
    return tuple(plain[:3]) if len(plain) >= 3 else tuple(plain[:1])


def _is_series(dataset: Any) -> bool:
    """Are its bands times, levels or quantities, and no colours?"""
    if dataset.driver == "Zarr":
        return any(re.fullmatch(r"DIM_\w+_INDEX", key) for key in dataset.tags(1))
    return dataset.driver == "GRIB" or "NETCDF_DIM_EXTRA" in dataset.tags()


def is_sequential(dataset: Any) -> bool:
    """Can it only be decoded from its start?"""
    return dataset.driver in SEQUENTIAL


def stays_in_memory(dataset: Any) -> bool:
    """Is it a small raster of a sequential format?"""
    size = dataset.width * dataset.height * (len(dataset.dtypes) + 1)
    return is_sequential(dataset) and size * _item_bytes(dataset, 1) <= IN_MEMORY_BYTES


def rows_of_band(dataset: Any, size: int, stride: int) -> int:
    """How many rows of tiles one source takes.

    One where the scene stays in memory. Else about two tiles' height and no less than a block's:
    little is decoded by two sources, and there are sources enough for many workers. All of a large
    scene that is decoded from its start.
    """
    if stays_in_memory(dataset):
        return 1
    if is_sequential(dataset):
        return max(1, (dataset.height - size) // stride + 1)
    return max(1, -(-max(2 * size, dataset.block_shapes[0][0]) // stride))


def _item_bytes(dataset: Any, band: int) -> int:
    kind = dataset.dtypes[band - 1]
    return 4 if kind == "complex_int16" else np.dtype(kind).itemsize


def _palette(dataset: Any, bands: Sequence[int]) -> np.ndarray | None:
    """(256, 4) uint8 where the only band asked for is an index into colours."""
    if len(bands) != 1 or dataset.colorinterp[bands[0] - 1] != ColorInterp.palette:
        return None
    if dataset.dtypes[bands[0] - 1] != "uint8":
        return None
    table = np.zeros((256, 4), np.uint8)
    table[:, 3] = 255
    for value, colour in dataset.colormap(bands[0]).items():
        if value < 256:
            table[value] = colour
    return table
