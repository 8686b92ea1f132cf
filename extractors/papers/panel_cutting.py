"""Cutting a picture into panels, recursively along bands that cross what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .panel_gutters import Axis, Band, Gray, Rect, gutters, margins_off, seams
from .panel_letters import Letter

__all__ = ["cut_by_gutters", "cut_by_letters"]

_AXES: tuple[Axis, Axis] = ("x", "y")
_TRIED = 3  # cuts of one piece, best first
_LEAST_SIDE = 2.2  # of a panel, in letter sizes
_THIN = 0.3  # of the largest piece's extent: what is thinner is a label or a colour bar
_LEAST_PANEL = 0.06  # of the picture's side
_MOST_PIECES = 64


@dataclass(frozen=True, slots=True)
class _Habit:
    """Where letters stand in their panels along an axis: offset pixels from its start or end."""

    at: Literal["start", "end", "middle"]
    offset: float


def cut_by_letters(
    gray: Gray, rect: Rect, letters: Mapping[str, Letter], level: float
) -> dict[str, Rect]:
    """A box for each letter's panel; {} where no cuts part them."""
    size = sorted(letter.size for letter in letters.values())[len(letters) // 2]
    habits = {axis: _habit(rect, letters, axis, size) for axis in ("x", "y")}
    cells = _parted(gray, rect, letters, level, habits, size)
    least = _LEAST_SIDE * size
    if not cells or any(min(x1 - x0, y1 - y0) < least for x0, y0, x1, y1 in cells.values()):
        return {}
    return cells


def _habit(rect: Rect, letters: Mapping[str, Letter], axis: str, size: float) -> _Habit:
    low = 0 if axis == "x" else 1
    before = min(letter.box[low] for letter in letters.values()) - rect[low]
    behind = rect[low + 2] - max(letter.box[low + 2] for letter in letters.values())
    near = max(1.6 * size, 0.07 * (rect[low + 2] - rect[low]))
    if before <= near and before <= behind:
        return _Habit("start", before)
    return _Habit("end", behind) if behind <= near else _Habit("middle", 0.0)


def _parted(
    gray: Gray,
    rect: Rect,
    letters: Mapping[str, Letter],
    level: float,
    habits: Mapping[str, _Habit],
    size: float,
) -> dict[str, Rect]:
    rect = margins_off(gray, rect, level)
    if len(letters) == 1:
        return dict.fromkeys(letters, rect)
    cuts = []
    for find in (gutters, seams):
        for axis in _AXES:
            for band in find(gray, rect, axis):
                sides = _sides(letters, axis, band)
                if sides:
                    score = _worth(band, axis, sides, habits[axis], size, level)
                    cuts.append((score, axis, band, sides))
        if cuts:
            break
    cuts.sort(key=lambda cut: -cut[0])
    left, top, right, bottom = rect
    for _, axis, band, (first, second) in cuts[:_TRIED]:
        if axis == "x":
            one, other = (left, top, band.start, bottom), (band.end, top, right, bottom)
        else:
            one, other = (left, top, right, band.start), (left, band.end, right, bottom)
        cells = _parted(gray, one, first, level, habits, size)
        more = _parted(gray, other, second, level, habits, size) if cells else {}
        if more:
            return cells | more
    return {}


def _sides(
    letters: Mapping[str, Letter], axis: str, band: Band
) -> tuple[dict[str, Letter], dict[str, Letter]] | None:
    """The letters before and behind a band; None where it parts none or goes through one."""
    low = 0 if axis == "x" else 1
    first, second = {}, {}
    for label, letter in letters.items():
        if letter.box[low + 2] <= band.start + 1:
            first[label] = letter
        elif letter.box[low] >= band.end - 1:
            second[label] = letter
        else:
            return None
    return (first, second) if first and second else None


def _worth(
    band: Band,
    axis: str,
    sides: tuple[Mapping[str, Letter], Mapping[str, Letter]],
    habit: _Habit,
    size: float,
    level: float,
) -> float:
    """Wide bands of the paper's colour, where the letters' habit puts the next panel's edge."""
    low = 0 if axis == "x" else 1
    first, second = sides
    last = max(letter.box[low + 2] for letter in first.values())
    following = min(letter.box[low] for letter in second.values())
    if habit.at == "start":
        away = abs(band.end - (following - habit.offset)) / (2 * size)
    elif habit.at == "end":
        away = abs(band.start - (last + habit.offset)) / (2 * size)
    else:
        away = abs((band.start + band.end) - (last + following)) / max(1, following - last)
    worth = (1 + min(band.end - band.start, 3 * size)) / (1 + away * away)
    if abs(band.level - level) > 32:
        worth *= 0.4
    names = [list(side) for side in sides]
    if max(_rank(name) for name in names[0]) > min(_rank(name) for name in names[1]):
        worth *= 0.7  # rows and columns mostly follow the alphabet
    return worth


_ROMANS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")


def _rank(label: str) -> int:
    return _ROMANS.index(label) if len(label) > 1 and label in _ROMANS else ord(label[0])


def cut_by_gutters(gray: Gray, rect: Rect, level: float) -> list[Rect]:
    """The pieces between bands, in reading order; [rect] where none crosses it."""
    least = _LEAST_PANEL * max(rect[2] - rect[0], rect[3] - rect[1])
    pieces = _pieces(gray, rect, level, least, 0)
    return pieces if len(pieces) <= _MOST_PIECES else [rect]


def _pieces(gray: Gray, rect: Rect, level: float, least: float, depth: int) -> list[Rect]:
    rect = margins_off(gray, rect, level)
    if depth > 6:
        return [rect]
    for axis in _AXES[::-1] if depth % 2 == 0 else _AXES:
        bands = [
            band
            for band in gutters(gray, rect, axis)
            if band.end - band.start >= 2 and abs(band.level - level) <= 32
        ]
        extents = _together(rect, axis, bands)
        if len(extents) > 1 and min(end - start for start, end in extents) >= least:
            found = []
            for start, end in extents:
                left, top, right, bottom = rect
                part = (start, top, end, bottom) if axis == "x" else (left, start, right, end)
                found.extend(_pieces(gray, part, level, least, depth + 1))
            return found
    return [rect]


def _together(rect: Rect, axis: str, bands: Sequence[Band]) -> list[tuple[int, int]]:
    """The extents between bands, thin ones joined with the neighbour across the thinner band."""
    low = 0 if axis == "x" else 1
    starts = [rect[low], *(band.end for band in bands)]
    ends = [*(band.start for band in bands), rect[low + 2]]
    extents = list(zip(starts, ends, strict=True))
    while len(extents) > 1:
        sizes = [end - start for start, end in extents]
        thinnest = min(range(len(extents)), key=sizes.__getitem__)
        if sizes[thinnest] >= _THIN * max(sizes):
            break
        before = extents[thinnest][0] - extents[thinnest - 1][1] if thinnest else None
        behind = (
            extents[thinnest + 1][0] - extents[thinnest][1] if thinnest + 1 < len(extents) else None
        )
        at = (
            thinnest if before is None or (behind is not None and behind < before) else thinnest - 1
        )
        extents[at : at + 2] = [(extents[at][0], extents[at + 1][1])]
    return extents
