"""The patterns of sentences: ``There {first:is|are} {things}[ at {gsd}].``

``{name}`` is filled in; ``{one|more}`` agrees with the sentence's subject as a whole and
``{first:one|more}`` with the first thing of its list; ``[...]`` is left out where a slot in it is
not known. A sentence that lacks a slot outside of brackets is not used for that tile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

__all__ = ["Part", "Sentence", "bad_sentence", "parse_sentence", "tidy"]

_PIECE = re.compile(r"\{([^{}]*)\}|\[|\]")
_BY_SENSOR = frozenset({"a_sensor_picture", "bare_sensor_picture"})
_SPACES = re.compile(r"\s{2,}")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a pattern. kind: text, slot, all or first (forms that agree with the subject or
    with its first thing) or maybe (parts of square brackets, for which ``slots`` must be known)."""

    kind: str
    text: str = ""
    forms: tuple[str, str] = ("", "")
    parts: tuple[Part, ...] = ()
    slots: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A pattern, taken apart. needs: slots that must be known. wants: those in brackets."""

    pattern: str
    needs: frozenset[str]
    wants: frozenset[str]
    parts: tuple[Part, ...]

    def tells(self, slots: AbstractSet[str]) -> bool:
        """Whether any of these slots is in it; a picture named by its sensor tells of it too."""
        own = self.needs | self.wants
        return bool(own & slots) or ("sensor" in slots and bool(own & _BY_SENSOR))

    def fill(self, values: Mapping[str, str], *, plural: bool, first_plural: bool) -> str:
        """The sentence: a capital at the start, a full stop, single spaces."""
        out: list[str] = []
        _fill(self.parts, values, plural, first_plural, out)
        return tidy("".join(out))


def parse_sentence(pattern: str) -> Sentence:
    """Take a pattern apart; what bad_sentence complains of must have been looked at before."""
    parts: list[Part] = []
    inner: list[Part] | None = None
    at = 0
    for found in _PIECE.finditer(pattern):
        into = parts if inner is None else inner
        if found.start() > at:
            into.append(Part("text", pattern[at : found.start()]))
        at = found.end()
        if found[0] == "[":
            inner = []
        elif found[0] == "]":
            own = inner or []
            parts.append(Part("maybe", parts=tuple(own), slots=_slots(own)))
            inner = None
        elif "|" in found[1]:
            kind = "first" if found[1].startswith("first:") else "all"
            one, more = found[1].removeprefix("first:").split("|")
            into.append(Part(kind, forms=(one, more)))
        else:
            into.append(Part("slot", found[1]))
    if at < len(pattern):
        parts.append(Part("text", pattern[at:]))
    wants = frozenset(slot for part in parts for slot in part.slots)
    return Sentence(pattern, _slots(parts), wants, tuple(parts))


def bad_sentence(
    pattern: str, known: frozenset[str], facts: frozenset[str]
) -> tuple[str, str] | None:
    """What is wrong with a pattern and the unknown slot (or ""); None where it is sound.

    known: slots it may have. facts: those of which it must have one outside of brackets.
    """
    depth = 0
    for found in _PIECE.finditer(pattern):
        if found[0] in "[]":
            depth += 1 if found[0] == "[" else -1
            if depth not in (0, 1):
                return "its square brackets do not pair (they cannot be nested)", ""
        elif "|" in found[1]:
            if found[1].count("|") != 1:
                return f"{found[0]} must hold two forms, {{singular|plural}}", ""
        elif found[1] not in known:
            return f"the slot {found[0]} is not known here", found[1]
    if depth:
        return "its square brackets do not pair (they cannot be nested)", ""
    if set("{}") & set(_PIECE.sub("", pattern)):
        return "its braces do not pair", ""
    if facts and not facts & parse_sentence(pattern).needs:
        names = " or ".join(f"{{{name}}}" for name in sorted(facts))
        return f"it names no fact; it needs {names}, outside of brackets", ""
    return None


def tidy(text: str) -> str:
    """A capital at the start (nothing is lower-cased: acronyms stay), single spaces, a full stop.

    A word with a capital inside (``eVTOL``) or a digit at the start stays as it is.
    """
    text = _SPACES.sub(" ", text).strip()
    if not text:
        return text
    if not any(letter.isupper() for letter in text.split(maxsplit=1)[0][1:]):
        capital = 2 if text.startswith("ij") else 1  # one letter in Dutch: IJs
        text = text[:capital].upper() + text[capital:]
    return text if text[-1] in ".!?。" else text + "."


def _slots(parts: list[Part]) -> frozenset[str]:
    return frozenset(part.text for part in parts if part.kind == "slot")


def _fill(
    parts: tuple[Part, ...],
    values: Mapping[str, str],
    plural: bool,
    first_plural: bool,
    out: list[str],
) -> None:
    for part in parts:
        if part.kind == "text":
            out.append(part.text)
        elif part.kind == "slot":
            out.append(values[part.text])
        elif part.kind != "maybe":
            out.append(part.forms[plural if part.kind == "all" else first_plural])
        elif part.slots <= values.keys():
            _fill(part.parts, values, plural, first_plural, out)
