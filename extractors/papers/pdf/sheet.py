"""A page sorted for one reading direction: what may be figure, what is in the way of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .frames import Array, Flags, areas, as_array, quarter, shared, turned
from .graphics import clustered
from .layout import LONG, Layout
from .page import Caption, Page
from .paragraphs import running_text
from .scans import free_spaces, is_scan

__all__ = ["Sheet", "read_sheet"]

_CLOSE = 16.0  # points between a frame of text and the caption that makes it a figure
_SIDEBAR_LINES = 4
_ROW = 100.0  # points; a table's row with a ground of its own is not higher
_PANEL_PT2 = 300.0  # a smaller drawing (a bullet, a fraction's bar) is no figure by itself


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Boxes, turned to read upright. width, height: of the turned page.

    panels: images and drawings that may be a figure. pictures: which of them are images. marks:
    smaller ones. rules: thin ones from edge to edge of a column, as tables and floats have. words:
    lines that may belong to a figure. walls: running text and running heads. captions: all of the
    page's, in the page's order. edges: x0, x1 between running heads that stand at the left and
    right (of a turned page).
    """

    turn: int
    width: float
    height: float
    panels: Array
    pictures: Flags
    marks: Array
    rules: Array
    words: Array
    walls: Array
    captions: Array
    edges: tuple[float, float]


def read_sheet(
    page: Page,
    captions: Sequence[Caption],
    layouts: Mapping[int, Layout],
    turn: int,
    paint: Array,
    image: Flags,
    heads: set[int],
) -> Sheet:
    """The page for captions that read in this quarter turn.

    captions: all of this page. layouts: of this turn and upright; both hold running text. paint,
    image: of ``graphics.painted``. heads: the page's running heads.
    """
    size = (page.width, page.height)
    boxes = turned(as_array(line.box for line in page.lines), turn, *size)
    caption_boxes = turned(as_array(caption.box for caption in captions), turn, *size)
    skip = np.zeros(len(boxes), dtype=bool)
    skip[list(heads)] = True
    walls = skip.copy()
    for caption in captions:
        skip[list(caption.lines)] = True
    reads = np.array([quarter(line.direction) for line in page.lines], dtype=int)
    body, full = np.zeros((2, len(boxes)), dtype=bool)
    for own, layout in layouts.items():
        upright = turned(as_array(line.box for line in page.lines), own, *size)
        running, whole = running_text(page.lines, upright, layout, skip | (reads != own))
        body |= running
        full |= whole
    width, height = size if turn % 2 == 0 else size[::-1]

    drawn = _without_frames(turned(paint, turn, *size), caption_boxes, height)
    thin = drawn[:, 3] - drawn[:, 1] < 3
    ruling = np.array([_spans(box, layouts[turn]) for box in drawn[thin]], dtype=bool)
    thin[thin] = ruling | _around_floats(drawn[thin], captions, caption_boxes)
    rules = clustered(drawn[thin], width, height)
    shapes = clustered(drawn[~thin], width, height)
    pictures = turned(paint[image], turn, *size)
    panels, pictured, marks = [], [], []
    long = np.array([len(line.text) >= LONG for line in page.lines], dtype=bool)
    for shape in shapes:
        sides = shape[2:] - shape[:2]
        if sides.min() < 6 or sides[0] * sides[1] < _PANEL_PT2:
            marks.append(shape)
            continue
        inside = shared(boxes, shape) > 0.6 * areas(boxes)
        text = areas(boxes[inside & full]).sum() / (sides[0] * sides[1])
        if text > 0.25 and not _hangs_on(shape, caption_boxes):
            continue  # a frame around running text, or an image that its clip hides
        if _is_sidebar(shape, boxes[inside & long], layouts[turn], caption_boxes):
            body |= inside & ~skip
            continue
        panels.append(shape)
        pictured.append(shared(pictures, shape).sum() > 0.5 * sides[0] * sides[1])
        body &= ~inside
    rows = np.concatenate([rules, shapes])
    rows = rows[rows[:, 3] - rows[:, 1] < _ROW]
    rows = rows[[shared(pictures, row).sum() < 0.5 * areas(row[None])[0] + 0.1 for row in rows]]
    for caption, box in zip(captions, caption_boxes, strict=True):
        if caption.kind == "table":
            body &= ~_ruled(boxes, body, box, rows, caption_boxes)
    walls |= body
    if not panels and is_scan(page):
        panels = list(free_spaces(caption_boxes, boxes[walls], layouts[turn], height))
        pictured = [True] * len(panels)
    words = ~walls & ~skip
    return Sheet(
        turn,
        width,
        height,
        as_array(panels),
        np.array(pictured, dtype=bool),
        as_array(marks),
        rules,
        boxes[words],
        boxes[walls],
        caption_boxes,
        _between(boxes[list(heads)], width),
    )


def _around_floats(thin: Array, captions: Sequence[Caption], boxes: Array) -> Flags:
    """Which thin rules (n,) are one of two of the same ends, a figure and its caption between."""
    found = np.zeros(len(thin), dtype=bool)
    for caption, box in zip(captions, boxes, strict=True):
        if caption.kind == "table":
            continue
        as_wide = (thin[:, 0] <= box[0] + 2) & (thin[:, 2] >= box[2] - 2)
        under = as_wide & (np.abs(thin[:, 1] - box[3] - _CLOSE / 2) < _CLOSE / 2)
        for rule in thin[under][:1]:
            same = np.abs(thin[:, [0, 2]] - rule[[0, 2]]).max(axis=1) < 2
            over = same & (thin[:, 3] < box[1])
            if over.any():
                found |= over | (same & under)
    return found


def _is_sidebar(shape: Array, lines: Array, layout: Layout, captions: Array) -> bool:
    """Whether a box is one of text that fills it: key points, how to cite. lines: long ones."""
    if len(lines) < _SIDEBAR_LINES or not _spans(shape, layout) or _hangs_on(shape, captions):
        return False
    width = shape[2] - shape[0]
    filled = float(np.median(lines[:, 2] - lines[:, 0])) > 0.6 * width
    return filled and bool(areas(lines).sum() > 0.3 * width * (shape[3] - shape[1]))


def _spans(shape: Array, layout: Layout) -> bool:
    """Whether a shape reaches just from one edge of a column, or of all of them, to the other."""
    edges = [(column.x0, column.x1) for column in layout.columns] + [(layout.x0, layout.x1)]
    return any(abs(shape[0] - x0) < 4 and abs(shape[2] - x1) < 4 for x0, x1 in edges)


def _hangs_on(shape: Array, captions: Array) -> bool:
    """Whether a frame of text is a figure: a caption stands close above or below, as wide as it."""
    above = np.abs(shape[1] - captions[:, 3]) < _CLOSE
    below = np.abs(captions[:, 1] - shape[3]) < _CLOSE
    within = (captions[:, 0] > shape[0] - _CLOSE) & (captions[:, 2] < shape[2] + _CLOSE)
    return bool(((above | below) & within).any())


def _between(heads: Array, width: float) -> tuple[float, float]:
    left, right = heads[heads[:, 2] < width / 8], heads[heads[:, 0] > width * 7 / 8]
    return float(left[:, 2].max(initial=0.0)), float(right[:, 0].min(initial=width))


def _ruled(lines: Array, body: Flags, caption: Array, shapes: Array, captions: Array) -> Flags:
    """Which lines lie between the rules, or shaded rows, of the table with its caption above.

    A table's rules have the same ends; it goes on to the last of them that no other caption and
    no page of running text divides from the one before.
    """
    rules = shapes[(shapes[:, 2] - shapes[:, 0] > 60)]
    rules = rules[(rules[:, 1] > caption[3] - 3)]
    rules = rules[np.argsort(rules[:, 1])]
    first = rules[(rules[:, 0] < caption[0] + 20) & (rules[:, 2] > caption[0] + 20)][:1]
    inside = np.zeros(len(lines), dtype=bool)
    if not len(first) or first[0, 1] > caption[3] + 45:
        return inside
    x0, _, x1, _ = first[0]
    top = caption[3]
    for rule in rules[np.abs(rules[:, [0, 2]] - [x0, x1]).max(axis=1) < 6]:
        part = np.array([x0, top, x1, rule[3]])
        held = shared(lines, part) > 0.6 * areas(lines)
        if (held & body).sum() > 40 or shared(captions, part).any():
            break
        inside |= held
        top = rule[1]
    return inside


def _without_frames(drawn: Array, captions: Array, height: float) -> Array:
    """Without frames, backgrounds and rules: what encloses a caption, lies under it or runs down
    most of the page."""
    sides = drawn[:, 2:] - drawn[:, :2]
    keep = (sides[:, 0] > 3) | (sides[:, 1] < 0.5 * height)
    for caption in captions:
        around = (drawn[:, :2] <= caption[:2] + 2) & (drawn[:, 2:] >= caption[2:] - 2)
        keep &= ~around.all(axis=1)
        keep &= shared(drawn, caption) <= 0.7 * areas(drawn)  # the ground of its label
    return drawn[keep]
