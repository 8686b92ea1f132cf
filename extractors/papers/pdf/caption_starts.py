"""Which of a document's labels begin captions: by what stands around each, and by its style.

Each label at a line's beginning gets evidence from its own place (sign after the number, type
that differs from the running text's, room above, a sentence that goes on). Labels set alike form a
style; a style's mean evidence counts for each of its labels, so that a document's habit decides
where a place alone does not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .labels import Label
from .upright import BodyType, Placed

__all__ = ["Start", "caption_starts"]

_ENOUGH = 2.0  # evidence that makes a caption
_SENTENCE = re.compile(r"\s*[,;)]|\s*(?:\[\d|\(?(?:and|or|to|bis|und|et|y)\b|&)", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Start:
    """A line that begins a caption. page: number; frame: which of the page's directions."""

    page: int
    frame: int
    at: int  # index in the frame
    placed: Placed
    label: Label
    evidence: float


def caption_starts(
    frames: Sequence[tuple[int, int, Sequence[Placed]]], body: BodyType
) -> list[Start]:
    """The starts in reading order of ``frames``: (page, number of the direction, its lines)."""
    starts = [
        Start(page, frame, at, placed, placed.label, _evidence(at, lines, body))
        for page, frame, lines in frames
        for at, placed in enumerate(lines)
        if placed.label is not None
    ]
    styles: dict[object, list[Start]] = defaultdict(list)
    for start in starts:
        styles[_style(start)].append(start)
    scored: list[tuple[float, Start]] = []
    for alike in styles.values():
        habit = _habit(alike)
        scored.extend((start.evidence + habit, start) for start in alike)
    best: dict[tuple[str, str, str], float] = defaultdict(lambda: _ENOUGH)
    for score, start in scored:
        if not start.label.continued:
            best[_name(start)] = max(best[_name(start)], score)
    kept = [start for score, start in scored if score > best[_name(start)] - 0.75]
    kept.sort(key=lambda start: (start.page, start.frame, start.at))
    return kept


def _name(start: Start) -> tuple[str, str, str]:
    """What no two captions of an article share. "Extended Data Fig. 1" is not "Fig. 1"."""
    label = start.label
    before = label.word.lower().rpartition(" ")[0]
    return label.kind, before, label.number


def _style(start: Start) -> object:
    line, label = start.placed.line, start.label
    return (
        label.word,
        label.mark,
        line.label_font,
        round(line.label_size * 2),
        line.font,
        round(line.size * 2),
    )


def _habit(alike: Sequence[Start]) -> float:
    """The mean evidence of labels set alike, within -2 and 2; less where they repeat numbers."""
    mean = sum(start.evidence for start in alike) / len(alike)
    numbers = {(start.label.number, start.label.panel) for start in alike}
    repeated = 1 - len(numbers) / len(alike)
    several = 0.5 if len(numbers) > 1 else 0.0
    return max(-2.0, min(2.0, mean)) * 0.5 + several - 2 * repeated


def _evidence(at: int, lines: Sequence[Placed], body: BodyType) -> float:
    placed = lines[at]
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
    if abs(line.size - body.size) > 0.35 or line.font != body.font:
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
    if not rest and not label.mark:
        score += 0.5
    return score + _room(placed, lines)


def _room(placed: Placed, lines: Sequence[Placed]) -> float:
    """1 for a line that begins a block, -1.5 for one within a paragraph of the same type."""
    above = _above(placed, lines)
    if above is None:
        return 1.0
    pitch = placed.y1 - above.y1
    if pitch > 1.8 * placed.size:
        return 1.0
    alike = above.line.font == placed.line.font and abs(above.size - placed.size) < 0.35
    if not alike:
        return 0.5
    return -1.5 if above.x0 < placed.x0 + 3 * placed.size else -0.5


def _above(placed: Placed, lines: Iterable[Placed]) -> Placed | None:
    """The nearest line above that stands over the label."""
    over = [
        other
        for other in lines
        if other.y1 < placed.y1 - 0.4 * placed.size
        and other.y0 < placed.y0
        and other.x0 < placed.x0 + 4 * placed.size
        and other.x1 > placed.x0
    ]
    return max(over, key=lambda other: other.y1, default=None)
