"""Placeholders in reports, ours and those of published sets, and captions without them.

OpenI writes ``XXXX``, MIMIC-III ``[**Name**]``, MIMIC-CXR ``___``, we ``[NAME]`` and its like.
"""

from __future__ import annotations

import re
from typing import Literal

__all__ = ["placeholder_ranges", "tidy_placeholders"]

_OURS = "NAME|DATE|ID|PHONE|ADDRESS|INSTITUTION|AGE|EMAIL|URL"
_ANY = (
    r"(?:\[\*\*[^\]\n]{0,80}\*\*\]|(?<![^\W_])_{2,}(?![^\W_])|(?<![^\W_])[Xx]{3,}(?![^\W_])|"
    rf"[\[<(](?:{_OURS}|REDACTED|REMOVED|DEIDENTIFIED|PHI|HOSPITAL|LOCATION|PERSON|PATIENT|"
    rf"DOCTOR|TIME)[\]>)])"
)
_PLACEHOLDER = re.compile(_ANY)
# What is said where something stood: in order, the most particular first.
_P = rf"{_ANY}(?:(?:[\s/.,:-]|\s?and\s){{0,2}}{_ANY}){{0,5}}"
_SWAPS = tuple(
    (re.compile(pattern, re.IGNORECASE), instead)
    for pattern, instead in (
        (rf"(?<![^\W_]){_P}[\s-]{{0,2}}(?:year|yr|y)s?[\s./-]{{0,2}}(?:old|o)\b[,]?\s?", ""),
        (rf"\bDrs\.?\s{{0,2}}{_P}(?:,?\s(?:and|&)\s{_P})?", "the physicians"),
        (rf"\b(?:Dr|Doctor|Prof(?:essor)?)\.?\s{{0,2}}{_P}(?:,?\s(?:M\.?D\.?|"
            rf"Ph\.?D\.?))?", "the physician"),
        (rf"\b(?:Mr|Mrs|Ms|Miss)\.?\s{{0,2}}{_P}", "the patient"),
        (rf"[,;]?\s?(?<![^\W_])(?:MRN|SSN|DOB|accession|medical record|patient ID|ID|pager|"
            rf"beeper|fax|phone|tel|telephone|call|ext)(?:\s(?:number|no|"
            rf"at))?[\s.:#]{{0,3}}{_P}", ""),
        (rf"\b(compar(?:ed|ison)(?:\sis\smade)?\s(?:to|with))\s(?:the\s)?(?:prior\s|"
            rf"previous\s)?{_P}(?=\s?[.,;)]|\s*$|\s(?:there|the|no|with|and)\b)", r"\1 prior"),
        (rf"\b(compar(?:ed|ison)(?:\sis\smade)?\s(?:to|with)\s(?:the\s)?(?:prior|previous|study|"
            rf"exam(?:ination)?|radiographs?|films?|ct)?(?:\s\w+){{0,3}}?)\s(?:from|of|on|"
            rf"dated)\s{_P}", r"\1"),
        (rf"\s(?:on|at|dated?|from|since|by|in|around|of|with|to|"
            rf"per)\s(?:the\s)?{_P}(?:\s(?:hours|hrs|p\.?m\.?|a\.?m\.?)(?!\w))?(?=\s?[.,;)]|"
            rf"\s*$)", ""),
        (rf"\s(?:on|at|dated)\s{_P}(?:\s(?:hours|hrs|p\.?m\.?|a\.?m\.?)(?!\w))?(?=\s(?:on|at|by|"
            rf"and|to|with|for|in|is|was|were|are|which|that)\b)", ""),
        (rf"{_P}'?s?(?=[\s,.;:)\]/-]|$)", ""),
    )
)  # fmt: skip


def placeholder_ranges(text: str) -> list[tuple[int, int]]:
    """(start, end) of the placeholders in a text, in order."""
    if "[" not in text and "_" not in text and "XX" not in text.upper() and "<" not in text:
        return []
    return [found.span() for found in _PLACEHOLDER.finditer(text)]


def tidy_placeholders(text: str, how: Literal["keep", "drop"] = "drop") -> str:
    """The text for a caption. "drop": without placeholders, so that its sentences still read:
    "compared to [DATE]" becomes "compared to prior", "Dr. [NAME]" "the physician", and a
    preposition goes with what it governed. "keep": every placeholder that is not ours as ``[...]``.
    """
    if not placeholder_ranges(text):
        return text
    if how == "keep":
        return _PLACEHOLDER.sub(
            lambda found: found.group() if found.group()[1:-1] in _OURS.split("|") else "[...]",
            text,
        )
    for _ in range(3):  # what stood last uncovers what stood before it
        before = text
        for pattern, instead in _SWAPS[:-1]:
            text = pattern.sub(instead, text)
        if text == before:
            break
    return _mended(_SWAPS[-1][0].sub("", text))


def _mended(text: str) -> str:
    """Blanks, brackets and points as they should stand where something was taken out."""
    text = _PLACEHOLDER.sub("", text)
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
        r"(^|[.!?]\s+|\n)(the physicians?|the patient|[a-z])(?=[\w\s])",
        lambda found: (
            found[1] + found[2][0].upper() + found[2][1:]
            if found[2].startswith("the p")
            else found.group()
        ),
        text,
    )
    return text.strip(" \t")
