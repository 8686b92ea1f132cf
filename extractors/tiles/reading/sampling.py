"""A sample of a scene's values, from which its stretch is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.windows import Window

from domainclip.errors import BadInput

from .errors import GDAL_ERRORS
from .masks import valid_pixels
from .remote import environment
from .values import read_bands

if TYPE_CHECKING:
    from .scenes import Scene

__all__ = ["sample"]

SAMPLE_PX = 1 << 20  # pixels from which a stretch is taken
SAMPLE_WINDOWS = 64


def sample(scene: Scene, bands: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """About a million pixels of a scene: values (bands, n) and which hold data (n,) bool.

    From an overview where there is one, all of a small scene, else from 64 windows spread over it;
    windows that cannot be decoded are left out. Raises BadInput where none can.
    """
    dataset = scene.dataset
    samples = []
    for window, shape in _windows(dataset):
        try:
            found = read_bands(dataset, bands, window=window, out_shape=(len(bands), *shape))
            valid = valid_pixels(dataset, bands, found, window)
        except GDAL_ERRORS:
            continue
        samples.append((found.reshape(len(bands), -1), valid.ravel()))
    if not samples:
        raise BadInput(f"{scene.name}: none of its blocks that were tried can be decoded.")
    values = np.concatenate([found for found, _ in samples], axis=-1)
    valid = np.concatenate([each for _, each in samples])
    return values, valid


def _windows(dataset: Any) -> list[tuple[Window, tuple[int, int]]]:
    """(window, shape to read it in)"""
    width, height = dataset.width, dataset.height
    with environment(dataset.name):
        overviews = dataset.overviews(1)
    factors = [f for f in overviews if width * height // f**2 <= SAMPLE_PX]
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
