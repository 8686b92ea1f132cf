"""Hospitals and practices in a report.

An institution is a word for one ("Hospital", "Klinikum", "CHU") with the names beside it.
Departments ("Pain Clinic", "Emergency Department") tell of nobody and stay: at least one word
beside must be in no list of words, or one of those that institutions are named by ("General").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .text_words import Folded, Span, known, word_list

__all__ = ["place_spans"]

_BEHIND = re.compile(
    r"(?<![^\W_])(?:(?:medical|health|healthcare|cancer|heart|trauma|imaging|surgical|surgery|"
    r"rehabilitation|"
    r"children'?s|women'?s|diagnostic|radiology|oncology|regional|community|memorial|nursing|care|"
    r"veterans|va|university|general|teaching|district|county|hospital|eye|vascular|spine)\s+){0,4}"
    r"(?:hospitals?|clinics?|infirmary|hospice|sanatorium|polyclinic|(?:medical|health|"
    r"healthcare|health\s?care|"
    r"cancer|trauma|imaging|surgery|surgical|diagnostic|rehabilitation|care|heart|hospital|"
    r"sciences)\s+"
    r"(?:centers?|centres?|campus|system|group|associates|partners|institute|services|network|"
    r"trust|foundation|"
    r"school)|healthcare|healthcenter|nursing\s+home|university|institute|medical\s+school|"
    r"radiology\s+(?:associates|group|partners|consultants)|teleradiology|imaging\s+associates|"
    r"nhs\s+(?:foundation\s+)?trust|krankenhaus|klinikum|klinik|klinikken|ziekenhuis|"
    r"sjukhus(?:et)?|sygehus|"
    r"sykehus|practice|praxis|surgeries|laborator(?:y|ies)|labs?)(?![^\W_])",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?<![^\W_])(?:university\s+of|univ\.?\s+of|universitats(?:klinikum|spital|klinik|medizin)|"
    r"klinikum|krankenhaus|"
    r"klinik(?:en)?|spital|kreiskrankenhaus|stadtisches\s+krankenhaus|charite|praxis|radiologie|"
    r"mvz|hopital|hopitaux|chu|chru|chr|"
    r"clinique|centre\s+hospitalier(?:\s+(?:universitaire|regional))?|institut|"
    r"hospital(?:\s+(?:universitario|"
    r"general|clinico|regional|de|del|da|do|nacional|central|provincial|infantil))*|clinica|"
    r"policlinica|sanatorio|ospedale|"
    r"policlinico|azienda\s+ospedaliera|istituto|instituto|universidad\s+de|universite\s+de|"
    r"universita\s+di|"
    r"ziekenhuis|szpital|college\s+of|city\s+of|county\s+of|town\s+of)(?![^\W_])",
    re.IGNORECASE,
)
_TRANSFER = re.compile(
    r"\b(?:transfer(?:red|ring)?|referred|presents?|presented|sent|arrived|films?|studies|images|"
    r"imaging|study|"
    r"brought(?:\s+in)?|flown)\s+(?:here\s+)?(?:from|to|at)\s+(?:an?\s+)?(?:the\s+)?",
    re.IGNORECASE,
)
_LINKS = frozenset(
    ("of", "and", "the", "de", "la", "del", "der", "des", "du", "di", "am", "im", "le", "les",
     "los", "las", "en", "zu", "von", "for", "el")
)  # fmt: skip
_LOWER_KINDS = frozenset(("hospital", "clinic", "klinikum", "krankenhaus", "medical center"))
_NEEDS_NAME = frozenset(("hospital", "institut", "radiologie", "praxis", "chr"))
_SHORTENED = frozenset(("st", "mt", "ft"))
_POSTPOSED = re.compile(r"\s(?:of|at|in)\s(?:the\s)?(?P<place>(?:[A-Z][^\W\d_]{2,20}\s?){1,3})")


def place_spans(folded: Folded) -> Iterator[Span]:
    """Spans of kind INSTITUTION in a folded text."""
    for found in _BEHIND.finditer(folded.cased):
        yield from _named_before(folded, found)
    for found in _BEFORE.finditer(folded.cased):
        yield from _named_behind(folded, found)
    for found in _TRANSFER.finditer(folded.cased):
        yield from _place_behind(folded, found.end())


def _own(folded: Folded, number: int) -> int:
    """How much a word says of whose institution it is: 2 a name, 1 a word they are named by, 0 a
    capital letter, -1 nothing."""
    word = folded.words[number]
    text = word.text.lower().removesuffix("'s")
    if not word.capital and not folded.caseless:
        return -1
    if (
        word.text.isupper()
        and not folded.caseless
        and len(word.text) < 3
        and text not in word_list("institution_naming")
    ):
        return -1
    if text in word_list("institution_naming") or word.text.lower() in word_list(
        "institution_naming"
    ):
        return 1
    if text in word_list("departments"):
        return -1
    if known(text, "words") and not known(text, "surnames", "given_names"):
        return -1 if folded.caseless else 0
    return 2


def _named_before(folded: Folded, found: re.Match[str]) -> Iterator[Span]:
    """ "St. Mary's Hospital": names back from the word for it, through "of" and "and"."""
    words, kind = folded.words, found.group()
    written_large = kind[0].isupper()
    # "in the hospital", "laboratory values": one that is named begins with a capital itself, or is
    # named by what stands before ("Redlands clinic").
    if not written_large and kind.lower() not in _LOWER_KINDS:
        return
    number = last = folded.word_at(found.start()) - 1
    first, best = number + 1, 0
    while number >= 0 and last - number < 8 and _continues(folded, number):
        if words[number].text.lower() in _LINKS and number and _own(folded, number - 1) > 0:
            number -= 1
            continue
        value = _own(folded, number)
        if (
            value < 0
            or (value == 0 and not written_large)
            or (value == 2 and _short(folded, number))
        ):
            break
        first, best = number, max(best, value)
        number -= 1
    if written_large:
        best = max(
            best,
            int(any(word.lower() in word_list("institution_naming") for word in kind.split()[:-1])),
        )
    if best == 2 or (best == 1 and written_large):
        start = words[first].start if first < len(words) else found.start()
        behind = _POSTPOSED.match(folded.cased, found.end())
        end = found.end()
        if behind and not known(behind["place"].split()[0], "words"):
            end = behind.start("place") + len(behind["place"].rstrip())
        yield folded.span("INSTITUTION", min(start, found.start()), end)


def _continues(folded: Folded, number: int) -> bool:
    """Whether a word and the one behind it may belong to one name."""
    word = folded.words[number]
    between = folded.text[word.end : folded.words[number + 1].start]
    if between.isspace():
        return "\n" not in between
    joint = between.strip()
    return joint in ("&", "-") or (
        joint == "." and (word.initial or word.text.lower() in _SHORTENED)
    )


def _short(folded: Folded, number: int) -> bool:
    text = folded.words[number].text
    return len(text) < 3 and text.lower() not in _SHORTENED


def _named_behind(folded: Folded, found: re.Match[str]) -> Iterator[Span]:
    """ "University of Iowa", "Klinikum Grosshadern", "Hospital Clinico San Carlos"."""
    words, text = folded.words, folded.text
    kind = found.group()
    if not kind[0].isupper() and kind.lower() not in ("hopital", "university of"):
        return
    number = first = folded.word_at(found.end())
    end, best = found.end(), 0
    while number < len(words) and number - first < 6:
        before = found.end() if number == first else words[number - 1].end
        between = text[before : words[number].start]
        if between.strip(" .'") != "" or "\n" in between:
            break
        if words[number].text.lower() in _LINKS and number + 1 < len(words):
            number += 1
            continue
        value = _own(folded, number)
        if value < 0 or (value < 2 and number == first and kind.lower() in _NEEDS_NAME):
            break
        best = max(best, value)
        end = words[number].end
        number += 1
    alone = kind.lower().startswith(("universitats", "charite"))
    if (best >= 1 and (best == 2 or kind.lower() != "hospital")) or alone:
        yield folded.span("INSTITUTION", found.start(), end)


def _place_behind(folded: Folded, start: int) -> Iterator[Span]:
    """ "transferred from Springfield": names in no list behind words of coming and going."""
    words = folded.words
    number = folded.word_at(start)
    if number >= len(words) or words[number].start != start or folded.caseless:
        return
    end = number
    while end < len(words) and end - number < 4:
        if end > number and folded.text[words[end - 1].end : words[end].start] != " ":
            break
        word = words[end]
        if not word.capital or word.text.isupper() or known(word.text, "words", "eponyms"):
            break
        end += 1
    if end > number:
        yield folded.span("INSTITUTION", words[number].start, words[end - 1].end)
