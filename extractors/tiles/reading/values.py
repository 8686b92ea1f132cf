"""Values of bands, of whatever types, as one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["common_type", "read_bands"]


def read_bands(dataset: Any, bands: Sequence[int], **options: Any) -> np.ndarray:
    """bands: numbers from 1 -> (bands, h, w) of the type that holds them all; options: those of
    rasterio's ``read``, which reads bands of one type only. Raises GDAL_ERRORS."""
    dtypes = [dataset.dtypes[band - 1] for band in bands]
    if len(set(dtypes)) == 1:
        return np.asarray(dataset.read(list(bands), **options))
    out_shape = options.pop("out_shape", None)
    found: np.ndarray | None = None
    for dtype in dict.fromkeys(dtypes):
        at = [number for number, each in enumerate(dtypes) if each == dtype]
        if out_shape is not None:
            options["out_shape"] = (len(at), *out_shape[-2:])
        part = dataset.read([bands[number] for number in at], **options)
        if found is None:
            found = np.empty((len(bands), *part.shape[1:]), common_type(dtypes))
        found[at] = part
    assert found is not None, "no bands"
    return found


def common_type(dtypes: Sequence[str]) -> str:
    """The narrowest type that holds the values of all: ``uint8`` and ``uint16`` are ``uint16``."""
    plain = [np.dtype("complex64" if each == "complex_int16" else each) for each in dtypes]
    return str(np.result_type(*plain))
