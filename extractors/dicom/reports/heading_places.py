"""Where headings may stand in a report: at the start of a line or sentence, or inside one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from .heading_rules import CORE, Place, is_heading, quiet_style
from .headings import SECTION_NAMES, Headings, Match, heading_key

__all__ = ["places"]

_WRAPPED = 45  # letters: a shorter line was not broken for want of room
_WINDOW = 110  # letters before a colon that a heading may take
_MARKS = " \t*_#>|•·=[]<~"
_EDGE = re.compile(r"[.;!?…][\"')\]]*\s+|(?<=[a-z])\.(?=[A-Z]{3})|\n|[|>•*:：]|_{2,}\s|\s[-–—]\s")
_LINE_MARKS = re.compile(
    r"[\s>*#_\[(<|•·=~-]*(?:\(?(?:\d{1,2}|[IVX]{1,4}|[A-Za-z])[.)][ \t]*)?[ \t*_#\[<]*"
)
_COLON = re.compile(r"[ \t*_\])>]{0,8}[:：](?!//)[-:=]{0,4}[ \t]{0,20}(?:[*>\]]|__?(?!_)){0,8}")
_DASHED = re.compile(
    r"(?:^|(?<=[.;!?\])*_])[ \t])([ \t>*#_\[•·-]{0,60}(?:\(?\d{1,2}[.)][ \t]{0,4})?)"
    r"([^\W\d_][^\n:.;!?–—=-]{1,48}?)[ \t*_]{0,8}"
    r"(?:(?P<period>\.)[*_]{0,4}(?=\s|$)|(?:-{1,2}>?|=)(?=\s)|[–—])",
    re.MULTILINE,
)
_LINE = re.compile(r"^[^\n:]{4,120}$", re.MULTILINE)
_RUN = re.compile(r"[A-ZÀ-Þ][A-ZÀ-Þ/&]{3,}(?:[ ]+[A-ZÀ-Þ/&]{2,})*")
_START = re.compile(r"(?:^|(?<=[.!?*_])[ \t])[ \t*#_>=~-]{0,60}(?=([^\W\d_]+))", re.MULTILINE)
_OPENS = re.compile(r"\s*(?:\d{1,2}[.)]\s|[A-ZÀ-Þ])")
_ENDED = re.compile(r"[.:;!?…)\]*_=~-][\"')\]*_]*[ \t]*$")
# after these in the same letters a heading's word is the subject of a sentence
_GOES_ON = re.compile(
    r"(?i:(?:of|is|are|was|were|be|has|have|for|with|from|which|that|and|or|to|as|may|might|could"
    r"|would|should|suggest|suggests|suggesting|suggestive|represent|consistent|compatible"
    r"|concerning|include|including|discussed)\b)"
)
_WORD = re.compile(r"\s{0,80}([^\s.,;:]{0,40})")


def places(text: str, headings: Headings) -> list[Place]:
    """The headings of a text in order, none overlapping. Lines must end in ``\\n``."""
    scan = _Scan(text, headings)
    found = [*scan.colons(), *scan.dashed(), *scan.lines(), *scan.signatures()]
    if not scan.capitals:
        found += scan.runs()
    flat = quiet_style(found)
    kept = [place for place in found if is_heading(place, flat, headings)]
    kept.sort(key=lambda place: (place.phrase, place.mark != "colon", -place.end))
    clear: list[Place] = []
    for place in kept:
        if not clear or place.phrase >= clear[-1].end:
            clear.append(place)
    return clear


class _Scan:
    """All places of one text that may be headings."""

    def __init__(self, text: str, headings: Headings) -> None:
        self.text = text
        self.headings = headings
        letters = sum(map(str.isalpha, text))
        # units ("mm") stay small in a report that is written in capitals
        self.capitals = sum(map(str.islower, text)) < 0.12 * letters

    def colons(self) -> Iterator[Place]:
        text = self.text
        previous = 0
        for colon in _COLON.finditer(text):
            start, previous = previous, colon.start()  # a colon is an edge
            last = text[colon.start() - 1 : colon.start()]
            if not (last.isalnum() or last == ")"):
                continue
            low = max(0, colon.start() - _WINDOW)
            line = text.rfind("\n", low, colon.start()) + 1
            low = max(low, line)
            edge, kind = low, "\n" if low == line else ""
            for cut in _EDGE.finditer(text, max(low, start), colon.start()):
                edge, kind = cut.end(), cut[0].strip()
            marks = _LINE_MARKS.match(text, line, colon.start())
            if marks and marks.end() >= edge:
                edge, kind = marks.end(), "\n"
            yield from self._before_colon(colon, edge, kind, line)

    def _before_colon(
        self, colon: re.Match[str], edge: int, kind: str, line: int
    ) -> Iterator[Place]:
        text = self.text
        while edge < colon.start() and text[edge] in _MARKS:
            edge += 1
        phrase = text[edge : colon.start()]
        words = phrase.split()
        if not words or not any(map(str.isalpha, phrase)):
            return
        whole = self.headings.match(phrase) if kind and len(words) <= 12 else None
        if whole and whole.qualified and (kind == ":" or _uneven(phrase)):
            whole = None  # "INDICATION: right knee FINDINGS:"
        if whole:
            start, before = (line, "") if kind == "\n" else (edge, "")
            loud = self._loud(phrase)
            at: Literal["line", "sentence", "inside"] = "line" if kind == "\n" else "sentence"
            if kind == "\n" and loud == 0 and (goes_on := self._unended(line)):
                at, before = "inside", goes_on
            yield Place(start, edge, colon.end(), phrase, whole, at, "colon", loud, before)
        elif kind == "\n" and phrase.isupper() and len(words) <= 9 and len(phrase) >= 4:
            unknown = Match(("unknown",))
            yield Place(
                line, edge, colon.end(), phrase, unknown, "line", "colon", self._loud(phrase)
            )
            if len(words) > 1:
                yield from self._inside(colon, edge)
        elif self.headings.may_hold(words[-1]):
            yield from self._inside(colon, edge)

    def _inside(self, colon: re.Match[str], edge: int) -> Iterator[Place]:
        """The longest heading that ends at the colon after other words of its sentence."""
        tokens = list(re.finditer(r"\S+", self.text[edge : colon.start()]))[-8:]
        for number in range(1, len(tokens)):
            phrase = self.text[edge + tokens[number].start() : colon.start()]
            match = self.headings.match(phrase)
            if match is None or match.labels[0] not in (*SECTION_NAMES, "other"):
                continue
            if match.qualified:  # "right knee FINDINGS:"
                continue
            start = edge + tokens[number].start()
            before = tokens[number - 1][0]
            loud = self._loud(phrase)
            opens = bool(_OPENS.match(self.text, colon.end()))
            yield Place(
                start, start, colon.end(), phrase, match, "inside", "colon", loud, before, opens
            )
            return

    def dashed(self) -> Iterator[Place]:
        for found in _DASHED.finditer(self.text):
            phrase = found[2]
            words = phrase.split()
            if not (self.headings.may_hold(words[-1]) or (phrase.isupper() and len(words) == 2)):
                continue
            match = self.headings.match(phrase)
            if match is None:
                continue
            line = found.start() == 0 or self.text[found.start() - 1] == "\n"
            loud = self._loud(phrase)
            if loud == 0 and (not line or self._unended(found.start())):
                continue
            mark: Literal["period", "dash"] = "period" if found["period"] else "dash"
            if mark == "period" and line and not self.text[found.end() :].strip():
                continue
            at: Literal["line", "sentence"] = "line" if line else "sentence"
            yield Place(found.start(), found.start(2), found.end(), phrase, match, at, mark, loud)

    def lines(self) -> Iterator[Place]:
        text = self.text
        for found in _LINE.finditer(text):
            marks = _LINE_MARKS.match(text, found.start(), found.end())
            start = marks.end() if marks else found.start()
            phrase = text[start : found.end()].strip(_MARKS + "-–—.")
            if not phrase or phrase.count(" ") > 7 or not phrase[0].isalpha():
                continue
            match = self.headings.match(phrase)
            if match is None or match.labels[0] in ("title", "organs", "signature"):
                continue
            loud = self._loud(phrase)
            ahead = text[found.end() + 1 : found.end() + 200]
            alone = not ahead.strip() or not ahead.split("\n", 1)[0].strip()
            if loud == 0 and alone and self._unended(found.start()):
                continue  # the last line of a wrapped sentence
            if match.labels == ("other",) and loud < 2 and " " not in phrase:
                continue
            apart = not alone and text[max(0, found.start() - 80) : found.start()].rstrip(" ")[
                -2:
            ] in (
                "",
                "\n",
                "\n\n",
            )
            yield Place(
                found.start(), start, found.end(), phrase, match, "line", "line", loud, "", apart
            )

    def runs(self) -> Iterator[Place]:
        """Words in capitals in mixed text, nothing behind them: "cough. FINDINGS The lungs"."""
        text = self.text
        for run in _RUN.finditer(text):
            if text[run.end() : run.end() + 1] == ":" and " " not in run[0]:
                continue
            words = list(re.finditer(r"\S+", run[0]))
            holds = [self.headings.may_hold(word[0]) for word in words]
            if not any(holds):
                continue
            before = text[max(0, run.start() - 40) : run.start()]
            at_line = not before.rsplit("\n", 1)[-1].strip(_MARKS)
            at_start = at_line or bool(re.search(r"[.;:!?_\])][\s*_]*$", before))
            if place := self._in_run(run, words, holds, at_line, at_start):
                yield place

    def _in_run(
        self,
        run: re.Match[str],
        words: list[re.Match[str]],
        holds: list[bool],
        at_line: bool,
        at_start: bool,
    ) -> Place | None:
        for first in range(min(len(words), 12)):
            for last in range(min(len(words), first + 6) - 1, first - 1, -1):
                if not holds[last]:
                    continue
                start, end = run.start() + words[first].start(), run.start() + words[last].end()
                phrase = self.text[start:end]
                match = self.headings.match(phrase)
                if match is None or match.labels[0] not in SECTION_NAMES:
                    continue
                following = _WORD.match(self.text, end)
                word = following[1] if following else ""
                # "FINDINGS ARE", "FINDINGS are"; not "TECHNIQUE With contrast"
                goes_on = _GOES_ON.match(word) and (word.islower() or word.isupper())
                if not word or goes_on:
                    return None
                opens = first == 0 and at_start
                if not opens and (
                    len(heading_key(phrase)) < 7
                    or match.labels[0] not in CORE
                    or word.islower()
                    or (first and words[first - 1][0].lower() in self.headings.prose)
                ):
                    return None
                at: Literal["line", "sentence", "inside"] = (
                    "inside" if not opens else "line" if at_line else "sentence"
                )
                return Place(start, start, end, phrase, match, at, "none", 2)
        return None

    def signatures(self) -> Iterator[Place]:
        for start in _START.finditer(self.text):
            if not self.headings.may_sign(start[1]):
                continue
            ahead = self.text[start.end() : start.end() + 100].split("\n", 1)[0]
            words = list(re.finditer(r"[^\W_]+(?:['’-][^\W_]+)*", ahead))
            size = self.headings.signature([word[0] for word in words[:12]])
            if not size:
                continue
            end = start.end() + words[size - 1].end()
            colon = re.match(r"[\s*_]*[:\-–*]+", self.text[end : end + 8])
            line = start.start() == 0 or self.text[start.start() - 1] == "\n"
            if (size == 1 and not colon) or (not line and size == 1):
                continue
            phrase = self.text[start.end() : end]
            loud = self._loud(phrase)
            at: Literal["line", "sentence"] = "line" if line else "sentence"
            mark: Literal["colon", "none"] = "colon" if colon and line else "none"
            stop = end + (colon.end() if colon else 0)
            if mark == "none" and loud == 0 and line and self._unended(start.start()):
                continue
            match = Match(("signature",))
            yield Place(start.start(), start.end(), stop, phrase, match, at, mark, loud)

    def _unended(self, line: int) -> str:
        """The last word of the line before, where its sentence seems to go on, else ""."""
        if line < 2:
            return ""
        low = max(0, line - 200)
        before = self.text[max(low, self.text.rfind("\n", low, line - 1) + 1) : line - 1].rstrip()
        if not before or _ENDED.search(before):
            return ""
        if (match := self.headings.match(before.strip(_MARKS))) and match.labels[0] != "title":
            return ""
        last = before.split()[-1]
        return last if len(before) >= _WRAPPED or heading_key(last) in self.headings.prose else ""

    def _loud(self, phrase: str) -> int:
        if self.capitals:
            return 0 if phrase.isupper() else 2
        if phrase.isupper():
            return 2
        if phrase.islower():
            return 0
        plain = all(
            word[1:].islower() or len(word) == 1 or word.isupper()
            for word in re.findall(r"[^\W\d_]+", phrase)
        )
        return (1 if phrase[0].isupper() else 0) if plain else 2


def _uneven(phrase: str) -> bool:
    """Some words in capitals, others not: they were not written as one heading."""
    words = re.findall(r"[^\W\d_]{4,}", phrase)
    return any(word.isupper() for word in words) and not all(word.isupper() for word in words)
