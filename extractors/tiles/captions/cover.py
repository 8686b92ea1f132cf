"""Captions of land cover from the shares of a tile, in words and in per cent."""

from __future__ import annotations

import math

from ..records import Facts
from .draws import Draws
from .language import Language
from .material import Material, material_of
from .phrases import Phrase, a_noun, bare_noun, ground_in, joined, number_of, several

__all__ = ["cover_as_things", "cover_in_numbers", "cover_in_words"]

_PART = 0.1
# From these shares on; below the last, words do not say it.
# Between two fractions their middle divides.
_BANDS = ((0.95, "whole"), (0.55, "most"), (0.45, "half"), (11 / 30, "two_fifths"),
          (7 / 24, "third"), (_PART, "part"), (0.03, "little"))  # fmt: skip
_MAIN = 0.45  # a tile that has less of every class is a mix
_SMALLEST = 0.01  # that numbers say
_MOST_CLASSES = 8  # in numbers: more do not fit CLIP's 77 tokens


def cover_in_words(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """{most} of one class with {rest}; a {mix} where no class has nearly half of the tile."""
    shares = [(name, share) for name, share in facts.shares if share >= _BANDS[-1][0]]
    shares = shares[: language.options.categories]
    if not shares:
        return None
    mixed = shares[0][1] < _MAIN
    said = []
    for name, share in shares:
        text = _said(language, name, share, draws, plain=mixed)
        if text is None:
            return None
        said.append(Phrase(text))
    if mixed:
        return Material({"mix": joined(language, said).text}) if len(said) > 1 else None
    values = {"most": said[0].text}
    if len(said) > 1:
        values["rest"] = joined(language, said[1:]).text
    return Material(values)


def cover_in_numbers(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """{parts}: the classes from 1 % of the tile on, each with its share to the nearest per cent;
    100 only where there is nothing else."""
    said = []
    for name, share in facts.shares[:_MOST_CLASSES]:
        if share < _SMALLEST:
            break
        noun = ground_in(language, name)
        if noun is None:
            return None
        percent = 100 if share >= 1 else min(99, math.floor(share * 100 + 0.5))
        bare = bare_noun(noun)
        text = language.share.replace("{percent}", number_of(language, percent))
        text = text.replace("{of}", language.grammar.of(bare)).replace("{}", bare)
        said.append(Phrase(text))
    return Material({"parts": joined(language, said).text}) if said else None


def cover_as_things(facts: Facts, language: Language, draws: Draws) -> Material | None:
    """{things}: the classes that cover a tenth of the tile or more, without their shares."""
    said: list[Phrase] = []
    for name, share in facts.shares[: language.options.categories]:
        if share < _PART and said:
            break
        noun = ground_in(language, name)
        if noun is None:
            return None
        said.append(
            Phrase(noun.one) if noun.bare and not noun.only_plural else a_noun(language, noun)
        )
    return material_of("things", joined(language, said) if said else None)


def _said(language: Language, name: str, share: float, draws: Draws, *, plain: bool) -> str | None:
    noun = ground_in(language, name)
    if noun is None:
        return None
    if plain:
        return bare_noun(noun)
    band = next(word for least, word in _BANDS if share >= least)
    if band not in language.cover:  # a language of the user's need not have two fifths
        band = "part"
    if not (noun.mass or noun.only_plural or noun.bare):
        band = f"{band}_counted" if f"{band}_counted" in language.cover else band
    text = draws.pick(language.cover[band]).replace("{some}", several(language, noun).text)
    return text.replace("{}", bare_noun(noun))
