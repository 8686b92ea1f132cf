"""Placeholders in reports, ours and those of published sets, and captions without them.

OpenI writes ``XXXX``, MIMIC-III ``[**Name**]``, MIMIC-CXR ``___``, we ``[NAME]`` and its like.
"""

from __future__ import annotations

import re
from typing import Literal

from .text_words import word_list

__all__ = ["placeholder_ranges", "tidy_placeholders"]

_OURS = "NAME|DATE|ID|PHONE|ADDRESS|INSTITUTION|AGE|EMAIL|URL"
_ANY = (
    r"(?:\[\*\*[^\]\n]{0,80}\*\*\]|(?<![^\W_])_{2,}(?![^\W_])|(?<![^\W_])[Xx]{3,}(?![^\W_])|"
    rf"[\[<(](?:{_OURS}|REDACTED|REMOVED|DEIDENTIFIED|PHI|HOSPITAL|LOCATION|PERSON|PATIENT|"
    rf"DOCTOR|TIME)[\]>)])"
)
_PLACEHOLDER = re.compile(_ANY)
# One or several in a row, "XXXX-a-XXXX" too.
_P = rf"(?:{_ANY}(?:(?:[\s/.,:-]|\s?and\s|-\w{{1,2}}-){{0,2}}{_ANY}){{0,5}})"
_DEGREE = r"(?:,?\s(?:M\.?D|D\.?O|R\.?N|Ph\.?D)\b\.?)?"
_HOURS = r"(?:\s(?:hours|hrs|[ap]\.?m\.?)(?!\w))?"
_VERB = r"(?:has|had|is|was|presents|presented|came|underwent|tolerated|denies|reports)"
# What is said where something stood: in order, the most particular first.
_SWAPS = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (rf"(?<![^\W_]){_P}[\s-]{{0,2}}(?:year|yr|y)s?[\s./-]{{0,2}}(?:old|o)\b,?\s?", ""),
        (rf"\bx-{_ANY}", "x-ray"),
        (rf"\bDrs\.?\s{{0,2}}{_P}(?:,?\s(?:and|&)\s{_P})?", "the physicians"),
        (rf"\b(?:Dr|Doctor|Prof(?:essor)?)\.?\s{{0,2}}{_P}{_DEGREE}", "the physician"),
        (rf"\b(?:Mr|Mrs|Ms|Miss)\.?\s{{0,2}}(?!\[DATE|\[ID){_P}", "the patient"),
        (rf"\[NAME\](?=\s{_VERB}\b)", "the patient"),
        # OpenI masked words of the language too.
        (rf"\bare\sno\s{_P}(?=\s(?:of|to\ssuggest|for)\b)", "is no evidence"),
        (rf"\bno\s{_P}(?=\s(?:of|to\ssuggest|for)\b)", "no evidence"),
        (rf"\b(is|are|remains?)\sin\s{_P}(?=\s?[.,;]|\s(?:with|and)\b|\s*$)", r"\1 in place"),
        (
            rf"[,;]?\s?(?<![^\W_])(?:MRN|SSN|DOB|accession|medical record|patient ID|ID|pager|"
            rf"beeper|fax|phone|tel|telephone|call|ext)(?:\s(?:number|no|at))?[\s.:#]{{0,3}}{_P}",
            "",
        ),
        (rf"(?:^|(?<=[.\n])\s?)[A-Za-z ]{{3,30}}:\s*{_P}\s*(?:[.;,]|$)", ""),
        (
            rf"\b(compar(?:ed|ison)(?:\sis\smade)?\s(?:to|with))\s(?:the\s)?(?:prior\s|previous\s)?"
            rf"{_P}(?=\s?[.,;)]|\s*$|\s(?:there|the|no|with|and)\b)",
            r"\1 prior",
        ),
        (
            rf"\b(compar(?:ed|ison)(?:\sis\smade)?\s(?:to|with)\s(?:\w+\s){{1,4}}?\w+)\s"
            rf"(?:from|of|on|dated)\s{_P}",
            r"\1",
        ),
        (
            rf"\s(?:on|at|dated?|from|since|by|in|around|of|with|to|per)\s(?:the\s)?{_P}{_DEGREE}"
            rf"{_HOURS}(?=\s?[.,;)]|\s*$)",
            "",
        ),
        (
            rf"\s(?:on|at|dated|by|in|from)\s{_P}{_DEGREE}{_HOURS}"
            r"(?=\s(?:on|at|by|and|to|with|for|in|is|was|were|are|which|that)\b)",
            "",
        ),
        (rf"\b(a)\s{_P}\s(?=[aeio])", r"\1n "),
    )
)
_LEFT = re.compile(rf"{_P}(?:'s)?")
_SENTENCE = re.compile(
    rf"(?:^|(?<=\n)|(?<!\bDr\.\s)(?<!\bDrs\.\s)(?<!\bMr\.\s)(?<!\bMrs\.\s)(?<!\bMs\.\s)(?<!\bProf\.\s)"
    rf"(?<=[.!?]\s))(?={_P})"
)
# "Dictated by: [NAME] MD" behind a sentence
_SIGNED = re.compile(
    rf"\b(?:(?:electronically|digitally)\s)?(?:dictated|signed|read|reported|approved|verified|"
    rf"transcribed|reviewed|interpreted|authenticated)(?:\sby)?\s?:\s{{0,2}}{_P}{_DEGREE}\s?[.;]?",
    re.IGNORECASE,
)
_TERM = re.compile(r"[^\W_]+(?:\.[^\W\d_]+)*")
_START = "\x00"  # of a sentence whose first word was a placeholder


def placeholder_ranges(text: str) -> list[tuple[int, int]]:
    """(start, end) of the placeholders in a text, in order."""
    if "[" not in text and "_" not in text and "XX" not in text.upper() and "<" not in text:
        return []
    return [found.span() for found in _PLACEHOLDER.finditer(text)]


def tidy_placeholders(text: str, how: Literal["keep", "drop"] = "drop") -> str:
    """The text for a caption. "drop": without placeholders, so that its sentences still read:
    "compared to [DATE]" becomes "compared to prior", "Dr. [NAME]" "the physician", and a
    preposition goes with what it governed; what would be titles, degrees and names of fields alone
    (a signature) goes, a whole text of these gives "". "keep": every placeholder that is not
    ours as ``[...]``.
    """
    if not placeholder_ranges(text):
        return "" if how == "drop" and _remains(text) else text
    if how == "keep":
        return _PLACEHOLDER.sub(
            lambda found: found.group() if found.group()[1:-1] in _OURS.split("|") else "[...]",
            text,
        )
    lines = text.split("\n")
    text = "\n".join(line for line in lines if not (placeholder_ranges(line) and _remains(line)))
    text = _SIGNED.sub("", text)
    text = _SENTENCE.sub(_START, text.replace(_START, ""))
    for _ in range(3):  # what stood last uncovers what stood before it
        before = text
        for pattern, instead in _SWAPS:
            text = pattern.sub(instead, text)
        if text == before:
            break
    tidy = _mended(_LEFT.sub("", text))
    return "" if _remains(tidy) else tidy


def _remains(text: str) -> bool:
    """Whether a text has nothing but titles, degrees and names of fields, placeholders aside. Of a
    text without letters or digits that is not so: it says no less than before."""
    listed = word_list("remains")
    if len(text) > 400:
        return False
    words = _TERM.findall(_PLACEHOLDER.sub(" ", text))
    return (bool(words) or _PLACEHOLDER.search(text) is not None) and all(
        word.lower() in listed or (len(word) == 1 and word.isalpha() and len(words) > 1)
        for word in words
    )


def _mended(text: str) -> str:
    """Blanks, brackets and points as they should stand where something was taken out."""
    for pattern, instead in (
        (r"\(\s*[,;:/-]*\s*\)", ""),
        (r"[ \t]{2,}", " "),
        (r"[ \t]+(?=[.,;:)\]])", ""),
        (r"([(\[])\s+", r"\1"),
        (r"(?<=[,;:]),|,(?=[.;:])", ""),
        (r"(?:(?<=^)|(?<=\n))[ \t]*[.,;:/-]+[ \t]*(?=[A-Z\n]|$)", ""),
        (r"(?<=\w)\s?[-/](?=[.,;\s]|$)(?!\s?\w+-)", ""),
        (r"\.\s*\.(?!\.)", "."),
    ):
        text = re.sub(pattern, instead, text)
    text = re.sub(
        rf"{_START}[\s.,;:/-]*(\w?)|((?:^|[.!?]\s+|\n))(t)(?=he p(?:atient|hysician))",
        lambda found: found[1].upper() if found[3] is None else f"{found[2]}T",
        text,
    )
    return text.strip(" \t")
