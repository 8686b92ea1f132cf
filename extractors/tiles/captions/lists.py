"""The lists of ``lexicon/en.yaml``: aliases, uncounted nouns, irregular plurals, proper names."""

from __future__ import annotations

from dataclasses import dataclass

from domainclip.errors import nearest

from .marked_yaml import Marked
from .nouns import key_of

__all__ = ["EnglishLists", "lists_of"]


@dataclass(frozen=True, eq=False)
class EnglishLists:
    """See ``lexicon/en.yaml``; compared by identity, so that what is made with it can be cached.

    same_as: name -> the noun under which the other languages' lexicons have it.
    """

    aliases: dict[str, str]
    same_as: dict[str, str]
    uncounted: frozenset[str]
    bare_cover: frozenset[str]
    plurals: dict[str, str]
    singular_s: frozenset[str]
    proper: frozenset[str]
    the_countries: frozenset[str]


def lists_of(files: list[Marked]) -> EnglishLists:
    """The lists of our file with a user's laid over: their names join ours, and win over them.

    Raises BadInput with file, line and field.
    """
    pairs: dict[str, dict[str, str]] = {"aliases": {}, "plurals": {}, "same_as": {}}
    named: dict[str, set[str]] = {
        name: set() for name in ("uncounted", "bare_cover", "singular_s", "proper", "the_countries")
    }
    for file in files:
        for field, value in file.mapping().items():
            if field in pairs:
                given = value.mapping().items()
                pairs[field].update({key_of(name): item.text() for name, item in given})
            elif field in named:
                named[field].update(value.texts())
            else:
                known = [*pairs, *named]
                raise value.wrong(
                    f"unknown list; known are {', '.join(known)}.{nearest(field, known)}"
                )
    frozen = {name: frozenset(items) for name, items in named.items()}
    return EnglishLists(
        aliases=pairs["aliases"],
        same_as=pairs["same_as"],
        plurals=pairs["plurals"],
        uncounted=frozen["uncounted"],
        bare_cover=frozen["bare_cover"],
        singular_s=frozen["singular_s"],
        proper=frozen["proper"],
        the_countries=frozen["the_countries"],
    )
