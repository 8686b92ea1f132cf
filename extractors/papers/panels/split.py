"""The panels of a figure with their own texts, where its picture and its caption agree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from .captions import split_caption
from .gutters import Rect
from .images import PanelBox, PlacedText, split_image

__all__ = ["Panel", "split_figure"]

_PLACES = ("left", "right", "top", "bottom", "middle")
_MOST_PANELS = 30


@dataclass(frozen=True, slots=True)
class Panel:
    """label: as the caption prints it, or a place ("left"). text: its own, without what all panels
    share. box: left, top, right, bottom in pixels of the figure's picture."""

    label: str
    text: str
    box: Rect


def split_figure(
    caption: str, image: Image.Image, letters: Sequence[PlacedText] = ()
) -> tuple[Panel, ...]:
    """A panel for each label of the caption, in its order; () where the two sides disagree.

    They agree where every label that the caption names is found in the picture and a gutter parts
    each from the others; where the caption speaks of places ("left", "right") and the picture has
    two pieces side by side; or where no letter is found and the pieces form one row or one column
    of as many as the caption names. letters: the picture's words, as of a PDF page.
    """
    parts = {part.label: part.text for part in split_caption(caption).parts}
    if not 2 <= len(parts) <= _MOST_PANELS:
        return ()
    labels = tuple(parts)
    if labels[0].split()[0] in _PLACES:
        found = _by_place(split_image(image), labels)
    else:
        found = split_image(image, letters, labels) or _by_count(split_image(image), labels)
    return tuple(Panel(panel.label, parts[panel.label], panel.box) for panel in found)


def _by_place(pieces: Sequence[PanelBox], labels: Sequence[str]) -> tuple[PanelBox, ...]:
    if len(pieces) != len(labels):
        return ()
    if len(pieces) == 4:
        order: tuple[str, ...] = ("top left", "top right", "bottom left", "bottom right")
        rows = [_in_line(pieces[:2], 0), _in_line(pieces[2:], 0), _in_line(pieces[::2], 1)]
        fits = all(rows)
    else:
        across = "left" in labels
        order = ("left", "middle", "right") if across else ("top", "middle", "bottom")
        order = order if len(pieces) == 3 else order[::2]
        fits = _in_line(pieces, 0 if across else 1)
    if not fits or set(order) != set(labels):
        return ()
    named = {name: piece.box for name, piece in zip(order, pieces, strict=True)}
    return tuple(PanelBox(named[label], label) for label in labels)


def _by_count(pieces: Sequence[PanelBox], labels: Sequence[str]) -> tuple[PanelBox, ...]:
    """Pieces in one row or column, of like size, which can be named in one order only."""
    if len(pieces) != len(labels) or not (_in_line(pieces, 0) or _in_line(pieces, 1)):
        return ()
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (piece.box for piece in pieces)]
    if min(areas) < 0.4 * max(areas):
        return ()
    return tuple(PanelBox(piece.box, label) for piece, label in zip(pieces, labels, strict=True))


def _in_line(pieces: Sequence[PanelBox], axis: int) -> bool:
    """Whether each piece ends before the next one starts, left to right (0) or downwards (1),
    and all overlap across that direction."""
    across = 1 - axis
    boxes = [piece.box for piece in pieces]
    follow = all(a[axis + 2] <= b[axis] for a, b in itertools.pairwise(boxes))
    shared = min(box[across + 2] for box in boxes) - max(box[across] for box in boxes)
    return follow and shared > 0.5 * min(box[across + 2] - box[across] for box in boxes)
