"""Captions of objects from boxes and masks.

After RemoteCLIP's Box-to-Caption (arXiv 2306.11029, section 3.1: what is in the centre, what is
not, and counts of categories, with vague words above ten), made complete: one caption has every
category with its exact count, and others say where things are and how long.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Box, Facts, Thing
from .draws import Draws
from .language import Language
from .material import Material, by_noun, material_of, most_first
from .nouns import Noun, key_of
from .phrases import Phrase, counted, in_words, joined, measured, of_them
from .placement import (
    by_cells,
    by_halves,
    is_central,
    length_m,
    placed_groups,
    relative_size,
    surround,
)

__all__ = [
    "all_objects",
    "around_objects",
    "central_objects",
    "edge_objects",
    "lie_around",
    "placed_objects",
    "some_objects",
    "split_objects",
]

# Metres from which a length is told in kilometres.
_KM_FROM = 2000
# A category's own size is its name: no ``large small vehicle``.
_SIZED = frozenset({"small", "large", "big", "tiny", "huge", "medium", "long", "short"})


def all_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """Every category with its exact count."""
    groups = by_noun(facts.objects, language)
    if not groups:
        return None
    things = _list(language, most_first(groups), draws, vague=False)
    return material_of("things", things, complete=True)


def central_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """What lies in the middle ninth of the tile."""
    size_px = facts.size_px
    return _some([one for one in facts.objects if is_central(one, size_px)], language, draws)


def edge_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """What does not. A language that has no sentences for what lies all around the centre may have
    them here, and says nothing of things that do not."""
    if "objects.around" not in language.sentences:
        return around_objects(facts, language, draws)
    groups = _few(_outer(facts), language, draws)
    return material_of("things", _list(language, groups, draws, vague=True)) if groups else None


def around_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """What does not, where those that are told lie all around it."""
    groups = _few(_outer(facts), language, draws)
    told = [one for _, things in groups for one in things]
    if not surround(told, _whole(facts)):
        return None
    return material_of("things", _list(language, groups, draws, vague=True))


def lie_around(facts: Facts, language: Language) -> bool:
    """Whether around_objects has something to say: the language does, and what is not in the
    centre lies on all sides of it and is told completely."""
    if not language.sentences.get("objects.around"):
        return False
    outer = _outer(facts)
    kinds = len({one.category for one in outer})
    return kinds <= language.options.categories and surround(outer, _whole(facts))


def some_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """A few categories, with vague words where they are many."""
    return _some(facts.objects, language, draws)


def placed_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """Things with their zones: ``two ships in the upper left corner and a harbour in the centre``;
    one alone in its zone with its length in metres, or as large or small in the tile."""
    most = language.options.categories
    groups = by_noun(facts.objects, language)
    placed: list[tuple[Noun, str, list[Thing]]] = []
    for noun, things in draws.shuffled(groups or ()):
        zones = placed_groups(things, facts.size_px)[: most - len(placed)]
        placed += [(noun, zone, own) for zone, own in zones]
    if not placed:
        return None
    words = in_words(language, [len(own) for _, _, own in placed], draws, vague=True)
    phrases: list[Phrase] = []
    told = 0
    for noun, zone, own in placed:
        if len(own) == 1:
            said = _single(language, noun, own[0], facts, draws, zone)
        else:
            said = counted(language, noun, len(own), draws, vague=True, words=words)
        told += len(own) if len(own) <= language.options.vague_above else 0
        where = draws.pick(language.zones[zone])
        phrases.append(Phrase(f"{said.text} {where}", said.plural, said.first_plural))
    return material_of("placed", joined(language, phrases), complete=told == len(facts.objects))


def split_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """Things of one category and where they are: ``five trees: two in the upper left corner, one
    in the centre and two along the right edge``, or by halves where the cells are too many."""
    groups = by_noun(facts.objects, language)
    several = [group for group in groups or () if len(group[1]) > 1]
    if not groups or not several:
        return None
    noun, things = draws.pick(several)
    parts = by_cells(things, facts.size_px)
    if len(parts) > language.options.categories:
        parts = by_halves(things, facts.size_px, across=draws.below(2) == 0)
    if len(parts) < 2:
        return None
    words = in_words(language, [len(things)], draws, vague=False)
    split = [
        Phrase(f"{of_them(language, noun, count, words=words)} {draws.pick(language.zones[zone])}")
        for zone, count in parts
    ]
    named = counted(language, noun, len(things), draws, vague=False, words=words)
    values = {"things": named.text, "split": joined(language, split).text}
    return Material(values, named.plural, named.first_plural, complete=len(groups) == 1)


def _some(things: Sequence[Thing], language: Language, draws: Draws) -> Material | None:
    groups = _few(things, language, draws)
    return material_of("things", _list(language, groups, draws, vague=True)) if groups else None


def _outer(facts: Facts) -> list[Thing]:
    return [one for one in facts.objects if not is_central(one, facts.size_px)]


def _whole(facts: Facts) -> Box:
    return 0.0, 0.0, float(facts.size_px), float(facts.size_px)


def _few(
    things: Sequence[Thing], language: Language, draws: Draws
) -> list[tuple[Noun, list[Thing]]]:
    """Some categories, no more than the option says; none where the language lacks a noun."""
    groups = by_noun(things, language) or []
    if len(groups) > language.options.categories:
        groups = draws.shuffled(groups)[: language.options.categories]
    return most_first(groups)


def _list(
    language: Language, groups: Sequence[tuple[Noun, list[Thing]]], draws: Draws, *, vague: bool
) -> Phrase:
    """``many ships, two harbours and a bridge``."""
    words = in_words(language, [len(things) for _, things in groups], draws, vague=vague)
    return joined(
        language,
        [
            counted(language, noun, len(things), draws, vague=vague, words=words)
            for noun, things in groups
        ],
    )


def _single(
    language: Language,
    noun: Noun,
    thing: Thing,
    facts: Facts,
    draws: Draws,
    zone: str,
) -> Phrase:
    length = length_m(thing, facts.size_px, facts.gsd_m)
    if length is not None and draws.below(3) > 0:
        said = counted(language, noun, 1, draws, vague=False, words=True)
        text = measured(language, language.lengths[length[0]], "m", length[1], km_from=_KM_FROM)
        text = text.replace("{thing}", said.text)
        return Phrase(text, said.plural, said.first_plural)
    size = "" if zone == "filling" else relative_size(thing, facts.size_px)
    if size and _SIZED & set(key_of(thing.category).split()):
        size = ""
    return counted(language, noun, 1, draws, vague=False, words=True, size=size)
