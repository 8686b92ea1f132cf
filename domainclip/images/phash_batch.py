"""The perceptual hashes of many pictures of one size at once, from their pixels.

Grey conversion, Lanczos thumbnail and DCT are linear, so all of them fold into one matrix for the
rows and one for the columns. Before the first, rows are summed in groups as narrow as a 56th of
the height: whole numbers of 16 bits, several times cheaper than turning each pixel into a float.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from domainclip.errors import UsageError
from domainclip.images.phash import BASIS, hashes_of

__all__ = ["phashes"]

_AT_ONCE = 524288  # values summed at once: they stay in the processor's cache
# flat pictures: what single precision leaves of coefficients whose first is 10^6; the thumbnail's
# whole greys alone are noise of 18
_NOISE = 2.0
_GREY = np.array([19595, 38470, 7471]) / 65536  # ITU-R 601, as Pillow has them


def phashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(n, h, w, 3), (n, h, w, 1) or (n, h, w) uint8 -> (n,) uint64: their hashes.

    ``phash`` rounds the thumbnail to whole greys twice on its way, and this does not: a bit whose
    coefficient lies near the median may differ. Of real tiles of 224 px, 70 to 83 % have the same
    bits and 94 to 99 % differ in two at most (benchmarks/tile_hashing.py hashing).

    Raises UsageError for other shapes and types.
    """
    if pixels.dtype != np.uint8 or pixels.ndim not in (3, 4) or 0 in pixels.shape[1:]:
        raise UsageError(
            f"phashes: pixels of shape {pixels.shape} and type {pixels.dtype}; give "
            "(n, height, width, 3 or 1) uint8."
        )
    bands = 1 if pixels.ndim == 3 else pixels.shape[3]
    if bands not in (1, 3):
        raise UsageError(f"phashes: {bands} bands; give 3 (red, green, blue) or 1 (grey).")
    count, height, width = pixels.shape[:3]
    rows, columns = _matrices(height, width, bands)
    at_once = max(1, _AT_ONCE // (height * width * bands))
    sums = np.empty((at_once, rows.shape[1], width * bands), dtype=np.uint16)
    wide = np.empty(sums.shape, dtype=np.float32)
    low = np.empty((count, len(BASIS), len(BASIS)))
    for start in range(0, count, at_once):
        part = pixels[start : start + at_once].reshape(-1, height, width * bands)
        many = len(part)
        _sum_rows(part, _group(height), sums[:many])
        np.copyto(wide[:many], sums[:many])
        low[start : start + many] = rows @ (wide[:many] @ columns)
    low[np.abs(low) < _NOISE] = 0.0
    return hashes_of(low)


def _sum_rows(lines: NDArray[np.uint8], group: int, sums: NDArray[np.uint16]) -> None:
    """(n, h, w) -> (n, ceil(h / group), w): sums of ``group`` rows, the last of what is left."""
    count, height, wide = lines.shape
    whole = height // group
    grouped = lines[:, : whole * group].reshape(count, whole, group, wide)
    row = np.empty((count, whole, wide), dtype=np.uint16)
    np.copyto(sums[:, :whole], grouped[:, :, 0])
    for at in range(1, group):
        np.copyto(row, grouped[:, :, at])  # widening by itself is faster than inside the addition
        np.add(sums[:, :whole], row, out=sums[:, :whole])
    if whole < sums.shape[1]:
        sums[:, whole] = lines[:, whole * group :].sum(axis=1, dtype=np.uint16)


def _group(height: int) -> int:
    return max(1, min(height // 56, 257))  # 257 times 255 is the largest 16-bit sum


@lru_cache(maxsize=8)
def _matrices(
    height: int, width: int, bands: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(8, groups) and (width bands, 8)."""
    rows = BASIS @ _lanczos(height)  # (8, height)
    starts = np.arange(0, height, _group(height))
    tall = np.diff([*starts, height])
    summed = np.add.reduceat(rows, starts, axis=1) / tall  # of each group the mean weight
    columns = (BASIS @ _lanczos(width)).T  # (width, 8)
    weights = _GREY if bands == 3 else np.ones(1)
    wide = (columns[:, None] * weights[:, None]).reshape(width * bands, -1)
    return summed.astype(np.float32), wide.astype(np.float32)


def _lanczos(size: int) -> NDArray[np.float64]:
    """(32, size): Pillow's resampling as a matrix, taken from what it makes of single lines."""
    side = BASIS.shape[1]
    lines = Image.fromarray(np.eye(size, dtype=np.float32))
    return np.asarray(lines.resize((side, size), Image.Resampling.LANCZOS), dtype=np.float64).T
