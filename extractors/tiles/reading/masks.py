"""Which pixels of an open raster hold data: nodata values, masks, alpha bands, finite numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags

__all__ = ["alpha_band", "valid_pixels"]


def valid_pixels(dataset: Any, bands: Sequence[int], values: np.ndarray, window: Any) -> np.ndarray:
    """values (bands, h, w) as read from a window, in its size or another -> (h, w) bool.

    Nodata in one band is a dark or bright pixel; nodata in all of them is none. Raises GDAL_ERRORS.
    """
    flags = [dataset.mask_flag_enums[band - 1] for band in bands]
    shape = values.shape[1:]
    if all(MaskFlags.all_valid in each for each in flags):
        valid = np.ones(shape, bool)
        alpha = alpha_band(dataset)
        if alpha:  # of RGBA, GDAL makes a mask; of four colours and alpha it does not
            valid = dataset.read(alpha, window=window, out_shape=shape) > 0
    else:
        masks = dataset.read_masks(list(bands), window=window, out_shape=values.shape)
        valid = masks.any(axis=0)
    if np.issubdtype(values.dtype, np.inexact):
        valid &= np.isfinite(values).all(axis=0)
    return valid


def alpha_band(dataset: Any) -> int | None:
    """Its number; None where there is none."""
    meaning = list(dataset.colorinterp)
    return meaning.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in meaning else None
