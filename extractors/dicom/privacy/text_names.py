"""Names of people in a report, found by what stands beside them.

Four signs: a title before ("Dr. Klugman", "Drs. Hall and Weiss", "Frau Müller"), letters behind
("J. Smith, MD"), words that hand something to or take it from somebody ("dictated by", "discussed
with", "Radiologist:"), and a given name before or a comma after ("Maria Gonzalez", "Gonzalez,
Maria"). After a title whatever is not a function word is a name, after the other signs only what
is in no list of words, or in a list of names; so "discussed with ICU staff" and "read by Radiology"
stay. Lists ("Drs. X, Y and Z") are followed to their end.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache

from .text_name_runs import (
    behind_particles,
    is_given_name,
    is_name,
    is_sure_surname,
    is_surname,
    joins,
    run,
    thing_follows,
)
from .text_words import Folded, Span, known, word_list

__all__ = ["name_spans"]

# Titles in any case with a point or before a name; the second group only as written.
_TITLE = re.compile(
    r"(?<![^\W_])(?:(?P<many>Drs|DRS|drs|Doctors|Messrs)|Dr|DR|dr|Doctor|DOCTOR|doctor|Prof|PROF|"
    r"prof|Professor|PROFESSOR|Mr|MR|mr|Mrs|MRS|mrs|Ms|MS|ms|Miss|Mme|Mlle|Herrn?|HERRN?|Frau|FRAU|"
    r"Monsieur|Madame|Sr|Sra|Srta|Senora?|Dott|Dra|DRA|Docteur|Doktor|Sig|Sigra|Mevr|Dhr|Hr|Fr|"
    r"Nurse|Sister|Judge|Rev|Capt|Sgt|Maj|Lt)(?![^\W_])(?P<point>\.?)(?:[ \t]{0,3}\n?[ \t]{0,3})"
)
# With or without a point these also mean magnetic resonance, multiple sclerosis, millisecond,
# digital radiography, senior, female, sister; without one they need a surname behind.
_TITLE_OR_WORD = frozenset(
    ("MR", "mr", "MS", "ms", "DR", "dr", "Sr", "Fr", "Hr", "Maj", "Lt", "Capt", "Sig", "Miss",
     "Sister", "Nurse", "Judge", "doctor", "DOCTOR", "Doctor", "prof", "professor", "Professor")
)  # fmt: skip
_CREDENTIAL = re.compile(
    r"(?:,\s{0,2}|\s)(?:M\.?\s?D|D\.\s?O|DO|Ph\.?\s?D|PhD|MBBS|MBChB|M\.?B\.?B\.?S|FRCR|FRCP|FACR|"
    r"FRANZCR|FRCPC|MRCP|R\.?N|N\.P|P\.?A-C|P\.A|CRNP|APRN|ARNP|FNP|RDMS|RVT|R\.?T\.?\s?\(R\)|"
    r"ARRT|DDS|"
    r"DMD|DPM|D\.?C|CNM|CRNA|Jr|Sr)(?![\w-])\.?"
)
_LOOSE_CREDENTIAL = re.compile(_CREDENTIAL.pattern, re.IGNORECASE)
_STRONG_CREDENTIAL = re.compile(
    r"(?:M\.?\s?D|Ph\.?\s?D|FRC|FACR|MBBS|MBChB|RDMS|ARRT|DDS|CRNP)", re.IGNORECASE
)
_CUE = re.compile(
    r"\b(?:(?:(?:electronically|digitally)\s+)?(?:dictated|signed|authenticated|interpreted|"
    r"transcribed|finali[sz]ed|verified|validated|approved|attested|supervised|ordered|requested|"
    r"referred|performed|read|reported|reviewed|released|entered|typed|scanned|examined|seen|"
    r"attended|evaluated|accompanied|electronically|co-?signed|signiert|befundet|diktiert|"
    r"freigegeben|erstellt|untersucht|signe|dicte|valide|firmado|dictado|realizado|informado)"
    r"(?:\s+(?:and|und|et|y)\s+\w{4,14})?\s+(?P<by>by|off by|von|durch|par|por)|"
    r"(?:discuss(?:ed|ion|ing)?|review(?:ed)?|communicat(?:ed|ion)|convey(?:ed)?|relay(?:ed)?|"
    r"spoken?|talked|correlated|consult(?:ed|ation)?|telephoned|phoned|called|paged|reported|given|"
    r"faxed|e-?mailed|notified|informed|confirmed|d/w)(?:\s+\w{2,12}){0,4}?\s+(?:with|to|by)|d/w|"
    r"(?:notified|informed|paged|telephoned|called|contacted|alerted)|attention(?:\s+of)?|attn|"
    r"name\s+is|resident|pgy[\s-]?\d|fellow|attending|technologist|radiologist|sonographer|surgeon|physician|"
    r"registrar|cc|c\.c\.|thank\s+you(?:\s+for\s+referring)?|besprochen\s+mit|"
    r"named|care\s+of|patient\s+of|seen\s+with|wife|husband|son|daughter|mother|father|brother|"
    r"partner|caregiver|friend|nephew|niece|spouse)\b[:,]?\s+(?:the\s+)?",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"\b(?:patient(?:'s)?(?:\s+name)?|pt(?:\s+name)?|(?:last|first|middle|family|given|sur|full|"
    r"maiden|mother's)\s?name|name|(?:attending|referring|ordering|requesting|reading|reporting|"
    r"interpreting|performing|dictating|signing|consulting|primary(?:\s+care)?|admitting|family|"
    r"responsible|staff)(?:\s+(?:physician|radiologist|doctor|provider|md|clinician))?s?|"
    r"radiologists?|"
    r"physicians?|residents?|fellows?|technologists?|technicians?|tech|sonographers?|surgeons?|"
    r"operators?|assistants?|anesthesiologists?|pathologists?|cardiologists?|transcriptionists?|"
    r"transcriber|dictator|observer|author|signature|signed|"
    r"interpreter|reader|consultant|pcp|nurse|provider|doctor|clinician|contact|guardian|"
    r"next\s+of\s+kin|patientin|arzt|arztin|untersucher(?:in)?|uberweiser|befunder|medecin|"
    r"radiologue|nom|prenom|paciente|medico|radiologo|nombre|apellidos?)\s{0,3}[:#]\s{0,4}",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\b(?:(?:(?:with|best|kind(?:est)?|warm(?:est)?|many)\s){0,3}(?:regards|wishes)|sincerely|"
    r"(?:yours|very)\s(?:sincerely|truly|faithfully)(?:\syours)?|respectfully|cordially|"
    r"cordialement|saludos|mit\s(?:freundlichen|besten|kollegialen)\sgrussen|"
    r"(?:thanks|thank\syou|cheers)(?=[,.!]?[ \t]*\n))[,.!]?\s{1,4}(?=[A-Z])",
    re.IGNORECASE,
)
# "Protocol Name:" is nobody's.
_OF_A_THING = re.compile(
    r"\b(?:protocol|sequence|series|study|procedure|exam|examination|file|device|coil|program|scan|"
    r"model|software|station|product|brand|drug|agent|test|code|image|view|institution|template|"
    r"manufacturer(?:'s\smodel)?)\s$",
    re.IGNORECASE,
)
_INITIALS = re.compile(
    r"(?<![\w/])[A-Z]{2,3}[/:][a-z]{2,3}(?=\s*(?:$|\n|[DT]:|\d|\.))", re.MULTILINE
)
_TITLE_WORDS = frozenset(["dr", "drs", "doctor", "mr", "mrs", "ms", "prof", "professor"])


@cache
def _phrases() -> re.Pattern[str]:
    phrases = sorted(word_list("eponym_phrases"))
    return re.compile(rf"\b(?:{'|'.join(each.replace('-', '[ -]') for each in phrases)})\b", re.I)


def name_spans(folded: Folded) -> Iterator[Span]:
    """Spans of kind NAME in a folded text; its titles and credentials stay."""
    things = [folded.span("", *found.span()) for found in _phrases().finditer(folded.text)]
    ends = [thing.end for thing in things]
    for span in _signed(folded):
        behind = bisect_right(ends, span.start)
        if behind == len(things) or things[behind].start >= span.end:
            yield span


def _signed(folded: Folded) -> Iterator[Span]:
    text = folded.cased
    for found in _TITLE.finditer(text):
        title = found.group().rstrip(". \t\n")
        unsure = title in _TITLE_OR_WORD or (folded.caseless and len(title) == 2)
        trust = 2 if unsure and not found["point"] else 3
        yield from run(folded, found.end(), trust, listing=bool(found["many"]))
    for found in _CUE.finditer(text):
        label = ":" in found.group()
        sure = label or (found["by"] and not _abbreviation(folded, found.end()))
        yield from run(folded, found.end(), 2 if sure else 1, comma=label)
    for found in _CLOSING.finditer(text):
        yield from run(folded, found.end(), 2)
    for found in _LABEL.finditer(text):
        if _OF_A_THING.search(text, max(0, found.start() - 24), found.start()):
            continue
        yield from run(folded, found.end(), 2, comma=True)
    for found in (_LOOSE_CREDENTIAL if folded.caseless else _CREDENTIAL).finditer(text):
        strong = _STRONG_CREDENTIAL.search(found.group()) is not None
        yield from _before(folded, found.start(), strong=strong)
    yield from _given(folded)
    for found in _INITIALS.finditer(text):
        yield folded.span("NAME", *found.span())


def _abbreviation(folded: Folded, start: int) -> bool:
    """Whether there is one such as PACS."""
    number = folded.word_at(start)
    text = folded.words[number].text if number < len(folded.words) else ""
    listed = known(text, "surnames", "given_names")
    return not folded.caseless and text.isupper() and len(text) < 6 and not listed


def _before(folded: Folded, end: int, *, strong: bool) -> Iterator[Span]:
    """The name in front of letters such as MD."""
    words = folded.words
    last = min(folded.word_at(end - 1), len(words) - 1)
    while last >= 0 and words[last].start >= end:
        last -= 1
    if last < 0 or end - words[last].end > 2:
        return
    number = last
    while number >= 0 and last - number < 5:
        word = words[number]
        if number < last:
            between = folded.text[word.end : words[number + 1].start]
            comma = number == last - 1 and is_given_name(words[last])
            if not joins(between, word, comma=comma or words[last].initial):
                break
        after_comma = number < last and "," in folded.text[word.end : words[number + 1].start]
        trusted = 3 if word.capital and number == last and strong and not folded.caseless else 1
        trusted = 2 if after_comma and word.capital else trusted
        low = word.text.lower()
        listed = strong and word.capital and known(low, "surnames", "given_names")
        inside = word.initial or low in word_list("particles") or listed
        if low in _TITLE_WORDS or not (inside or is_name(folded, number, trusted)):
            break
        number -= 1
    if last > number and any(not word.initial for word in words[number + 1 : last + 1]):
        yield folded.span("NAME", words[number + 1].start, words[last].end)


def _given(folded: Folded) -> Iterator[Span]:
    """ "Maria L. Gonzalez" and "Gonzalez, Maria": a given name that is no word, beside a name."""
    words = folded.words
    for number, word in enumerate(words):
        weak = word.capital and not folded.caseless and known(word.text, "given_names")
        if not (is_given_name(word) or (weak and is_sure_surname(folded, number + 1))) or (
            known(word.text, "eponyms") and thing_follows(folded, number)
        ):
            continue
        end = number + 1
        while end < len(words) and end - number < 4:
            between = folded.text[words[end - 1].end : words[end].start]
            if not joins(between, words[end - 1], comma=False):
                break
            behind = behind_particles(folded, end)
            if behind > end and behind < len(words) and is_surname(folded, behind):
                end = behind + 1
                continue
            if not words[end].initial and not is_surname(folded, end):
                break
            end += 1
        while end > number + 1 and words[end - 1].initial:
            end -= 1
        start = number
        if number and folded.text[words[number - 1].end : word.start] in (", ", ","):
            before = words[number - 1].capital and is_name(folded, number - 1, 2)
            start = number - 1 if before else number
        if end - start > 1:
            yield folded.span("NAME", words[start].start, words[end - 1].end)
