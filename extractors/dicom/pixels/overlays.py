"""Overlay planes (PS3.3 C.9.2): graphics drawn over an image, which pictures leave out by default.

They lie in the repeating groups 6000 to 601E, as bits of their own, or, in old files, in the bits
of the pixel words above the stored ones.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset

from .attributes import little_endian, numbers_of, value_of
from .luts import words_of

__all__ = ["burn_overlays", "overlay_masks", "without_overlay_bits"]

_GROUPS = range(0x6000, 0x6020, 2)


def without_overlay_bits(frame: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The stored values alone: bits of the words above or below them, which may hold overlays, are
    masked out, and the sign is restored. Integers of any shape; the same dtype."""
    allocated = frame.dtype.itemsize * 8
    stored = _whole(dataset, "BitsStored", allocated)
    high = _whole(dataset, "HighBit", stored - 1)
    if frame.dtype.kind not in "iu" or not 1 <= stored <= allocated or high >= allocated:
        return frame
    low = max(high - stored + 1, 0)
    # up to the word's top, then down again: an arithmetic shift where the dtype is signed
    raised = np.left_shift(frame, allocated - stored - low)
    return np.right_shift(raised, allocated - stored)


def holds_overlay_bits(dataset: Dataset) -> bool:
    """Whether an overlay lies in the pixel words."""
    return any(
        _first(dataset, (group, 0x0100), 1) > 1 and value_of(dataset, (group, 0x3000)) is None
        for group in _GROUPS
        if (group, 0x0010) in dataset
    )


def overlay_masks(
    dataset: Dataset, frame_index: int, shape: tuple[int, int]
) -> Iterator[np.ndarray | None]:
    """The planes of a frame, each as bool of the image's shape, what lies outside it cut off; None
    for a plane that cannot be read."""
    for group in _GROUPS:
        if (group, 0x0010) in dataset:
            try:
                mask = _mask(dataset, group, frame_index, shape)
            except (ValueError, TypeError, IndexError, OverflowError):
                mask = None
            yield mask


def burn_overlays(
    picture: np.ndarray, dataset: Dataset, frame_index: int
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The picture (h, w) or (h, w, 3) uint8 with all planes of the frame in white; and notes. A
    picture smaller than the file's rows and columns gets smaller planes."""
    notes = []
    drawn = picture.copy()
    height, width = picture.shape[:2]
    rows, columns = _whole(dataset, "Rows", height), _whole(dataset, "Columns", width)
    if not (height <= rows <= 65535 and width <= columns <= 65535):
        rows, columns = height, width
    for mask in overlay_masks(dataset, frame_index, (rows, columns)):
        if mask is None:
            notes.append("an overlay cannot be read and was left out")
            continue
        if (rows, columns) != (height, width):
            mask = _smaller(mask, height, width)
        drawn[mask] = 255
    return drawn, tuple(notes)


def _smaller(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """For a frame that was decoded at a lower resolution; thin lines stay whole."""
    for axis, size in enumerate((height, width)):
        starts = np.arange(size) * mask.shape[axis] // size
        mask = np.logical_or.reduceat(mask, starts, axis=axis)
    return mask


def _mask(
    dataset: Dataset, group: int, frame_index: int, shape: tuple[int, int]
) -> np.ndarray | None:
    rows, columns = (_first(dataset, (group, tag), 0) for tag in (0x0010, 0x0011))
    frames = max(_first(dataset, (group, 0x0015), 1), 1)
    at = frame_index - (_first(dataset, (group, 0x0051), 1) - 1)
    mask = np.zeros(shape, bool)
    if not 0 <= at < frames:
        return mask  # a plane of other frames
    if not (0 < rows <= 65535 and 0 < columns <= 65535):
        return None
    data = value_of(dataset, (group, 0x3000))
    plane: np.ndarray | None
    if data is not None:
        plane = _bits(data, at * rows * columns, rows * columns, little_endian(dataset))
    else:
        plane = _embedded(dataset, group, frame_index, rows * columns)
    if plane is None or len(plane) < rows * columns:
        return None
    plane = plane.reshape(rows, columns)
    origin = value_of(dataset, (group, 0x0050))
    top, left = (int(each) - 1 for each in (origin if origin is not None else (1, 1)))
    height = min(rows, shape[0] - top) - max(-top, 0)
    width = min(columns, shape[1] - left) - max(-left, 0)
    if height > 0 and width > 0:
        from_row, from_column = max(-top, 0), max(-left, 0)
        mask[max(top, 0) : max(top, 0) + height, max(left, 0) : max(left, 0) + width] = plane[
            from_row : from_row + height, from_column : from_column + width
        ]
    return mask


def _bits(data: object, start: int, count: int, little: bool) -> np.ndarray:
    """``count`` bits from bit ``start``, the lowest bit of a byte first, as bool."""
    words = words_of(data, little).astype("<u2")
    held = words.view(np.uint8)[start // 8 : (start + count + 7) // 8]
    return np.unpackbits(held, bitorder="little")[start % 8 :][:count].astype(bool)


def _embedded(dataset: Dataset, group: int, frame_index: int, count: int) -> np.ndarray | None:
    """The overlay's bit of each uncompressed pixel word, None where there is none."""
    bit = _first(dataset, (group, 0x0102), 0)
    allocated = _whole(dataset, "BitsAllocated", 0)
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    data = value_of(dataset, "PixelData")
    packed = syntax is not None and getattr(syntax, "is_compressed", False)
    if (
        packed
        or allocated not in (8, 16)
        or not 0 <= bit < allocated
        or not isinstance(data, bytes)
    ):
        return None
    dtype = np.dtype("u1" if allocated == 8 else "<u2" if little_endian(dataset) else ">u2")
    start = frame_index * count * dtype.itemsize
    words = np.frombuffer(data[start : start + count * dtype.itemsize], dtype)
    found: np.ndarray = (words >> bit & 1).astype(bool)
    return found


def _whole(dataset: Dataset, keyword: str, default: int) -> int:
    found = numbers_of(dataset, keyword)
    return int(found[0]) if found and found[0] is not None else default


def _first(dataset: Dataset, tag: tuple[int, int], default: int) -> int:
    found = value_of(dataset, tag)
    if isinstance(found, bytes):
        found = int.from_bytes(found[:2], "little")
    try:
        return int(found) if found is not None else default
    except (TypeError, ValueError, OverflowError):
        return default
