"""Nouns with what a language needs to say them, and the lexicon that looks them up."""

from __future__ import annotations

from dataclasses import dataclass

from .marked_yaml import Marked

__all__ = ["Noun", "key_of", "nouns_of"]

GENDERS = ("m", "f", "n", "c", "p")


@dataclass(frozen=True, slots=True)
class Noun:
    """one, more: singular and plural, as they are counted. gender: m, f, n, c (Dutch de), or "";
    p of what is said as a plural alone (``snow and ice``).

    mass: what is said without a number (``water``), mass_gender: its gender; "" where it is
    counted. only_plural: the name itself is a plural (``parking lots``). bare: counted, but land
    cover says it without an article (``forest``).
    """

    one: str
    more: str
    gender: str = ""
    mass: str = ""
    mass_gender: str = ""
    only_plural: bool = False
    bare: bool = False


def key_of(name: str) -> str:
    """How names are compared: lower case, blanks for hyphens and underscores."""
    return " ".join(name.replace("_", " ").replace("-", " ").lower().split())


def nouns_of(lexicon: Marked) -> dict[str, Noun]:
    """A lexicon's nouns by the key of their English name.

    ``ship: [Schiff, Schiffe, n]`` is counted; ``water: [Wasser, n]`` is not;
    ``water: [Wasser, n, Wasserfläche, Wasserflächen, f]`` has words for its counted patches.
    Raises BadInput with file, line and field.
    """
    return {key_of(name): _noun(entry) for name, entry in lexicon.mapping().items()}


def _noun(entry: Marked) -> Noun:
    forms = entry.texts()
    if len(forms) == 3:
        noun = Noun(forms[0], forms[1], forms[2])
    elif len(forms) == 2:
        noun = Noun("", "", "", forms[0], forms[1])
    elif len(forms) == 5:
        noun = Noun(forms[2], forms[3], forms[4], forms[0], forms[1])
    else:
        raise entry.wrong(
            "must be [singular, plural, gender], or of what is not counted [noun, gender] or "
            "[noun, gender, singular, plural, gender] with the words for its patches."
        )
    genders = (noun.gender or "n", noun.mass_gender or "n")
    wrong = [gender for gender in genders if gender not in GENDERS]
    if wrong:
        raise entry.wrong(f"the gender {wrong[0]!r} is none of {', '.join(GENDERS)}.")
    return noun
