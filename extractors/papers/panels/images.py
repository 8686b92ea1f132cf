"""A compound picture taken apart: along its gutters, led by the letters of its panels.

With letters each cut must part them, and of the bands that do, the one is taken that is wide and
where the next letter's panel should begin: letters stand at one place in all panels of a figure.
Without letters the picture is cut wherever a band crosses it, and thin pieces (axis labels, tick
labels, titles, colour bars) go to their nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from .cutting import cut_by_gutters, cut_by_letters
from .gutters import Gray, Rect, frame_off, margins_off, paper_level
from .lettering import choices
from .letters import PlacedText

__all__ = ["PanelBox", "PlacedText", "gray_of", "split_image"]

_LONGEST = 1400  # pixels of the side that is looked at; larger pictures are made smaller
_MOST_PIXELS = 100_000_000


@dataclass(frozen=True, slots=True)
class PanelBox:
    """box: left, top, right, bottom in pixels of the picture. label: "" where none was read."""

    box: Rect
    label: str = ""


def split_image(
    image: Image.Image, letters: Sequence[PlacedText] = (), labels: Sequence[str] = ()
) -> tuple[PanelBox, ...]:
    """The panels of a picture, in reading order; they do not overlap.

    letters: words with their boxes in the picture, where they are known; else letters are looked
    for in the pixels. labels: the letters that the caption names: then a panel for each of them, in
    their order, or () where they are not found or not to be parted. Without labels: the pieces
    that gutters cut, at least one.
    """
    gray, scale = gray_of(image)
    level = paper_level(gray)
    whole = margins_off(gray, frame_off(gray), level)
    if not labels:
        return tuple(
            PanelBox(_scaled(rect, scale, image.size))
            for rect in cut_by_gutters(gray, whole, level)
        )
    placed = [
        PlacedText(word.text, tuple(round(side / scale) for side in word.box))  # type: ignore[arg-type]
        for word in letters
    ]
    for chosen in choices(gray, placed, labels):
        cells = cut_by_letters(gray, whole, chosen, level)
        if cells:
            return tuple(
                PanelBox(_scaled(cells[label], scale, image.size), label) for label in labels
            )
    return ()


def gray_of(image: Image.Image) -> tuple[Gray, float]:
    """(grey picture of at most 1400 pixels a side, how many times smaller it is)."""
    if image.width * image.height > _MOST_PIXELS:
        image = image.reduce(4)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), layer)
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        low, high = float(values.min()), float(values.max())
        image = Image.fromarray(((values - low) * (255 / max(high - low, 1e-9))).astype(np.uint8))
    gray = image.convert("L")
    factor = max(1, -(-max(gray.size) // _LONGEST))
    return np.asarray(gray.reduce(factor) if factor > 1 else gray), float(factor)


def _scaled(rect: Rect, scale: float, size: tuple[int, int]) -> Rect:
    left, top, right, bottom = (round(side * scale) for side in rect)
    return left, top, min(right, size[0]), min(bottom, size[1])
