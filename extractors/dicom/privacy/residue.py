"""What was taken out in one attribute is looked for in the texts that stay.

The table goes by attribute; people do not. A patient's name in a descriptor that the table keeps,
a station's in a software version, an accession number in a lens description: whatever a header
calls the patient, others, numbers and places is searched for, as whole words, in all text that a
run keeps, and a text that has it is replaced by a dummy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydicom.tag import BaseTag

from .generic import is_generic

__all__ = ["LEAST", "Residue"]

# The shortest value that is looked for, and the longest: longer ones are no names.
LEAST, _MOST = 4, 1024
_MANY = 4096
_PARTS = re.compile(rb"[\s^=,\\]+")


class Residue:
    """The texts of one data set, at any depth. Bytes throughout: what is looked for and what is
    looked through are written in the same character set."""

    __slots__ = ("_found", "_kept")

    def __init__(self) -> None:
        self._found: set[tuple[bool, bool, bytes]] = set()
        self._kept: list[tuple[dict[BaseTag, Any], BaseTag, bytes]] = []

    def taken(self, value: bytes, *, name: bool = False, exact: bool = False) -> None:
        """A value that was taken out. name: of a person, whose parts count too. exact: a date or a
        UID, which is no word that could stand there by chance."""
        if len(value) <= _MOST and len(self._found) < _MANY:
            self._found.add((name, exact, value))

    def kept(self, elements: dict[BaseTag, Any], tag: BaseTag, value: bytes) -> None:
        """A text that stays, as element ``tag`` of ``elements``."""
        self._kept.append((elements, tag, value))

    def hits(self) -> Iterator[tuple[dict[BaseTag, Any], BaseTag]]:
        """The kept elements in which a taken value stands."""
        if not self._kept or not self._found:
            return
        everything = b"\n".join(value for _, _, value in self._kept).upper()
        present = [word for word in self._words() if word in everything]
        if not present:
            return
        pattern = re.compile(
            b"(?<![0-9A-Z])(?:" + b"|".join(map(re.escape, present)) + b")(?![0-9A-Z])"
        )
        for elements, tag, value in self._kept:
            if pattern.search(value.upper()):
                yield elements, tag

    def _words(self) -> set[bytes]:
        words = set()
        for name, exact, value in self._found:
            whole = [part.strip(b" \0") for part in value.split(b"\\")]
            for part in [*whole, *_PARTS.split(value)] if name else whole:
                word = part.strip(b" \0.").upper()
                if len(word) >= LEAST and (exact or not is_generic(word.decode("latin-1"))):
                    words.add(word)
        return words
