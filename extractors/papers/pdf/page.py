"""A PDF page as lists: its text lines, raster images and drawn paths, in points as it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pymupdf

__all__ = ["Caption", "Drawing", "Line", "Page", "Raster", "Rect", "read_page"]

Rect = tuple[float, float, float, float]  # x0, y0, x1, y1; points, origin top left, y downwards

_TEXT_FLAGS = pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text. size: points. direction: (1, 0) upright, (0, -1) upwards, (0, 1) downwards.

    block: number of the text block it stands in. label_font, label_size, label_bold: of its first
    letters, which often differ where a caption begins.
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
    """What a page holds. number: from 0. width, height: points, as shown."""

    number: int
    width: float
    height: float
    rotation: int
    lines: tuple[Line, ...]
    rasters: tuple[Raster, ...]
    drawings: tuple[Drawing, ...]


@dataclass(frozen=True, slots=True)
class Caption:
    """A figure's or table's caption on a page.

    kind: figure, scheme or table. number: as printed ("2", "S1", "IV", "A.1"). label: "Figure 2",
    with whatever word the document uses, no closing punctuation. text: without the label, one
    line. lines: indices into its page's lines.
    """

    page: int
    kind: Literal["figure", "scheme", "table"]
    number: str
    label: str
    text: str
    box: Rect
    direction: tuple[float, float]
    lines: tuple[int, ...]


def read_page(document: Any, number: int) -> Page:
    """The page of an open ``pymupdf.Document``."""
    page = document[number]
    lines: list[Line] = []
    for block_number, block in enumerate(page.get_text("dict", flags=_TEXT_FLAGS)["blocks"]):
        for line in block.get("lines", ()):
            spans = [span for span in line["spans"] if span["text"].strip()]
            if not spans:
                continue
            longest = max(spans, key=lambda span: len(span["text"]))
            lines.append(
                Line(
                    "".join(span["text"] for span in line["spans"]).strip(),
                    line["bbox"],
                    longest["font"],
                    longest["size"],
                    bool(longest["flags"] & pymupdf.TEXT_FONT_BOLD),
                    line["dir"],
                    block_number,
                    spans[0]["font"],
                    spans[0]["size"],
                    bool(spans[0]["flags"] & pymupdf.TEXT_FONT_BOLD),
                )
            )
    rasters = [
        Raster(tuple(info["bbox"]), info["width"], info["height"], at)
        for at, info in enumerate(page.get_image_info())
    ]
    drawings = []
    for path in page.get_cdrawings():
        colours = [path[name] for name in ("fill", "color") if path.get(name) is not None]
        white = bool(colours) and all(min(colour) > 0.99 for colour in colours)
        kind = path["type"]
        drawings.append(Drawing(tuple(path["rect"]), "f" in kind, "s" in kind, white))
    width, height = page.rect.width, page.rect.height
    return Page(number, width, height, page.rotation, tuple(lines), tuple(rasters), tuple(drawings))
