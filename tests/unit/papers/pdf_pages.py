"""Made-up PDF pages as lists, so that a test says where every line, image and path stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from domainclip.extractors.papers.pdf.page import Caption, Drawing, Line, Page, Raster, Rect

WIDTH, HEIGHT = 600.0, 800.0
LEFT, RIGHT = (50.0, 290.0), (310.0, 550.0)  # the two columns of the text
_LETTERS = "The quick brown fox jumps over the lazy dog and runs away. "


@dataclass
class Sketch:
    """A page in the making. Every method returns what it put on the page."""

    number: int = 0
    lines: list[Line] = field(default_factory=list)
    rasters: list[Raster] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)
    captions: list[Caption] = field(default_factory=list)

    def line(
        self, text: str, box: Rect, size: float = 10.0, direction: tuple[float, float] = (1, 0)
    ) -> Rect:
        block = len(self.lines)
        style = ("Times", size, False)
        self.lines.append(Line(text, box, *style, direction, block, *style))
        return box

    def text(self, column: tuple[float, float], top: float, bottom: float) -> None:
        """Running text that fills a column."""
        x0, x1 = column
        count, y = round((x1 - x0) / 5), top
        while y + 10 <= bottom:
            start = (7 * len(self.lines) + 5 * self.number) % len(_LETTERS)
            self.line((_LETTERS * 5)[start : start + count], (x0, y, x1, y + 10))
            y += 12

    def image(self, box: Rect) -> Rect:
        self.rasters.append(Raster(box, 400, 300, len(self.rasters)))
        return box

    def path(self, box: Rect, *, white: bool = False) -> Rect:
        self.drawings.append(Drawing(box, fill=False, stroke=True, white=white))
        return box

    def caption(
        self,
        box: Rect,
        kind: Literal["figure", "scheme", "table"] = "figure",
        direction: tuple[float, float] = (1, 0),
    ) -> None:
        number = str(1 + len(self.captions))
        label = f"{'Table' if kind == 'table' else 'Figure'} {number}"
        at = len(self.lines)
        self.line(f"{label}. What is shown", box, 9.0, direction)
        self.captions.append(
            Caption(self.number, kind, number, label, "What is shown", box, direction, (at,))
        )

    @property
    def page(self) -> Page:
        return Page(
            self.number,
            WIDTH,
            HEIGHT,
            0,
            tuple(self.lines),
            tuple(self.rasters),
            tuple(self.drawings),
        )


def filled(number: int) -> Sketch:
    """A page of two columns of text and nothing else."""
    sketch = Sketch(number)
    sketch.text(LEFT, 60, 740)
    sketch.text(RIGHT, 60, 740)
    return sketch
