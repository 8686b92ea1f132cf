"""The lists of ``lexicon/en.yaml``: aliases, uncounted nouns, irregular plurals, proper names."""

from __future__ import annotations

from dataclasses import dataclass

from domainclip.errors import nearest

from .marked_yaml import Marked
from .nouns import key_of

__all__ = ["EnglishLists", "lists_of"]

_NAMED = (
    "uncounted", "bare_cover", "singular_s", "proper", "the_countries", "names", "satellites",
    "aerial_sensors", "seas", "waters",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class EnglishLists:
    """See ``lexicon/en.yaml``; compared by identity, so that what is made with it can be cached.

    same_as: name -> the noun under which the other languages' lexicons have it. adjectives: a
    category that is no noun -> what it says of a thing, with {} for that. names: key -> a proper
    name as it is written, with its article where it has one; name_words: those of one word.
    satellites, aerial_sensors: how the names of sensors begin, and what is in them, in lower case.
    seas: what the sea is called. waters: what may be the sea, or a lake.
    """

    aliases: dict[str, str]
    same_as: dict[str, str]
    adjectives: dict[str, str]
    names: dict[str, str]
    name_words: frozenset[str]
    uncounted: frozenset[str]
    bare_cover: frozenset[str]
    plurals: dict[str, str]
    singular_s: frozenset[str]
    proper: frozenset[str]
    the_countries: frozenset[str]
    satellites: frozenset[str]
    aerial_sensors: frozenset[str]
    seas: frozenset[str]
    waters: frozenset[str]


def lists_of(files: list[Marked]) -> EnglishLists:
    """The lists of our file with a user's laid over: their names join ours, and win over them.

    Raises BadInput with file, line and field.
    """
    pairs: dict[str, dict[str, str]] = {
        name: {} for name in ("aliases", "plurals", "same_as", "adjectives")
    }
    named: dict[str, set[str]] = {name: set() for name in _NAMED}
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
    names = frozen["names"] | {f"the {name}" for name in named["the_countries"]}
    return EnglishLists(
        aliases=pairs["aliases"],
        same_as=pairs["same_as"],
        plurals=pairs["plurals"],
        adjectives=pairs["adjectives"],
        names={key_of(name.removeprefix("the ")): name for name in sorted(names)},
        name_words=frozenset(
            word for name in names if " " not in (word := name.removeprefix("the "))
        ),
        uncounted=frozen["uncounted"],
        bare_cover=frozen["bare_cover"],
        singular_s=frozen["singular_s"],
        proper=frozen["proper"],
        the_countries=frozen["the_countries"],
        satellites=frozen["satellites"],
        aerial_sensors=frozen["aerial_sensors"],
        seas=frozen["seas"],
        waters=frozen["waters"],
    )
