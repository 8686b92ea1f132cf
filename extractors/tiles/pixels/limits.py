"""What a scene's values are stretched between, from a sample of its pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasterio.windows import Window

from domainclip.errors import BadInput
from domainclip.images.stretch import percentile_limits

from ..reading.rows import GDAL_ERRORS
from ..reading.scenes import Scene
from .composites import Composite
from .promotion import promoted
from .rendering import Limits, Look, known_limits, stays

__all__ = ["scene_limits"]

SAMPLE_PX = 1 << 20  # pixels from which a stretch is taken
SAMPLE_WINDOWS = 64


def scene_limits(scene: Scene, composite: Composite, look: Look) -> Limits | None:
    """(low, high) of each channel of a scene, for its ``Renderer``; None where values stay as they
    are, or each tile has its own limits.

    They are percentiles of a sample: an overview where there is one, all of a small scene, else 64
    windows spread over it; windows that cannot be decoded are left out. Raises BadInput where none
    can.
    """
    if stays(composite, look):
        return None
    limits = known_limits(composite, look)
    if limits is not None or look.stretch == "tile":
        return limits
    dataset = promoted(scene.dataset, composite.bands)
    bands = list(composite.bands)
    samples = []
    for window, shape in _sample_windows(dataset, bands[0]):
        try:
            values = dataset.read(bands, window=window, out_shape=(len(bands), *shape))
            masks = dataset.read_masks(bands, window=window, out_shape=values.shape)
        except GDAL_ERRORS:
            continue
        channels, valid = composite.channels_of(values, masks.any(axis=0), look.decibels)
        samples.append((channels.reshape(len(channels), -1), valid.ravel()))
    if not samples:
        raise BadInput(f"{scene.name}: none of its blocks that were tried can be decoded.")
    every, counts = (np.concatenate(parts, axis=-1) for parts in zip(*samples, strict=True))
    return percentile_limits(every, counts, look.percentiles)


def _sample_windows(dataset: Any, band: int) -> list[tuple[Window, tuple[int, int]]]:
    """(window, shape to read it in)"""
    width, height = dataset.width, dataset.height
    factors = [f for f in dataset.overviews(band) if width * height // f**2 <= SAMPLE_PX]
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
