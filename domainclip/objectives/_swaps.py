"""Rule-made hard negatives: a text that differs in one word and is no longer of the image.

A rule is a group of words of which only one can be true (left, right). Two of them change places
all through a text; "left and right" says the same both ways round, so nothing is made of it.
``negation`` takes a "no" away or puts one in. Capitals are kept; sensors keep their own spelling.
A rule knows words, not what they mean: "left" of "the patient left" is swapped as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import combinations, pairwise

__all__ = ["GROUPS", "RULES", "swapped"]

GROUPS: dict[str, tuple[tuple[str, ...], ...]] = {
    "laterality": (
        ("left", "right"), ("left-sided", "right-sided"), ("unilateral", "bilateral"),
    ),
    "severity": (
        ("mild", "moderate", "severe"), ("mildly", "moderately", "severely"), ("small", "large"),
        ("acute", "chronic"), ("benign", "malignant"), ("normal", "abnormal"), ("dense", "sparse"),
    ),
    "count": (
        ("one", "two", "three", "four", "five"), ("single", "multiple"), ("few", "many"),
        ("solitary", "numerous"),
    ),
    "place": (
        ("upper", "lower"), ("anterior", "posterior"), ("superior", "inferior"),
        ("medial", "lateral"), ("proximal", "distal"), ("apical", "basal"),
        ("north", "south", "east", "west"), ("northern", "southern", "eastern", "western"),
        ("above", "below"), ("top", "bottom"),
    ),
    "change": (
        ("increase", "decrease"), ("increases", "decreases"), ("increased", "decreased"),
        ("increasing", "decreasing"), ("improved", "worsened"), ("improving", "worsening"),
        ("before", "after"), ("higher than", "lower than"),
    ),
    "sensor": (
        ("Sentinel-1", "Sentinel-2", "Landsat", "MODIS"), ("optical", "radar", "thermal"),
        ("CT", "MRI", "ultrasound"), ("T1-weighted", "T2-weighted"),
        ("axial", "coronal", "sagittal"), ("frontal", "lateral"), ("satellite", "drone"),
    ),
    "season": (
        ("spring", "summer", "autumn", "winter"), ("dry season", "wet season"),
        ("January", "April", "July", "October"), ("day", "night"),
    ),
    "colour": (
        ("red", "green", "blue", "yellow", "white", "black", "brown", "grey", "orange", "purple"),
        ("dark", "bright"),
    ),
}  # fmt: skip
_NEGATION = "negation"
RULES = (*GROUPS, _NEGATION)
_JOINED = {"and", "or", "and/or", "to", "/", ",", "-", "and the", "or the"}

_TAKEN_AWAY = (
    (re.compile(r"\b(there (?:is|are)|shows?|showing|reveals?|demonstrates?|with|has|have) no\b",
                re.I), r"\1"),
    (re.compile(r"\bno (?=\w)", re.I), ""),
    (re.compile(r"\b(is|are|was|were) not\b", re.I), r"\1"),
    (re.compile(r"\bwithout\b", re.I), "with"),
)  # fmt: skip
_PUT_IN = (
    (re.compile(r"\b(there (?:is|are)|shows?|showing|reveals?|demonstrates?)"
                r" (?:an? |the |some )?(?!no\b|not\b)(?=\w)", re.I), r"\1 no "),
    (re.compile(r"\bwith (?:an? |some )?(?!no\b)(?=\w)", re.I), "without "),
)  # fmt: skip


@lru_cache(maxsize=100_000)
def swapped(text: str, count: int = 1, rules: tuple[str, ...] = RULES) -> tuple[str, ...]:
    """At most ``count`` hard negatives of a text, none where no rule finds a word.

    Which ones of all that the rules make is drawn by the hash of the text, so it is the same in
    every epoch, on every rank and machine; one of each group comes before a second of any. rules:
    of ``RULES``.
    """

    def drawn(made: str) -> bytes:
        return blake2b(f"{text}\0{made}".encode()).digest()

    ranked = [
        (number, drawn(made), made)
        for group in _all(text, rules)
        for number, made in enumerate(sorted({_in_case(text, each) for each in group}, key=drawn))
        if made != text
    ]
    return tuple(dict.fromkeys(made for *_, made in sorted(ranked)))[:count]


def _all(text: str, rules: tuple[str, ...]) -> Iterator[Iterable[str]]:
    """What each group of words makes."""
    for rule in rules:
        if rule == _NEGATION:
            yield _negated(text)
            continue
        for group in GROUPS[rule]:
            if _found(group).search(text):
                yield (made for two in combinations(group, 2) for made in _exchanged(text, two))


def _exchanged(text: str, two: tuple[str, str]) -> Iterator[str]:
    """The text with two words in each other's place, where it has one of them."""
    found = list(_found(two).finditer(text))
    for one, next_one in pairwise(found):
        between = text[one.end() : next_one.start()].strip().lower()
        if between in _JOINED and one[0].lower() != next_one[0].lower():
            return
    if found:
        yield _found(two).sub(lambda each: _other(each[0], two), text)


def _other(found: str, two: tuple[str, str]) -> str:
    """The other one of two words, in the capitals of what was found."""
    at = [word.lower() for word in two].index(found.lower())
    new = two[1 - at]
    if not all(word.islower() for word in two):
        return new
    if found.isupper():
        return new.upper()
    return new.capitalize() if found[0].isupper() else new


def _negated(text: str) -> Iterator[str]:
    for pattern, new in _TAKEN_AWAY:
        if pattern.search(text):
            yield pattern.sub(new, text, count=1)
            return
    for pattern, new in _PUT_IN:
        if pattern.search(text):
            yield pattern.sub(new, text, count=1)


def _in_case(text: str, new: str) -> str:
    """Begun with a capital where the text was."""
    return new[:1].upper() + new[1:] if text[:1].isupper() else new


@cache
def _found(words: tuple[str, ...]) -> re.Pattern[str]:
    inside = "|".join(re.escape(word) for word in words)
    # left-sided is a word of its own, and so is what ends on one after a hyphen
    return re.compile(rf"(?<![\w-])(?:{inside})(?!\w|-sided)", re.I)
