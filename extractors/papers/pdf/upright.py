"""The lines of a page in the four directions of reading, each turned so that it reads upright."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .labels import Label, read_label
from .page import Line, Page, Rect

__all__ = ["BodyType", "Placed", "body_type", "headings", "place", "quarter_of", "turned_box"]

_EDGE = 0.1  # of the page's height: running heads stand no deeper
_NUMBER = re.compile(r"\d{1,4}(?:\s+|$)")
_FEW_LINES = 12  # lines that count up by chance, in a list or a table
_CHANGING = re.compile(r"\d+|\b[ivxlc]+\b")


@dataclass(frozen=True, slots=True)
class Placed:
    """A line where it stands once its direction is turned upright. index: in its page's lines.

    base: y of its baseline, roughly where the line has no origin.
    label: what it begins with, if that is a label.
    """

    line: Line
    index: int
    x0: float
    y0: float
    x1: float
    y1: float
    base: float
    label: Label | None

    @property
    def size(self) -> float:
        """Of its type, points."""
        return self.line.size


@dataclass(frozen=True, slots=True)
class BodyType:
    """The type of the running text. size: points. leading: from line to line, in sizes."""

    font: str
    size: float
    leading: float

    def sets(self, line: Line) -> bool:
        """Whether the line is set in it."""
        return line.font == self.font and abs(line.size - self.size) < 0.35


def body_type(pages: Sequence[Page]) -> BodyType:
    """The type in which most letters of the document are set."""
    letters: Counter[tuple[str, float]] = Counter()
    for page in pages:
        for line in page.lines:
            letters[line.font, round(line.size, 1)] += len(line.text)
    if not letters:
        return BodyType("", 0.0, 1.2)
    (font, size), _ = letters.most_common(1)[0]
    body = BodyType(font, size, 1.2)
    steps: Counter[float] = Counter()
    for page in pages:
        for above, line in pairwise(line for line in page.lines if body.sets(line)):
            step = abs(line.box[1] - above.box[1]) or abs(line.box[0] - above.box[0])
            steps[round(step / size, 1)] += 1
    leading = max((step for step in steps if 0.8 < step < 4), key=steps.__getitem__, default=1.2)
    return BodyType(font, size, leading)


def headings(pages: Sequence[Page]) -> set[tuple[int, int]]:
    """(page, line) of running heads and feet: the same words at the same height on many pages.

    Numbers may differ. Blocks with a label are none, since captions too stand at one height.
    """
    seen: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for page in pages:
        labelled = {line.block for line in page.lines if read_label(line.text)}
        for index, line in enumerate(page.lines):
            middle = (line.box[1] + line.box[3]) / 2
            if _EDGE * page.height < middle < (1 - _EDGE) * page.height:
                continue
            if line.block in labelled:
                continue
            words = _CHANGING.sub("#", line.text)
            seen.setdefault((words, round(middle / 4)), []).append((page.number, index))
    enough = max(2, len(pages) // 4)
    return {
        place
        for places in seen.values()
        if len({number for number, _ in places}) >= enough
        for place in places
    }


def place(page: Page, dropped: set[tuple[int, int]]) -> list[list[Placed]]:
    """The page's lines without the dropped ones, by direction, each list from top to bottom.

    Numbers before the lines, as manuscripts have, are taken off.
    """
    turned: dict[int, list[Placed]] = {}
    numbered = _line_numbers(page)
    for index, line in enumerate(page.lines):
        quarter = quarter_of(line.direction)
        if quarter is None or (page.number, index) in dropped:
            continue  # slanted: an axis label
        if index in numbered:
            line = replace(line, text=_NUMBER.sub("", line.text))
            if not line.text:
                continue
        x0, y0, x1, y1 = turned_box(line.box, quarter)
        base = y1 - 0.2 * line.size
        if line.origin is not None:
            base = turned_box((*line.origin, *line.origin), quarter)[1]
        placed = Placed(line, index, x0, y0, x1, y1, base, read_label(line.text))
        turned.setdefault(quarter, []).append(placed)
    for lines in turned.values():
        lines.sort(key=lambda placed: (placed.y0, placed.x0))
    return list(turned.values())


def _line_numbers(page: Page) -> set[int]:
    """Indices of lines that begin with, or are, the number of their line: 1 more each time."""
    numbers = [
        (int(match[0]), index)
        for index, line in enumerate(page.lines)
        if (match := _NUMBER.match(line.text)) and line.direction[0] > 0.99
    ]
    runs = [
        pair
        for pair in pairwise(sorted(numbers))
        if pair[1][0] - pair[0][0] == 1
        and page.lines[pair[0][1]].box[1] < page.lines[pair[1][1]].box[1]
    ]
    if len(runs) < max(_FEW_LINES, 0.3 * len(page.lines)):
        return set()
    return {index for pair in runs for _, index in pair}


def quarter_of(direction: tuple[float, float]) -> int | None:
    """0 upright, 1 upwards, 2 upside down, 3 downwards; None for slanted text."""
    x, y = direction
    if abs(x) > 0.99:
        return 0 if x > 0 else 2
    if abs(y) > 0.99:
        return 1 if y < 0 else 3
    return None


def turned_box(box: Rect, quarter: int) -> Rect:
    """The box in a frame with an origin of its own, in which this quarter's text reads upright."""
    x0, y0, x1, y1 = box
    turns = ((x0, y0, x1, y1), (-y1, x0, -y0, x1), (-x1, -y1, -x0, -y0), (y0, -x1, y1, -x0))
    return turns[quarter]
