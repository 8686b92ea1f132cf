"""Phrases that sentences are filled with: counted nouns, lists of them, nouns with articles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from .draws import Draws
from .english import adjective_of, noun_of, said
from .language import Forms, Language
from .nouns import Noun, key_of

__all__ = [
    "Phrase", "a_noun", "another", "bare_noun", "counted", "ground_in", "in_words", "joined",
    "measured", "noun_in", "number_of", "of_them", "several",
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


@lru_cache(maxsize=50_000)
def ground_in(language: Language, name: str) -> Noun | None:
    """The noun of a class of ground: ``burned`` is a burned area, not a burned object."""
    pattern = adjective_of(name, language.lists)
    return noun_in(language, pattern.replace("{}", "area") if pattern else name)


def another(language: Language, noun: Noun) -> tuple[str, Noun] | None:
    """(``another school``, ``other schools`` as a noun) for things like one that was named; None
    where the language has no words for it, or they are not counted."""
    if noun.mass or not language.another:
        return None
    one = _form(language.another["one"], noun.gender).replace("{}", noun.one)
    more = _form(language.another["more"], noun.gender).replace("{}", noun.more)
    return one, Noun(one, more, noun.gender, only_plural=noun.only_plural)


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


def in_words(language: Language, counts: Iterable[int], draws: Draws, *, vague: bool) -> bool:
    """Whether the counts of a list are words (``two``) or digits: one style in all of it, and
    digits wherever one of them has no word. vague: as counted() is told."""
    most, many = len(language.numbers), language.options.vague_above
    fits = all(count <= most or (vague and count > many) for count in counts)
    return fits and draws.below(4) > 0


def counted(
    language: Language,
    noun: Noun,
    count: int,
    draws: Draws,
    *,
    vague: bool,
    words: bool,
    size: str = "",
) -> Phrase:
    """``a ship``, ``three ships``, ``12 ships``, ``many ships``. vague: many where the count is
    beyond the option vague_above. words: from in_words(). size: large or small, for one thing
    alone; "" says nothing."""
    if count == 1:
        return _single(language, noun, size)
    if vague and count > language.options.vague_above:
        return _many(language, noun, draws.below(len(language.many)))
    return _number(language, noun, count, words)


def of_them(language: Language, noun: Noun, count: int, *, words: bool) -> str:
    """``one``, ``three``, or ``1``, ``12``: some of things that have been named before."""
    if not words:
        return str(count)
    if count == 1:
        return _form(language.one_of, noun.gender)
    return _form(language.numbers[count - 1], noun.gender)


def joined(language: Language, phrases: Sequence[Phrase]) -> Phrase:
    """``two cars, a bus and a ship``."""
    if len(phrases) == 1:
        return phrases[0]
    comma, last = language.joins
    before = " ".join([phrase.text for phrase in phrases[:-1]])
    last = language.grammar.joiner(last, phrases[-1].text, before)
    text = comma.join([phrase.text for phrase in phrases[:-1]]) + last + phrases[-1].text
    return Phrase(text, plural=True, first_plural=phrases[0].first_plural)


def measured(language: Language, pattern: str, slot: str, metres: float, *, km_from: float) -> str:
    """A pattern with metres in it (``{n} m per pixel``), in kilometres from ``km_from`` m on."""
    in_metres = f"{{{slot}}} m"
    if metres >= km_from and in_metres in pattern:
        pattern, metres = pattern.replace(in_metres, f"{{{slot}}} km"), metres / 1000
    return pattern.replace(f"{{{slot}}}", number_of(language, metres))


def number_of(language: Language, value: float) -> str:
    """A measure as one says it, with the language's marks: ``1,280``, ``28.5``, ``10``, ``0.3``.

    Whole from 10 on, but for halves below 100 (Landsat's 28.5 m); below 10 two significant digits.
    Rounded half up.
    """
    exact = Decimal(repr(float(value)))
    step = Decimal(1)
    if exact < 10:
        step = Decimal(1).scaleb(exact.adjusted() - 1)
    elif exact < 100 and abs(exact % 1 - Decimal("0.5")) < Decimal("1e-6"):
        step = Decimal("0.5")
    rounded = (exact / step).quantize(Decimal(1), ROUND_HALF_UP) * step
    text = f"{rounded:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
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
def _number(language: Language, noun: Noun, count: int, words: bool) -> Phrase:
    number = _form(language.numbers[count - 1], noun.gender) if words else str(count)
    return Phrase(f"{number} {noun.more}", plural=True, first_plural=True)


def _form(forms: Forms, gender: str) -> str:
    return forms[gender] if gender in forms else forms.get("", next(iter(forms.values())))
