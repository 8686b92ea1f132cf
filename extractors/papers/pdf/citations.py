"""Which figures and tables a text cites, by label and number: lists, ranges, panels."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from .labels import BEFORE, WORDS, Kind, series_of

__all__ = ["Citation", "citations", "stems"]

_LARGEST_RANGE = 30  # figures; "Figs 1-99" is something else
_KINDS: tuple[Kind, ...] = ("figure", "scheme", "table")
_WORD = re.compile(
    rf"""(?<![A-Za-z-])(?:{"|".join(f"(?P<{kind}>{WORDS[kind]})" for kind in _KINDS)})
    (?P<more>e?s|en|n)?\.?[\s-]{{0,2}}(?=[A-Z]?\.?\d|[IVX]+\b|[A-Z]\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_AHEAD = re.compile(rf"(?<![A-Za-z-]){BEFORE}$", re.VERBOSE | re.IGNORECASE)
_LONGEST_BEFORE = 30  # characters of "Supporting information "
_NUMBER = re.compile(
    r"(?:[A-Z]{1,2}\.?)?\d{1,3}(?:[.-]\d{1,3}){0,2}(?![\d%°])|[IVX]{1,5}\b|[A-Z]\b"
)
_PANEL = re.compile(r"\s?\(?([A-Za-z])(?![^\W_])\)?")
_PANEL_ROMAN = re.compile(r"\s?\((?:i{1,3}|iv|v|vi{1,3})\)")
_JOIN = re.compile(
    r"\s*(?:(?P<range>[-‐‑‒–—−]|\b(?:to|through|bis)\b)|,\s*(?:and|&|und|y|et)?|;|/|\+|&"
    r"|\b(?:and|or|und|oder|y|et|e|en|og|och)\b)\s*"
)
_LETTERS = re.compile(r"[^\W\d_]+")
_CLOSING = re.compile(r"\s*[),;.:\]]|\s*$")


@dataclass(frozen=True, slots=True)
class Citation:
    """A figure cited in a text. panels: upper-case letters; () for the whole figure."""

    kind: Kind
    number: str
    panels: tuple[str, ...]


def stems(labels: Iterable[str]) -> tuple[str, ...]:
    """How the words begin by which a document cites: those of its labels, and the English ones."""
    found = {"fig", "tab", "sch"}
    for label in labels:
        for word in _LETTERS.findall(label.lower()):
            if len(word) > 2 or not word.isascii():
                found.add(word[:3])
    return tuple(sorted(found))


def citations(
    text: str, known: Collection[tuple[str, str]], begin: Iterable[str]
) -> Iterator[Citation]:
    """The citations in order.

    known: (kind, number) of the captions there are. begin: the document's ``stems``.
    A number that follows without a word of its own counts where the word is plural ("Figs. 2 and
    3") or the number has a panel or a closing sign behind it ("Fig. 2A, 3B"), since numbers
    of other things follow too ("as in Fig. 2, 3 mice").
    """
    for at in _places(text.lower(), begin):
        match = _WORD.match(text, at)
        if match is None:
            continue
        kind: Kind = next(kind for kind in _KINDS if match[kind])
        ahead = _AHEAD.search(text, max(0, at - _LONGEST_BEFORE), at)
        series = series_of(ahead[0] if ahead else "", match[kind])
        plural = bool(match["more"]) or match[kind].lower().endswith("s")
        for number, panels in _items(text, match.end(), plural, kind, known):
            if series and not number.startswith(series):
                number = series + number
            yield Citation(kind, number, panels)


def _places(text: str, begin: Iterable[str]) -> list[int]:
    """Where one of the stems stands; finding them first is ten times as fast as the pattern."""
    places = []
    for stem in begin:
        at = text.find(stem)
        while at >= 0:
            places.append(at)
            at = text.find(stem, at + 1)
    return sorted(places)


def _items(
    text: str, at: int, plural: bool, kind: Kind, known: Collection[tuple[str, str]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(number, panels) from where the first number begins."""
    found: list[tuple[str, list[str]]] = []
    joint = ""
    while True:
        number = _NUMBER.match(text, at)
        panel = _PANEL.match(text, at) if found and joint else None
        if number and found and panel and not number[0][0].isdigit() and len(number[0]) == 1:
            number = None  # "2A and B": a panel, not figure B
        if number is None and panel is None:
            break
        if number:
            if (kind, number[0]) not in known and "-" in number[0]:
                number = _NUMBER.match(text[: number.start() + number[0].index("-")], at)
                assert number is not None
            at, panels = _panels(text, number.end())
            if found and not (plural or panels or joint == "range" or _CLOSING.match(text, at)):
                break
            if joint == "range" and panels and found[-1][0] == number[0]:  # 1A-1C
                _add(found[-1][1], panels[0], through=True)
            else:
                if joint == "range":
                    found.extend((between, []) for between in _between(found[-1][0], number[0]))
                found.append((number[0], panels))
        elif panel:
            _add(found[-1][1], panel[1].upper(), through=joint == "range")
            at = panel.end()
        join = _JOIN.match(text, at)
        if join is None:
            break
        joint = "range" if join["range"] else "list"
        at = join.end()
    for number_, panels_ in found:
        yield number_.replace("‐", "-"), tuple(dict.fromkeys(panels_))


def _panels(text: str, at: int) -> tuple[int, list[str]]:
    """The panels right behind a number: "2A", "2(a)", "2A-C", and where they end."""
    panels: list[str] = []
    panel = _PANEL.match(text, at)
    if panel is None or (panel[0][0].isspace() and "(" not in panel[0] and panel[1] in "aAIi"):
        return at, panels  # "Fig. 2 a cell"
    if panel[0][0].isspace() and "(" not in panel[0] and panel[1].islower():
        return at, panels
    panels.append(panel[1].upper())
    at = panel.end()
    roman = _PANEL_ROMAN.match(text, at)
    return (roman.end() if roman else at), panels


def _add(panels: list[str], letter: str, *, through: bool) -> None:
    if through and panels and panels[-1] < letter:
        panels.extend(chr(code) for code in range(ord(panels[-1]) + 1, ord(letter)))
    panels.append(letter)


def _between(first: str, last: str) -> list[str]:
    """ "2", "5" -> 3, 4; "S1", "S3" -> S2."""
    one, other = re.fullmatch(r"(\D*)(\d+)", first), re.fullmatch(r"(\D*)(\d+)", last)
    if not one or not other or (other[1] and one[1] != other[1]):
        return []
    low, high = int(one[2]), int(other[2])
    if not low < high <= low + _LARGEST_RANGE:
        return []
    return [f"{one[1]}{number}" for number in range(low + 1, high)]
