"""Phrases that sentences are filled with: counted nouns, lists of them, nouns with articles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .draws import Draws
from .english import noun_of, said
from .language import Forms, Language
from .nouns import Noun, key_of

__all__ = [
    "Phrase", "a_noun", "bare_noun", "counted", "joined", "noun_in", "number_of", "of_them",
    "several",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """plural: what a verb takes after it. first_plural: what its first thing takes."""

    text: str
    plural: bool = False
    first_plural: bool = False


@lru_cache(maxsize=50_000)
def noun_in(language: Language, name: str) -> Noun | None:
    """The noun of a category in a language, None where its lexicon has none: nothing is said of
    the category in that language then, rather than half of a sentence in English."""
    english = said(name, language.lists)
    if not english:
        return None
    noun = noun_of(english, language.lists)
    if language.code == "en":
        return noun
    found = _in_lexicon(language, english)
    if found is not None:
        return found
    found = _in_lexicon(language, noun.one)
    if found is None or not noun.only_plural or found.mass:
        return found
    return Noun(found.one, found.more, found.gender, only_plural=True, bare=found.bare)


def _in_lexicon(language: Language, name: str) -> Noun | None:
    key = key_of(name)
    if key not in language.nouns:
        key = key_of(language.lists.same_as.get(key, key))
    return language.nouns.get(key)


@lru_cache(maxsize=50_000)
def a_noun(language: Language, noun: Noun) -> Phrase:
    """``a ship``; what is not counted, and a name in the plural, as these are said."""
    if noun.mass:
        return _mass(language, noun)
    if noun.only_plural:
        return Phrase(language.grammar.several(noun), plural=True, first_plural=True)
    return Phrase(language.grammar.one(noun, noun.one))


@lru_cache(maxsize=50_000)
def several(language: Language, noun: Noun) -> Phrase:
    """``ships``, of which nobody has counted how many."""
    if noun.mass:
        return _mass(language, noun)
    return Phrase(language.grammar.several(noun), plural=True, first_plural=True)


def bare_noun(noun: Noun) -> str:
    """The noun with nothing before it, as proportions say it."""
    return noun.mass or (noun.more if noun.only_plural else noun.one)


def counted(
    language: Language, noun: Noun, count: int, draws: Draws, *, vague: bool, size: str = ""
) -> Phrase:
    """``a ship``, ``three ships``, ``12 ships``, ``many ships``. vague: many where the count is
    beyond the option vague_above. size: large or small, for one thing alone; "" says nothing."""
    if count == 1:
        return _single(language, noun, size)
    if vague and count > language.options.vague_above:
        return _many(language, noun, draws.below(len(language.many)))
    in_words = count <= len(language.numbers) and draws.below(4) > 0
    return _number(language, noun, count, in_words)


def of_them(language: Language, noun: Noun, count: int, draws: Draws) -> str:
    """``one``, ``three``, ``12``: some of things that have been named before."""
    if count == 1:
        return _form(language.one_of, noun.gender)
    if count <= len(language.numbers) and draws.below(4) > 0:
        return _form(language.numbers[count - 1], noun.gender)
    return str(count)


def joined(language: Language, phrases: Sequence[Phrase]) -> Phrase:
    """``two cars, a bus and a ship``."""
    if len(phrases) == 1:
        return phrases[0]
    comma, last = language.joins
    last = language.grammar.joiner(last, phrases[-1].text)
    text = comma.join([phrase.text for phrase in phrases[:-1]]) + last + phrases[-1].text
    return Phrase(text, plural=True, first_plural=phrases[0].first_plural)


def number_of(language: Language, value: float) -> str:
    """Metres as one says them: ``7,280``, ``10``, ``0.3``, with the language's marks."""
    text = f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
    marks = {",": language.thousands, ".": language.decimal}
    return "".join(marks.get(letter, letter) for letter in text)


def _mass(language: Language, noun: Noun) -> Phrase:
    plural = noun.mass_gender == "p"
    return Phrase(language.grammar.mass(noun), plural, plural)


@lru_cache(maxsize=50_000)
def _single(language: Language, noun: Noun, size: str) -> Phrase:
    phrase = noun.one
    if size:
        phrase = _form(language.sizes[size], noun.gender).replace("{}", phrase)
    return Phrase(language.grammar.one(noun, phrase))


@lru_cache(maxsize=50_000)
def _many(language: Language, noun: Noun, which: int) -> Phrase:
    pattern = _form(language.many[which], noun.gender)
    text = pattern.replace("{of}", language.grammar.of(noun.more)).replace("{}", noun.more)
    return Phrase(text, plural=True, first_plural=True)


@lru_cache(maxsize=50_000)
def _number(language: Language, noun: Noun, count: int, in_words: bool) -> Phrase:
    number = _form(language.numbers[count - 1], noun.gender) if in_words else str(count)
    return Phrase(f"{number} {noun.more}", plural=True, first_plural=True)


def _form(forms: Forms, gender: str) -> str:
    return forms[gender] if gender in forms else forms.get("", next(iter(forms.values())))
