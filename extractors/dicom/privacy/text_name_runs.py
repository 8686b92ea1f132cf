"""How far a name reaches that begins at a place of a text, and which words are names.

Trust says how sure the place is: 3 behind a title, where all but function words are names; 2 behind
a label, where none of the list of words is but surnames; 1 elsewhere, where only names are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .text_words import Folded, Span, Word, known, word_list

__all__ = [
    "behind_particles",
    "is_given_name",
    "is_name",
    "is_sure_surname",
    "is_surname",
    "joins",
    "run",
    "thing_follows",
]

_JOIN = re.compile(r"\s{0,2}(?:,|,?\s*\b(?i:and|und|et|y|or)\b|&|/|;)\s{0,2}")
_NO_NAME = frozenset(
    ("xxxx", "iii", "ii", "iv", "md", "phd", "mds", "the", "dr", "drs", "doctor", "doctors", "mr",
     "mrs", "ms")
)  # fmt: skip
_DEGREE = re.compile(r"(?:M\.\s?D|D\.\s?O|Ph\.\s?D|R\.\s?N|M\.\s?B|B\.\s?S)(?![\w-])")
_CAPITAL_NAMES = ("May", "MAY", "Will", "WILL")


def run(
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
        trust = 1 if not listing else 2 if folded.caseless else 3


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
            given = is_given_name(word) or _both_shout(folded, words[number - 1], word)
            if not joins(between, words[number - 1], comma=comma or given):
                break
        labels = number > first and folded.text[word.end : word.end + 1] in (":", "#")
        if labels or word.text.lower() in _NO_NAME or _DEGREE.match(folded.text, word.start):
            break
        behind = behind_particles(folded, number)
        if behind > number:
            if behind < len(words) and is_name(folded, behind, trust):
                number = behind + 1
                continue
            if not known(word.text, "surnames"):
                break
        level = trust if number == first else 1
        if number == first and _before_comma(folded, number):
            level = max(level, 2)
        if number > first and (words[number - 1].initial or is_given_name(words[number - 1])):
            level = max(level, 2 if word.capital else 1)
        if number > first and word.capital:
            level = max(level, _next_level(folded, number, between, number == first + 1))
        if number == first and _word_before_name(folded, number, trust):
            number += 1
            continue
        if not (word.initial and trust + number > first) and not is_name(folded, number, level):
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
    return known(word.text, "words") and is_sure_surname(folded, number + 1)


def _next_level(folded: Folded, number: int, between: str, second: bool) -> int:
    """How far a further word of a name is trusted, from what is before it."""
    before, word = folded.words[number - 1], folded.words[number]
    if before.initial and "." in between:
        return 3
    if folded.caseless:
        return 2 if "," in between else 1
    if second and between == " " and is_given_name(before) and not word.text.isupper():
        return 3
    # A capital goes on with a name, but an abbreviation does not.
    return 1 if word.text.isupper() and not before.text.isupper() else 2


def behind_particles(folded: Folded, number: int) -> int:
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


def joins(between: str, before: Word, *, comma: bool) -> bool:
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


def is_name(folded: Folded, number: int, trust: int) -> bool:
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
    if known(text, "eponyms") and thing_follows(folded, number):
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


def _before_comma(folded: Folded, number: int) -> bool:
    """Whether a word in capitals has a comma and another behind it, amid small letters."""
    words = folded.words
    if number + 1 >= len(words) or not _both_shout(folded, words[number], words[number + 1]):
        return False
    return folded.text[words[number].end : words[number + 1].start] == ", "


def _both_shout(folded: Folded, one: Word, other: Word) -> bool:
    """ "QUARSHIE, KOFI" in a text that is not all in capitals."""
    if folded.caseless or min(len(one.text), len(other.text)) < 2:
        return False
    return one.text.isupper() and other.text.isupper() and not known(other.text, "words")


def thing_follows(folded: Folded, number: int) -> bool:
    """Whether the word is the eponym of the thing that is named next ("Baker's cyst")."""
    following = folded.words[number + 1 : number + 2]
    return bool(following) and (
        known(following[0].text, "eponym_nouns")
        and folded.text[folded.words[number].end : following[0].start].strip() in ("", "'")
    )


def _neighbour_is_listed(folded: Folded, number: int) -> bool:
    near = [n for n in (number - 1, number + 1) if 0 <= n < len(folded.words)]
    return any(is_given_name(folded.words[n]) for n in near)


def is_given_name(word: Word) -> bool:
    return word.capital and known(word.text, "given_names") and not known(word.text, "words")


def is_sure_surname(folded: Folded, number: int) -> bool:
    """Whether a surname that is no word, or "van der" and a name, follows a given name that is a
    word ("Mark")."""
    behind = behind_particles(folded, number) if number < len(folded.words) else number
    if behind >= len(folded.words):
        return False
    word, before = folded.words[behind], folded.words[number - 1]
    if folded.text[before.end : folded.words[number].start] != " " or not word.capital:
        return False
    listed = known(word.text, "surnames") and not known(word.text, "words", "eponyms")
    return listed or (behind > number and not known(word.text, "words"))


def is_surname(folded: Folded, number: int) -> bool:
    word = folded.words[number]
    if not word.capital or len(word.text) < 2 or thing_follows(folded, number):
        return False
    if folded.caseless:
        return known(word.text, "surnames") and not known(word.text, "words")
    if known(word.text, "words"):
        return known(word.text, "surnames") and not word.text.isupper()
    return known(word.text, "surnames", "given_names") or (
        not known(word.text, "eponyms") and not (word.text.isupper() and len(word.text) < 4)
    )
