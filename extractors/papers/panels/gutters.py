"""Bands of one colour that cross a picture, seams between touching photographs, empty margins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Band", "Gray", "Rect", "frame_off", "gutters", "margins_off", "paper_level", "seams"]

Gray = npt.NDArray[np.uint8]  # (height, width)
Rect = tuple[int, int, int, int]  # left, top, right, bottom; pixels
Axis = Literal["x", "y"]

_AXES: tuple[Axis, Axis] = ("x", "y")

_FLAT = 36  # grey levels from darkest to brightest in a line that counts as one colour
_STEP = 24  # between lines of one band
_SEAM = 2.2  # times the usual change from line to line
_WHITE = 240
_FRAME = 4  # pixels, the thickest line around a whole picture


@dataclass(frozen=True, slots=True)
class Band:
    """Lines from start to before end, in the picture's pixels. level: their grey, 0 to 255."""

    start: int
    end: int
    level: float


def gutters(gray: Gray, rect: Rect, axis: Axis) -> list[Band]:
    """The bands across ``rect`` that have something on both sides. axis x: upright bands."""
    flat, levels = _lines(gray, rect, axis)
    if flat.all():
        return []
    inner = np.flatnonzero(~flat)
    offset = rect[0] if axis == "x" else rect[1]
    broken = np.abs(np.diff(levels, prepend=levels[0])) > _STEP
    bands: list[Band] = []
    start = -1
    for at in range(int(inner[0]), int(inner[-1]) + 1):
        if start >= 0 and (not flat[at] or broken[at]):
            bands.append(Band(offset + start, offset + at, float(levels[start:at].mean())))
            start = -1
        if start < 0 and flat[at]:
            start = at
    return bands


def margins_off(gray: Gray, rect: Rect, level: float) -> Rect:
    """``rect`` without lines of the colour ``level`` at its sides; itself where all are."""
    left, top, right, bottom = rect
    for _ in range(2):  # a margin may show only once the other axis is cut
        for axis in _AXES:
            flat, levels = _lines(gray, (left, top, right, bottom), axis)
            inner = np.flatnonzero(~(flat & (np.abs(levels - level) <= _STEP)))
            if not len(inner):
                return rect
            if axis == "x":
                left, right = left + int(inner[0]), left + int(inner[-1]) + 1
            else:
                top, bottom = top + int(inner[0]), top + int(inner[-1]) + 1
    return left, top, right, bottom


def frame_off(gray: Gray) -> Rect:
    """The whole picture but for a thin line drawn around it, which would cross every gutter."""
    rect = [0, 0, gray.shape[1], gray.shape[0]]
    for axis in _AXES:
        flat, levels = _lines(gray, (rect[0], rect[1], rect[2], rect[3]), axis)
        low = 0 if axis == "x" else 1
        for at, inward in ((low, 1), (low + 2, -1)):
            order = slice(None) if inward == 1 else slice(None, None, -1)
            edge_flat, edge_levels = flat[order], levels[order]
            for thick in range(min(_FRAME, len(flat) - 1), 0, -1):
                steps = np.abs(np.diff(edge_levels[: thick + 1]))
                if edge_flat[:thick].all() and steps[-1] > _STEP:
                    rect[at] += inward * thick
                    break
    return rect[0], rect[1], rect[2], rect[3]


def paper_level(gray: Gray) -> float:
    """The grey of what lies between panels and around them: of white if a white band crosses the
    picture, else of the widest band; where none does, white if there is some, else the rim's."""
    rect = (0, 0, gray.shape[1], gray.shape[0])
    bands = [*gutters(gray, rect, "x"), *gutters(gray, rect, "y"), *_rims(gray)]
    if any(band.level >= _WHITE for band in bands):
        return 255.0
    if bands:
        return max(bands, key=lambda band: band.end - band.start).level
    if float(np.mean(gray[::2, ::2] >= _WHITE)) > 0.03:
        return 255.0
    return float(np.median(np.concatenate([gray[0], gray[-1], gray[:, 0], gray[:, -1]])))


def _rims(gray: Gray) -> list[Band]:
    """Margins of one colour at the picture's sides."""
    found = []
    for axis in _AXES:
        flat, levels = _lines(gray, (0, 0, gray.shape[1], gray.shape[0]), axis)
        for side_flat, side_levels in ((flat, levels), (flat[::-1], levels[::-1])):
            wide = int(np.argmin(side_flat)) if not side_flat.all() else 0
            if wide:
                found.append(Band(0, wide, float(side_levels[:wide].mean())))
    return found


def seams(gray: Gray, rect: Rect, axis: Axis) -> list[Band]:
    """Lines where two photographs touch: much changes there along most of the line's length."""
    left, top, right, bottom = rect
    part = gray[top:bottom, left:right].astype(np.int16)
    along = 0 if axis == "x" else 1
    change = np.abs(np.diff(part, axis=1 - along))
    mean = change.mean(axis=along)
    share = (change > 10).mean(axis=along)
    if len(mean) < 16:
        return []
    usual = float(np.median(mean))
    sharp = np.flatnonzero((mean > _SEAM * usual + 2) & (share > 0.75))
    offset = (left if axis == "x" else top) + 1
    return [Band(offset + int(at), offset + int(at), 128.0) for at in sharp]


def _lines(
    gray: Gray, rect: Rect, axis: Axis
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float32]]:
    """For each line along ``axis``: whether it has one colour, and the middle of its range."""
    left, top, right, bottom = rect
    part = gray[top:bottom, left:right]
    along = 0 if axis == "x" else 1
    low, high = part.min(axis=along).astype(np.float32), part.max(axis=along).astype(np.float32)
    return high - low <= _FLAT, (high + low) / 2
