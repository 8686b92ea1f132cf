"""Where the things of a tile are and how big: zones of a 3 x 3 grid, lengths in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..records import Box, Thing

__all__ = [
    "ZONES",
    "by_cells",
    "by_halves",
    "is_central",
    "length_m",
    "placed_groups",
    "relative_size",
    "surround",
    "zone_of",
]

_ROWS = ("upper", "", "lower")
_COLUMNS = ("left", "", "right")
_CELLS = tuple(
    "_".join(filter(None, (row, column))) or "centre" for row in _ROWS for column in _COLUMNS
)
# every name that the functions here give, for which a language has words
ZONES = (
    *_CELLS, "upper_side", "lower_side", "left_side", "right_side", "left_half", "right_half",
    "upper_half", "lower_half", "spread", "filling",
)  # fmt: skip
# Share of the tile from which a thing fills much of it, is large, or at most small.
_FILLING, _LARGE, _SMALL = 0.4, 0.12, 0.003
# So many things, and no wider angle between two of them as the centre sees them, are around it.
_AROUND, _GAP = 4, math.radians(120)
# A box's longer side is the thing's length within 12 % where it is at least twice the other.
_ELONGATED = 2.0
_ROUND = 1.2
# At so many pixels the border's uncertainty of half a pixel a side is an eighth of the length.
_LEAST_PX = 8


def zone_of(thing: Thing, size_px: int) -> int:
    """The cell of the 3 x 3 grid that its box's centre lies in, 0 to 8 by rows."""
    x0, y0, x1, y1 = thing.box
    column = min(2, max(0, int((x0 + x1) * 1.5 / size_px)))
    row = min(2, max(0, int((y0 + y1) * 1.5 / size_px)))
    return 3 * row + column


def is_central(thing: Thing, size_px: int) -> bool:
    """Whether its centre lies in the middle cell, as RemoteCLIP's first caption asks (B2C)."""
    return zone_of(thing, size_px) == 4


def surround(things: Sequence[Thing], box: Box) -> bool:
    """Whether they lie on all sides of a box's centre: four or more, and seen from there no third
    of the circle without one."""
    if len(things) < _AROUND:
        return False
    x, y = box[0] + box[2], box[1] + box[3]
    angles = sorted(
        math.atan2(y0 + y1 - y, x0 + x1 - x) for x0, y0, x1, y1 in (one.box for one in things)
    )
    after = [*angles[1:], angles[0] + math.tau]
    return all(then - now <= _GAP for now, then in zip(angles, after, strict=True))


def placed_groups(things: Sequence[Thing], size_px: int) -> list[tuple[str, list[Thing]]]:
    """Things of one category -> (zone, those in it): one zone for all where there is a word for
    it, else the cells; beyond three things in three cells they are spread over the image."""
    if len(things) == 1 and things[0].area_px >= _FILLING * size_px * size_px:
        return [("filling", list(things))]
    cells = [zone_of(thing, size_px) for thing in things]
    different = set(cells)
    if len(different) == 1:
        return [(_CELLS[cells[0]], list(things))]
    rows, columns = {cell // 3 for cell in different}, {cell % 3 for cell in different}
    for side, number, name in (
        (rows, 0, "upper_side"), (rows, 2, "lower_side"),
        (columns, 0, "left_side"), (columns, 2, "right_side"),
    ):  # fmt: skip
        if side == {number}:
            return [(name, list(things))]
    if len(things) > 3 and len(different) > 2:
        return [("spread", list(things))]
    return [
        (_CELLS[cell], [thing for thing, own in zip(things, cells, strict=True) if own == cell])
        for cell in sorted(different)
    ]


def by_cells(things: Sequence[Thing], size_px: int) -> list[tuple[str, int]]:
    """How many have their centre in each cell of the grid: (zone, count), by rows."""
    cells = [zone_of(thing, size_px) for thing in things]
    return [(_CELLS[cell], cells.count(cell)) for cell in sorted(set(cells))]


def by_halves(things: Sequence[Thing], size_px: int, *, across: bool) -> list[tuple[str, int]]:
    """How many have their centre in the left and the right half (across), or the upper and the
    lower one; a half without any is left out."""
    middles = [(thing.box[0] + thing.box[2] if across else thing.box[1] + thing.box[3]) / 2
               for thing in things]  # fmt: skip
    first = sum(middle < size_px / 2 for middle in middles)
    names = ("left_half", "right_half") if across else ("upper_half", "lower_half")
    halves = zip(names, (first, len(things) - first), strict=True)
    return [(name, count) for name, count in halves if count]


def relative_size(thing: Thing, size_px: int) -> str:
    """``large``, ``small`` or "": how it looks in the tile."""
    share = thing.area_px / (size_px * size_px)
    return "large" if share >= _LARGE else "small" if share <= _SMALL else ""


def length_m(thing: Thing, size_px: int, gsd_m: float | None) -> tuple[str, int] | None:
    """(``long`` or ``across``, metres rounded as one says them), None where a box does not tell.

    Told of whole things only. A box of about equal sides may hold a long thing that lies
    diagonally: it is ``across`` only where a mask says that the box is filled as by a disc.
    """
    x0, y0, x1, y1 = thing.box
    longer, shorter = max(x1 - x0, y1 - y0), min(x1 - x0, y1 - y0)
    inside = x0 > 0 and y0 > 0 and x1 < size_px and y1 < size_px
    if gsd_m is None or thing.visible < 0.99 or not inside or longer < _LEAST_PX or shorter <= 0:
        return None
    ratio, filled = longer / shorter, thing.area_px / (longer * shorter)
    metres = longer * gsd_m
    if metres < 1:
        return None
    if ratio >= _ELONGATED:
        return "long", _rounded(metres)
    if ratio <= _ROUND and 0.65 < filled < 0.9:
        return "across", _rounded(metres)
    return None


def _rounded(metres: float) -> int:
    for below, step in ((20, 1), (100, 5), (500, 10), (2000, 50), (10_000, 100)):
        if metres < below:
            return round(metres / step) * step
    return round(metres / 1000) * 1000
