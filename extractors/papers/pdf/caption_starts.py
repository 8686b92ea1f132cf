"""Which of a document's labels begin captions: by what stands around each, and by its style.

Each label at a line's beginning gets evidence from its own place (sign after the number, type
that differs from the running text's, room above, a sentence that goes on). Labels set alike form a
style; a style's mean evidence counts for each of its labels, so that a document's habit decides
where a place alone does not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .labels import Label
from .page import Page
from .upright import BodyType, Placed

__all__ = ["Start", "caption_starts"]

_ENOUGH = 2.0  # evidence that makes a caption
_SURE = 3.0
_CLOSE = 36.0  # points from a graphic down to its caption, with the names of an axis between
_GRAPHIC = 8.0  # points; what is thinner is a rule
_BY_GRAPHIC = 0.7  # evidence; less than sets two captions of one number apart
_PANEL_LETTERS = 3  # "(A)" over a picture is no caption's text
_MOST_LABELS = 200  # on a page; one with more is a list, and would take long to weigh
_SENTENCE = re.compile(r"\s*[,;)]|\s*(?:\[\d|\(?(?:and|or|to|bis|und|et|y)\b|&)")
_ELSEWHERE = re.compile(
    r"\W{0,3}(?:(?:see|for) )?(?:the |full )?(?:legend|caption)\b.{0,40}\bpage\W{0,3}"
    r"|\W{0,3}see (?:next|following|facing|opposite) page\b.{0,30}",
    re.IGNORECASE,
)
# Ends an entry of a list of figures.
_LEADERS = re.compile(r"(?:\s?[.·…]){4,}\s*[\divx]*$")
_ENDED = re.compile(r"[.!?:;)\]\d][\"'”’]*\s*$")
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Start:
    """A line that begins a caption. page: number; frame: which of the page's directions.

    alone: nothing follows the label, neither beside nor below.
    """

    page: int
    frame: int
    placed: Placed
    label: Label
    evidence: float
    alone: bool

    @property
    def name(self) -> tuple[str, str]:
        """What no two captions of an article share."""
        return self.label.kind, self.label.number

    @property
    def bare(self) -> bool:
        """Whether its line is the label and nothing else."""
        return not self.placed.line.text[self.label.end :].strip()

    @property
    def style(self) -> object:
        """Equal for labels that are worded and set alike."""
        line = self.placed.line
        sizes = round(line.label_size * 2), round(line.size * 2)
        return self.label.word, self.label.mark, line.label_font, line.font, sizes


def caption_starts(
    frames: Sequence[tuple[int, int, Sequence[Placed]]],
    body: BodyType,
    pages: Mapping[int, Page],
) -> tuple[list[Start], list[Start]]:
    """The starts in order of ``frames``: (page, number of the direction, its lines).

    Then the labels that stand alone: some mark a picture whose caption is on another page.
    """
    every = [
        Start(
            page,
            frame,
            placed,
            placed.label,
            _evidence(placed, lines, body) + _under_graphic(placed, lines, body, pages[page]),
            _alone(placed, lines, body),
        )
        for page, frame, lines in frames
        if sum(placed.label is not None for placed in lines) <= _MOST_LABELS
        for placed in lines
        if placed.label is not None and not _LEADERS.search(placed.line.text[-40:])
    ]
    starts = [start for start in every if not start.alone]
    styles: dict[object, list[Start]] = defaultdict(list)
    for start in starts:
        styles[start.style].append(start)
    habits = {style: _habit(alike) for style, alike in styles.items()}
    scored = [(start.evidence + habits[start.style], start) for start in starts]
    scored = [(score, start) for score, start in scored if score >= _ENOUGH]
    # "Figure 1" over a picture whose caption, in a list of legends, is as sure as this.
    sure = {start.name: start.page for score, start in scored if not start.bare and score >= _SURE}
    plates = {
        start
        for _, start in scored
        if start.bare and sure.get(start.name, start.page) != start.page
    }
    scored = [(score, start) for score, start in scored if start not in plates]
    best: dict[object, tuple[float, object]] = {}
    for score, start in scored:
        if not start.label.continued and score > best.get(start.name, (0.0,))[0]:
            best[start.name] = score, start.style
    # A number twice is two captions only in one style, as where several articles are bound in one.
    kept = [
        start
        for score, start in scored
        if start.label.continued
        or (score > best[start.name][0] - 0.75 and start.style == best[start.name][1])
    ]
    kept = [_first_of_two(start, starts) for start in kept]
    return kept, [start for start in every if start.alone or start in plates]


def _first_of_two(start: Start, starts: Sequence[Start]) -> Start:
    """The same caption's label in another language, where one stands right above it."""
    above = [
        other
        for other in starts
        if (other.page, other.frame, other.name) == (start.page, start.frame, start.name)
        and other.label.word != start.label.word
        and other.evidence > 0
        and 0 < start.placed.base - other.placed.base < 3 * start.placed.size
    ]
    return above[0] if above else start


def _habit(alike: Sequence[Start]) -> float:
    """The mean evidence of labels set alike, within -2 and 2; less where they repeat numbers."""
    mean = sum(start.evidence for start in alike) / len(alike)
    numbers = {(start.label.number, start.label.panel) for start in alike}
    repeated = 1 - len(numbers) / len(alike)
    several = 0.5 if len(numbers) > 1 else 0.0
    return max(-2.0, min(2.0, mean)) * 0.5 + several - 2 * repeated


def _alone(placed: Placed, lines: Sequence[Placed], body: BodyType) -> bool:
    """Whether the line is a label and no text of its size stands right of it or below.

    Or where the text is told to be elsewhere: "Fig. 3 (See legend on next page.)".
    """
    label, size = placed.label, placed.size
    near = max(2.2, 1.2 * body.leading) * size
    if label is None or _ELSEWHERE.fullmatch(placed.line.text, label.end):
        return label is not None
    if placed.line.text[label.end :].strip():
        return False
    return not any(
        other is not placed
        and len(other.line.text) > _PANEL_LETTERS
        and -0.5 * size < other.base - placed.base < near
        and other.x1 > placed.x0
        and other.x0 < placed.x1 + 3 * size
        for other in lines
    )


def _evidence(placed: Placed, lines: Sequence[Placed], body: BodyType) -> float:
    line, label = placed.line, placed.label
    assert label is not None
    rest = line.text[label.end :].strip()
    score = {":": 2.0, "|": 2.0, ".": 1.0, "-": 1.0}.get(label.mark, 0.0)
    if label.continued:
        score += 1
    if (line.label_font, line.label_bold) != (line.font, line.bold):
        score += 1.5
    elif line.label_bold:
        score += 1
    if not body.sets(line):
        score += 1
    if label.panel:
        score -= 1.5
    if label.word.rstrip(".").endswith("s") and label.word[-2:] != "SS":
        score -= 2  # "Figures 2 and 3"
    letter = _LETTER.search(rest)
    if _SENTENCE.match(rest):
        score -= 3
    elif letter and letter.start() < 3 and letter[0].islower() and not rest.startswith("("):
        score -= 0.5 if label.mark else 2.5
    elif not label.mark and letter and letter.start() < 3 and letter[0].isupper():
        score += 1  # "Fig. 1 Growth of": a sentence would go on with a small letter
    if not rest and not label.mark:
        score += 0.5
    return score + _room(placed, lines, body)


def _under_graphic(placed: Placed, lines: Sequence[Placed], body: BodyType, page: Page) -> float:
    """How much a graphic right above an upright label tells that it is a caption's."""
    line = placed.line
    if line.direction[0] < 0.99:
        return 0.0
    x0, top, x1, _ = line.box
    drawings = (drawing.box for drawing in page.drawings if not drawing.white)
    bottom = max(
        (
            box[3]
            for box in (*(raster.box for raster in page.rasters), *drawings)
            if -2 < top - box[3] < _CLOSE
            and box[0] < x1
            and box[2] > x0
            and min(box[2] - box[0], box[3] - box[1]) > _GRAPHIC
            and box[1] < top - _GRAPHIC
        ),
        default=None,
    )
    if bottom is None or any(
        bottom - 2 < other.line.box[1] < top - 2
        and other.x0 < x1
        and other.x1 > x0
        and body.sets(other.line)
        for other in lines
    ):
        return 0.0
    return _BY_GRAPHIC


def _room(placed: Placed, lines: Sequence[Placed], body: BodyType) -> float:
    """1 for a line that begins a block; down to -2 for one that goes on with the line above."""
    above = _above(placed, lines)
    if above is None:
        return 1.0
    if placed.base - above.base > max(1.8, 1.25 * body.leading) * placed.size:
        return 1.0
    if abs(above.size - placed.size) >= 0.35:
        return 0.5
    same = placed.line.font, placed.line.label_font
    if not _ENDED.search(above.line.text) and above.label is None and above.line.font in same:
        return -2.0
    if above.line.font != placed.line.font or above.x1 < placed.x1 - 2 * placed.size:
        return 0.5
    return -1.5 if above.x0 < placed.x0 + 3 * placed.size else -0.5


def _above(placed: Placed, lines: Iterable[Placed]) -> Placed | None:
    """The nearest line above that stands over the label."""
    over = [
        other
        for other in lines
        if other.base < placed.base - 0.4 * placed.size
        and other.x0 < placed.x0 + 4 * placed.size
        and other.x1 > placed.x0
    ]
    return max(over, key=lambda other: other.base, default=None)
