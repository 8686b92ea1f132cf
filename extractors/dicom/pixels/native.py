"""Uncompressed frames as arrays of stored values (PS3.5 section 8.1 and annex D)."""

from __future__ import annotations

import numpy as np

from .pixel_header import PixelHeader

__all__ = ["frame_of", "stored_values"]


def frame_of(
    value: bytes, index: int, header: PixelHeader, *, little: bool = True, floating: bool = False
) -> np.ndarray:
    """Frame ``index`` of the pixel data: (rows, columns) or (rows, columns, samples), sign and
    unused bits as stored. What the data lack at the end is padding, or 0 in colour."""
    if header.allocated == 1:
        return _bits(value, index, header)
    size = header.frame_bits // 8
    start = index * size
    data = value[start : start + size]
    kind = f"{'<' if little else '>'}{'f' if floating else 'u'}{header.allocated // 8}"
    if len(data) < size:
        data += _padding(header, size - len(data), kind)
    flat = np.frombuffer(data, kind)
    if not little:
        flat = flat.astype(flat.dtype.newbyteorder("="))
    if header.samples == 1:
        return flat.reshape(header.rows, header.columns)
    if flat.size < header.pixels * header.samples:
        return _full_chroma(flat, header)
    if header.planar == 1:
        return np.moveaxis(flat.reshape(header.samples, header.rows, header.columns), 0, -1)
    return flat.reshape(header.rows, header.columns, header.samples)


def _padding(header: PixelHeader, missing: int, kind: str) -> bytes:
    """For the last ``missing`` bytes of a frame; an element that was cut in its middle is padded
    like the rest."""
    if header.samples > 1 or header.padding == 0 or kind[1] == "f":
        return bytes(missing)
    mask = (1 << header.allocated) - 1
    each = np.array(header.padding & mask, kind).tobytes()
    return (each * (missing // len(each) + 1))[-missing:]


def _bits(value: bytes, index: int, header: PixelHeader) -> np.ndarray:
    """One bit a pixel, the first one in the lowest; frames follow one another without a gap."""
    first = index * header.pixels
    start, skipped = divmod(first, 8)
    end = (first + header.pixels + 7) // 8
    data = value[start:end].ljust(end - start, b"\0")
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    return bits[skipped : skipped + header.pixels].reshape(header.rows, header.columns)


def _full_chroma(flat: np.ndarray, header: PixelHeader) -> np.ndarray:
    """Y1 Y2 Cb Cr for two pixels (PS3.3 C.7.6.3.1.2) -> Y Cb Cr for each."""
    pairs = flat.reshape(-1, 4)  # (pixels / 2, Y Y Cb Cr)
    out = np.empty((len(pairs), 2, 3), flat.dtype)
    out[:, :, 0] = pairs[:, :2]
    out[:, :, 1] = pairs[:, 2:3]
    out[:, :, 2] = pairs[:, 3:4]
    return out.reshape(header.rows, header.columns, 3)


def stored_values(values: np.ndarray, header: PixelHeader, *, mask: bool = True) -> np.ndarray:
    """The stored bits alone, as signed or unsigned integers of the container's size.

    values: unsigned, or signed with the same bits. Bits above High Bit and below the stored ones
    are not of the value (PS3.5 8.1.1). mask: False leaves the upper ones of unsigned values.
    """
    size = values.dtype.itemsize
    above = size * 8 - header.high - 1
    unused = size * 8 - header.stored
    values = values.view(f"u{size}")
    if header.signed:
        values = values.view(f"i{size}")
    if unused == 0 or (not mask and not header.signed):
        return values
    out: np.ndarray
    if not header.signed and header.high == header.stored - 1:
        out = values & ((1 << header.stored) - 1)
    else:
        out = (values << above) >> unused
    return out
