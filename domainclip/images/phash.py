"""Perceptual hash: 64 bits that survive resizing and recompression, compared by Hamming distance.

The picture's 32 x 32 grey thumbnail, its two-dimensional DCT-II, and of the 8 x 8 lowest
frequencies one bit each: above their median or not. The same bits as ``imagehash.phash``, first
frequency in the highest bit. Zauner 2010, "Implementation and benchmarking of perceptual image
hash functions", https://phash.org/docs/pubs/thesis_zauner.pdf.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

__all__ = ["phash"]

_SIDE = 32
_KEPT = 8


def phash(image: Image.Image) -> int:
    """The hash of an image of any mode and size, 0 <= hash < 2**64."""
    grey = image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    low = _BASIS @ np.asarray(grey, dtype=np.float64) @ _BASIS.T  # (8, 8)
    # the frequencies of a flat picture are rounding noise, and no machine agrees on noise
    low[np.abs(low) < 1e-6 * _SIDE**2] = 0.0
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


# (8, 32): the first rows of the unnormalised DCT-II; a common scale changes no comparison
_BASIS = 2 * np.cos(np.pi / _SIDE * (np.arange(_SIDE)[None, :] + 0.5) * np.arange(_KEPT)[:, None])
