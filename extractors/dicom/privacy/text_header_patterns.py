"""Patterns of what the headers of a study name; ``text_headers`` says which part counts as what."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .text_header_forms import Forms, forms_of, romanised
from .text_words import fold, known, word_list

__all__ = ["Patterns", "patterns_of"]

_L, _R = r"(?<![^\W\d_])", r"(?![^\W\d_])"
_LONGEST = 400  # characters of a value
# Family and given names that are titles or say "not available" elsewhere: only beside a part.
_SHY = frozenset(("na", "ma", "do", "ba", "pa"))


@dataclass(frozen=True, slots=True)
class Patterns:
    """strong, weak: of parts of names. people: the weak parts of each name, in small letters.
    initials: capital letters. shy: weak parts that go only beside another. forms: other forms of
    the parts. values: (kind, pattern) of all that is no name in Latin letters."""

    strong: re.Pattern[str] | None
    weak: re.Pattern[str] | None
    people: tuple[frozenset[str], ...]
    initials: frozenset[str]
    shy: frozenset[str]
    forms: Forms
    values: tuple[tuple[str, re.Pattern[str]], ...]


@lru_cache(maxsize=256)
def patterns_of(identifiers: tuple[tuple[str, str], ...]) -> Patterns:
    """The patterns of (kind, value) pairs."""
    strong: set[str] = set()
    weak: set[str] = set()
    people: set[frozenset[str]] = set()
    named: list[tuple[tuple[str, ...], frozenset[str]]] = []
    shy: set[str] = set()
    initials: set[str] = set()
    values: dict[str, set[str]] = {}
    for kind, value in identifiers:
        plain = fold(value[:_LONGEST]).text.strip()
        if kind == "name":
            own: set[str] = set()
            named.extend(
                (parts, frozenset(part for part in parts if _is_weak(part)))
                for parts in _add_name(plain, strong, own, initials, values)
            )
            extra = _shy_parts(plain)
            shy |= extra
            own |= extra
            weak |= own
            people.add(frozenset(part.lower() for part in own))
        elif kind == "date":
            _add_value("DATE", plain, values)
        elif kind in ("address", "institution"):
            _add_place(kind.upper(), plain, values)
        elif kind == "phone":
            _add_phone(plain, values)
        else:
            _add_value("ID", plain, values)
    return Patterns(
        _any(strong, _L, _R),
        _any(weak - strong, _L, _R),
        tuple(people),
        frozenset(initials),
        frozenset(shy),
        forms_of(named),
        tuple(
            (kind, pattern)
            for kind, patterns in sorted(values.items())
            if (pattern := _any(patterns))
        ),
    )


def _any(patterns: Iterable[str], left: str = "", right: str = "") -> re.Pattern[str] | None:
    longest_first = sorted(patterns, key=lambda pattern: (-len(pattern), pattern))
    if not longest_first:
        return None
    return re.compile(f"{left}(?:{'|'.join(longest_first)}){right}", re.IGNORECASE)


def _add_name(
    plain: str, strong: set[str], weak: set[str], initials: set[str], values: dict[str, set[str]]
) -> list[tuple[str, ...]]:
    """The parts of each representation, initials too, in small letters."""
    names: list[tuple[str, ...]] = []
    nobody = word_list("titles") | word_list("nobody")
    no_piece = word_list("particles") | word_list("titles")
    for group in plain.split("="):
        parts = [part for part in re.split(r"[\s^,;/&()\"_]+", group) if part]
        if any(ord(character) > 0x2E7F for character in group):
            _add_script(parts, values)
            continue
        kept: list[str] = []
        every: list[str] = []
        particles: list[str] = []
        for part in parts:
            part = part.strip(".'-")
            low = part.lower()
            if {low, low.replace(".", "")} & nobody:
                continue
            if re.fullmatch(r"(?:[A-Za-z]\.){2,3}[A-Za-z]?", part + "."):
                initials.update(part.replace(".", "").upper())
            elif any(character.isdigit() for character in part):
                _add_value("ID" if not low.isalpha() else "NAME", part, values)
            elif len(part) == 1:
                initials.add(part.upper())
                every.append(low)
            elif low in word_list("particles"):
                particles.append(low)
            elif part:
                kept.append(part)
                every.append(low)
                if particles and not _is_weak(part):
                    strong.add(r"\s{1,2}".join(map(re.escape, [*particles, part])))
                particles.clear()
        for component in re.split(r"[\^,]", group):
            small = component.lower().split()
            if len(small) == 1 and len(small[0]) > 1 and small[0] in word_list("particles"):
                weak.add(re.escape(small[0]))  # the family name Le
        for part in kept:
            initials.add(part[0].upper())
            for piece in {part, *re.split(r"['\-.]", part)}:
                if len(piece) > 1 and piece.lower() not in no_piece:
                    (weak if _is_weak(piece) else strong).update(_spellings(piece))
        names.append(tuple(every))
        firm = [part for part in kept if not _is_weak(part)][:4]
        strong.update(re.escape(one + other) for one in firm for other in firm if one != other)
        short = [part for part in kept if len(part) == 2]
        weak.update(each for part in short for each in romanised(part) if not part.isascii())
    return names


def _shy_parts(plain: str) -> set[str]:
    """Family and given names of two letters that are left out elsewhere, of a name with more."""
    components = [part.strip().lower() for part in re.split(r"[\^,\s]+", plain.split("=")[0])]
    found = {part for part in components[:3] if part in _SHY}
    return found if any(len(part) > 1 and part not in found for part in components) else set()


def _is_weak(part: str) -> bool:
    low = part.lower()
    return len(part) < 3 or low in word_list("months") or known(part, "words")


def _spellings(part: str) -> set[str]:
    """Patterns: with an umlaut as one letter or two, a hyphen or an apostrophe or neither."""
    loose = r"[\s'\-]{0,2}".join(re.escape(piece) for piece in re.split(r"['\-]", part) if piece)
    spellings = {loose}
    if len(part) > 4:
        low = part.lower()
        for two, one in (("ae", "a"), ("oe", "o"), ("ue", "u")):
            if two in low:
                spellings.add(re.escape(low.replace(two, one)))
        # The folded header lost its umlaut; the text may write it with two letters.
        spellings.add(re.sub(r"(?<![aeiou])([aou])(?![aeiou])", r"\1e?", re.escape(low)))
    return spellings


def _add_script(parts: list[str], values: dict[str, set[str]]) -> None:
    """A name in ideographs, kana, Hangul: without blanks between words no edges are asked for."""
    whole = r"[\s・·^,]{0,2}".join(re.escape(part) for part in parts)
    values.setdefault("NAME", set()).add(whole)
    values["NAME"].update(re.escape(part) for part in parts if len(part) > 1)
    values["NAME"].add(r"[\s・·^,]{0,2}".join(re.escape(part) for part in reversed(parts)))


def _add_value(kind: str, plain: str, values: dict[str, set[str]]) -> None:
    """A number or a word that goes as it stands. Blanks and separators may differ."""
    if plain.lower() in word_list("nobody") or not plain:
        return
    pieces = [piece for piece in re.split(r"[\s\-/._:^]+", plain) if piece]
    core = "".join(pieces)
    digits = sum(character.isdigit() for character in core)
    loose = r"[\s\-/._:^]{0,2}".join(re.escape(piece) for piece in pieces[:60])
    if not core or (len(core) < 2 and not digits):
        return
    edges = (r"(?<![^\W_])", r"(?![^\W_])")
    if not digits:
        if len(pieces) == 1 and (known(core, "words", "eponyms") or len(core) < 4):
            return
    elif len(core) < 4:
        label = r"(?:(?<=ID)|(?<=MRN)|(?<=no\.)|(?<=number)|(?<=#))(?:\s{0,2}[:#.]?\s{0,2})"
        values.setdefault(kind, set()).add(label + loose + edges[1])
        return
    elif len(core) == 4 and core.isdigit():
        edges = (r"(?<![\w.,])", r"(?![\w]|[.,]\d|\s?(?:mm|cm|ml|mg|hu|cc|rad|units?)\b)")
    values.setdefault(kind, set()).add(edges[0] + loose + edges[1])
    stripped = core.lstrip("0")
    if core.isdigit() and stripped != core and len(stripped) > 4:
        values[kind].add(edges[0] + "0*" + stripped + edges[1])


def _add_place(kind: str, plain: str, values: dict[str, set[str]]) -> None:
    for part in [plain, *re.split(r"[,;^=\n]+", plain)]:
        words = re.findall(r"[^\W_]+", part)
        telling = [
            w
            for w in words
            if w.lower() not in word_list("institution_words") and not known(w, "words")
        ]
        if not words or (len(words) == 1 and (not telling or len(part) < 3)):
            continue
        if all(w.lower() in word_list("institution_words") for w in words) and len(words) < 3:
            continue
        if any(c.isalpha() for c in part) or sum(c.isdigit() for c in part) > 3:
            loose = r"[\W_]{1,4}".join(re.escape(word) for word in words[:30])
            values.setdefault(kind, set()).add(rf"(?<![^\W_]){loose}(?![^\W_])")
        if len(words) > 1:
            for word in telling:
                if (
                    len(word) > 3
                    and (word.isalpha() or len(word) > 4)
                    and not known(word, "eponyms")
                ):
                    values.setdefault(kind, set()).add(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])")


def _add_phone(plain: str, values: dict[str, set[str]]) -> None:
    digits = re.sub(r"\D", "", plain)
    if len(digits) > 4:
        loose = r"[\s().\-/]{0,3}".join(digits[-10:])
        values.setdefault("PHONE", set()).add(rf"(?<!\d){loose}(?!\d)")
    else:
        _add_value("PHONE", plain, values)
