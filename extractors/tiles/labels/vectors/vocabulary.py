"""What tags mean to an eye from above: a noun, a size on the ground, how telling it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from domainclip.errors import BadInput, nearest

__all__ = ["Meaning", "Vocabulary", "read_vocabulary"]

LARGEST = 1 << 20  # bytes of a vocabulary
_SECTIONS = ("pixels", "describing", "hidden", "categories")


@dataclass(frozen=True, slots=True)
class Meaning:
    """category: a noun in the singular. size_m: metres on the ground where a geometry does not say
    it, the side of what is mapped as a point, the width of what is mapped as a line; None: not
    known. rank: how much it tells of a place, 0 to 100. pixels: it must be so many across to be
    told for what it is."""

    category: str
    size_m: float | None = None
    rank: float = 50.0
    pixels: float = 8.0


@dataclass(frozen=True)
class _Entry:
    conditions: tuple[tuple[str, frozenset[str]], ...]  # beyond the first
    meaning: Meaning

    def order(self) -> tuple[int, float]:
        return len(self.conditions), self.meaning.rank

    def holds(self, tags: dict[str, str]) -> bool:
        return all(_matches(tags.get(key, ""), values) for key, values in self.conditions)


@dataclass
class Vocabulary:
    """Entries by the tag that they are about. keys: every key that means something. kept: those
    and the describing ones, which a Thing's tags keep. hidden: what makes anything invisible."""

    entries: dict[tuple[str, str], list[_Entry]]
    kept: frozenset[str]
    hidden: tuple[tuple[str, frozenset[str]], ...]
    keys: frozenset[str] = frozenset()
    _known: dict[tuple[tuple[str, str], ...], Meaning | None] = field(
        default_factory=dict, repr=False
    )

    @cached_property
    def read_keys(self) -> frozenset[str]:
        """Keys whose values are needed to judge a feature."""
        return self.kept | {key for key, _ in self.hidden}

    def of(self, tags: dict[str, str]) -> Meaning | None:
        """The most telling meaning of a feature's tags; None: nothing that can be seen.

        Of the entries about one tag the one with the most conditions is meant, and an entry for a
        value before one for any value. ``no`` is no value; ``a;b`` is both.
        """
        told = tuple(sorted((key, tags[key]) for key in tags.keys() & self.read_keys))
        if told not in self._known:
            if len(self._known) > 100_000:  # free text in a key that counts
                self._known.clear()
            self._known[told] = self._judged(tags)
        return self._known[told]

    def named(self, noun: str) -> Meaning | None:
        """What is known of a category by its noun."""
        return self._nouns.get(noun.lower())

    @cached_property
    def _nouns(self) -> dict[str, Meaning]:
        found: dict[str, Meaning] = {}
        for entries in self.entries.values():
            for entry in entries:
                found.setdefault(entry.meaning.category.lower(), entry.meaning)
        return found

    def _judged(self, tags: dict[str, str]) -> Meaning | None:
        if any(_matches(tags.get(key, ""), values) for key, values in self.hidden):
            return None
        found = []
        for key in sorted(tags.keys() & self.keys):
            for value in map(str.strip, tags[key].lower().split(";")):
                if value in ("", "no"):
                    continue
                for each in (value, "*"):
                    fitting = [e for e in self.entries.get((key, each), ()) if e.holds(tags)]
                    if fitting:
                        found.append(max(fitting, key=_Entry.order).meaning)
                        break
        return max(found, key=lambda each: each.rank, default=None)


@lru_cache(maxsize=4)
def read_vocabulary(path: str | None) -> Vocabulary:
    """A vocabulary in the form of tags.yaml, or ours. Raises BadInput naming the entry."""
    name = path or "tags.yaml"
    try:
        text = (
            (files(__package__) / "tags.yaml").read_text(encoding="utf-8")
            if path is None
            else _small_text(Path(path))
        )
        loaded = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        words = " ".join(str(error).split())
        raise BadInput(f"{name}: the vocabulary of tags cannot be read ({words}).") from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("categories"), dict):
        raise BadInput(f"{name}: a vocabulary of tags needs the section categories.")
    for section in loaded:
        if section not in _SECTIONS:
            raise BadInput(
                f"{name}: unknown section {section!r}.{nearest(str(section), _SECTIONS)}"
            )
    pixels = loaded.get("pixels") or {}
    if not isinstance(pixels, dict) or not all(_is_number(each) for each in pixels.values()):
        raise BadInput(f"{name}: pixels gives numbers by key, e.g. landuse: 4.")
    pixels = {"*": 8.0, **pixels}
    entries: dict[tuple[str, str], list[_Entry]] = {}
    kept = {str(each) for each in loaded.get("describing") or ()}
    keys = set()
    for tag, values in loaded["categories"].items():
        (key, first), *more = _conditions(name, str(tag))
        default = float(pixels[key if key in pixels else "*"])
        entry = _Entry(tuple(more), _meaning(name, str(tag), values, default))
        for value in first:
            entries.setdefault((key, value), []).append(entry)
        keys.add(key)
        kept |= {key, *(other for other, _ in more)}
    hidden = []
    for each in loaded.get("hidden") or ():
        condition, *more = _conditions(name, str(each))
        if more:
            raise BadInput(
                f"{name}: hidden {each!r} must be one key=value; write a|b for two values."
            )
        hidden.append(condition)
    return Vocabulary(entries, frozenset(kept), tuple(hidden), frozenset(keys))


def _small_text(path: Path) -> str:
    if path.stat().st_size > LARGEST:
        raise BadInput(f"{path}: a vocabulary of tags has at most {LARGEST >> 20} MiB.")
    return path.read_text(encoding="utf-8-sig")


def _conditions(name: str, tag: str) -> list[tuple[str, frozenset[str]]]:
    """``key=a|b key=*`` -> (key, values) each"""
    parts = [part.partition("=") for part in str(tag).split()]
    if not parts or any(not (key and sign and value) for key, sign, value in parts):
        raise BadInput(f"{name}: {tag!r} is not key=value; write a|b for two values, * for any.")
    return [(key, frozenset(value.lower().split("|"))) for key, _, value in parts]


def _meaning(name: str, tag: str, values: Any, pixels: float) -> Meaning:
    values = values if isinstance(values, list) else [values]
    noun, *numbers = values or [""]
    if not isinstance(noun, str) or not noun.strip() or not 2 <= len(numbers) <= 3:
        raise BadInput(f"{name}: {tag} needs [noun, metres, rank], e.g. [runway, 45, 90].")
    if not all(_is_number(each) and each >= 0 for each in numbers):
        raise BadInput(f"{name}: {tag}: metres, rank and pixels are numbers of 0 or more.")
    return Meaning(
        noun.strip(), float(numbers[0]) or None, float(numbers[1]), float([*numbers, pixels][2])
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _matches(value: str, wanted: frozenset[str]) -> bool:
    given = [each.strip() for each in value.lower().split(";")]
    return any(each in wanted or ("*" in wanted and each not in ("", "no")) for each in given)
