"""Write lossless PNG files in a hurry."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["png_of"]

_COLOUR_TYPE = {1: 0, 3: 2}  # channels -> PNG's code for grey and RGB
# Level 2 on rows filtered by Up: half the time of Pillow's level 1, files 1 % smaller (77 crops of
# rasters: 4.4 + 0.6 ms against 7.9; 57 of vector figures: 1.8 against 3.4)
_LEVEL = 2


def png_of(pixels: NDArray[np.uint8]) -> bytes:
    """A lossless PNG of (height, width) grey or (height, width, 3) RGB pixels.

    RGB whose channels are all equal is written as grey.
    """
    if pixels.ndim == 3 and _is_grey(pixels):
        pixels = np.ascontiguousarray(pixels[..., 0])
    height, width = pixels.shape[:2]
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    rows = pixels.reshape(height, width * channels)
    filtered = np.empty((height, width * channels + 1), np.uint8)
    filtered[:, 0] = 2  # Up: each byte less the one above it, modulo 256
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    data = zlib.compress(filtered.data, _LEVEL)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"IDAT", data),
            _chunk(b"IEND", b""),
        ]
    )


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    thin = pixels[::16, ::16]  # most coloured pictures show it here already
    for part in (thin, pixels):
        if not (part[..., 0] == part[..., 1]).all() or not (part[..., 0] == part[..., 2]).all():
            return False
    return True


def _chunk(kind: bytes, data: bytes) -> bytes:
    crc = zlib.crc32(data, zlib.crc32(kind))
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
