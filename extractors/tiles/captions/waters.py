"""Whether a tile shows mostly the sea, or water that may be: then it is in no country's land.

A country's polygon has its territorial sea, 22 km wide, so that a place alone does not tell.
"""

from __future__ import annotations

from ..records import Facts
from .english import said
from .lists import EnglishLists
from .nouns import key_of

__all__ = ["is_sea", "mostly_sea"]

_MOST = 0.5


def mostly_sea(facts: Facts, lists: EnglishLists) -> bool:
    """Is the tile's class the sea, or more than half of it of classes, or of one feature or object,
    that are or may be? Lakes and rivers are not: they lie in a country."""
    if facts.label and _is_water(facts.label, lists):
        return True
    if sum(share for name, share in facts.shares if _is_water(name, lists)) > _MOST:
        return True
    most = _MOST * facts.size_px**2
    things = (*facts.features, *facts.objects)
    return any(one.area_px > most and _is_water(one.category, lists) for one in things)


def is_sea(name: str, lists: EnglishLists) -> bool:
    """``ocean``, ``open sea``, ``the Black Sea``: by the whole name or its last word."""
    return _is_one_of(lists.seas, name, lists)


def _is_water(name: str, lists: EnglishLists) -> bool:
    return is_sea(name, lists) or _is_one_of(lists.waters, name, lists)


def _is_one_of(names: frozenset[str], name: str, lists: EnglishLists) -> bool:
    key = key_of(said(name, lists))
    return key in names or key.rpartition(" ")[2] in names
