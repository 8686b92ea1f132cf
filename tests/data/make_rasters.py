"""Small georeferenced rasters whose every pixel is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio import Affine

__all__ = ["scene_values", "write_classes", "write_scene"]


def scene_values(height: int, width: int, bands: int = 3) -> np.ndarray:
    """(bands, height, width) uint8, different at every pixel of a small window."""
    rng = np.random.default_rng(0)
    return rng.integers(1, 255, (bands, height, width)).astype(np.uint8)


def write_scene(
    path: Path,
    values: np.ndarray,
    *,
    crs: str | None = "EPSG:4326",
    origin: tuple[float, float] = (10.0, 50.0),
    pixel: float = 0.01,
    nodata: float | None = None,
    transform: Affine | None = None,
    **creation: Any,
) -> Path:
    """values (bands, h, w) as a GeoTIFF with its upper left corner at ``origin``, or placed by
    ``transform``; without a place where crs is None and no transform is given."""
    place = {"transform": transform or Affine(pixel, 0, origin[0], 0, -pixel, origin[1])}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype,
        nodata=nodata,
        **({"crs": crs} if crs else {}),
        **(place if crs or transform else {}),
        **creation,
    ) as dataset:
        dataset.write(values)
    return path


def write_classes(
    path: Path,
    values: np.ndarray,
    *,
    origin: tuple[float, float] = (10.0, 50.0),
    pixel: float = 0.01,
    crs: str = "EPSG:4326",
    nodata: float | None = None,
) -> Path:
    """values (h, w) as a class raster."""
    deep = values[None].astype(np.uint8)
    return write_scene(path, deep, crs=crs, origin=origin, pixel=pixel, nodata=nodata)
