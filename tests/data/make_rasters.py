"""Small georeferenced rasters whose every pixel is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

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
) -> Path:
    """values (bands, h, w) as a GeoTIFF with its upper left corner at ``origin``."""
    transform = from_origin(*origin, pixel, pixel)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(values),
        height=values.shape[1],
        width=values.shape[2],
        dtype=values.dtype,
        nodata=nodata,
        **({"crs": crs, "transform": transform} if crs else {}),
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
) -> Path:
    """values (h, w) as a class raster."""
    return write_scene(path, values[None].astype(np.uint8), crs=crs, origin=origin, pixel=pixel)
