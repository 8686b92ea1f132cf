"""Values that mean one person wherever they stand, looked for in all that was written at once.

A study's values are looked for in its own pairs, down to single parts of names. In the pairs of
other studies a part of a name, a date or a town proves nothing; a whole name, a long number, a UID
does.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..records import Identifier
from .generic import is_generic
from .matching import words_of

__all__ = ["Phrases", "unmistakable"]

_SHORTEST = 6  # letters and digits of a number: shorter ones are met by chance
_REGISTERED = "1.2.840.10008."  # UIDs of the standard itself (PS3.6 Annex A)


def unmistakable(identifier: Identifier) -> frozenset[str]:
    """The phrases of words that mean nobody and nothing else: a name's words in their order, and
    its first two either way round, where two of them are no common words of headers; numbers and
    UIDs with a digit and at least six letters and digits."""
    words = words_of(identifier.value).split()
    if identifier.kind == "name":
        own = [word for word in words if not is_generic(word)]
        if len(own) < 2:
            return frozenset()
        first, second = own[:2]
        return frozenset((" ".join(words), f"{first} {second}", f"{second} {first}"))
    plain = "".join(words)
    if (
        identifier.kind == "id"
        and len(plain) >= _SHORTEST
        and any(map(str.isdigit, plain))
        and not identifier.value.startswith(_REGISTERED)
    ):
        return frozenset((" ".join(words),))
    return frozenset()


class Phrases:
    """Phrases, each with the numbers of the values that it stands for."""

    def __init__(self) -> None:
        self._numbers: dict[str, list[int]] = {}
        # a phrase's first two words (or its only one) -> how many words it may have
        self._lengths: dict[str, set[int]] = {}

    def add(self, phrase: str, number: int) -> None:
        """Look for ``phrase``, words between single blanks."""
        words = phrase.split()
        self._numbers.setdefault(phrase, []).append(number)
        self._lengths.setdefault(" ".join(words[:2]), set()).add(len(words))

    def found(self, text: str) -> Iterator[int]:
        """The numbers of what stands in a text of ``words_of``; one is given once a place."""
        if not self._numbers:
            return
        for part in text.split("  "):  # texts that were put together: no phrase runs across
            words = part.split()
            for at, word in enumerate(words):
                if word in self._lengths and word in self._numbers:
                    yield from self._numbers[word]
                pair = f"{word} {words[at + 1]}" if at + 1 < len(words) else ""
                for length in self._lengths.get(pair, ()):
                    yield from self._numbers.get(" ".join(words[at : at + length]), ())
