"""What a kind of caption has to say of a tile, ready to be put into one of its sentences."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..records import Thing
from .language import Language
from .nouns import Noun
from .phrases import Phrase, noun_in

__all__ = ["Material", "by_noun", "material_of", "most_first"]


@dataclass(frozen=True, slots=True)
class Material:
    """values: slot -> text. plural, first_plural: what the sentence's verbs agree with.
    complete: it has every category of objects with its exact count. unsaid: what the sentence must
    not say beside it."""

    values: dict[str, str]
    plural: bool = False
    first_plural: bool = False
    complete: bool = False
    unsaid: frozenset[str] = frozenset()


def material_of(slot: str, phrase: Phrase | None, *, complete: bool = False) -> Material | None:
    """One phrase as the material of a slot; None stays None."""
    if phrase is None:
        return None
    return Material({slot: phrase.text}, phrase.plural, phrase.first_plural, complete)


def by_noun(things: Iterable[Thing], language: Language) -> list[tuple[Noun, list[Thing]]] | None:
    """Things by the noun that the language has for them, in the order of their first; None where
    it lacks one. Two names for one thing (airplane, aircraft) are counted together where the
    language has one word for both."""
    groups: dict[Noun, list[Thing]] = {}
    for category, own in by_category(things).items():
        noun = noun_in(language, category)
        if noun is None or not noun.one:
            return None
        groups.setdefault(noun, []).extend(own)
    return list(groups.items())


def by_category(things: Iterable[Thing]) -> dict[str, list[Thing]]:
    """Things by category, in the order of their first."""
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        if thing.category in groups:
            groups[thing.category].append(thing)
        else:
            groups[thing.category] = [thing]
    return groups


def most_first(groups: Sequence[tuple[Noun, list[Thing]]]) -> list[tuple[Noun, list[Thing]]]:
    """The most numerous first, then by name."""
    return sorted(groups, key=lambda group: (-len(group[1]), group[0].more))
