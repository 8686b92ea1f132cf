"""Classes that are called by proper names: ``Larimer``, ``Park``, ``Routt`` and not a larimer.

Nothing tells a name from a noun by itself, but a table of them does: where many classes are single
words with a capital, and hardly any is a word that our lexicons know, all are names. Hardly any:
the counties of Colorado have a Lake and a Park.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .english import noun_of, said
from .lists import EnglishLists
from .nouns import key_of
from .templates import Templates

__all__ = ["proper_names", "with_proper_names"]

_FEWEST = 10  # a table of so few may be of rare nouns: a dozen all unknown is unlikely
_KNOWN = 0.05  # at most, of all
_PLURAL = 0.25  # at most, of all: Onions, Peaches


def with_proper_names(templates: Templates, classes: Iterable[str]) -> Templates:
    """Templates that say the classes of a run as proper names where they are some: without an
    article, their capitals kept, ``100% Larimer``; else the templates as they are."""
    names = proper_names(templates, classes)
    if not names:
        return templates
    lists = _with(templates.language("en").lists, names)  # all languages share one
    languages = templates.languages.items()
    return Templates({code: replace(language, lists=lists) for code, language in languages})


def proper_names(templates: Templates, classes: Iterable[str]) -> frozenset[str]:
    """The names of classes, all of them, if more than ten are single words with one capital, the
    first letter, the others begin with a capital, and the lexicons know at most one in twenty, by
    its last word; else none.

    Codes in capitals (``BUS``), numbers and plurals are no names.
    """
    names = {" ".join(name.replace("_", " ").split()) for name in classes} - {""}
    single = [name for name in names if name.isalpha() and name.istitle()]
    if len(single) <= _FEWEST or not all(name[0].isupper() for name in names):
        return frozenset()
    known = sum(_is_known(name, templates) for name in names)
    plural = sum(name.endswith("s") for name in names)
    few = known <= _KNOWN * len(names) and plural <= _PLURAL * len(names)
    return frozenset(names) if few else frozenset()


def _is_known(name: str, templates: Templates) -> bool:
    lists = templates.language("en").lists
    phrase = said(name, lists)
    keys = {key_of(each) for each in (name, phrase, noun_of(phrase, lists).one)}
    keys |= {key.rpartition(" ")[2] for key in keys}
    words = [language.nouns for language in templates.languages.values()]
    known = (lists.aliases, lists.adjectives, lists.same_as, lists.uncounted, lists.bare_cover)
    return any(key in own for own in (*words, *known, lists.plurals) for key in keys)


def _with(lists: EnglishLists, names: frozenset[str]) -> EnglishLists:
    single = {name for name in names if " " not in name}
    return replace(
        lists,
        names=lists.names | {key_of(name): name for name in sorted(names)},
        name_words=lists.name_words | single,
    )
