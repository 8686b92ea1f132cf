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
from numpy.typing import NDArray

from .frames import Array, Flags, areas, as_array, shared
from .page import Caption
from .proposals import Proposal, Side

__all__ = ["match"]

_BEAM = 200
_NO_REGION = 0.5  # what it costs to leave a caption without one
_COVERED = 2.0  # worth of the whole page's area in graphics that a choice accounts for
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
    weights = areas(content) / page_area
    every = [proposal for options in proposals for proposal in options]
    clash = _clashes(as_array(tuple(proposal.box) for proposal in every))

    # a row for each choice so far: its worth, what it covers, what it excludes, how it came about
    worth = np.zeros(1)
    covered = np.zeros((1, len(content)), dtype=bool)
    blocked = np.zeros((1, len(every)), dtype=bool)
    steps: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    first = 0
    for caption, options in zip(captions, proposals, strict=True):
        own = slice(first, first + len(options))
        covers = np.zeros((len(options) + 1, len(content)), dtype=bool)  # the last: no region
        gains = np.full(len(options) + 1, -_NO_REGION)
        for at, proposal in enumerate(options):
            covers[at] = _covers(caption, proposal, content, is_word)
            gains[at] = _worth(caption, proposal, habits)
        fresh = ~covered @ (covers * weights).T  # (choices, options)
        values = worth[:, None] + gains + _COVERED * fresh
        values[:, :-1][blocked[:, own]] = -np.inf
        best = np.argsort(-values, axis=None, kind="stable")[:_BEAM]
        best = best[values.flat[best] > -np.inf]
        parent, option = np.unravel_index(best, values.shape)
        worth = values[parent, option]
        covered = covered[parent] | covers[option]
        excluded = np.concatenate([clash[own], np.zeros((1, len(every)), dtype=bool)])
        blocked = blocked[parent] | excluded[option]
        steps.append((parent, option))
        first += len(options)

    chosen: list[Proposal | None] = []
    row = 0
    for (parent, option), options in zip(reversed(steps), reversed(proposals), strict=True):
        chosen.append(options[option[row]] if option[row] < len(options) else None)
        row = int(parent[row])
    return chosen[::-1]


def _clashes(boxes: Array) -> Flags:
    """Which pairs of regions (n, n) have more than 5 % of the smaller one in common."""
    common = np.array([shared(boxes, box) for box in boxes]).reshape(len(boxes), len(boxes))
    sizes = areas(boxes)
    return np.asarray(common > 0.05 * np.minimum(sizes[:, None], sizes))


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
