"""Whether a text holds an identifying value: as whole words, without case and accents."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ..records import Identifier

__all__ = ["SHORTEST", "forms_of", "words_of"]

SHORTEST = 4  # characters: "MR" or "12" in a text is no leak of a station or a study called so
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> str:
    """The words of a text in lower case without accents, each between blanks."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter)).casefold()
    return f" {' '.join(_WORD.findall(plain))} "


def forms_of(identifiers: Iterable[Identifier]) -> frozenset[str]:
    """What to look for in ``words_of`` a text: each value, and of names each part, of SHORTEST
    characters and more."""
    found = set()
    for identifier in identifiers:
        whole = words_of(identifier.value)
        found.add(whole)
        if identifier.kind == "name":
            found.update(f" {word} " for word in whole.split())
    return frozenset(form for form in found if len(form.strip()) >= SHORTEST)
