"""The paragraphs of a PDF's running text, joined over columns and pages where that is evident.

The lines are taken in the order in which the file sets them, which is the reading order but for
captions, heads and what stands in figures. Captions and heads are left out; the rest is told
apart by its size of type, so that a paragraph may go on behind notes or the words of a figure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .page import Caption, Page
from .upright import BodyType, Placed, body_type, headings, place

__all__ = ["paragraphs"]

_ENDED = re.compile(r"[.!?:][\"'”’)\]]*[\d,–-]*$")  # also with the numbers of references behind
_SMALL = re.compile(r"[(\[]?[^\W\d_]")
_LONGEST_HEADING = 3  # lines


@dataclass(slots=True)
class _Paragraph:
    """A paragraph while it grows. left, right: edges of the column in which it stands now."""

    rows: list[list[Placed]]
    last: Placed
    page: int
    size: float
    left: float
    right: float

    def ended(self) -> bool:
        """Whether its last line ends a sentence."""
        return _ENDED.search(self.last.line.text[-24:]) is not None


def paragraphs(pages: Sequence[Page], captions: Sequence[Caption]) -> list[list[str]]:
    """The paragraphs in order, each as its lines."""
    body, dropped = body_type(pages), headings(pages)
    dropped |= {(caption.page, index) for caption in captions for index in caption.lines}
    every: list[_Paragraph] = []
    growing: list[_Paragraph] = []  # of each size of type the one that may go on
    for page in pages:
        for frame in place(page, dropped):
            for piece in sorted(frame, key=lambda placed: placed.index):
                alike = [each for each in growing if abs(each.size - piece.size) <= 0.6]
                if any(_added(piece, each, page.number, body) for each in alike):
                    continue
                if any(_added_as_index(piece, each, page.number) for each in growing):
                    continue
                fresh = _Paragraph([[piece]], piece, page.number, piece.size, piece.x0, piece.x1)
                growing = [each for each in growing if each not in alike]
                growing.append(fresh)
                every.append(fresh)
    return [[_text(row) for row in each.rows] for each in every]


def _text(row: list[Placed]) -> str:
    """A line's pieces from left to right: formulas are often set in another order."""
    return " ".join(piece.line.text for piece in sorted(row, key=lambda piece: piece.x0))


def _added(piece: Placed, paragraph: _Paragraph, page: int, body: BodyType) -> bool:
    """Add the piece to the paragraph's last line or as its next, if it belongs there."""
    last, size = paragraph.last, paragraph.size
    step = piece.base - last.base
    if page == paragraph.page and abs(step) < 0.6 * size and _within(piece, paragraph):
        paragraph.rows[-1].append(piece)
        paragraph.right = max(paragraph.right, piece.x1)
        if piece.x1 > last.x1:
            paragraph.last = piece
        return True
    if (
        page == paragraph.page
        and 0.6 * size <= step < 1.35 * max(1.2, body.leading) * size
        and piece.x0 < paragraph.right
        and piece.x1 > paragraph.left
    ):
        if _begins(piece, paragraph, body):
            return False
        paragraph.rows.append([piece])
        paragraph.left = min(paragraph.left, piece.x0)
    else:
        if paragraph.ended() or not _runs_on(piece, paragraph):
            return False
        paragraph.rows.append([piece])
        paragraph.left, paragraph.right = piece.x0, piece.x1
    paragraph.last, paragraph.page = piece, page
    paragraph.right = max(paragraph.right, piece.x1)
    return True


def _within(piece: Placed, paragraph: _Paragraph) -> bool:
    """Whether a piece on the height of the paragraph's last line is of it."""
    gap = piece.x0 - paragraph.last.x1
    return -1 < gap < 2.5 * paragraph.size or (
        piece.x0 > paragraph.left - 1 and piece.x1 < paragraph.right + 1
    )


def _begins(piece: Placed, paragraph: _Paragraph, body: BodyType) -> bool:
    """Whether the line below begins a paragraph: indented, or behind a line that ends early."""
    size, last = paragraph.size, paragraph.last.line
    if (
        piece.line.label_font == body.font
        and body.font not in (last.font, last.label_font)
        and len(paragraph.rows) <= _LONGEST_HEADING
    ):
        return True
    short = paragraph.last.x1 < paragraph.right - 1.5 * size
    if last.bold != piece.line.bold and (short or not paragraph.ended()):
        return last.bold or piece.line.label_bold  # a heading ends or begins
    indented = 0.6 * size < piece.x0 - paragraph.left < 5 * size and len(paragraph.rows) > 1
    return paragraph.ended() and (indented or short)


def _runs_on(piece: Placed, paragraph: _Paragraph) -> bool:
    """Whether a line elsewhere goes on with a paragraph whose last line ends no sentence."""
    if piece.line.bold and not paragraph.last.line.bold:
        return False
    small = _SMALL.match(piece.line.text)
    cut = paragraph.last.line.text.endswith(("-", "\u00ad", "‐"))
    full = paragraph.last.x1 > paragraph.right - 1.5 * paragraph.size
    long = len(paragraph.last.line.text) > 20 and len(piece.line.text) > 10
    return cut or (long and (full or (small is not None and small[0][-1].islower())))


def _added_as_index(piece: Placed, paragraph: _Paragraph, page: int) -> bool:
    """Add a smaller piece that stands on the paragraph's last line: an index, a reference."""
    last = paragraph.last
    height = min(piece.y1, last.y1) - max(piece.y0, last.y0)
    if (
        page != paragraph.page
        or piece.size >= paragraph.size
        or height < 0.3 * piece.size
        or not _within(piece, paragraph)
    ):
        return False
    paragraph.rows[-1].append(piece)
    return True
