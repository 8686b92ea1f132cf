"""What the headers of a study call its people, places and numbers, wherever a report says it.

**Names.** The value is cut at ``^ = , ;`` and blanks (PS3.5 section 6.2.1); titles, degrees and
words that are nobody's name ("Anonymous", "Test") are left out. A part is then

- *strong*: at least three letters and in no list of words. It goes in any case, whole or inside a
  hyphenated name, with an umlaut written as one letter or two; two strong parts also when glued.
- *weak*: one of the list of words ("Short", "Brown", "Young", "May", "Stone"), of two letters, or a
  month. It goes where it begins with a capital amid a text of small letters, and else only
  beside a title or another part.
- an *initial*: it goes beside another part.

A part that is also an eponym stays before the noun of the thing ("Baker's cyst") and inside a
hyphenated one ("Swan-Ganz"). Names in other scripts go as they stand, whole and in their parts.

**Numbers** of four characters or more, with a digit, go wherever they stand alone, with or without
their separators (of four digits: not before a unit); shorter ones only behind a label. **Dates** go
in every spelling by ``text_dates``. **Institutions and addresses** go as they stand, by their
comma-separated parts, and by those of their words that are in no list. **Others** go as they stand,
but for single words of the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..records import Identifier
from .text_words import Folded, Span, fold, known, word_list

__all__ = ["header_spans"]

_L, _R = r"(?<![^\W\d_])", r"(?![^\W\d_])"
_TITLE_BEFORE = re.compile(
    r"(?:\b(?:dr|drs|mr|mrs|ms|prof|doctor|professor|miss|herrn?|frau|mme|sra?|patient|pt|by|"
    r"name|attending|physician|"
    r"radiologist|resident)\.?\s?:?\s{0,2}|\^|,\s)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Rules:
    """Patterns of a set of identifiers. strong, weak: of parts of names. people: the weak parts of
    each name, small. values: (kind, pattern) of all that is no name."""

    strong: re.Pattern[str] | None
    weak: re.Pattern[str] | None
    people: tuple[frozenset[str], ...]
    initials: frozenset[str]
    values: tuple[tuple[str, re.Pattern[str]], ...]


def header_spans(folded: Folded, identifiers: Sequence[Identifier]) -> Iterator[Span]:
    """Spans of everything in a folded text that the identifiers name."""
    rules = _rules(tuple(sorted({(each.kind, each.value) for each in identifiers})))
    for kind, pattern in rules.values:
        for found in pattern.finditer(folded.text):
            yield folded.span(kind, *found.span())
    yield from _names(folded, rules)


def _names(folded: Folded, rules: _Rules) -> Iterator[Span]:
    text = folded.text
    found: list[tuple[int, int]] = []
    if rules.strong is not None:
        found += [
            each.span() for each in rules.strong.finditer(text) if not _is_thing(folded, each)
        ]
    near = list(found)
    if rules.weak is not None:
        candidates = [each for each in rules.weak.finditer(text) if not _is_thing(folded, each)]
        spans = near + [each.span() for each in candidates]
        for each in candidates:
            as_name = (
                each.group()[0].isupper() and not each.group().isupper() and not folded.caseless
            )
            if not as_name and len(each.group()) > 2:
                as_name = (
                    each.group().isupper() and not folded.caseless and not _shouting(folded, each)
                )
            as_name = as_name or text[each.end() :].startswith(("'s ", "'S "))
            before = re.search(
                r"(?<!\w)([A-Za-z])\.\s?$", text[max(0, each.start() - 4) : each.start()]
            )
            as_name = as_name or (before is not None and before[1].upper() in rules.initials)
            beside_part = any(_touch(text, each.span(), other) for other in spans)
            if (
                as_name
                or beside_part
                or _TITLE_BEFORE.search(text[max(0, each.start() - 24) : each.start()])
            ):
                found.append(each.span())
    for start, end in found:
        yield folded.span("NAME", start, end)
    if rules.initials:
        yield from _initials(folded, found, rules.initials)


def _initials(
    folded: Folded, found: list[tuple[int, int]], initials: frozenset[str]
) -> Iterator[Span]:
    """A single letter of the headers' beside a name that was found: "B. Osterman", "Osterman P"."""
    text = folded.cased
    for start, end in found:
        before = re.search(r"(?<!\w)(?:[A-Z](?:\.\s?|\s)){1,3}$", text[max(0, start - 12) : start])
        if before and set(re.findall("[A-Z]", before.group())) <= initials:
            yield folded.span("NAME", start - len(before.group()), start)
        behind = re.match(r",?\s(?:[A-Z](?:\.\s?|\s|(?=\W|$))){1,3}", text[end : end + 12])
        if behind and set(re.findall("[A-Z]", behind.group())) <= initials:
            yield folded.span("NAME", end, end + len(behind.group().rstrip()))


def _touch(text: str, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether nothing but a blank, a comma, a hyphen or an initial is between them."""
    first, second = sorted((one, other))
    if one == other or not 0 <= second[0] - first[1] <= 6:
        return False
    between = text[first[1] : second[0]]
    return re.fullmatch(r"[\s,^_\-=]{0,3}(?:[A-Za-z]\.?[\s,^]{1,2})?", between) is not None


def _is_thing(folded: Folded, found: re.Match[str]) -> bool:
    """Whether the name stands for a thing of medicine here."""
    if not known(found.group(), "eponyms"):
        return False
    text = folded.text
    number = folded.word_at(found.start())
    if number >= len(folded.words):
        return False
    word = folded.words[number]
    if "-" in word.text:
        return known(word.text, "eponyms", "words")
    following = folded.words[number + 1 : number + 2]
    between = text[word.end : following[0].start] if following else ""
    return (
        bool(following)
        and between in (" ", "' ", "s ")
        and known(following[0].text, "eponym_nouns")
    )


def _shouting(folded: Folded, found: re.Match[str]) -> bool:
    """Whether the words around are in capitals too, as in a heading."""
    number = folded.word_at(found.start())
    around = folded.words[max(0, number - 1) : number] + folded.words[number + 1 : number + 2]
    return any(word.text.isupper() and len(word.text) > 1 for word in around)


@lru_cache(maxsize=256)
def _rules(identifiers: tuple[tuple[str, str], ...]) -> _Rules:
    strong: set[str] = set()
    weak: set[str] = set()
    initials: set[str] = set()
    values: dict[str, set[str]] = {}
    for kind, value in identifiers:
        plain = fold(value).text.strip()
        if kind == "name":
            _add_name(plain, strong, weak, initials, values)
        elif kind == "date":
            _add_value("DATE", plain, values)
        elif kind in ("address", "institution"):
            _add_place(kind.upper(), plain, values)
        elif kind == "phone":
            _add_phone(plain, values)
        else:
            _add_value("ID", plain, values)
    return _Rules(
        _any(strong, _L, _R),
        _any(weak - strong, _L, _R),
        frozenset(initials),
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
) -> None:
    for group in plain.split("="):
        parts = [part for part in re.split(r"[\s^,;/&()\"_]+", group) if part]
        if any(ord(character) > 0x2E7F for character in group):
            _add_script(parts, values)
            continue
        kept: list[str] = []
        particles: list[str] = []
        for part in parts:
            part = part.strip(".'-")
            low = part.lower()
            if (
                low.replace(".", "") in word_list("titles")
                or low in word_list("titles")
                or low in word_list("nobody")
            ):
                continue
            if re.fullmatch(r"(?:[A-Za-z]\.){2,3}[A-Za-z]?", part + "."):
                initials.update(part.replace(".", "").upper())
            elif any(character.isdigit() for character in part):
                _add_value("ID" if not low.isalpha() else "NAME", part, values)
            elif len(part) == 1:
                initials.add(part.upper())
            elif low in word_list("particles"):
                particles.append(low)
            elif part:
                kept.append(part)
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
                if len(piece) > 1 and piece.lower() not in word_list("particles") | word_list(
                    "titles"
                ):
                    (weak if _is_weak(piece) else strong).update(_spellings(piece))
        firm = [part for part in kept if not _is_weak(part)][:4]
        strong.update(re.escape(one + other) for one in firm for other in firm if one != other)


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
