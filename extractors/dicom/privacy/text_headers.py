"""What the headers of a study call its people, places and numbers, wherever a report says it.

**Names.** The value is cut at ``^ = , ;`` and blanks (PS3.5 section 6.2.1); titles, degrees and
words that are nobody's name ("Anonymous", "Test") are left out. A part is then

- *strong*: at least three letters and in no list of words. It goes in any case, whole or inside a
  hyphenated name, with an umlaut written as one letter or two; two strong parts also when glued.
- *weak*: one of the list of words ("Short", "Brown", "Young", "May", "Stone"), of two letters, or a
  month. It goes where it begins with a capital amid a text of small letters, and else only
  beside a title or another part.
- an *initial*: it goes beside another part.

Other forms of a part, and of the whole name, are in ``text_header_forms``.

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
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from ..records import Identifier
from .text_header_forms import form_spans
from .text_header_patterns import Patterns, patterns_of
from .text_words import Folded, Span, known

__all__ = ["header_spans"]

_TITLE_BEFORE = re.compile(
    r"(?:\b(?:dr|drs|mr|mrs|ms|prof|doctor|professor|miss|herrn?|frau|mme|sra?|patient|pt|by|"
    r"name|attending|physician|"
    r"radiologist|resident)\.?\s?:?\s{0,2}|\^|,\s)$",
    re.IGNORECASE,
)
_INITIAL_BEFORE = re.compile(r"(?<!\w)([A-Za-z])\.\s?$")
_BETWEEN = re.compile(r"[\s,^_\-=]{0,3}(?:[A-Za-z]\.?[\s,^]{1,2})?")


def header_spans(folded: Folded, identifiers: Sequence[Identifier]) -> Iterator[Span]:
    """Spans of everything in a folded text that the identifiers name."""
    rules = patterns_of(tuple(sorted({(each.kind, each.value) for each in identifiers})))
    for kind, pattern in rules.values:
        for found in pattern.finditer(folded.text):
            yield folded.span(kind, *found.span())
    yield from _names(folded, rules)


def _names(folded: Folded, rules: Patterns) -> Iterator[Span]:
    text = folded.text
    found = _parts(folded, rules.strong)
    found.extend(form_spans(folded, rules.forms))
    candidates = _parts(folded, rules.weak)
    spans = sorted(found + candidates)
    for span in candidates:
        place = bisect_left(spans, span)
        near = spans[max(0, place - 2) : place + 3]
        before = text[max(0, span[0] - 24) : span[0]]
        initial = _INITIAL_BEFORE.search(before)
        if text[span[0] : span[1]].lower() in rules.shy:
            if any(_beside(folded, span, other, rules) for other in near):
                found.append(span)
        elif (
            _as_name(folded, span)
            or text.startswith(("'s ", "'S "), span[1])
            or (initial is not None and initial[1].upper() in rules.initials)
            or _TITLE_BEFORE.search(before)
            or any(_beside(folded, span, other, rules) for other in near)
        ):
            found.append(span)
    for start, end in found:
        yield folded.span("NAME", start, end)
    if rules.initials:
        yield from _initials(folded, found, rules.initials)


def _parts(folded: Folded, pattern: re.Pattern[str] | None) -> list[tuple[int, int]]:
    found = pattern.finditer(folded.text) if pattern else ()
    return [each.span() for each in found if not _is_thing(folded, each)]


def _as_name(folded: Folded, span: tuple[int, int]) -> bool:
    """Whether a weak part is written as a name: with a capital amid small letters."""
    part = folded.text[span[0] : span[1]]
    if folded.caseless or not part[0].isupper():
        return False
    return not part.isupper() or (len(part) > 2 and not _shouting(folded, span))


def _beside(folded: Folded, span: tuple[int, int], other: tuple[int, int], rules: Patterns) -> bool:
    """Whether a weak part stands beside another part: with nothing but a blank, a comma, a hyphen
    or an initial between. Two weak ones in small letters, or in a text that is caseless, must be of
    one person: "a stone may" is of nobody's."""
    first, second = sorted((span, other))
    if span == other or not 0 <= second[0] - first[1] <= 6:
        return False
    if _BETWEEN.fullmatch(folded.text, first[1], second[0]) is None:
        return False
    parts = {folded.text[start:end].lower() for start, end in (first, second)}
    weak = set().union(*rules.people)
    written = not folded.caseless and folded.text[span[0]].isupper()
    return written or not parts <= weak or any(parts <= person for person in rules.people)


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


def _shouting(folded: Folded, span: tuple[int, int]) -> bool:
    """Whether the words around are in capitals too, as in a heading."""
    number = folded.word_at(span[0])
    around = folded.words[max(0, number - 1) : number] + folded.words[number + 1 : number + 2]
    return any(word.text.isupper() and len(word.text) > 1 for word in around)
