"""Bands of different types, read together as the type that holds them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .composites import common_type

__all__ = ["Promoted", "promoted"]


class Promoted:
    """An open raster whose ``read`` gives some bands, of whatever types, as one.

    rasterio reads bands of one type only; here each type is read by itself.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def read(self, bands: Sequence[int], **options: Any) -> np.ndarray:
        """bands: numbers from 1 -> (bands, h, w); options: those of rasterio's ``read``."""
        dtypes = [self._dataset.dtypes[band - 1] for band in bands]
        out_shape = options.pop("out_shape", None)
        found: np.ndarray | None = None
        for dtype in dict.fromkeys(dtypes):
            at = [number for number, each in enumerate(dtypes) if each == dtype]
            if out_shape is not None:
                options["out_shape"] = (len(at), *out_shape[-2:])
            part = self._dataset.read([bands[number] for number in at], **options)
            if found is None:
                found = np.empty((len(bands), *part.shape[1:]), common_type(dtypes))
            found[at] = part
        assert found is not None, "no bands"
        return found


def promoted(dataset: Any, bands: Sequence[int]) -> Any:
    """The raster itself where the bands are of one type."""
    types = {dataset.dtypes[band - 1] for band in bands}
    return dataset if len(types) == 1 else Promoted(dataset)
