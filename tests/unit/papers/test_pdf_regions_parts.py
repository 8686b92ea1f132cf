"""The parts regions are made of: turning, clustering, clipping, choosing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from domainclip.extractors.papers.pdf.clipping import shown_paths
from domainclip.extractors.papers.pdf.frames import Array, as_array, back, turned
from domainclip.extractors.papers.pdf.graphics import clustered
from domainclip.extractors.papers.pdf.matching import match
from domainclip.extractors.papers.pdf.page import Caption, Rect
from domainclip.extractors.papers.pdf.proposals import Proposal

_corner = st.tuples(st.floats(0, 500), st.floats(0, 700))
_side = st.tuples(st.floats(0, 90), st.floats(0, 90))
_boxes = st.lists(
    st.tuples(_corner, _side).map(
        lambda b: (b[0][0], b[0][1], b[0][0] + b[1][0], b[0][1] + b[1][1])
    ),
    min_size=1,
    max_size=40,
)


@given(_boxes, st.integers(0, 3))
def test_turning_a_page_back_gives_the_same_boxes(boxes: list[Rect], turn: int) -> None:
    array = as_array(boxes)
    once = turned(array, turn, 600, 800)
    assert (once[:, 2:] >= once[:, :2]).all()
    assert np.allclose(back(once, turn, 600, 800), array)


def test_upward_text_reads_upright_once_turned() -> None:
    """The left edge of a page that reads upwards is its top."""
    top_left = turned(np.array([[0.0, 790.0, 10.0, 800.0]]), 1, 600, 800)
    assert top_left.tolist() == [[0.0, 0.0, 10.0, 10.0]]


def _merged(boxes: Array, reach: float) -> list[frozenset[int]]:
    """The slow way: boxes within reach of one another, and what these reach."""
    groups = [{at} for at in range(len(boxes))]
    for a in range(len(boxes)):
        for b in range(a):
            apart = np.maximum(boxes[a, :2] - boxes[b, 2:], boxes[b, :2] - boxes[a, 2:])
            if apart.max() <= reach and groups[a] is not groups[b]:
                groups[a] |= groups[b]
                for at in groups[b]:
                    groups[at] = groups[a]
    return list({frozenset(group) for group in groups})


@given(_boxes)
def test_boxes_join_that_touch_and_never_six_points_apart(
    boxes: list[Rect],
) -> None:
    array = as_array(boxes)
    found = clustered(array, 600, 800)
    assert len(_merged(array, 6.0)) <= len(found) <= len(_merged(array, 0.0))
    inside = [
        ((found[:, :2] <= box[:2] + 1e-6) & (found[:, 2:] >= box[2:] - 1e-6)).all(axis=1).any()
        for box in array
    ]
    assert all(inside)


def test_a_path_counts_as_far_as_its_clip_lets_it_show() -> None:
    line = {"type": "s", "rect": (0.0, 0.0, 900.0, 90.0), "level": 1, "stroke_opacity": 1.0}
    clip = {"type": "clip", "scissor": (10.0, 10.0, 50.0, 50.0), "level": 0}
    group = {"type": "group", "rect": (0.0, 0.0, 1.0, 1.0), "level": 1}
    ghost = line | {"stroke_opacity": 0.0}
    outside = line | {"rect": (60.0, 60.0, 70.0, 70.0)}
    free = line | {"level": 0}
    paths = [clip, line, ghost, outside, group, line | {"level": 2}, free]
    boxes = [box for _, box in shown_paths(paths)]
    assert boxes == [(10.0, 10.0, 50.0, 50.0)] * 2 + [(0.0, 0.0, 900.0, 90.0)]


def _caption(number: str) -> Caption:
    return Caption(0, "figure", number, number, "", (0, 0, 1, 1), (1, 0), ())


def _seen(side: str, x0: float, y0: float, x1: float, y1: float) -> Proposal:
    return Proposal(side, np.array([x0, y0, x1, y1]), True, 0.0, 0)  # type: ignore[arg-type]


def test_captions_choose_together_and_not_one_after_the_other() -> None:
    """The first could take the panel that the second has nothing instead of."""
    upper, lower = _seen("above", 0, 0, 90, 90), _seen("below", 0, 110, 90, 290)
    chosen = match(
        [_caption("1"), _caption("2")],
        [[upper, lower], [_seen("above", 0, 110, 90, 290)]],
        np.array([[0.0, 0, 90, 90], [0, 110, 90, 290]]),
        np.empty((0, 4)),
        480_000.0,
        {},
    )
    assert chosen[0] is upper and chosen[1] is not None


def test_a_page_of_many_captions_is_matched_in_bounded_steps() -> None:
    captions = [_caption(str(at)) for at in range(40)]
    options = [
        [_seen("above", 12 * at, 20 * k, 12 * at + 10, 20 * k + 15) for k in range(6)]
        for at in range(40)
    ]
    chosen = match(captions, options, np.empty((0, 4)), np.empty((0, 4)), 480_000.0, {})
    assert all(choice is not None for choice in chosen)
