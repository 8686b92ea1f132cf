"""Which region each caption of a page gets: the best choice for the page as a whole.

A choice is worth what its regions are worth by themselves (a graphic, near, on the side where the
document has its captions) and how much of the page's graphics they account for; regions that
overlap exclude each other. Choices are built caption by caption and the best few hundred kept
(beam search), so that a page of twenty captions costs no more than twenty small steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from .frames import Array, Flags, areas, shared
from .page import Caption
from .proposals import Proposal, Side

__all__ = ["match"]

_BEAM = 200
Habits: TypeAlias = Mapping[tuple[str, Side], float]


def match(
    captions: Sequence[Caption],
    proposals: Sequence[Sequence[Proposal]],
    panels: Array,
    words: Array,
    page_area: float,
    habits: Habits,
) -> list[Proposal | None]:
    """The proposal that each of the page's captions gets.

    panels, words: what figures and tables are made of, boxes (n, 4). habits: how often (0 to 1)
    the document's captions of a kind stand so to their regions.
    """
    content = np.concatenate([panels, words])
    is_word = np.arange(len(content)) >= len(panels)
    weights = areas(content)
    beam: list[tuple[float, tuple[Proposal | None, ...], Flags]] = [
        (0.0, (), np.zeros(len(content), dtype=bool))
    ]
    for caption, options in zip(captions, proposals, strict=True):
        step = []
        rated = [
            (p, _worth(caption, p, habits), _covers(caption, p, content, is_word)) for p in options
        ]
        for value, chosen, covered in beam:
            step.append((value - 0.5, (*chosen, None), covered))
            for proposal, worth, covers in rated:
                if any(_clash(proposal, other) for other in chosen if other is not None):
                    continue
                fresh = weights[covers & ~covered].sum() / page_area
                step.append((value + worth + 2 * fresh, (*chosen, proposal), covered | covers))
        step.sort(key=lambda item: -item[0])
        beam = step[:_BEAM]
    return list(beam[0][1])


def _covers(caption: Caption, proposal: Proposal, content: Array, is_word: Flags) -> Flags:
    """What of the page's content a choice accounts for; words only where there is nothing else."""
    covers = shared(content, proposal.box) > 0.6 * areas(content)
    if proposal.painted and caption.kind != "table":
        covers &= ~is_word
    return np.asarray(covers)


def _worth(caption: Caption, proposal: Proposal, habits: Habits) -> float:
    table = caption.kind == "table"
    value = 1.0 if proposal.painted or table else 0.4
    if proposal.side in ("left", "right"):
        value -= 0.2
    value -= min(proposal.gap / 100, 0.5) + 0.05 * proposal.rank
    return value + 0.6 * habits.get((caption.kind, proposal.side), 0.0)


def _clash(a: Proposal, b: Proposal) -> bool:
    common = float(shared(a.box[None], b.box)[0])
    return common > 0.05 * min(float(areas(a.box[None])[0]), float(areas(b.box[None])[0]))
