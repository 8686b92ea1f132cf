"""Figure labels: their closing punctuation, the series and number they stand for, ranges."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["label_of", "series_and_number", "without_closing"]

_CAPTION_LABEL = re.compile(
    r"(?:supplementa\w+ |extended data |online )?"
    r"(?:fig(?:ure|ura|uur|\.)?s?|abb(?:ildung|\.)|scheme|plate|chart|box|table|video|movie)"
    r"[  ]?\.?[  -]?[A-Z]{0,2}\.?\d+(?:[.-]\d+)?(?![\w%])",
    re.IGNORECASE,
)
_WORD = re.compile(r"\b(?:figures|figure|figs|fig)\b\.?")
_LAST_NUMBER = re.compile(r"(\d+)\D*\Z")


def without_closing(label: str) -> str:
    """A label as printed, without what closes it: "Figure 1." -> "Figure 1"."""
    return label.rstrip(" .:|,;–—-")


def label_of(caption: str) -> str:
    """The label that a caption begins with, or an empty string: "Fig 1. A cell" -> "Fig 1"."""
    found = _CAPTION_LABEL.match(caption)
    return without_closing(found[0]) if found else ""


def series_and_number(label: str) -> tuple[str, int] | None:
    """What a label counts in, and its number: "Fig. S2" -> ("figs", 2), "Figure 2" -> ("fig", 2).

    "Figure 1—figure supplement 2" counts in its own series. None without a number.
    """
    text = _WORD.sub("fig", label.lower())
    number = _LAST_NUMBER.search(text)
    if number is None or len(number[1]) > 6:
        return None
    rest = text[: number.start()] + text[number.end() :]
    return "".join(c for c in rest if c.isalnum()), int(number[1])


_PANEL = r"\(?[A-Za-z](?:\(?[ivx]{1,4}\)?)?\)?(?![A-Za-z])"
_JOIN = r"\s?(?:,\s?(?:and\s|&\s?)?|;\s?|\band\b\s?|&\s?|[-‐‑‒–—−]|\bto\b\s?|/|\+)\s?"
_PANELS = rf"{_PANEL}(?:{_JOIN}{_PANEL})*"
_ONLY_PANELS = re.compile(rf"\s*({_PANELS})\s*")
_ADJACENT = re.compile(rf"({_PANELS})|\s\(({_PANELS})\)|\s([B-HJ-Z](?![\w'])(?:{_JOIN}{_PANEL})*)")
_ONE_PANEL = re.compile(
    r"(?<![A-Za-z])([A-Za-z])(?:\(?[ivx]{1,4}\)?)?\)?(?![A-Za-z])|([-‐‑‒–—−]|\bto\b)"
)


def panels_in(text: str, number: str) -> list[str]:
    """Panels that a citation names: ("Fig. 2B,C", "2") -> B, C; ("A–C", "") -> A, B, C.

    Letters count right behind the figure's number, or alone. Upper case.
    """
    if not number:
        alone = _ONLY_PANELS.fullmatch(text)
        return _letters(alone[1]) if alone else []
    named = _numbered(number).findall(text)
    if len(named) > 1:  # 2A and 2B, 1(b)–1(d)
        text = re.sub(rf"(?<![\d.]){number}(?!\d)", "", text)
        rest = re.search(_PANELS, text[text.find(named[0]) :])
        return _letters(rest[0]) if rest else []
    return _letters(named[0]) if named else panels_in(text, "")


def panels_after(text: str, after: str, number: str) -> list[str]:
    """Panels behind a link: "B,C", "(a)", " C and D" after "Fig. 2", " and 2D" after "Fig. 2C".

    Not the article in "Fig. 2 a cell".
    """
    again = re.match(rf"{_JOIN}{number}\s?({_PANELS})", after) if number else None
    if again:
        return _letters(again[1])
    found = _ADJACENT.match(after) if text[-1:].isdigit() else None
    return _letters(next(group for group in found.groups() if group)) if found else []


@lru_cache(maxsize=1024)
def _numbered(number: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\d.]){number}\s?({_PANELS})")


def expanded_panels(first: str, last: str) -> list[str]:
    """("A", "C") -> A, B, C; the ends alone where they are no range of at most 26."""
    if ord(first) <= ord(last):
        return [chr(code) for code in range(ord(first), ord(last) + 1)]
    return [first, last]


def _letters(panels: str) -> list[str]:
    """Every letter of a list such as "a, c–e" in upper case, ranges filled."""
    letters: list[str] = []
    in_range = False
    for letter, dash in _ONE_PANEL.findall(panels):
        if dash:
            in_range = True
        else:
            letter = letter.upper()
            letters.extend(expanded_panels(letters[-1], letter) if in_range else [letter])
            in_range = False
    return letters
