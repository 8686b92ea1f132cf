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
from collections.abc import Iterator
from functools import cache

from .text_words import Folded, Span, Word, known, word_list

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
    r"name\s+is|resident|fellow|attending|technologist|radiologist|sonographer|surgeon|physician|"
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
_INITIALS = re.compile(
    r"(?<![\w/])[A-Z]{2,3}[/:][a-z]{2,3}(?=\s*(?:$|\n|[DT]:|\d|\.))", re.MULTILINE
)
_JOIN = re.compile(r"\s{0,2}(?:,|,?\s*\b(?i:and|und|et|y|or)\b|&|/|;)\s{0,2}")
_NO_NAME = frozenset(
    ("xxxx", "iii", "ii", "iv", "md", "phd", "mds", "the", "dr", "drs", "doctor", "doctors", "mr",
     "mrs", "ms")
)  # fmt: skip
_DEGREE = re.compile(r"(?:M\.\s?D|D\.\s?O|Ph\.\s?D|R\.\s?N|M\.\s?B|B\.\s?S)(?![\w-])")
_CAPITAL_NAMES = ("May", "MAY", "Will", "WILL")
_TITLE_WORDS = frozenset(["dr", "drs", "doctor", "mr", "mrs", "ms", "prof", "professor"])


@cache
def _phrases() -> re.Pattern[str]:
    phrases = sorted(word_list("eponym_phrases"))
    return re.compile(rf"\b(?:{'|'.join(each.replace('-', '[ -]') for each in phrases)})\b", re.I)


def name_spans(folded: Folded) -> Iterator[Span]:
    """Spans of kind NAME in a folded text; its titles and credentials stay."""
    things = [folded.span("", *found.span()) for found in _phrases().finditer(folded.text)]
    for span in _signed(folded):
        if not any(span.start < thing.end and thing.start < span.end for thing in things):
            yield span


def _signed(folded: Folded) -> Iterator[Span]:
    text = folded.cased
    for found in _TITLE.finditer(text):
        title = found.group().rstrip(". \t\n")
        unsure = title in _TITLE_OR_WORD or (folded.caseless and len(title) == 2)
        trust = 2 if unsure and not found["point"] else 3
        yield from _run(folded, found.end(), trust, listing=bool(found["many"]))
    for found in _CUE.finditer(text):
        label = ":" in found.group()
        sure = label or (found["by"] and not _abbreviation(folded, found.end()))
        yield from _run(folded, found.end(), 2 if sure else 1, comma=label)
    for found in _LABEL.finditer(text):
        yield from _run(folded, found.end(), 2, comma=True)
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


def _run(
    folded: Folded, start: int, trust: int, *, listing: bool = False, comma: bool = False
) -> Iterator[Span]:
    """The names that begin at ``start``, "X, Y and Z" all of them. trust: 3 all but function words,
    2 none of the words but surnames, 1 only names. listing: more than one is announced ("Drs.").
    comma: "SMITH, JOHN" is one name."""
    for _ in range(8):
        first = folded.word_at(start)
        end_word = _end_of_name(folded, first, start, trust, comma=comma)
        if end_word == first:
            return
        yield folded.span("NAME", folded.words[first].start, folded.words[end_word - 1].end)
        join = _JOIN.match(folded.text, folded.words[end_word - 1].end)
        if join is None:
            return
        start = join.end()
        trust = 2 if listing else 1


def _end_of_name(folded: Folded, first: int, start: int, trust: int, *, comma: bool) -> int:
    """The number of the word behind the name whose first word must begin at ``start``."""
    words = folded.words
    if first >= len(words) or words[first].start != start:
        return first
    number = first
    while number < len(words) and number - first < 6:
        word = words[number]
        if number > first:
            between = folded.text[words[number - 1].end : word.start]
            given = _given_name(word) or _both_shout(folded, words[number - 1], word)
            if not _joins(between, words[number - 1], comma=comma or given):
                break
        labels = number > first and folded.text[word.end : word.end + 1] in (":", "#")
        if labels or word.text.lower() in _NO_NAME or _DEGREE.match(folded.text, word.start):
            break
        behind = _behind_particles(folded, number)
        if behind > number:
            if behind < len(words) and _is_name(folded, behind, trust):
                number = behind + 1
                continue
            if not known(word.text, "surnames"):
                break
        level = trust if number == first else 1
        if number > first and (words[number - 1].initial or _given_name(words[number - 1])):
            level = max(level, 2 if word.capital else 1)
        if number > first and word.capital:
            level = max(level, _next_level(folded, number, between, number == first + 1))
        if number == first and _word_before_name(folded, number, trust):
            number += 1
            continue
        if not (word.initial and trust + number > first) and not _is_name(folded, number, level):
            break
        number += 1
    while number > first and _hangs(folded, first, number, trust):
        number -= 1
    return number


def _word_before_name(folded: Folded, number: int, trust: int) -> bool:
    """Whether a word stands where a given name would, with a surname behind ("by Min Cho")."""
    word = folded.words[number]
    if not word.capital or len(word.text) < 2 or (folded.caseless and trust < 2):
        return False
    return known(word.text, "words") and _sure_surname(folded, number + 1)


def _next_level(folded: Folded, number: int, between: str, second: bool) -> int:
    """How far a further word of a name is trusted, from what is before it."""
    before, word = folded.words[number - 1], folded.words[number]
    if before.initial and "." in between:
        return 3
    if folded.caseless:
        return 2 if "," in between else 1
    if second and between == " " and _given_name(before) and not word.text.isupper():
        return 3
    # A capital goes on with a name, but an abbreviation does not.
    return 1 if word.text.isupper() and not before.text.isupper() else 2


def _behind_particles(folded: Folded, number: int) -> int:
    """The number of the first word from ``number`` on that is none of "van", "de la" ..., with
    nothing but blanks before it."""
    words = folded.words
    while (
        number + 1 < len(words)
        and (words[number].text == "t" or len(words[number].text) > 1)
        and words[number].text.lower() in word_list("particles")
        and folded.text[words[number].end : words[number + 1].start].strip(" '.") == ""
    ):
        number += 1
    return number


def _joins(between: str, before: Word, *, comma: bool) -> bool:
    blanks = between.replace("\n", " ", 1).strip(" \t")
    if blanks == "":
        return "\n" not in between or between.strip(" \t") == "\n"
    if blanks == ".":
        return before.initial or before.text.lower() in ("st", "mc")
    if blanks == "^":
        return True
    return comma and blanks in (",", ".,") and "\n" not in between


def _hangs(folded: Folded, first: int, end: int, trust: int) -> bool:
    """Whether the last word before ``end`` cannot end a name: an initial alone, or one that is a
    word of its own ("Dr. Hall A CT ...")."""
    last = folded.words[end - 1]
    if not last.initial:
        return False
    following = folded.text[last.end : last.end + 1]
    alone = end - first == 1 and trust < 3
    return following != "." and (alone or (last.text in "AI" and following == " "))


def _is_name(folded: Folded, number: int, trust: int) -> bool:
    word = folded.words[number]
    text = word.text
    lower = text.lower().removesuffix("'s")
    if (
        (lower in word_list("function") and text.split("'")[0] not in _CAPITAL_NAMES)
        or lower in _NO_NAME
        or (len(text) == 1 and not word.initial)
    ):
        return False
    listed = known(text, "surnames", "given_names")
    is_word = known(text, "words")
    if not word.capital and not folded.caseless:
        # In lower case only after a title, and only what is no word or an ordinary surname.
        return trust >= 2 and len(lower) > 2 and (listed or (trust == 3 and not is_word))
    if trust == 3:
        return True
    if known(text, "eponyms") and _thing_follows(folded, number):
        return False
    if trust == 2:
        return listed or not is_word
    if is_word:
        return False
    if listed:
        return True
    if known(text, "eponyms"):
        return False
    # Capitals alone are an abbreviation among ordinary words, and no sign where all is capitals.
    if text.isupper():
        return len(text) > 5 or _neighbour_is_listed(folded, number)
    return len(text) > 2


def _both_shout(folded: Folded, one: Word, other: Word) -> bool:
    """ "QUARSHIE, KOFI" in a text that is not all in capitals."""
    if folded.caseless or min(len(one.text), len(other.text)) < 2:
        return False
    return one.text.isupper() and other.text.isupper() and not known(other.text, "words")


def _thing_follows(folded: Folded, number: int) -> bool:
    """Whether the word is the eponym of the thing that is named next ("Baker's cyst")."""
    following = folded.words[number + 1 : number + 2]
    return bool(following) and (
        known(following[0].text, "eponym_nouns")
        and folded.text[folded.words[number].end : following[0].start].strip() in ("", "'")
    )


def _neighbour_is_listed(folded: Folded, number: int) -> bool:
    near = [n for n in (number - 1, number + 1) if 0 <= n < len(folded.words)]
    return any(_given_name(folded.words[n]) for n in near)


def _given_name(word: Word) -> bool:
    return word.capital and known(word.text, "given_names") and not known(word.text, "words")


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
            comma = number == last - 1 and _given_name(words[last])
            if not _joins(between, word, comma=comma or words[last].initial):
                break
        after_comma = number < last and "," in folded.text[word.end : words[number + 1].start]
        trusted = 3 if word.capital and number == last and strong and not folded.caseless else 1
        trusted = 2 if after_comma and word.capital else trusted
        low = word.text.lower()
        listed = strong and word.capital and known(low, "surnames", "given_names")
        inside = word.initial or low in word_list("particles") or listed
        if low in _TITLE_WORDS or not (inside or _is_name(folded, number, trusted)):
            break
        number -= 1
    if last > number and any(not word.initial for word in words[number + 1 : last + 1]):
        yield folded.span("NAME", words[number + 1].start, words[last].end)


def _given(folded: Folded) -> Iterator[Span]:
    """ "Maria L. Gonzalez" and "Gonzalez, Maria": a given name that is no word, beside a name."""
    words = folded.words
    for number, word in enumerate(words):
        weak = word.capital and not folded.caseless and known(word.text, "given_names")
        if not (_given_name(word) or (weak and _sure_surname(folded, number + 1))) or (
            known(word.text, "eponyms") and _thing_follows(folded, number)
        ):
            continue
        end = number + 1
        while end < len(words) and end - number < 4:
            between = folded.text[words[end - 1].end : words[end].start]
            if not _joins(between, words[end - 1], comma=False):
                break
            behind = _behind_particles(folded, end)
            if behind > end and behind < len(words) and _is_surname(folded, behind):
                end = behind + 1
                continue
            if not words[end].initial and not _is_surname(folded, end):
                break
            end += 1
        while end > number + 1 and words[end - 1].initial:
            end -= 1
        start = number
        if number and folded.text[words[number - 1].end : word.start] in (", ", ","):
            before = words[number - 1].capital and _is_name(folded, number - 1, 2)
            start = number - 1 if before else number
        if end - start > 1:
            yield folded.span("NAME", words[start].start, words[end - 1].end)


def _sure_surname(folded: Folded, number: int) -> bool:
    """Whether a surname that is no word, or "van der" and a name, follows a given name that is a
    word ("Mark")."""
    behind = _behind_particles(folded, number) if number < len(folded.words) else number
    if behind >= len(folded.words):
        return False
    word, before = folded.words[behind], folded.words[number - 1]
    if folded.text[before.end : folded.words[number].start] != " " or not word.capital:
        return False
    listed = known(word.text, "surnames") and not known(word.text, "words", "eponyms")
    return listed or (behind > number and not known(word.text, "words"))


def _is_surname(folded: Folded, number: int) -> bool:
    word = folded.words[number]
    if not word.capital or len(word.text) < 2 or _thing_follows(folded, number):
        return False
    if folded.caseless:
        return known(word.text, "surnames") and not known(word.text, "words")
    if known(word.text, "words"):
        return known(word.text, "surnames") and not word.text.isupper()
    return known(word.text, "surnames", "given_names") or (
        not known(word.text, "eponyms") and not (word.text.isupper() and len(word.text) < 4)
    )
