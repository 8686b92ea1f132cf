"""Texts as the rules of scrubbing see them: folded to plain letters, cut into words, words known.

Folding takes diacritics off, makes typographic dashes, quotes and blanks plain and drops invisible
characters, so that one rule finds "Müller", "MULLER" and "Mu\u00adller"; each folded character
knows its place in the original. The word lists (``words/*.txt``) say at their top where they are
from. None of them is needed to find what headers name; they tell a name from a word.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

__all__ = ["Folded", "Span", "Word", "fold", "known", "word_list", "words_of"]

_SPECIAL = {
    "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
    "ł": "l", "Ł": "L", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ı": "i", "’": "'", "‘": "'",
    "ʼ": "'", "´": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "…": "...",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['\-][^\W\d_]+)*")


class Span(NamedTuple):
    """A piece of a text. kind: as in the placeholder, "NAME". start, end: characters."""

    kind: str
    start: int
    end: int


class Word(NamedTuple):
    """A run of letters, with inner apostrophes and hyphens. start, end: in the folded text."""

    text: str
    start: int
    end: int

    @property
    def capital(self) -> bool:
        """Begins with a capital letter."""
        return self.text[0].isupper()

    @property
    def initial(self) -> bool:
        """One capital letter."""
        return len(self.text) == 1 and self.text.isupper()


@dataclass(frozen=True, slots=True)
class Folded:
    """A text and its folded form. places: of each folded character in the original; () where the
    two are the same. caseless: all in capitals or all in small letters, so that these tell nothing.
    cased: the folded text, or where it is caseless each word of it with a first capital. words: of
    that."""

    original: str
    text: str
    places: tuple[int, ...]
    caseless: bool
    cased: str
    words: list[Word] = field(default_factory=list)

    def span(self, kind: str, start: int, end: int) -> Span:
        """The same piece of the original, marks that combine with its last letter included."""
        if not self.places or start >= end:
            return Span(kind, start, end)
        last = self.places[end - 1] + 1
        while last < len(self.original) and unicodedata.combining(self.original[last]):
            last += 1
        return Span(kind, self.places[start], last)

    def word_at(self, place: int) -> int:
        """The number of the first word that ends after ``place``; len(words) if none."""
        return bisect_right(self.words, place, key=lambda word: word.end)


@lru_cache(maxsize=8192)
def _folded_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    category = unicodedata.category(character)
    if category == "Pd":
        return "-"
    if category == "Zs":
        return " "
    if category in ("Cf", "Mn"):
        return ""
    if "\uac00" <= character <= "\ud7a3":  # Hangul syllables stay whole
        return character
    plain = unicodedata.normalize("NFKD", character)
    return "".join(c for c in plain if unicodedata.category(c) != "Mn")


def fold(text: str) -> Folded:
    """The text, folded and cut into words."""
    plain = text
    places: tuple[int, ...] = ()
    if not text.isascii() or "`" in text:
        pieces = [_folded_character(character) for character in text]
        plain = "".join(pieces)
        places = tuple(place for place, piece in enumerate(pieces) for _ in piece)
    words = words_of(plain)
    long = [word.text for word in words if len(word.text) > 1]
    upper = sum(word.isupper() for word in long)
    lower = sum(word.islower() for word in long)
    caseless = upper > 2 * (len(long) - upper) or lower == len(long)
    cased = plain
    if caseless:
        titled = "".join(_WORD.sub(lambda found: found.group().title(), plain))
        # "It'S" is put right; a text whose length the change of case alters stays as it is.
        titled = re.sub(
            r"(?<=[a-z]')[A-Z](?![^\W\d_])", lambda found: found.group().lower(), titled
        )
        cased = titled if len(titled) == len(plain) else plain
        words = words_of(cased)
    return Folded(text, plain, places, caseless, cased, words)


def words_of(folded: str) -> list[Word]:
    """The words of a folded text, in order."""
    return [Word(found.group(), *found.span()) for found in _WORD.finditer(folded)]


@cache
def word_list(name: str) -> frozenset[str]:
    """The lower-case words of ``words/<name>.txt``."""
    text = files(__package__).joinpath("words", f"{name}.txt").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return frozenset(" ".join(lines).split())


def known(word: str, *names: str) -> bool:
    """Whether a folded word is in one of the lists ``words``, ``given_names``, ``surnames``,
    ``eponyms``, ``eponym_nouns``; a possessive is looked up without its s, a hyphenated word is
    known where all its pieces are."""
    word = word.lower().removesuffix("'s").rstrip("'")
    if any(word in word_list(name) for name in names):
        return True
    pieces = word.split("-")
    return len(pieces) > 1 and all(
        any(piece in word_list(name) for name in names) for piece in pieces if piece
    )
