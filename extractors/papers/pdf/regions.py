"""The region of each caption's figure or table, from what the pages contain.

Captions see what stands around them (``proposals``), each page's captions choose together
(``matching``), twice: what most of them chose is the document's habit the second time. Captions
that find nothing on their page look at their neighbours (``facing``).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ..records import Box
from .facing import facing, plate
from .frames import Array, areas, back, quarter
from .graphics import painted, stationary
from .layout import Layout, read_layout
from .matching import Habits, match
from .page import Caption, Page
from .paragraphs import repeated
from .proposals import Proposal, propose
from .sheet import Sheet, read_sheet

__all__ = ["find_regions"]

_SLIVER = 10.0  # points; less shows no figure
_SLIGHT = 0.03  # of the page: a figure of words alone that is smaller may be none


def find_regions(pages: Sequence[Page], captions: Sequence[Caption]) -> tuple[Box | None, ...]:
    """For each caption the box of its figure on a page as it is shown; None where there is none."""
    reader = _Reader(pages)
    of_page: defaultdict[int, list[int]] = defaultdict(list)
    for at, caption in enumerate(captions):
        of_page[caption.page].append(at)
    sights = {
        number: _Sight(reader, number, [captions[at] for at in members])
        for number, members in of_page.items()
    }

    def matched(habits: Habits) -> list[Proposal | None]:
        chosen: list[Proposal | None] = [None] * len(captions)
        for number, members in of_page.items():
            for at, proposal in zip(members, sights[number].match(habits), strict=True):
                chosen[at] = proposal
        return chosen

    chosen = matched(_habits(captions, matched({})))
    regions = [
        None if proposal is None else _box(reader.pages[caption.page], proposal.box)
        for caption, proposal in zip(captions, chosen, strict=True)
    ]
    for at, region in _on_plates(reader, captions, chosen).items():
        regions[at] = region
    return tuple(regions)


class _Reader:
    """The document's pages as sheets, with what is common to all pages found once."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = {page.number: page for page in pages}
        self._furniture = stationary(pages)
        self._heads = dict(zip(self.pages, repeated(pages), strict=True))
        self._layouts: dict[int, Layout] = {}

    def layout(self, turn: int) -> Layout:
        if turn not in self._layouts:
            self._layouts[turn] = read_layout(list(self.pages.values()), turn)
        return self._layouts[turn]

    def sheets(self, number: int, captions: Sequence[Caption]) -> dict[int, Sheet]:
        """A page's sheet for each direction in which one of its captions reads (else upright)."""
        page = self.pages[number]
        paint, image = painted(page, self._furniture)
        return {
            turn: read_sheet(
                page,
                captions,
                {own: self.layout(own) for own in (turn, 0)},
                turn,
                paint,
                image,
                self._heads[number],
            )
            for turn in dict.fromkeys(quarter(c.direction) for c in captions) or (0,)
        }


class _Sight:
    """What the captions of one page see."""

    def __init__(self, reader: _Reader, number: int, captions: Sequence[Caption]) -> None:
        page = reader.pages[number]
        self._captions = captions
        self._area = page.width * page.height
        sheets = reader.sheets(number, captions)
        self._proposals = []
        for at, caption in enumerate(captions):
            turn = quarter(caption.direction)
            table = caption.kind == "table"
            self._proposals.append(propose(sheets[turn], at, reader.layout(turn), table=table))
        main = next(iter(sheets.values()))
        size = page.width, page.height
        self._panels = back(main.panels, main.turn, *size)
        self._words = back(np.concatenate([main.marks, main.words]), main.turn, *size)

    def match(self, habits: Habits) -> list[Proposal | None]:
        return match(self._captions, self._proposals, self._panels, self._words, self._area, habits)


def _habits(captions: Sequence[Caption], chosen: Sequence[Proposal | None]) -> Habits:
    """How often captions of a kind stand so to their regions, 0 to 1."""
    sides = [
        (caption.kind, proposal.side)
        for caption, proposal in zip(captions, chosen, strict=True)
        if proposal is not None
    ]
    kinds = Counter(kind for kind, _ in sides)
    return {key: count / kinds[key[0]] for key, count in Counter(sides).items()}


def _on_plates(
    reader: _Reader, captions: Sequence[Caption], chosen: Sequence[Proposal | None]
) -> dict[int, Box]:
    """Regions on other pages, for figures that have none on their own or hardly one."""

    def slight(caption: Caption, proposal: Proposal | None) -> bool:
        if proposal is None:
            return caption.kind != "table"
        page = reader.pages[caption.page]
        small = areas(proposal.box[None])[0] < _SLIGHT * page.width * page.height
        return caption.kind != "table" and not proposal.painted and bool(small)

    both = list(zip(captions, chosen, strict=True))
    lost = [at for at, (caption, proposal) in enumerate(both) if slight(caption, proposal)]
    if not lost:
        return {}
    taken = {caption.page for caption, proposal in both if not slight(caption, proposal)}
    plates = {}
    for number, page in reader.pages.items():
        if number not in taken and (page.rasters or page.drawings):
            here = [caption for caption in captions if caption.page == number]
            box = plate(page, next(iter(reader.sheets(number, here).values())))
            if box is not None:
                plates[number] = box
    given = facing(lost, captions, reader.pages, plates)
    boxes = {at: _box(reader.pages[number], plates[number]) for at, number in given.items()}
    return {at: box for at, box in boxes.items() if box is not None}


def _box(page: Page, box: Array) -> Box | None:
    """The box as far as it lies on the page; None for a sliver."""
    x0, y0, x1, y1 = (float(edge) for edge in box)
    x0, y0, x1, y1 = max(x0, 0.0), max(y0, 0.0), min(x1, page.width), min(y1, page.height)
    return Box(page.number, x0, y0, x1, y1) if min(x1 - x0, y1 - y0) > _SLIVER else None
