"""References resolved once all labels are known, and which paragraphs cite which figure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..labels import panels_after
from ..records import Mention
from .floats import Draft
from .text import REFERENCE, one_line

__all__ = ["References"]

_RANGE = re.compile(r"\s*(?:[-–—]|to|through|bis|à)\s*")
_TYPED = re.compile(
    r"\b(?:fig|figs|figure|figures|abb|abbildung)\b\.?\s*\(?((?:[A-Z]\.?)?\d{1,3})(?![\d.]*\d)"
    r"((?:\s*(?:,|and|&|[-–—]|to)\s*(?:[A-Z]\.?)?\d{1,3}(?![\d.]*\d))*)",
    re.I,
)
_ANOTHER_PAPER = re.compile(r"[^.]{0,12}\b(?:of|in|from)\s+(?:\w+\s+){0,4}\[CITATION\]")
_WORDS = {
    "figure": ("fig.", "figs.", "Figure", "Figures"),
    "table": ("table", "tables", "Table", "Tables"),
    "section": ("section", "sections", "Section", "Sections"),
    "equation": ("eq.", "eqs.", "Equation", "Equations"),
}


@dataclass(frozen=True, slots=True)
class _Target:
    """What a label means. figure: its index; -1 for what is none. panel: of a sub-figure."""

    kind: str
    number: str
    figure: int = -1
    panel: str = ""


class References:
    """The references of a document. made: (kind, keys) by placeholder. other: labels of sections
    and the like: kind and number."""

    def __init__(
        self,
        made: Sequence[tuple[str, tuple[str, ...]]],
        figures: Sequence[Draft],
        other: Mapping[str, tuple[str, str]],
    ) -> None:
        self._made = made
        self._figures = figures
        self._targets = {key: _Target(kind, number) for key, (kind, number) in other.items()}
        for index, draft in enumerate(figures):
            for key, letter in draft.panels.items():
                number = f"{draft.number}{letter}"
                self._targets[key] = _Target(draft.kind, number, index, letter)
            for key in draft.labels:
                self._targets[key] = _Target(draft.kind, draft.number, index)
        self._by_number = {
            draft.number: index
            for index, draft in reversed(list(enumerate(figures)))
            if draft.kind == "figure" and draft.number
        }

    def resolved(self, text: str) -> str:
        """``text`` with numbers for its placeholders; "[REF]" where a label is unknown."""
        if "\ue000" not in text:
            return text
        return one_line([REFERENCE.sub(lambda found: self._printed(int(found[1])), text)])

    def mentions(self, paragraphs: Sequence[str]) -> list[tuple[Mention, ...]]:
        """For each figure the paragraphs that cite it, once each, with the panels they name."""
        found: list[dict[str, set[str]]] = [{} for _ in self._figures]
        for paragraph in paragraphs:
            cited = self._cited(paragraph)
            if cited:
                text = self.resolved(one_line([paragraph]))
                for index, panels in cited.items():
                    found[index].setdefault(text, set()).update(panels)
        return [
            tuple(Mention(text, tuple(sorted(panels))) for text, panels in each.items())
            for each in found
        ]

    def _target(self, key: str) -> _Target | None:
        return self._targets.get(key)

    def _printed(self, place: int) -> str:
        if place >= len(self._made):
            return ""
        kind, keys = self._made[place]
        targets = [self._target(key) for key in keys]
        numbers = [target.number if target and target.number else "[REF]" for target in targets]
        style, _, ranged = kind.partition(" ")
        if style in ("link", "none"):
            return ""
        if style == "equation":
            return ", ".join(f"({number})" for number in numbers)
        if style == "panel":
            letters = [target.panel if target else "" for target in targets]
            return ", ".join(f"({x})" if x else n for x, n in zip(letters, numbers, strict=True))
        if ranged:
            joined = " to ".join(numbers)
        elif len(numbers) > 1:
            joined = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
        else:
            joined = numbers[0]
        first = targets[0]
        words = _WORDS.get(first.kind) if first else None
        if style == "number" or words is None:
            return joined
        return f"{words[2 * (style == 'upper') + (len(numbers) > 1)]} {joined}"

    def _cited(self, paragraph: str) -> dict[int, set[str]]:
        """Figure -> panels, of one paragraph."""
        cited: dict[int, set[str]] = {}
        pieces = REFERENCE.split(paragraph)  # text, placeholder's number, text, ...
        for place in range(1, len(pieces), 2):
            number = int(pieces[place])
            if number >= len(self._made):
                continue
            kind, keys = self._made[number]
            targets = [t for key in keys if (t := self._target(key)) and t.figure >= 0]
            for target in targets:
                panels = cited.setdefault(target.figure, set())
                if target.panel:
                    panels.add(target.panel.upper())
            if not targets:
                continue
            if kind.endswith("range") and len(targets) == 2:
                self._between(targets[0], targets[1], cited)
            last = targets[-1]
            if len(targets) == 1 and not last.panel:
                after = pieces[place + 1].replace("{}", "")
                cited[last.figure].update(panels_after(last.number or "1", after[:60], last.number))
            self._range_to_next(pieces, place, last, cited)
        for found in _TYPED.finditer(paragraph):
            if not _ANOTHER_PAPER.match(paragraph, found.end()):
                self._typed(found, paragraph, cited)
        return cited

    def _range_to_next(
        self, pieces: list[str], place: int, first: _Target, cited: dict[int, set[str]]
    ) -> None:
        if place + 2 >= len(pieces) or not _RANGE.fullmatch(pieces[place + 1]):
            return
        number = int(pieces[place + 2])
        keys = self._made[number][1] if number < len(self._made) else ()
        following = self._target(keys[0]) if len(keys) == 1 else None
        if following is not None and following.figure >= 0:
            self._between(first, following, cited)

    def _between(self, first: _Target, last: _Target, cited: dict[int, set[str]]) -> None:
        if first.figure == last.figure:
            if first.panel and last.panel and len(first.panel + last.panel) == 2:
                letters = range(ord(first.panel.upper()), ord(last.panel.upper()) + 1)
                cited[first.figure].update(map(chr, letters))
            return
        for index in range(first.figure, min(last.figure, first.figure + 200) + 1):
            if self._figures[index].kind == first.kind:
                cited.setdefault(index, set())

    def _typed(self, found: re.Match[str], paragraph: str, cited: dict[int, set[str]]) -> None:
        """A number typed by hand: "Fig. 3", "Figs. 2-4 and 6"."""
        tokens = re.findall(r"(?:[A-Z]\.?)?\d{1,3}|[-–—]|to", found[1] + found[2], re.I)
        previous = None
        for place, token in enumerate(tokens):
            index = self._by_number.get(token.upper())
            if token in ("-", "–", "—", "to"):
                continue
            if index is not None:
                panels = cited.setdefault(index, set())
                if place + 1 == len(tokens):
                    panels.update(
                        panels_after(token, paragraph[found.end() : found.end() + 60], token)
                    )
                ranged = place > 0 and tokens[place - 1] in ("-", "–", "—", "to")
                if ranged and previous is not None:
                    for between in range(previous, min(index, previous + 50)):
                        cited.setdefault(between, set())
            previous = index
