"""Perceptual hash: 64 bits that survive resizing and recompression, compared by Hamming distance.

The picture's 32 x 32 grey thumbnail of area means, its two-dimensional DCT-II, and of the 8 x 8
lowest frequencies one bit each: above their median or not; first frequency in the highest bit.
Zauner 2010, "Implementation and benchmarking of perceptual image hash functions",
https://phash.org/docs/pubs/thesis_zauner.pdf.

Grey, thumbnail and cosines are linear and have whole weights here, so that all sums are exact: the
bits are the same on every machine, alone or in a batch, and those of a picture turned by quarters
or mirrored are the turned ones. ``imagehash.phash`` is the same but for a Lanczos thumbnail,
rounded to whole greys: 0.9 of its 64 bits differ on average on tiles of 224 px of NASA's Blue
Marble and on aerial photographs (RSSCN7), two at most in 95 % (benchmarks/tile_hashing.py hashing).

Half of the 64 bits are 1, so two hashes differ in an even number of bits, except where
coefficients equal their median (flat or symmetric pictures, whose ties give fewer ones). A bit
flips easily where its coefficient lies near the median: with water, snow and haze all of them do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from domainclip.errors import UsageError

__all__ = [
    "dihedral",
    "dihedral_hashes",
    "hashes_of",
    "lowest",
    "lowest_of",
    "phash",
    "phashes",
    "turned",
]

_SIDE = 32
_KEPT = 8
_GREY = np.array([77, 150, 29])  # of 256: ITU-R 601
_COSINE = 128  # stands for 1
_AT_ONCE = 400_000  # bytes of pictures that are summed together: they stay in the fast cache
_SINGLE, _DOUBLE = 2.0**24, 2.0**53  # up to here floats hold every whole number


def phash(image: Image.Image) -> int:
    """The hash of an image of any mode and size, 0 <= hash < 2**64."""
    return int(hashes_of(lowest(image)))


def phashes(pixels: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(n, h, w, 3) or (n, h, w) uint8 -> (n,) uint64: ``phash`` of each; 9 to 11 times as fast as
    ``imagehash.phash`` at 224 px, 8 times at 112. Raises UsageError for other shapes and types."""
    return hashes_of(lowest_of(pixels))


def dihedral_hashes(image: Image.Image) -> NDArray[np.uint64]:
    """(8,) uint64: the hashes of the image as it is, and turned and mirrored in the other 7 ways.

    A mirrored picture's DCT has the signs of its odd frequencies changed, a transposed picture's
    is transposed; each version has its own median. So these are the hashes of the rendered
    versions: of mirrored ones exactly, of transposed ones but for rounding where both sides of the
    picture are large and odd. Order: as it is, mirrored left to right, top to bottom, both (a half
    turn); then each of these transposed.
    """
    return hashes_of(turned(lowest(image)))


def dihedral(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """(n,) uint64 -> (n, 8): the same out of the hashes alone, as if every median were 0.

    Exact for the transposed version. Of mirrored ones the bits between the median and minus the
    median are wrong: on aerial images 4 of 64 in the middle, 8 to 10 in one of twenty. Where the
    image is at hand, ``dihedral_hashes`` is right.
    """
    words = np.ascontiguousarray(hashes, dtype=np.uint64)
    bits = np.unpackbits(words.astype(">u8").view(np.uint8)).reshape(-1, _KEPT, _KEPT)
    odd = (np.arange(_KEPT) % 2).astype(np.uint8)
    versions = [bits, bits ^ odd, bits ^ odd[:, None], bits ^ odd ^ odd[:, None]]
    versions += [version.transpose(0, 2, 1) for version in versions]
    return _packed(np.stack(versions, axis=1))


def lowest(image: Image.Image) -> NDArray[np.float64]:
    """(8, 8): the lowest frequencies of an image of any mode; see ``lowest_of``."""
    if image.mode not in ("L", "RGB"):
        coloured = Image.getmodebase(image.mode) == "RGB" or image.mode == "P"
        image = image.convert("RGB" if coloured else "L")
    return lowest_of(np.asarray(image)[None])[0]


def lowest_of(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(n, h, w, 3) or (n, h, w) uint8 -> (n, 8, 8): the lowest frequencies of each; row: vertical,
    column: horizontal. Those of the 32 x 32 thumbnail's unnormalised DCT-II, in greys.

    Raises UsageError for other shapes and types.
    """
    colours = pixels.ndim == 4 and pixels.shape[3] == 3
    if pixels.dtype != np.uint8 or not (colours or pixels.ndim == 3) or 0 in pixels.shape[1:]:
        raise UsageError(
            f"phash: pixels of shape {pixels.shape} and type {pixels.dtype}; give "
            "(n, height, width, 3) or (n, height, width) of type uint8."
        )
    height, width = pixels.shape[1:3]
    weights = _weights(height, width, colours)
    wide = width * (3 if colours else 1)
    lines = pixels.reshape(len(pixels), weights.periods, weights.period, wide)
    return _frequencies(lines, weights) * weights.scale


def _frequencies(lines: NDArray[np.uint8], weights: _Weights) -> NDArray[np.float64]:
    """(n, periods, period, width bands) -> (n, 8, 8), whole numbers.

    Rows of one weight are summed first, in 16 bits: cheaper than turning every pixel into a float.
    """
    count, periods, period, wide = lines.shape
    some = max(1, min(count, _AT_ONCE // (periods * period * wide)))
    sums = np.empty((some, periods, len(weights.spans), wide), weights.sums)
    rows = np.empty((some, periods * len(weights.spans), wide), weights.rows.dtype)
    down = np.empty((some, _KEPT, wide), weights.rows.dtype)
    wider = np.empty(down.shape)
    low = np.empty((count, _KEPT, _KEPT))
    for start in range(0, count, some):
        now = lines[start : start + some]
        n = len(now)
        for at, (first, last) in enumerate(weights.spans):
            span = now[:, :, first:last]
            np.add.reduce(span, axis=2, dtype=weights.sums, out=sums[:n, :, at])
        np.copyto(rows[:n], sums[:n].reshape(n, -1, wide))
        np.matmul(weights.rows, rows[:n], out=down[:n])
        np.copyto(wider[:n], down[:n])
        if weights.rounding:
            np.rint(wider[:n] * weights.rounding, out=wider[:n])
        np.matmul(wider[:n], weights.columns, out=low[start : start + n])
    return low


@dataclass(frozen=True, slots=True)
class _Weights:
    """What pixels count in the frequencies of pictures of one size.

    The rows come in ``periods`` of ``period`` rows each, whose ``spans`` (first, last + 1) have one
    weight. rows: (8, periods spans), columns: (width bands, 8), whole numbers. sums: the type that
    holds the sum of a span. rounding: 0, or what sums along columns are multiplied with before
    they are rounded. scale: from all that to frequencies.
    """

    periods: int
    period: int
    spans: tuple[tuple[int, int], ...]
    rows: NDArray[np.floating[Any]]
    columns: NDArray[np.float64]
    sums: type[np.uint16] | type[np.uint32]
    rounding: float
    scale: float


@lru_cache(maxsize=16)
def _weights(height: int, width: int, colours: bool) -> _Weights:
    down, period = _thumbnail(height)
    across, period_across = _thumbnail(width)
    grey = _GREY if colours else _GREY.sum(keepdims=True)
    columns = (across[:, :, None] * grey).reshape(_KEPT, -1).T
    change = (down[:, 1:period] != down[:, : period - 1]).any(axis=0)
    starts = [0, *(np.flatnonzero(change) + 1).tolist()]
    spans = tuple(zip(starts, [*starts[1:], period], strict=True))
    rows = down.reshape(_KEPT, -1, period)[:, :, starts].reshape(_KEPT, -1)
    longest = max(last - first for first, last in spans)
    most_down = 255.0 * np.abs(down).sum(axis=1).max()
    most = most_down * np.abs(columns).sum(axis=0).max()
    rounding = _DOUBLE / (2 * most) if most >= _DOUBLE else 0.0
    means = _COSINE**2 * _GREY.sum() * period * period_across
    return _Weights(
        periods=height // period,
        period=period,
        spans=spans,
        rows=rows.astype(np.float32 if most_down < _SINGLE else np.float64, order="C"),
        columns=columns.astype(np.float64, order="C"),
        sums=np.uint16 if longest <= 257 else np.uint32,
        rounding=rounding,
        scale=float(4 / means / (rounding or 1.0)),
    )


def _thumbnail(size: int) -> tuple[NDArray[np.int64], int]:
    """(8, size): what each row counts in the frequencies of the thumbnail of area means, times
    ``_COSINE`` and the second result: after so many rows it begins anew where one of the
    thumbnail's does."""
    common = math.gcd(size, _SIDE)
    rows = np.arange(size + 1) * (_SIDE // common)
    means = np.arange(_SIDE + 1) * (size // common)
    over = np.minimum(rows[1:, None], means[1:]) - np.maximum(rows[:-1, None], means[:-1])
    return _COSINES @ np.maximum(over, 0).T, size // common


def turned(low: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 8, 8) -> (..., 8, 8, 8): of the turned and mirrored versions."""
    odd = 1.0 - 2.0 * (np.arange(_KEPT) % 2)
    versions = [low, low * odd, low * odd[:, None], low * odd * odd[:, None]]
    return np.stack([*versions, *(version.swapaxes(-1, -2) for version in versions)], axis=-3)


def hashes_of(low: NDArray[np.float64]) -> NDArray[np.uint64]:
    """(..., 8, 8) frequencies -> (...) hashes."""
    flat = low.reshape(*low.shape[:-2], _KEPT**2)
    ordered = np.sort(flat, axis=-1)  # a tenth of np.median's time
    half = _KEPT**2 // 2
    median = (ordered[..., half - 1 : half] + ordered[..., half : half + 1]) / 2
    return _packed((flat > median).reshape(low.shape))


def _packed(bits: NDArray[np.bool_] | NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(..., 8, 8) -> (...): first bit highest."""
    packed = np.packbits(bits.reshape(-1, 64), axis=1)  # (n, 8)
    return packed.view(">u8").astype(np.uint64).reshape(bits.shape[:-2])


# (8, 32): the first rows of the DCT-II; each but the first sums to 0, and is its mirror or minus it
_COSINES = np.rint(
    _COSINE * np.cos(np.pi / _SIDE * (np.arange(_SIDE) + 0.5) * np.arange(_KEPT)[:, None])
).astype(np.int64)
