"""Reads captions of objects back into (category, count): what a slow and obvious reader makes of
them, with number words, articles and vague words of its own.

Written apart from the code that writes captions: it knows no template, only that a quantity stands
before a noun.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Reader", "Said"]

ONE = {"en": ("a", "an"), "de": ("ein", "eine"), "fr": ("un", "une")}
NUMBERS = {
    "en": ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    "de": ("zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf",
           "zwölf"),
    "fr": ("deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"),
}  # fmt: skip
VAGUE = {
    "en": ("many", "lots of", "numerous", "a large number of", "a great many"),
    "de": ("viele", "zahlreiche", "sehr viele", "etliche"),
    "fr": ("de nombreux", "de nombreuses", "beaucoup de", "un grand nombre de", "beaucoup d'",
           "un grand nombre d'"),
}  # fmt: skip
SIZES = {
    "en": ("large", "small"),
    "de": tuple(f"{size} {seems}" for size in ("groß", "klein")
                for seems in ("wirkender", "wirkende", "wirkendes")),
    "fr": (),
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """count: None where the caption says many."""

    category: str
    count: int | None


class Reader:
    """Reads captions of one language. forms: category -> (singular, plural)."""

    def __init__(self, language: str, forms: Mapping[str, tuple[str, str]]) -> None:
        self._one, self._numbers = ONE[language], NUMBERS[language]
        self._frame = _FRAME[language].split()
        self._by_form: dict[str, list[tuple[str, bool]]] = {}
        for category, (singular, plural) in forms.items():
            self._by_form.setdefault(singular.lower(), []).append((category, False))
            self._by_form.setdefault(plural.lower(), []).append((category, True))
        nouns = _any(self._by_form)
        quantities = _any([*VAGUE[language], *self._numbers, *self._one])
        sizes = f"(?:(?:{_any(SIZES[language])}) )?" if SIZES[language] else ""
        self._said = re.compile(rf"(?<!\w)({quantities}|\d+)(?: |(?<=')){sizes}({nouns})(?!\w)")
        self._noun = re.compile(rf"(?<!\w)({nouns})(?!\w)")

    def read(self, text: str) -> list[Said]:
        """What a caption says is there.

        Raises ValueError where a noun stands without a quantity or in the wrong number for it.
        """
        rest = text.lower()
        said = []
        for found in self._said.finditer(text.lower()):
            count = self._count(found[1])
            fits = [name for name, plural in self._by_form[found[2]] if plural == (count != 1)]
            if not fits:
                raise ValueError(f"{found[0]!r}: the wrong number in {text!r}")
            said.append(Said(fits[0], count))
            rest = rest.replace(found[0], " # ", 1)
        left = [found[1] for found in self._noun.finditer(rest) if found[1] not in self._frame]
        if left:
            raise ValueError(f"{left} without a quantity in {text!r}")
        return said

    def _count(self, quantity: str) -> int | None:
        if quantity.isdigit():
            return int(quantity)
        if quantity in self._numbers:
            return 2 + self._numbers.index(quantity)
        return 1 if quantity in self._one else None


# words of the sentences themselves
_FRAME = {
    "en": "image photo view satellite aerial edges centre middle ground scene",
    "de": "bild satellitenbild satellitenfoto luftbild luftfoto mitte boden",
    "fr": "image photo vue satellite centre sol ciel",
}


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
