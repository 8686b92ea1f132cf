"""The panels of a figure's picture, cut out, where picture and caption tell the same ones apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from domainclip.images.encoded import decoded, web_image

from ..pairing import Piece
from ..records import Box, Figure
from .letters import PlacedText
from .split import split_figure

__all__ = ["panels_of"]

_PAPER_LETTERS = 3  # a panel's letter stands alone or as "(a)"


def panels_of(
    figure: Figure, piece: Piece, document: Any | None, box: Box | None
) -> Iterator[Piece]:
    """A piece for each panel; none where the two sides do not agree.

    document, box: the page and region that the picture was taken from, if it was.
    """
    try:
        image = decoded(piece.data)
    except ValueError:
        return  # the whole figure's own turn says so
    letters: Sequence[PlacedText] = ()
    if document is not None and box is not None and piece.how in ("rendered", "original"):
        letters = _letters(document, box, image.size)
    for panel in split_figure(figure.caption, image, letters):
        yield replace(
            piece,
            data=web_image(b"", image.crop(panel.box)),
            how="panel",
            part="/".join(part for part in (piece.part, panel.label) if part),
            panel=panel.label,
            text=panel.text,
            box_px=panel.box,
        )


def _letters(document: Any, box: Box, size: tuple[int, int]) -> list[PlacedText]:
    """The short words on a region of a page, placed in its picture of ``size`` pixels."""
    page = document[box.page]
    across, down = size[0] / (box.x1 - box.x0), size[1] / (box.y1 - box.y0)
    found = []
    for x0, y0, x1, y1, word, *_ in page.get_text("words"):
        inside = box.x0 <= x0 and x1 <= box.x1 and box.y0 <= y0 and y1 <= box.y1
        if inside and len(word) <= _PAPER_LETTERS:
            left, top = round((x0 - box.x0) * across), round((y0 - box.y0) * down)
            right, bottom = round((x1 - box.x0) * across), round((y1 - box.y0) * down)
            found.append(PlacedText(word, (left, top, right, bottom)))
    return found
