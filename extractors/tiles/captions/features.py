"""Captions of mapped features: the one that a tile is about, and what is around it.

After SkyScript (arXiv 2312.12856): a caption of the focus object and one with its surroundings.
Lines are not counted (a road is many ways of a map), and names are not said unless asked for:
nobody can see them.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..records import Facts, Thing
from .draws import Draws
from .language import Language
from .material import Material, by_noun, material_of
from .nouns import Noun
from .phrases import Phrase, a_noun, another, counted, in_words, joined, noun_in, several
from .placement import surround

__all__ = ["focus_alone", "focus_and_around", "focus_and_others", "scene_of_features"]


def focus_and_others(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """``a school`` and ``many houses, roads and water``; a thing of the focus's own kind is another
    school, or is left out where the language has no words for that."""
    focus = focus_alone(facts, language, draws)
    if focus is None:
        return None
    noun = noun_in(language, facts.features[0].category)
    others = _list(language, facts.features[1:], draws, beside=noun)
    if others is None:
        return None
    values = {"focus": focus.values["focus"], "others": others.text}
    return Material(values, focus.plural, focus.first_plural)


def focus_and_around(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """The same, where the others lie on all sides of the focus."""
    if not facts.focus or not surround(facts.features[1:], facts.features[0].box):
        return None
    return focus_and_others(facts, language, draws)


def focus_alone(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """The focus feature, with its name where the option says so."""
    if not facts.focus or not facts.features:
        return None
    thing = facts.features[0]
    noun = noun_in(language, thing.category)
    if noun is None:
        return None
    said = a_noun(language, noun)
    if language.options.names and thing.name:
        text = language.named.replace("{thing}", said.text).replace("{name}", thing.name)
        said = Phrase(text, said.plural, said.first_plural)
    return material_of("focus", said)


def scene_of_features(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """All of them, the most telling kinds first."""
    return material_of("things", _list(language, facts.features, draws))


def _list(
    language: Language, things: Sequence[Thing], draws: Draws, *, beside: Noun | None = None
) -> Phrase | None:
    """beside: what the sentence has named already."""
    groups = by_noun(things, language) or []  # in the order that they tell most
    like = another(language, beside) if beside is not None else None
    if like is None:
        groups = [group for group in groups if group[0] != beside]
    groups = groups[: language.options.categories]
    words = in_words(language, [len(own) for _, own in groups if _counts(own)], draws, vague=True)
    phrases: list[Phrase] = []
    for noun, own in groups:
        one, said = like if like is not None and noun == beside else ("", noun)
        if one and len(own) == 1 and not noun.only_plural:
            phrases.append(Phrase(one))
        elif said.mass or len(own) == 1:
            phrases.append(a_noun(language, said))
        elif not _counts(own):
            phrases.append(several(language, said))
        else:
            phrases.append(counted(language, said, len(own), draws, vague=True, words=words))
    return joined(language, phrases) if phrases else None


def _counts(things: Sequence[Thing]) -> bool:
    return not any(thing.length_px for thing in things)
