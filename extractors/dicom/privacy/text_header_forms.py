"""Other forms of a name that a header gives: inflected, split, joined, as a login, transliterated.

"Grünwalds", "Кузнецовой" (an ending of up to three letters behind a stem of five), "obrien" for
O'Brien, "xiao dong" for XiaoDong, "Rob-\\nert" over a line, "rjohnson" for Robert Johnson,
"Kuznetsova" and "Kuznecova" for Кузнецова (the romanisations of BGN/PCGN 1947, ISO 9:1995 and of
passports), and "SMB" for Sarah M. Brown where it signs. What is a word or an eponym is no form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from .text_name_runs import thing_follows
from .text_words import Folded, Word, known, word_list

__all__ = ["Forms", "form_spans", "forms_of", "romanised"]

_CYRILLIC = re.compile("[\u0400-\u04ff]")
# Letters as folded: й is и, ё is е.
_ROMAN = {
    "а": "a", "б": "b", "в": "v|w|ff", "г": "g|h", "д": "d",
    "е": "ye|yo|je|jo|io|ie|e", "ж": "zh|z|j",
    "з": "z|s", "и": "iy|i|y|j|", "к": "k|c", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p",
    "р": "r", "с": "ss|s", "т": "t", "у": "u|ou", "ф": "f|ph", "х": "kh|h|x|ch", "ц": "ts|tz|cz|c",
    "ч": "tch|ch|c", "ш": "sch|sh|s", "щ": "shch|sch|sc|sh|s", "ъ": "'|ʺ|", "ы": "y|i",
    "ь": "'|ʹ|i|y|", "э": "eh|e", "ю": "yu|iu|ju|u", "я": "ya|ia|ja|a", "і": "i", "є": "ye|ie|je|e",
    "ґ": "g",
}  # fmt: skip
_CYRILLIC_END = re.compile("(?:ая|яя|ии|ыи|ои|ия|ья|[аяоеиыьую])$")
_SHORT_ENDINGS = frozenset((
    "а", "у", "е", "ы", "и", "я", "ю", "ом", "ем", "ой", "ои", "ою", "ей", "еи", "ам", "ами"
))  # fmt: skip
_LATIN_ENDINGS = frozenset((
    "s", "es", "n", "en", "ns", "ens", "in", "e", "em", "a", "as", "i", "is", "y", "u", "om",
    "ou", "owi", "ovi", "ova", "ie"
))  # fmt: skip
_STEM_ENDINGS = frozenset((
    "y", "i", "e", "ie", "u", "a", "o", "ej", "iej", "om", "ou", "ego", "emu", "im", "ym",
    "em", "owi"
))  # fmt: skip
_BROKEN = re.compile(r"-[ \t]{0,3}\r?\n[ \t]{0,3}")
_PARTED = re.compile(r" |-|- | -|[ \t]{0,2}\r?\n[ \t]{0,2}")
_SIGNING = re.compile(
    r"(?:\b(?:by|signed|initials?|dictator|radiologist|reader)\s?:?\s{0,2}|/s/\s?)$", re.IGNORECASE
)
# Short for other things on a line of their own.
_VIEWS = frozenset(["AP", "PA", "MR", "CT", "US", "CR", "DR", "DX", "NM", "PT", "MG", "XR", "RA"])
_SIGN = re.compile(r"(?<![\w.\-/])(?:[A-Z]{2,4}|(?:[A-Z]\.\s?){1,3}[A-Z]\.?)(?![\w\-])")


@dataclass(frozen=True, slots=True)
class Forms:
    """Of all names, as ``_plain`` writes them. firm: parts that are no words. any: all parts of
    four letters and more. logins: initials with a part, parts glued. stems: of inflected parts.
    cyrillic: parts to be known in Latin letters. signs: initials of whole names."""

    firm: frozenset[str]
    any: frozenset[str]
    logins: frozenset[str]
    stems: frozenset[str]
    cyrillic: frozenset[str]
    signs: frozenset[str]


def _plain(word: str) -> str:
    """In small letters, without hyphens and apostrophes, an umlaut's second letter left out."""
    low = word.lower().removesuffix("'s").replace("'", "").replace("-", "")
    return low.replace("ae", "a").replace("oe", "o").replace("ue", "u")


def forms_of(people: Iterable[tuple[tuple[str, ...], frozenset[str]]]) -> Forms:
    """people: of each name its parts in the order of the header (the family's first), and those
    of them that are words or too short to stand alone."""
    firm: set[str] = set()
    parts: set[str] = set()
    logins: set[str] = set()
    stems: set[str] = set()
    roman: set[str] = set()
    signs: set[str] = set()
    for name, weak in people:
        for part in name:
            plain = _plain(part)
            if len(plain) > 3:
                parts.add(plain)
            if part in weak or len(plain) < 3:
                continue
            firm.add(plain)
            if _CYRILLIC.search(part):
                stems.add(_CYRILLIC_END.sub("", plain))
                roman.add(plain[:40])
            elif len(plain) > 5 and plain[-1] in "aeioy":
                stems.add(plain[:-1])
        logins.update(_logins([_plain(part) for part in name[:6]], weak))
        letters = "".join(part[0].upper() for part in name[:6])
        if len(letters) > 1:
            signs.update((letters, letters[1:] + letters[0]))
    return Forms(
        frozenset(firm),
        frozenset(parts),
        frozenset(login for login in logins if not known(login, "words", "eponyms")),
        frozenset(stem for stem in stems if len(stem) > 2),
        frozenset(roman),
        frozenset(signs),
    )


def _logins(parts: list[str], weak: frozenset[str]) -> Iterator[str]:
    for at, part in enumerate(parts):
        others = [other for number, other in enumerate(parts) if number != at and other]
        for other in others:
            if len(part) + len(other) > 3:
                yield part + other
            if len(part) > 3:
                yield other[0] + part
                if part not in weak:
                    yield part + other[0]
            if len(part) > 2:
                yield from (other[0] + third[0] + part for third in others if third is not other)


def _romanises(word: str, part: str) -> bool:
    """Whether a word in small Latin letters is a spelling of a Cyrillic part."""
    ends = {0}
    for letter in part:
        spellings = _ROMAN.get(letter, letter).split("|")
        ends = {end + len(each) for end in ends for each in spellings if word.startswith(each, end)}
        if not ends:
            return False
    return len(word) in ends


def romanised(part: str) -> set[str]:
    """The spellings of a Cyrillic part of two letters."""
    choices = [_ROMAN.get(letter, letter).split("|") for letter in part[:2].lower()]
    return {"".join(choice) for choice in product(*choices) if len("".join(choice)) > 1}


def form_spans(folded: Folded, forms: Forms) -> Iterator[tuple[int, int]]:
    """(start, end) in the folded text of what is a form of a name."""
    if not forms.any and not forms.firm and not forms.signs:
        return
    words = folded.words
    for number, word in enumerate(words):
        if _is_form(folded, number, forms):
            yield (
                _from_initial(folded.text, word.start),
                word.start + len(word.text.removesuffix("'s")),
            )
        if forms.cyrillic and _is_roman(word, forms):
            yield word.start, word.end
        if number + 1 < len(words) and _is_parted(folded, word, words[number + 1], forms):
            yield word.start, words[number + 1].end
    yield from _signs(folded, forms)


def _from_initial(text: str, start: int) -> int:
    """The start of "r.johnson", which has its initial before it."""
    before = re.search(r"(?<![\w.])[A-Za-z][._]\Z", text[max(0, start - 3) : start])
    return start - len(before.group()) if before else start


def _is_form(folded: Folded, number: int, forms: Forms) -> bool:
    word = folded.words[number]
    plain = _plain(word.text)
    if len(plain) < 4 or known(word.text, "words", "eponyms") or known(plain, "words"):
        return False
    if plain in forms.logins:
        return True
    if plain in forms.firm:  # the apostrophe is another; else the header's own pattern finds it
        return not thing_follows(folded, number)
    sure = word.capital and not folded.caseless
    cyrillic = _CYRILLIC.search(plain) is not None
    for length in range(4):
        stem, ending = plain[: len(plain) - length], plain[len(plain) - length :]
        if len(stem) < 3:
            break
        if cyrillic:
            long = len(stem) > 4 and word.capital
            if (stem in forms.stems or stem in forms.firm) and (
                long or (sure and len(plain) > 3 and ending in _SHORT_ENDINGS)
            ):
                return True
        elif len(stem) > 4 and (
            (stem in forms.firm and (ending in ("s", "es") or (sure and ending in _LATIN_ENDINGS)))
            or (stem in forms.stems and sure and ending in _STEM_ENDINGS)
        ):
            return not thing_follows(folded, number)
    return False


def _is_roman(word: Word, forms: Forms) -> bool:
    low = word.text.lower()
    return (
        2 < len(low) < 80
        and any(_romanises(low, part) for part in forms.cyrillic)
        and not known(low, "words", "eponyms")
    )


def _is_parted(folded: Folded, word: Word, following: Word, forms: Forms) -> bool:
    """Whether two words are the halves of one part."""
    between = folded.text[word.end : following.start]
    whole = _plain(word.text + following.text)
    if whole not in forms.any or len(between) > 8:
        return False
    if _BROKEN.fullmatch(between):
        return True
    words = all(
        known(each.text, "words") or each.text.lower() in word_list("function")
        for each in (word, following)
    )
    return whole in forms.firm and not words and _PARTED.fullmatch(between) is not None


def _signs(folded: Folded, forms: Forms) -> Iterator[tuple[int, int]]:
    """Initials of a whole name that are alone on the last line, or behind "by"."""
    text = folded.text
    end = len(text.rstrip())
    last = text.rfind("\n", 0, end) + 1
    for found in _SIGN.finditer(text):
        letters = re.sub(r"[^A-Z]", "", found.group())
        if letters not in forms.signs or letters in _VIEWS or known(letters, "words"):
            continue
        alone = found.start() >= last and not re.search(
            r"\w", text[last : found.start()] + text[found.end() : end]
        )
        if (alone and last > 0) or _SIGNING.search(text, max(0, found.start() - 24), found.start()):
            yield found.span()
