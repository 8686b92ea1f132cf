"""Regions that a caption may belong to: what it sees above, below and beside itself.

From the caption's edge a window opens up to the nearest running text, running head or other
caption; what is painted in it, with the words around that, is the proposal. It is tried over the
caption's column and over the full width. Looking in the other directions is looking up on the
turned page.
Reference: Clark and Divvala, PDFFigures 2.0, 2016 (proposals by growing from the caption).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from .frames import Array, areas, back, shared, turned
from .growing import APART, bands, distance, filled, pieced, share
from .layout import Layout
from .sheet import Sheet

__all__ = ["Proposal", "Side", "propose"]

Side = Literal["above", "below", "left", "right"]
_TURNS: dict[Side, int] = {"above": 0, "below": 2, "left": 1, "right": 3}


_SLACK = 15.0  # points by which what stands beside a caption may begin above it
_HALF = 3  # ranks that a part of a figure as high as the whole is behind
_LEVEL = 6.0  # points by which the edges of one figure's parts differ


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A region (4,) on the page (not turned). painted: it holds a graphic. gap: to the caption.

    rank: 0 for all of the caption's own column, more for wider or partial views.
    """

    side: Side
    box: Array
    painted: bool
    gap: float
    rank: int


def propose(sheet: Sheet, at: int, layout: Layout, *, table: bool) -> list[Proposal]:
    """The proposals of the page's caption number ``at``, the fuller of each kind first."""
    found: list[Proposal] = []
    for side, turn in _TURNS.items():
        view = _View(sheet, at, turn)
        for wide, (low, high) in enumerate(_spans(sheet, at, layout, side)):
            edges = (low, 0.0, high, 1.0) if turn % 2 == 0 else (0.0, low, 1.0, high)
            span = view.turn(np.array([edges]))[0]
            for near, (box, painted, gap) in enumerate(view.look(span[0], span[2], table=table)):
                shown = back(view.back(box[None]), sheet.turn, *_page_size(sheet))[0]
                if not any(
                    side == other.side and np.abs(shown - other.box).max() < 3 for other in found
                ):
                    found.append(Proposal(side, shown, painted, gap, wide + min(near, 1)))
    if table:  # another's rows may lie level with its own
        return found
    return [
        replace(one, rank=one.rank + _HALF) if any(_halves(one, other) for other in found) else one
        for one in found
    ]


def _halves(one: Proposal, other: Proposal) -> bool:
    """Whether a region is but a part of another that is as high: it cuts a wide figure.

    Or, where nothing of it stands right above or below the caption, of one beside the caption.
    """
    if one.side not in ("above", "below"):
        return False
    if other.side in ("left", "right"):
        inside = shared(one.box[None], other.box)[0] > 0.95 * areas(one.box[None])[0]
        return bool(other.painted and inside and one.gap > 2 * APART - 1)
    return (
        one.side == other.side
        and bool(np.abs(one.box[[1, 3]] - other.box[[1, 3]]).max() < _LEVEL)
        and bool(other.box[0] < one.box[0] + 3 and other.box[2] > one.box[2] - 3)
        and bool(other.box[2] - other.box[0] > one.box[2] - one.box[0] + 3)
    )


def _page_size(sheet: Sheet) -> tuple[float, float]:
    if sheet.turn % 2:
        return sheet.height, sheet.width
    return sheet.width, sheet.height


def _spans(sheet: Sheet, at: int, layout: Layout, side: Side) -> Iterator[tuple[float, float]]:
    """How wide the window may open: x0, x1 above and below, y0, y1 beside."""
    caption = sheet.captions[at]
    if side in ("left", "right"):
        yield _free(sheet, caption, side)
        yield caption[1] - _SLACK, caption[3] + _SLACK
        return
    holding = [c for c in layout.columns if c.x0 - 6 <= caption[0] and caption[2] <= c.x1 + 6]
    touched = [c for c in layout.columns if min(c.x1, caption[2]) - max(c.x0, caption[0]) > 20]
    if holding:
        touched = [min(holding, key=lambda c: c.x1 - c.x0)]
    low = min([caption[0], *(c.x0 for c in touched)])
    high = max([caption[2], *(c.x1 for c in touched)])
    wide = min(layout.x0, low), max(min(layout.x1, sheet.width), high)
    if sheet.turn:
        wide = min(sheet.edges[0], low), max(sheet.edges[1], high)
    beside = (sheet.captions[:, 1] < caption[3]) & (sheet.captions[:, 3] > caption[1])
    left = [b[2] for b in sheet.captions[beside] if b[2] <= caption[0] + 3]
    right = [b[0] for b in sheet.captions[beside] if b[0] >= caption[2] - 3]
    for x0, x1 in ((low, high), wide, (caption[0], caption[2])):
        yield max([x0, *left]), min([x1, *right])


def _free(sheet: Sheet, caption: Array, side: Side) -> tuple[float, float]:
    """y0, y1 of what is free of running text on one side of a caption."""
    over = (sheet.captions[:, 0] < caption[2]) & (sheet.captions[:, 2] > caption[0])
    walls = sheet.walls
    walls = walls[walls[:, 2] < caption[0]] if side == "left" else walls[walls[:, 0] > caption[2]]
    walls = np.concatenate([walls, sheet.captions[over]])
    above, below = walls[walls[:, 3] < caption[1] + 3, 3], walls[walls[:, 1] > caption[3] - 3, 1]
    return float(above.max(initial=0.0)), float(below.min(initial=sheet.height))


class _View:
    """A sheet turned so that the side looked at lies above the caption."""

    def __init__(self, sheet: Sheet, at: int, turn: int) -> None:
        self._turn = turn
        self._size = (sheet.width, sheet.height)
        self.caption = self.turn(sheet.captions[at][None])[0]
        self.others = self.turn(np.delete(sheet.captions, at, axis=0))
        self.walls = np.concatenate([self.turn(sheet.walls), self.others])
        self.panels = self.turn(sheet.panels)
        self.pictures = sheet.pictures
        self.marks = self.turn(sheet.marks)
        self.rules = self.turn(sheet.rules)
        self.words = self.turn(sheet.words)

    def turn(self, boxes: Array) -> Array:
        return turned(boxes, self._turn, *self._size)

    def back(self, boxes: Array) -> Array:
        return back(boxes, self._turn, *self._size)

    def look(self, low: float, high: float, *, table: bool) -> Iterator[tuple[Array, bool, float]]:
        """What is seen above the caption between two edges: boxes, whether painted, distances.

        First all of it, then only what lies nearer than each of the widest empty bands.
        """
        caption = self.caption
        every_mark = np.concatenate([self.marks, self.rules]) if table else self.marks
        low, high = self._widened(
            low, high, np.concatenate([self.panels, every_mark]) if table else self.panels
        )
        window = self._window(low, high)
        seen = share(self.panels, window) > 0.6
        panels, pictures = self.panels[seen], self.panels[seen & self.pictures]
        marks = every_mark[share(every_mark, window) > 0.6]
        words = self.words[share(self.words, window) > 0.5]
        loose = np.concatenate([marks, words])
        empty = bands(np.concatenate([panels, loose]), caption[1])
        widest = sorted(empty, key=lambda band: band[1] - band[0])[-3:]
        for cut in (-np.inf, *(band[1] for band in widest)):
            kept = panels[panels[:, 1] >= cut]
            near = loose[loose[:, 1] >= cut]
            box = (
                filled(caption, kept, near)
                if table
                else pieced(caption, kept, near, sideways=self._turn % 2 == 1)
            )
            if box is None:
                continue
            # the frame of a figure may go on around its caption; an image is never cut
            box[3] = max(min(box[3], caption[1]), pictures[:, 3].max(initial=-np.inf))
            if box[3] - box[1] >= 12 and box[2] - box[0] >= 20:
                yield box, len(kept) > 0, distance(caption, box, np.concatenate([kept, near]))

    def _widened(self, low: float, high: float, parts: Array) -> tuple[float, float]:
        """The edges, moved outwards to take in whole the panels (or rules) that they would cut.

        One that other text hides once the window is wide enough for it is left out.
        """
        others, caption = self.others, self.caption
        level = others[(others[:, 1] < caption[3]) & (others[:, 3] > caption[1])]
        left = level[level[:, 2] <= caption[0] + 3, 2].max(initial=-np.inf)
        right = level[level[:, 0] >= caption[2] - 3, 0].min(initial=np.inf)
        for _ in range(4):
            inside = share(parts, self._window(low, high))
            moved = (low, high)
            for panel in parts[inside > 0.1]:
                edges = min(low, panel[0]), max(high, panel[2])
                if edges[0] < left or edges[1] > right:
                    continue  # it belongs to the caption at its side too
                if share(panel[None], self._window(*edges))[0] > 0.6:
                    moved = min(moved[0], panel[0]), max(moved[1], panel[2])
            if moved[0] > low - 2 and moved[1] < high + 2:
                break
            low, high = moved
        return low, high

    def _window(self, low: float, high: float) -> Array:
        """What is free above the caption between two edges."""
        return np.array([low, self._wall(low, high) - 2, high, self.caption[1] + 3])

    def _wall(self, low: float, high: float) -> float:
        """The lower edge of what stands nearest above the caption, between two edges."""
        walls = self.walls
        over = np.minimum(walls[:, 2], high) - np.maximum(walls[:, 0], low) > 3
        over &= walls[:, 3] <= self.caption[1] + 4
        return float(walls[over, 3].max()) if over.any() else 0.0
