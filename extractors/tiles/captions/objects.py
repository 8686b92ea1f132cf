"""Captions of objects from boxes and masks.

After RemoteCLIP's Box-to-Caption (arXiv 2306.11029, section 3.1: what is in the centre, what is
not, and counts of categories, with vague words above ten), made complete: one caption has every
category with its exact count, and others say where things are and how long.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Facts, Thing
from .draws import Draws
from .language import Language
from .material import Material, by_noun, material_of, most_first
from .nouns import Noun
from .phrases import Phrase, counted, joined, of_them
from .placement import by_cells, by_halves, is_central, length_m, placed_groups, relative_size

__all__ = [
    "all_objects",
    "central_objects",
    "edge_objects",
    "placed_objects",
    "some_objects",
    "split_objects",
]

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
    """What does not."""
    size_px = facts.size_px
    return _some([one for one in facts.objects if not is_central(one, size_px)], language, draws)


def some_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """A few categories, with vague words where they are many."""
    return _some(facts.objects, language, draws)


def placed_objects(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """Things with their zones: ``two ships in the upper left corner and a harbour in the centre``;
    one alone in its zone with its length in metres, or as large or small in the tile."""
    most = language.options.categories
    groups = by_noun(facts.objects, language)
    phrases: list[Phrase] = []
    told = 0
    for noun, things in draws.shuffled(groups or ()):
        for zone, own in placed_groups(things, facts.size_px)[: most - len(phrases)]:
            if len(own) == 1:
                said = _single(language, noun, own[0], facts, draws, zone)
            else:
                said = counted(language, noun, len(own), draws, vague=True)
            told += len(own) if len(own) <= language.options.vague_above else 0
            where = draws.pick(language.zones[zone])
            phrases.append(Phrase(f"{said.text} {where}", said.plural, said.first_plural))
    if not phrases:
        return None
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
    split = [
        Phrase(f"{of_them(language, noun, count, draws)} {draws.pick(language.zones[zone])}")
        for zone, count in parts
    ]
    named = counted(language, noun, len(things), draws, vague=False)
    values = {"things": named.text, "split": joined(language, split).text}
    return Material(values, named.plural, named.first_plural, complete=len(groups) == 1)


def _some(things: Sequence[Thing], language: Language, draws: Draws) -> Material | None:
    groups = by_noun(things, language)
    if not groups:
        return None
    most = language.options.categories
    if len(groups) > most:
        groups = draws.shuffled(groups)[:most]
    return material_of("things", _list(language, most_first(groups), draws, vague=True))


def _list(
    language: Language, groups: Sequence[tuple[Noun, list[Thing]]], draws: Draws, *, vague: bool
) -> Phrase:
    """``many ships, two harbours and a bridge``."""
    return joined(
        language,
        [counted(language, noun, len(things), draws, vague=vague) for noun, things in groups],
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
        said = counted(language, noun, 1, draws, vague=False)
        pattern = language.lengths[length[0]]
        text = pattern.replace("{m}", str(length[1])).replace("{thing}", said.text)
        return Phrase(text, said.plural, said.first_plural)
    size = "" if zone == "filling" else relative_size(thing, facts.size_px)
    if size and (_SIZED & set(thing.category.lower().replace("-", " ").replace("_", " ").split())):
        size = ""
    return counted(language, noun, 1, draws, vague=False, size=size)
