"""Perceptual hash: 64 bits that survive resizing and recompression, compared by Hamming distance.

The picture's 32 x 32 grey thumbnail, its two-dimensional DCT-II, and of the 8 x 8 lowest
frequencies one bit each: above their median or not. The same bits as ``imagehash.phash``, first
frequency in the highest bit. Zauner 2010, "Implementation and benchmarking of perceptual image
hash functions", https://phash.org/docs/pubs/thesis_zauner.pdf.

Half of the 64 bits are 1, so two hashes differ in an even number of bits, except where
coefficients equal their median (flat or symmetric pictures, whose ties give fewer ones). A bit
flips easily where its coefficient lies near the median: with water, snow and haze all of them do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = [
    "dihedral",
    "dihedral_hashes",
    "hashes_of",
    "lowest",
    "phash",
    "turned",
]

_SIDE = 32
_KEPT = 8


def phash(image: Image.Image) -> int:
    """The hash of an image of any mode and size, 0 <= hash < 2**64."""
    return int(hashes_of(lowest(image)[None])[0])


def dihedral_hashes(image: Image.Image) -> NDArray[np.uint64]:
    """(8,) uint64: the hashes of the image as it is, and turned and mirrored in the other 7 ways.

    A mirrored picture's DCT has the signs of its odd frequencies changed, a transposed picture's
    is transposed; each version has its own median, so that these are the hashes of the rendered
    versions but for coefficients that lie within rounding of the median. Order: as it is, mirrored
    left to right, top to bottom, both (a half turn); then each of these transposed.
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
    """(8, 8): the lowest frequencies; row: vertical, column: horizontal."""
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    low: NDArray[np.float64] = _BASIS @ np.asarray(grey, dtype=np.float64) @ _BASIS.T
    # the frequencies of a flat picture are rounding noise, and no machine agrees on noise
    low[np.abs(low) < 1e-6 * _SIDE**2] = 0.0
    return low


def turned(low: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 8, 8) -> (..., 8, 8, 8): of the turned and mirrored versions."""
    odd = 1.0 - 2.0 * (np.arange(_KEPT) % 2)
    versions = [low, low * odd, low * odd[:, None], low * odd * odd[:, None]]
    return np.stack([*versions, *(version.swapaxes(-1, -2) for version in versions)], axis=-3)


def hashes_of(low: NDArray[np.float64]) -> NDArray[np.uint64]:
    """(..., 8, 8) frequencies -> (...) hashes."""
    flat = low.reshape(*low.shape[:-2], _KEPT**2)
    return _packed((flat > np.median(flat, axis=-1, keepdims=True)).reshape(low.shape))


def _packed(bits: NDArray[np.bool_] | NDArray[np.uint8]) -> NDArray[np.uint64]:
    """(..., 8, 8) -> (...): first bit highest."""
    packed = np.packbits(bits.reshape(-1, 64), axis=1)  # (n, 8)
    return packed.view(">u8").astype(np.uint64).reshape(bits.shape[:-2])


# (8, 32): the first rows of the unnormalised DCT-II; a common scale changes no comparison
_BASIS = 2 * np.cos(np.pi / _SIDE * (np.arange(_SIDE)[None, :] + 0.5) * np.arange(_KEPT)[:, None])
