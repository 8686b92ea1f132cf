"""English: what a data set calls a thing -> how a sentence says it; articles, plurals.

The plurals and articles are those of the library inflect, with guards where it errs (``an UTM``,
``SUVS``, ``workss``, ``ours`` for mines) and lists in ``lexicon/en.yaml``.
"""

from __future__ import annotations

import re
from functools import lru_cache

import inflect

from .lists import EnglishLists
from .nouns import Noun, key_of

__all__ = ["a_phrase", "adjective_of", "is_proper", "noun_of", "said"]

_ENGINE = inflect.engine()
_CAMEL = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z])")
_OR = re.compile(r" / |(?<=[^\W\d_]{2})/(?=[^\W\d_]{2})")
_EITHER = re.compile(r" ?/ ?| or ")
# last words that are no nouns, beside those in -ous and the adjectives of the lexicon
_NO_NOUN = frozenset({"bare", "dense", "evergreen", "mixed", "rocky", "sandy", "sparse", "woody"})
_PREPOSITIONS = frozenset({"of", "with", "for", "in", "on", "at", "under", "by", "to", "from"})
_KEPT = frozenset({"a", "an", "the", "some", "no"})
_AN_NUMBER = re.compile(r"(8\d*|11|18)(\D|$)")


@lru_cache(maxsize=20_000)
def said(name: str, lists: EnglishLists) -> str:
    """A class or category as a sentence says it: ``AnnualCrop`` -> annual cropland, ``Tree cover``
    -> tree cover, ``Small_Vehicle`` -> small vehicle. Acronyms and proper names keep capitals:
    ``Estonia``, ``East Africa``, ``the Pacific Ocean``. ``dead`` is a dead object. Of
    ``Grassland / Herbaceous`` the noun is said; ``Hut/Tent`` is a hut or tent."""
    for key in _keys(name):
        if key in lists.aliases:
            return lists.aliases[key]
        if key in lists.adjectives:
            return lists.adjectives[key].replace("{}", "object")
        if key in lists.names:
            return lists.names[key]
    name = _OR.sub(" or ", _CAMEL.sub(" ", " ".join(name.replace("_", " ").split())))
    if _is_name(name, lists):
        return name
    first, either, other = name.partition(" or ")
    if either and _is_no_noun(other, lists):
        return said(first, lists)
    words = [word if _keeps_capital(word, lists) else word.lower() for word in name.split()]
    return " ".join(words)


def adjective_of(name: str, lists: EnglishLists) -> str:
    """What a category that is an adjective says of a thing (``dead {}``), "" where it is a noun."""
    keys = _keys(name)
    return next((lists.adjectives[key] for key in keys if key in lists.adjectives), "")


def is_proper(name: str, lists: EnglishLists) -> bool:
    """Whether a class is called by a proper name: ``Estonia``."""
    return _is_name(said(name, lists), lists)


@lru_cache(maxsize=20_000)
def noun_of(name: str, lists: EnglishLists) -> Noun:
    """The noun of a name that said() has made ready."""
    words = name.split()
    if not words:
        return Noun(name, name)
    if _is_name(name, lists):
        return Noun(f"area of {name}", f"areas of {name}", "", name, "n")
    head, tail = _head_and_tail(words)
    last = head[-1].lower()
    bare = last in lists.bare_cover
    if " ".join(head).lower() in lists.uncounted or last in lists.uncounted:
        return Noun(f"area of {name}", f"areas of {name}", "", name, "p" if "and" in words else "n")
    if _is_plural(last, lists):
        one = " ".join([*head[:-1], _singular(head[-1]), *tail])
        return Noun(one, name, only_plural=True, bare=bare)
    more = [*head[:-1], _plural(head[-1], lists), *tail]
    if len(head) == 3 and head[1] == "or":  # seas or lakes
        more[0] = _plural(head[0], lists)
    return Noun(name, " ".join(more), bare=bare)


@lru_cache(maxsize=20_000)
def a_phrase(phrase: str) -> str:
    """A phrase with its article, by sound: ``an hour``, ``a university``, ``a UTM zone``.

    A phrase that has one stays as it is. An abbreviation in capitals goes by its letters' names.
    """
    words = phrase.split()
    if not words or words[0].lower() in _KEPT:
        return phrase
    first = words[0]
    if first.isalpha() and first.isupper() and len(first) <= 4:
        return f"{'an' if first[0] in 'AEFHILMNORSX' else 'a'} {phrase}"
    if first[0].isdigit():
        return f"{'an' if _AN_NUMBER.match(first) else 'a'} {phrase}"
    if not first[0].isalpha():
        return f"a {phrase}"
    if not first.isascii():
        return f"{'an' if first[0].lower() in 'aeiouäéèêíóöú' else 'a'} {phrase}"
    article = str(_ENGINE.a(first)).split(" ", 1)[0]
    return f"{article if article in ('a', 'an') else 'a'} {phrase}"


def _keys(name: str) -> tuple[str, ...]:
    name = " ".join(name.replace("_", " ").split())
    keys = key_of(name), key_of(_CAMEL.sub(" ", name))
    if not _EITHER.search(name):
        return keys
    return *keys, *(_EITHER.sub(slash, key) for slash in ("/", " / ") for key in keys)


def _is_no_noun(phrase: str, lists: EnglishLists) -> bool:
    last = key_of(phrase).rpartition(" ")[2]
    return last.endswith("ous") or last in lists.adjectives or last in _NO_NOUN


def _is_name(name: str, lists: EnglishLists) -> bool:
    """``Estonia``, and what ends in one and is written with capitals: ``East Africa``."""
    if lists.names.get(key_of(name.removeprefix("the "))) == name:
        return True
    words = name.split()
    return words[-1:] != [] and words[-1] in lists.name_words and words[0][0].isupper()


def _keeps_capital(word: str, lists: EnglishLists) -> bool:
    return (
        word in lists.proper
        or word in lists.name_words
        or not word[:1].isupper()
        or any(letter.isupper() or letter.isdigit() for letter in word[1:])
    )


def _head_and_tail(words: list[str]) -> tuple[list[str], list[str]]:
    """``places | of worship``: the word before the preposition is the one that has a plural."""
    for at, word in enumerate(words[1:], 1):
        if word.lower() in _PREPOSITIONS:
            return words[:at], words[at:]
    return words, []


def _is_plural(word: str, lists: EnglishLists) -> bool:
    if not word.endswith("s") or word.endswith(("ss", "us", "is")) or word in lists.singular_s:
        return False
    return len(word) > 3


def _singular(word: str) -> str:
    one = _ENGINE.singular_noun(word)
    return str(one) if one else word


def _plural(word: str, lists: EnglishLists) -> str:
    lower = word.lower()
    if lower in lists.plurals:
        return lists.plurals[lower]
    if (word.isupper() and len(word) > 1) or not word.isalpha():
        return word if word.endswith(("s", "S")) else f"{word}s"
    return str(_ENGINE.plural_noun(word))
