"""COCO's run lengths: area and box of a mask without making the mask.

A mask of (height, width) is counted down its columns, first a run of zeros, then one of ones, and
so on. The text form packs each count, or its difference to the one two before, into characters of
five bits (rleToString in cocoapi's maskApi.c).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["rle_extent"]

Box = tuple[float, float, float, float]


def rle_extent(segmentation: dict[str, Any]) -> tuple[Box, int] | None:
    """``{"size": [height, width], "counts": ...}`` -> (x0, y0, x1, y1) of its ones and how many;
    None for an empty mask. Raises ValueError for counts that do not add up to the size."""
    height, width = (int(side) for side in segmentation["size"])
    counts = segmentation["counts"]
    runs = np.array(_unpacked(counts) if isinstance(counts, str) else counts, np.float64)
    if (
        not (0 < height < 1 << 31 and 0 < width < 1 << 31)
        or runs.ndim != 1
        or not (runs >= 0).all()
    ):
        raise ValueError("its run lengths or its size make no sense")
    if runs.sum() != height * width:
        raise ValueError(f"its run lengths add up to {runs.sum():g}, not {height} x {width}")
    ends = np.cumsum(runs.astype(np.int64))
    first, behind = ends[:-1][0::2][: len(ends) // 2], ends[1::2]
    ones = behind > first
    first, last = first[ones], behind[ones] - 1
    if not len(first):
        return None
    left, right = first // height, last // height
    # a run that goes on in the next column reaches the bottom and starts at the top
    wraps = right > left
    top = np.where(wraps, 0, first % height).min()
    bottom = np.where(wraps, height - 1, last % height).max()
    box = (float(left.min()), float(top), float(right.max() + 1), float(bottom + 1))
    return box, int((last - first + 1).sum())


def _unpacked(text: str) -> Sequence[int]:
    counts: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            if at >= len(text) or not 48 <= ord(text[at]) < 112 or shift > 30:
                raise ValueError("its compressed run lengths are damaged")
            bits = ord(text[at]) - 48
            value |= (bits & 0x1F) << shift
            more = bool(bits & 0x20)
            shift += 5
            at += 1
            if not more and bits & 0x10:
                value -= 1 << shift
        counts.append(value + counts[-2] if len(counts) > 2 else value)
    return counts
