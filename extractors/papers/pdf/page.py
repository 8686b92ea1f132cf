"""A PDF page as lists: its text lines, raster images and drawn paths, in points as it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pymupdf

from .clipping import shown_paths
from .labels import is_label_word, read_label
from .spacing import blocks_with_blanks

__all__ = ["Caption", "Drawing", "Line", "Page", "Raster", "Rect", "read_page"]

Rect = tuple[float, float, float, float]  # x0, y0, x1, y1; points, origin top left, y downwards

# Ligatures are opened and odd blanks made plain; pictures are listed, not decoded.
_LONGEST_WORD = 30  # letters of "Supplementary Figure"
_BLANKS = re.compile(r"\s+")
_TEXT_FLAGS = pymupdf.TEXTFLAGS_DICT & ~(
    pymupdf.TEXT_PRESERVE_IMAGES
    | pymupdf.TEXT_PRESERVE_LIGATURES
    | pymupdf.TEXT_PRESERVE_WHITESPACE
)
# What MuPDF raises for damaged pages, and pymupdf for what it cannot turn into Python.
_UNREADABLE = (RuntimeError, ValueError, IndexError, pymupdf.mupdf.FzErrorBase)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. size: points. direction: (1, 0) upright, (0, -1) upwards, (0, 1) downwards.

    font, size, bold, colour (sRGB): of most of its letters. block: number of the text block it
    stands in. label_font, label_size, label_bold: of its first letters, which often differ where a
    caption begins. origin: where the baseline of most of its letters begins.
    """

    text: str
    box: Rect
    font: str
    size: float
    bold: bool
    direction: tuple[float, float]
    block: int
    label_font: str
    label_size: float
    label_bold: bool
    colour: int = 0
    origin: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Raster:
    """An image as it is shown. box: on the page, not clipped. width, height: its own, pixels."""

    box: Rect
    width: int
    height: int
    number: int  # its index in page.get_image_info()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A painted path. fill, stroke: whether it has them; white: all of its paint is white."""

    box: Rect
    fill: bool
    stroke: bool
    white: bool


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds. number: from 0. width, height: points, as shown.

    rotation: as the file says; every box is already turned by it. problem: what of the page could
    not be read, and so is missing from the lists; "" for a sound page.
    """

    number: int
    width: float
    height: float
    rotation: int
    lines: tuple[Line, ...]
    rasters: tuple[Raster, ...]
    drawings: tuple[Drawing, ...]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Caption:
    """A figure's or table's caption on a page.

    kind: figure, scheme or table. number: "2", "S1", "IV", "A.1"; "ED3" of "Extended Data Fig. 3",
    "S3" of "Supplementary Fig. 3", "Plate1" of "Plate 1", so that no two figures share one. label:
    "Figure 2", with whatever word the document uses, no closing punctuation. text: without the
    label, one line. box: of all its lines on the page. lines: indices into its page's lines.
    plate: (page, box) of a bare label ("Fig. 1") that stands at the picture, where that is on
    another page than the caption.
    """

    page: int
    kind: Literal["figure", "scheme", "table"]
    number: str
    label: str
    text: str
    box: Rect
    direction: tuple[float, float]
    lines: tuple[int, ...]
    plate: tuple[int, Rect] | None = None


def read_page(document: Any, number: int) -> Page:
    """The page of an open ``pymupdf.Document``. Never raises for a damaged page: see ``problem``.

    The page is interpreted once into a display list, from which text and images are taken: their
    boxes are then as the page is shown (rotation, crop box). The drawn paths come unrotated.
    """
    problems = []
    lines: tuple[Line, ...] = ()
    rasters: tuple[Raster, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    width = height = 0.0
    rotation = 0
    try:
        page = document[number]
        width, height, rotation = page.rect.width, page.rect.height, page.rotation
        shown = page.get_displaylist()
        text = pymupdf.TextPage(shown.get_textpage(_TEXT_FLAGS))
        lines = tuple(_lines(blocks_with_blanks(text), width, height))
        images = pymupdf.TextPage(shown.get_textpage(pymupdf.TEXT_PRESERVE_IMAGES))
        rasters = tuple(
            Raster(tuple(info["bbox"]), info["width"], info["height"], at)
            for at, info in enumerate(images.extractIMGINFO())
        )
    except _UNREADABLE as error:
        problems.append(str(error))
    else:
        try:
            turn = page.rotation_matrix if rotation else None
            drawings = tuple(_drawings(page.get_cdrawings(extended=True), turn))
        except _UNREADABLE as error:
            problems.append(str(error))
    lines = _visible(lines, rasters, drawings)
    return Page(number, width, height, rotation, lines, rasters, drawings, "; ".join(problems))


def _lines(blocks: Sequence[Mapping[str, Any]], width: float, height: float) -> Iterator[Line]:
    """The lines that show on the page, cut where a label begins within one.

    A label's number that stands apart from its word is put to it.
    """
    held: Line | None = None
    for number, block in enumerate(blocks):
        for line in block.get("lines", ()):
            x0, y0, x1, y1 = line["bbox"]
            if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
                continue
            for spans in _parts(line["spans"]):
                made = _line(spans, line["dir"], number)
                if made is None:
                    continue
                if held is not None and _numbers(made, held):
                    box = (*held.box[:2], *made.box[2:])
                    held = replace(held, text=f"{held.text} {made.text}", box=box)
                    continue
                if held is not None:
                    yield held
                held = made
    if held is not None:
        yield held


def _numbers(line: Line, word: Line) -> bool:
    """Whether the line goes on with the number of a label whose word stands before it."""
    return (
        line.text[0].isdigit()
        and line.direction[0] > 0.99
        and len(word.text) < _LONGEST_WORD
        and abs(line.box[3] - word.box[3]) < 0.3 * line.size
        and 0 <= line.box[0] - word.box[2] < 3 * line.size
        and is_label_word(word.text)
    )


def _parts(spans: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """The line's spans, cut before a bold label: MuPDF joins columns that stand close."""
    start = 0
    for at in range(1, len(spans)):
        span, before = spans[at], spans[at - 1]
        if (
            span["flags"] & pymupdf.TEXT_FONT_BOLD
            and not before["flags"] & pymupdf.TEXT_FONT_BOLD
            and span["bbox"][0] - before["bbox"][2] > 0.5 * span["size"]
            and read_label("".join(part["text"] for part in spans[at:]))
        ):
            yield spans[start:at]
            start = at
    yield spans[start:]


def _line(
    spans: Sequence[Mapping[str, Any]], direction: tuple[float, float], block: int
) -> Line | None:
    inked = [span for span in spans if not span["text"].isspace() and span["text"]]
    if not inked:
        return None
    longest = max(inked, key=lambda span: len(span["text"]))
    first = inked[0]
    boxes = [span["bbox"] for span in inked]
    return Line(
        _text(spans),
        (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        ),
        longest["font"],
        longest["size"],
        bool(longest["flags"] & pymupdf.TEXT_FONT_BOLD),
        direction,
        block,
        first["font"],
        first["size"],
        bool(first["flags"] & pymupdf.TEXT_FONT_BOLD),
        longest["color"],
        longest["origin"],
    )


def _text(spans: Sequence[Mapping[str, Any]]) -> str:
    """The spans' text on one line. Browsers print a hyphen behind the soft one that it is for."""
    text = _BLANKS.sub(" ", "".join(span["text"] for span in spans)).strip()
    return text.replace("\u00ad\u2010", "\u00ad").replace("\u00ad-", "\u00ad")


def _visible(
    lines: Sequence[Line], rasters: Sequence[Raster], drawings: Sequence[Drawing]
) -> tuple[Line, ...]:
    """The lines without white ones on white paper: journals hide old captions and tags so."""
    if not any(_white(line) for line in lines):
        return tuple(lines)
    dark = [raster.box for raster in rasters]
    dark += [drawing.box for drawing in drawings if drawing.fill and not drawing.white]
    return tuple(
        line for line in lines if not _white(line) or any(_stands_on(line.box, box) for box in dark)
    )


def _white(line: Line) -> bool:
    return line.colour & 0xF8F8F8 == 0xF8F8F8


def _stands_on(box: Rect, ground: Rect) -> bool:
    """Whether the middle of the box lies on the ground."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return ground[0] < x < ground[2] and ground[1] < y < ground[3]


def _drawings(paths: Sequence[Mapping[str, Any]], turn: pymupdf.Matrix | None) -> Iterator[Drawing]:
    for path, box in shown_paths(paths):
        kind = path["type"]
        fill, stroke = path.get("fill"), path.get("color")
        paint = [colour for colour in (fill, stroke) if colour is not None]
        white = bool(paint) and all(min(colour) > 0.99 for colour in paint)
        if turn is not None:
            box = pymupdf.Rect(box) * turn
        yield Drawing((box[0], box[1], box[2], box[3]), "f" in kind, "s" in kind, white)
