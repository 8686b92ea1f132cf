"""Which of the places of a text that look like headings are headings.

What tells a heading from the same words in a sentence: a colon, dash, period or line end behind it;
a place where a sentence could begin; letters that differ from the text around it ("loud": capitals
in mixed text); that it is listed and not merely alike; the word before it. Each rule below weighs
these; none looks at what the section says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .headings import SECTION_NAMES, Headings, Match, heading_key

__all__ = ["CORE", "Place", "is_heading", "quiet_style"]

# the names that no other text in a report is likely to begin with
CORE = frozenset(SECTION_NAMES) - {"examination", "history", "recommendation"}
# headings only before a colon: sentences begin so
_VERBS = ("compare", "recommended", "recommend ", "other")


@dataclass(frozen=True, slots=True)
class Place:
    """A heading in a text. start: of its line's marks or of its first word. phrase: where its first
    word begins. end: where the text below it begins. at: what it stands at the start of. mark: what
    follows it. loud: 2 its letters set it apart, 1 a capital first letter does, 0 nothing does.
    before: the word before it where it may belong to a sentence. opens: a sentence follows."""

    start: int
    phrase: int
    end: int
    heading: str
    match: Match
    at: Literal["line", "sentence", "inside"]
    mark: Literal["colon", "dash", "period", "line", "none"]
    loud: int
    before: str = ""
    opens: bool = False


def quiet_style(found: Sequence[Place]) -> bool:
    """Whether the report writes its headings in the letters of its text: as many of those that
    stand where one must be one (start of a sentence, a colon) are so as are not."""
    sure = [
        place.loud == 0
        for place in found
        if place.mark in ("colon", "line")
        and place.at != "inside"
        and place.match.labels[0] in CORE
    ]
    return any(sure) and 2 * sum(sure) >= len(sure)


def is_heading(place: Place, flat: bool, headings: Headings) -> bool:
    labels, misspelt = place.match.labels, place.match.misspelt
    key = heading_key(place.heading)
    named = labels[0] in SECTION_NAMES
    strong = len(key) >= 7
    if labels == ("signature",):
        return place.mark == "colon" or place.loud > 0 or flat
    if place.mark == "colon":
        if place.at != "inside":
            return named or place.at == "line"
        if not named and not (labels == ("other",) and place.loud == 2):
            return False
        if key.startswith(_VERBS):  # "AP chest compared to ___:"
            return False
        if place.loud == 2:
            return strong and not (
                place.before.isupper() and place.before.lower() in headings.prose
            )
        if heading_key(place.before) in headings.prose or not strong:
            return False
        return place.loud == 1 or flat or (place.opens and labels[0] in CORE)
    if key.startswith(_VERBS) or not (named or (labels == ("other",) and place.loud)):
        return False
    if place.mark == "line":
        return place.at == "line" and (place.loud > 0 or not misspelt or flat or place.opens)
    if place.mark == "dash":
        return strong and not misspelt if place.loud < 2 else strong or not misspelt
    if place.mark == "period":
        if place.loud < 2 and place.at != "line":
            return False
        return (
            strong
            and labels[0] in (*CORE, "history")
            and (place.loud > 0 and not place.match.qualified)
        )
    return True
