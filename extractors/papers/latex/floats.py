"""A float as read: its graphics and captions in order, and which caption each graphic belongs to.

A float holds one figure or several: minipages or \\ffigbox with a \\caption each. A sub-caption
(\\subfloat, a subfigure's \\caption) is no figure of its own: its text follows the figure's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from ..records import Graphic

__all__ = ["Caption", "Content", "Draft", "Float", "Panel", "drafts"]


@dataclass(slots=True)
class Content:
    """What a reader sees in a float. graphic: a file; None for what TeX draws, or text.

    note: why there is no file, or what is missing in it. boxes: the boxes it stands in, outermost
    first.
    """

    boxes: tuple[int, ...]
    graphic: Graphic | None = None
    note: str = ""


@dataclass(slots=True)
class Panel:
    """A sub-figure. letter: "a"; "" where it has none. text: its caption, where it has one."""

    boxes: tuple[int, ...]
    letter: str = ""
    text: str = ""
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Caption:
    """A main caption. kind: the counter, "figure". label: "Figure 3"; "" for \\caption*."""

    boxes: tuple[int, ...]
    kind: str
    label: str = ""
    number: str = ""
    text: str = ""
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Float:
    """A float while it is read. labels: given before any caption."""

    kind: str
    items: list[Content | Panel | Caption] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    note: str = ""


@dataclass(slots=True)
class Draft:
    """A figure to be. panels: label -> letter of its sub-figures."""

    kind: str
    label: str
    number: str
    caption: str
    contents: tuple[Content, ...]
    labels: tuple[str, ...]
    panels: dict[str, str]
    note: str = ""


def drafts(float_: Float) -> list[Draft]:
    """The figures of a float, in order of their captions; one where it has none."""
    captions = [item for item in float_.items if isinstance(item, Caption)]
    if not captions:
        return [_draft(float_, None, [i for i in float_.items if not isinstance(i, Caption)])]
    owned: list[list[Content | Panel]] = [[] for _ in captions]
    for item, owner in _owners(float_.items, captions):
        owned[owner].append(item)
    return [_draft(float_, caption, own) for caption, own in zip(captions, owned, strict=True)]


def _draft(float_: Float, caption: Caption | None, items: Sequence[Content | Panel]) -> Draft:
    panels = [item for item in items if isinstance(item, Panel)]
    contents = tuple(item for item in items if isinstance(item, Content))
    texts = [caption.text] if caption and caption.text else []
    texts += [f"({p.letter}) {p.text}" if p.letter else p.text for p in panels if p.text]
    first = caption is None or caption is next(i for i in float_.items if isinstance(i, Caption))
    return Draft(
        kind=caption.kind if caption else float_.kind,
        label=caption.label if caption else "",
        number=caption.number if caption else "",
        caption=" ".join(texts),
        contents=contents,
        labels=(*(caption.labels if caption else ()), *(float_.labels if first else ())),
        panels={label: panel.letter for panel in panels for label in panel.labels},
        note=float_.note,
    )


def _owners(
    items: Sequence[Content | Panel | Caption], captions: Sequence[Caption]
) -> list[tuple[Content | Panel, int]]:
    """Each item with the number of its caption, in the items' order.

    A caption in the same innermost box owns it. Where several share that box, order decides: items
    belong to the caption that follows, or, in a float that opens with a caption, to the one before;
    a row of pictures above a row of captions is dealt out evenly.
    """
    if len(captions) == 1:
        return [(item, 0) for item in items if not isinstance(item, Caption)]
    number = {id(caption): i for i, caption in enumerate(captions)}
    choice: dict[int, int] = {}
    rivals: dict[tuple[int, ...], list[Content | Panel | Caption]] = {}
    for item in items:
        if isinstance(item, Caption):
            continue
        shared = [_common(item.boxes, caption.boxes) for caption in captions]
        nearest = tuple(i for i, depth in enumerate(shared) if depth == max(shared))
        if len(nearest) == 1:
            choice[id(item)] = nearest[0]
        else:
            rivals.setdefault(nearest, []).append(item)
    for nearest, members in rivals.items():
        wanted = {id(member) for member in members} | {id(captions[i]) for i in nearest}
        _by_order([item for item in items if id(item) in wanted], number, choice)
    return [(item, choice[id(item)]) for item in items if not isinstance(item, Caption)]


def _common(first: tuple[int, ...], second: tuple[int, ...]) -> int:
    count = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        count += 1
    return count


def _by_order(
    items: Sequence[Content | Panel | Caption], number: dict[int, int], choice: dict[int, int]
) -> None:
    """Fill ``choice`` for items that only their order tells apart."""
    runs: list[tuple[bool, list[Content | Panel | Caption]]] = [
        (is_caption, list(run))
        for is_caption, run in groupby(items, lambda item: isinstance(item, Caption))
    ]
    last = max(number[id(item)] for item in items if isinstance(item, Caption))
    captions_first = runs[0][0]
    for place, (is_caption, run) in enumerate(runs):
        if is_caption:
            continue
        beside = place - 1 if captions_first else place + 1
        row = [number[id(item)] for item in runs[beside][1]] if 0 <= beside < len(runs) else [last]
        _deal(run, row, choice)


def _deal(waiting: Sequence[object], row: Sequence[int], choice: dict[int, int]) -> None:
    """Deal items out to a row of captions, evenly and in order; what is over goes to the last."""
    each = max(1, len(waiting) // len(row))
    for place, item in enumerate(waiting):
        choice[id(item)] = row[min(place // each, len(row) - 1)]
