"""The region of each caption's figure or table, from what the pages contain."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from ..records import Box
from .frames import Array, back, quarter
from .graphics import painted, stationary
from .layout import Layout, read_layout, repeated
from .matching import Habits, match
from .page import Caption, Page
from .proposals import Proposal, propose
from .sheet import Sheet, read_sheet

__all__ = ["find_regions"]


def find_regions(pages: Sequence[Page], captions: Sequence[Caption]) -> tuple[Box | None, ...]:
    """For each caption the box of its figure on a page as it is shown; None where there is none."""
    furniture = stationary(pages)
    heads = repeated(pages)
    layouts: dict[int, Layout] = {}
    of_page: defaultdict[int, list[int]] = defaultdict(list)
    for at, caption in enumerate(captions):
        of_page[caption.page].append(at)
    numbered = {page.number: (page, own) for page, own in zip(pages, heads, strict=True)}
    proposals: list[list[Proposal]] = [[] for _ in captions]
    content: dict[int, tuple[Array, Array]] = {}
    for number, members in of_page.items():
        page, own = numbered[number]
        here = [captions[at] for at in members]
        paint, image = painted(page, furniture)
        sheets: dict[int, Sheet] = {}
        for place, at in enumerate(members):
            turn = quarter(captions[at].direction)
            if turn not in layouts:
                layouts[turn] = read_layout(pages, turn)
            if turn not in sheets:
                sheets[turn] = read_sheet(page, here, layouts[turn], turn, paint, image, own)
            proposals[at] = propose(
                sheets[turn], place, layouts[turn], table=captions[at].kind == "table"
            )
        main = sheets[quarter(here[0].direction)]
        size = (page.width, page.height)
        loose = np.concatenate([main.marks, main.words])
        content[number] = back(main.panels, main.turn, *size), back(loose, main.turn, *size)

    def matched(habits: Habits) -> list[Proposal | None]:
        chosen: list[Proposal | None] = [None] * len(captions)
        for number, members in of_page.items():
            page = numbered[number][0]
            best = match(
                [captions[at] for at in members],
                [proposals[at] for at in members],
                *content[number],
                page.width * page.height,
                habits,
            )
            for at, proposal in zip(members, best, strict=True):
                chosen[at] = proposal
        return chosen

    first = matched({})
    chosen = matched(_habits(captions, first))
    return tuple(
        None if proposal is None else Box(caption.page, *(float(edge) for edge in proposal.box))
        for caption, proposal in zip(captions, chosen, strict=True)
    )


def _habits(captions: Sequence[Caption], chosen: Sequence[Proposal | None]) -> Habits:
    """How often captions of a kind stand so to their regions, 0 to 1."""
    counts: Counter[tuple[str, str]] = Counter()
    for caption, proposal in zip(captions, chosen, strict=True):
        if proposal is not None:
            counts[caption.kind, proposal.side] += 1
    sums: Counter[str] = Counter()
    for (kind, _), count in counts.items():
        sums[kind] += count
    return {key: count / sums[key[0]] for key, count in counts.items()}  # type: ignore[misc]
