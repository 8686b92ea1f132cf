"""What a kind of caption has to say of a tile, ready to be put into one of its sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..records import Thing
from .phrases import Phrase

__all__ = ["Material", "by_category", "material_of"]


@dataclass(frozen=True, slots=True)
class Material:
    """values: slot -> text. plural, first_plural: what the sentence's verbs agree with."""

    values: dict[str, str]
    plural: bool = False
    first_plural: bool = False


def material_of(slot: str, phrase: Phrase | None) -> Material | None:
    """One phrase as the material of a slot; None stays None."""
    if phrase is None:
        return None
    return Material({slot: phrase.text}, phrase.plural, phrase.first_plural)


def by_category(things: Iterable[Thing]) -> list[tuple[str, list[Thing]]]:
    """Things by category, the most numerous first, then by name."""
    groups: dict[str, list[Thing]] = {}
    for thing in things:
        groups.setdefault(thing.category, []).append(thing)
    return sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
