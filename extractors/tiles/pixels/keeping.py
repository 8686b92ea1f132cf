"""A tile's raw bands as a GeoTIFF of its own, for those who go on from the pairs to the values."""

from __future__ import annotations

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import rasterio
from rasterio import Affine
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.windows import Window

from domainclip.errors import BadInput, OutputError, UsageError

from ..reading.errors import GDAL_ERRORS, words_of
from ..reading.scenes import Scene
from ..reading.values import common_type, read_bands

__all__ = ["check_folder", "keep_tile", "raw_tile"]

TAGS, TAG_CHARACTERS = 200, 2000  # a tile's share of its scene's header
_DERIVED = re.compile(r"^STATISTICS_|^AREA_OR_POINT$|^TIFFTAG_|^OVR_")  # of the scene, not the tile
_KEY = re.compile(r"^[^/\\\0]+$")


def check_folder(folder: Path) -> None:
    """Makes the folder that tiles are kept in; UsageError where none can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"--geotiff {folder}: no tile can be written there ({error.strerror}); name another "
            "folder."
        ) from error


def raw_tile(scene: Scene, column: int, row: int, size: int) -> bytes:
    """The raw bands of the tile at (column, row), ``size`` pixels wide and high, as a GeoTIFF.

    All of the file's bands, an alpha band among them. Values are those of the file, bit for bit
    (bands of different types as the type that holds them all); CRS, transform, nodata,
    descriptions, units, scales, offsets, palette and tags come along, and the mask where the file
    has one of its own. What sticks out of the scene is nodata, or masked where there is none.
    Deflate; the same tile gives the same bytes. Raises BadInput where it cannot be decoded.
    """
    source = scene.dataset
    wide, high = min(size, scene.width - column), min(size, scene.height - row)
    window = Window(column, row, wide, high)
    dtype = common_type(source.dtypes)
    nodata = source.nodatavals[0]
    values = np.full((source.count, size, size), 0 if nodata is None else nodata).astype(dtype)
    mask = np.zeros((size, size), np.uint8)
    try:
        values[:, :high, :wide] = read_bands(source, source.indexes, window=window)
        mask[:high, :wide] = source.dataset_mask(window=window)
    except GDAL_ERRORS as error:
        raise BadInput(
            f"{scene.name} x{column} y{row}: cannot be decoded ({words_of(error)})."
        ) from error
    own_mask = MaskFlags.per_dataset in source.mask_flag_enums[0]
    alpha = ColorInterp.alpha in source.colorinterp
    masked = nodata is None and not alpha and (own_mask or wide < size or high < size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return _encoded(scene, values, mask if masked else None, nodata, (column, row))


def keep_tile(folder: Path, key: str, data: bytes) -> Path:
    """Write a tile's bytes to ``<key>.tif`` in a folder, whole or not at all; the path.

    Raises UsageError for a key that is no file's name, OutputError where it cannot be written.
    """
    if not _KEY.match(key) or key in (".", ".."):
        raise UsageError(f"tiles: key {key!r} cannot be the name of a file.")
    path = folder / f"{key}.tif"
    partial = folder / f".{key}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise OutputError(f"{path}: the tile cannot be written ({error.strerror}).") from error
    return path


def _encoded(
    scene: Scene,
    values: np.ndarray,
    mask: np.ndarray | None,
    nodata: float | None,
    corner: tuple[int, int],
) -> bytes:
    source, place = scene.dataset, scene.georeference
    kind = values.dtype
    predictor = {"i": 2, "u": 2, "f": 3}.get(kind.kind, 1)
    located: dict[str, Any] = {}
    if place is not None:
        located = {"crs": place.crs, "transform": Affine(*place.window_transform(*corner))}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        MemoryFile() as memory,
    ):
        with memory.open(
            driver="GTiff",
            count=len(values),
            height=values.shape[1],
            width=values.shape[2],
            dtype=kind.name,
            nodata=nodata,
            compress="deflate",
            predictor=predictor,
            interleave="band",
            **located,
        ) as target:
            target.write(values)
            if mask is not None:
                target.write_mask(mask)
            _describe(source, target)
        return bytes(memory.read())


def _describe(source: Any, target: Any) -> None:
    # only a band alone can have a palette
    target.colorinterp = [
        ColorInterp.gray if meaning == ColorInterp.palette else meaning
        for meaning in source.colorinterp
    ]
    target.scales, target.offsets = source.scales, source.offsets
    target.update_tags(**_kept_tags(source.tags()))
    for number, description, unit in zip(
        source.indexes, source.descriptions, source.units, strict=True
    ):
        if description:
            target.set_band_description(number, description)
        if unit:
            target.set_band_unit(number, unit)
        target.update_tags(number, **_kept_tags(source.tags(number)))
    if source.count == 1 and source.colorinterp[0] == ColorInterp.palette:
        target.write_colormap(1, source.colormap(1))


def _kept_tags(tags: dict[str, str]) -> dict[str, str]:
    """In one order, without what is the whole scene's, and no more than a header should hold."""
    kept = {name: text for name, text in sorted(tags.items()) if not _DERIVED.match(name)}
    short = {name: text for name, text in kept.items() if len(text) <= TAG_CHARACTERS}
    return dict(list(short.items())[:TAGS])
