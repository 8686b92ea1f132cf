"""Figures that stand on another page than their captions: facing pages, plates, manuscripts.

A page that has graphics but no caption with a region is free. A caption without a region gets the
free page that bears its label; else the next or the previous page; where a list of legends leaves
as many captions as there are free pages, these go together in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .frames import Array, areas, back, bounds, shared
from .growing import grown
from .labels import read_label
from .page import Caption, Page
from .sheet import Sheet

__all__ = ["facing", "plate"]

_SHARE = 0.08  # of the page that a plate's graphics cover at least


def plate(page: Page, sheet: Sheet) -> Array | None:
    """The box (4,) on the page of all its graphics with their words; None if it is no plate."""
    size = page.width, page.height
    parts = sheet.panels
    if areas(parts).sum() < _SHARE * page.width * page.height:
        # a page of nothing but a figure may have it of thin lines and words alone
        parts = np.concatenate([parts, sheet.marks, sheet.words])
        if not len(parts) or areas(sheet.walls).sum() > 0.02 * page.width * page.height:
            return None
        if areas(bounds(parts)[None])[0] < _SHARE * page.width * page.height:
            return None
    loose = np.concatenate([sheet.marks, sheet.words])
    labelled = np.array([bool(read_label(line.text)) for line in page.lines], dtype=bool)
    if labelled.any():
        printed = np.array([line.box for line in page.lines])[labelled]
        loose = loose[[not (np.abs(printed - box).max(axis=1) < 1).any() for box in loose]]
    box = grown(bounds(parts), loose)
    text = shared(sheet.walls, box).sum()
    if text > 0.1 * areas(box[None])[0]:
        return None
    return np.asarray(back(box[None], sheet.turn, *size)[0])


def facing(
    lost: Sequence[int],
    captions: Sequence[Caption],
    pages: Mapping[int, Page],
    plates: Mapping[int, Array],
) -> dict[int, int]:
    """Which plate's page each of the lost captions (indices) gets, as far as it gets one."""
    free = dict.fromkeys(sorted(plates))
    given: dict[int, int] = {}

    def give(at: int, number: int) -> None:
        given[at] = number
        del free[number]

    printed = {number: _labels(pages[number]) for number in free}
    for at in lost:
        name = captions[at].kind, captions[at].number.casefold()
        bearing = [number for number in free if name in printed[number]]
        if len(bearing) == 1:
            give(at, bearing[0])
    rest = [at for at in lost if at not in given]
    unnamed = [number for number in free if not printed[number]]
    if len({captions[at].page for at in rest}) < len(rest):  # a list of legends
        last = max(captions[at].page for at in rest)
        for pictures in ([number for number in unnamed if number > last], unnamed):
            if len(rest) == len(pictures):
                return given | dict(zip(rest, pictures, strict=True))
    for at in rest:
        page = pages[captions[at].page]
        low = captions[at].box[1] > page.height / 2
        near = (page.number + 1, page.number - 1) if low else (page.number - 1, page.number + 1)
        for number in near:
            if number in free and not printed[number]:
                give(at, number)
                break
    return given


def _labels(page: Page) -> set[tuple[str, str]]:
    """The labels that stand alone in a line of a page."""
    labels = [(read_label(line.text), line) for line in page.lines]
    return {
        (label.kind, label.number.casefold())
        for label, line in labels
        if label is not None and len(line.text) <= label.end + 2
    }
