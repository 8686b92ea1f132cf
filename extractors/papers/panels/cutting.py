"""Cutting a picture into panels, recursively along bands that cross what is left of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .gutters import Axis, Band, Gray, Rect, gutters, margins_off, seams
from .letters import Letter

__all__ = ["cut_by_gutters", "cut_by_letters"]

_AXES: tuple[Axis, Axis] = ("x", "y")
_TRIED = 3  # cuts of one piece, best first
_FARTHEST = 2.0  # of a cut from where the letters' habit puts it, in two letter sizes
_LEAST_SIDE = 2.2  # of a panel, in letter sizes
_THIN = 0.3  # of the largest piece's extent: what is thinner is a label or a colour bar
_LEAST_PANEL = 0.06  # of the picture's side
_MOST_PIECES = 64


_Letters = Mapping[str, Letter]
_Cut = tuple[float, Axis, Band, tuple[_Letters, _Letters]]  # worth, ..., letters on both sides


@dataclass(frozen=True, slots=True)
class _Habit:
    """Where letters stand in their panels along an axis: offset pixels from its start or end."""

    at: Literal["start", "end", "middle"]
    offset: float


def cut_by_letters(gray: Gray, rect: Rect, letters: _Letters, level: float) -> dict[str, Rect]:
    """A box for each letter's panel; {} where no cuts part them."""
    size = sorted(letter.size for letter in letters.values())[len(letters) // 2]
    habits = {axis: _habit(rect, letters, axis, size) for axis in ("x", "y")}
    cells = _parted(gray, rect, letters, level, habits, size)
    least = _LEAST_SIDE * size
    if not cells or any(min(x1 - x0, y1 - y0) < least for x0, y0, x1, y1 in cells.values()):
        return {}
    return cells


def _habit(rect: Rect, letters: _Letters, axis: str, size: float) -> _Habit:
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
    letters: _Letters,
    level: float,
    habits: Mapping[str, _Habit],
    size: float,
) -> dict[str, Rect]:
    rect = margins_off(gray, rect, level)
    if len(letters) == 1:
        return dict.fromkeys(letters, rect)
    cuts: list[_Cut] = []
    for find in (gutters, seams):
        for axis in _AXES:
            for band in find(gray, rect, axis):
                sides = _sides(letters, axis, band)
                if sides:
                    worth = _worth(band, axis, sides, habits[axis], size, level)
                    if worth > 0:
                        cuts.append((worth, axis, band, sides))
        if cuts:
            break
    cuts.sort(key=lambda cut: -cut[0])
    left, top, right, bottom = rect
    for _, axis, band, (first, second) in _without_orphans(gray, rect, cuts[:_TRIED]):
        if axis == "x":
            one, other = (left, top, band.start, bottom), (band.end, top, right, bottom)
        else:
            one, other = (left, top, right, band.start), (left, band.end, right, bottom)
        cells = _parted(gray, one, first, level, habits, size)
        more = _parted(gray, other, second, level, habits, size) if cells else {}
        if more:
            return cells | more
    return {}


def _without_orphans(gray: Gray, rect: Rect, cuts: list[_Cut]) -> list[_Cut]:
    """The cuts, best first; where the two best cross and one corner holds no letter, that corner
    stays with the neighbour that it is nearer to."""
    if len(cuts) < 2 or cuts[0][1] == cuts[1][1]:
        return cuts
    upright, level = (cuts[0], cuts[1]) if cuts[0][1] == "x" else (cuts[1], cuts[0])
    x, y = upright[2], level[2]
    for column, names in enumerate(upright[3]):
        for row, others in enumerate(level[3]):
            if set(names) & set(others):
                continue
            corner_x = (rect[0], x.start) if column == 0 else (x.end, rect[2])
            corner_y = (rect[1], y.start) if row == 0 else (y.end, rect[3])
            across = _gap_at(gray, (rect[0], corner_y[0], rect[2], corner_y[1]), "x", x)
            along = _gap_at(gray, (corner_x[0], rect[1], corner_x[1], rect[3]), "y", y)
            first = upright if across > along else level
            return [first, *(cut for cut in cuts if cut is not first)]
    return cuts


def _gap_at(gray: Gray, rect: Rect, axis: Axis, band: Band) -> int:
    """Width in a part of the picture of the gutter that ``band`` is a part of."""
    return max(
        (
            found.end - found.start
            for found in gutters(gray, rect, axis)
            if found.start <= band.start and found.end >= band.end
        ),
        default=0,
    )


def _sides(letters: _Letters, axis: str, band: Band) -> tuple[_Letters, _Letters] | None:
    """The letters before and behind a band; None where it parts none or goes through one."""
    low = 0 if axis == "x" else 1
    first: dict[str, Letter] = {}
    second: dict[str, Letter] = {}
    for label, letter in letters.items():
        middle = (letter.box[low] + letter.box[low + 2]) / 2  # boxes of words are loose
        if middle < band.start:
            first[label] = letter
        elif middle >= band.end:
            second[label] = letter
        else:
            return None
    return (first, second) if first and second else None


def _worth(
    band: Band,
    axis: str,
    sides: tuple[_Letters, _Letters],
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
    if away > (_FARTHEST if habit.at != "middle" else 0.9):
        return 0.0
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
