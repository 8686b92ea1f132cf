"""Reports without what tells who they speak of: each such piece becomes a typed placeholder.

``[NAME] [DATE] [ID] [PHONE] [ADDRESS] [INSTITUTION] [AGE] [EMAIL] [URL]`` stand for what headers
name (``text_headers``), and for what gives itself away: people by titles and cues
(``text_names``), dates (``text_dates``), hospitals (``text_places``), addresses
(``text_addresses``), numbers, mail and ages over 89 (``text_rules``). All else stays, letter for
letter. Placeholders that a text brings along (``text_placeholders``) stay as they are. Nothing is
promised of a name that no header gives and no sign announces.
"""

from __future__ import annotations

import datetime
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..records import Identifier
from .text_addresses import address_spans
from .text_dates import date_spans
from .text_headers import header_spans
from .text_names import name_spans
from .text_placeholders import placeholder_ranges, tidy_placeholders
from .text_places import place_spans
from .text_rules import rule_spans
from .text_words import Span, fold

__all__ = ["Scrubbed", "scrub", "tidy_placeholders"]

_LONGEST = 1_000_000
_INITIAL = re.compile(r"\s(?:[^\W\d_]\.?\s){1,2}")
_JOINED = {
    "NAME": (" ", ", ", ",", "-", "^", "  ", "_", "="),
    "DATE": (" ", " at ", " @ ", ", at ", " um ", "-", "T"),
    "ADDRESS": (" ", ", ", ",", "\n", ",\n"),
    "INSTITUTION": (" ", "-", " - ", " of ", " at ", ", "),
    "ID": (), "PHONE": (), "AGE": (), "EMAIL": (), "URL": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """text: with placeholders. removed: (kind, start, end) of each piece in the text before, in
    order, none touching another."""

    text: str
    removed: tuple[tuple[str, int, int], ...]


def scrub(
    text: str,
    identifiers: Sequence[Identifier] = (),
    *,
    shift_date: Callable[[str], str] | None = None,
) -> Scrubbed:
    """The text with placeholders for all that identifies somebody.

    identifiers: what the headers of the study say. shift_date: from a day as ``YYYYMMDD`` to
    another; a date whose day is beyond doubt is then written, shifted, as ``YYYY-MM-DD`` instead
    of ``[DATE]``, its time left out. Of a text beyond a million characters the rest is left out.
    """
    folded = fold(text[:_LONGEST])
    theirs = placeholder_ranges(folded.original)
    days: dict[int, datetime.date] = {}
    spans: list[Span] = []
    for each in date_spans(folded):
        spans.append(each.span)
        if each.date is not None:
            days[each.span.start] = each.date
    for rule in (rule_spans, address_spans, place_spans, name_spans):
        spans.extend(rule(folded))
    spans = [span for span in spans if not _inside(span, theirs)]
    spans.extend(header_spans(folded, identifiers))
    removed = _merged(spans, folded.original)
    pieces: list[str] = []
    done = 0
    for span in removed:
        pieces.append(folded.original[done : span.start])
        day = next((days[p] for p in (span.start,) if p in days), None)
        pieces.append(_instead(span, day, shift_date))
        done = span.end
    pieces.append(folded.original[done:])
    return Scrubbed("".join(pieces), tuple((span.kind, span.start, span.end) for span in removed))


def _instead(span: Span, day: datetime.date | None, shift_date: Callable[[str], str] | None) -> str:
    if span.kind == "DATE" and day is not None and shift_date is not None:
        shifted = shift_date(f"{day:%Y%m%d}")
        if len(shifted) >= 8 and shifted[:8].isdecimal():
            return f"{shifted[:4]}-{shifted[4:6]}-{shifted[6:8]}"
    return f"[{span.kind}]"


def _is_initial(text: str, last: Span, joint: str) -> bool:
    """Whether there is an initial, or its point, between a name and the next."""
    if last.kind != "NAME":
        return False
    ends_in_one = not text[max(0, last.end - 2) : last.end - 1].isalpha()
    return (joint in (".", ". ") and ends_in_one) or _INITIAL.fullmatch(joint) is not None


def _inside(span: Span, ranges: Sequence[tuple[int, int]]) -> bool:
    place = bisect_right(ranges, (span.end - 1, len(ranges) + span.end)) - 1
    return place >= 0 and ranges[place][1] > span.start


def _merged(spans: Iterable[Span], text: str) -> list[Span]:
    """The spans in order; those that overlap become one of the longest one's kind, those of one
    kind with no more than a joint between become one."""
    merged: list[Span] = []
    longest = 0
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if span.start >= span.end:
            continue
        if not merged:
            merged.append(span)
            longest = span.end - span.start
            continue
        last = merged[-1]
        joint = text[last.end : span.start]
        if span.start < last.end:
            length = span.end - span.start
            kind = span.kind if length > longest else last.kind
            longest = max(longest, length)
            merged[-1] = Span(kind, last.start, max(last.end, span.end))
        elif span.kind == last.kind and (
            joint in ("", *_JOINED[span.kind]) or _is_initial(text, last, joint)
        ):
            merged[-1] = Span(last.kind, last.start, span.end)
            longest = span.end - last.start
        else:
            merged.append(span)
            longest = span.end - span.start
    return merged
