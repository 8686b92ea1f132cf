"""A compound figure's caption taken apart: what each panel's letter says, what all panels share.

A panel's text is what stands from its marker to the next ("(A) Title. (B) Title"), before it where
markers follow their words ("larvae (A), pupae (B) and adults (C)"), or its whole sentence where
the marker stands inside ("A side view (c) shows ..."). Sentences without a marker belong to the
panel before, until one speaks of all panels: statistics, scale bars, abbreviations.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .markers import Marker, find_markers, references
from .sentences import sentence_spans

__all__ = ["CaptionPart", "CaptionParts", "split_caption"]

Span = tuple[int, int]

_AND = r"and|or|und|oder|et|ou|y|e|и|和|&|as well as|while|whereas"
_EDGE_AND = r"and|or|und|oder|et|ou|&|as well as|while|whereas"  # not "y", "e": the y axis
_OPENING = re.compile(rf"^(?:[\s,;:.|–—]|(?:{_EDGE_AND})(?=\s))+")
_CLOSING = re.compile(rf"(?:[\s,;:(\[]|(?<=\s)(?:{_EDGE_AND}))+$")
_LONGEST = 20_000  # characters; longer ones are left whole
_CLAUSE_STARTS = re.compile(rf"(?:^|[.;:!?,(]|\b(?:{_AND}))\s*$", re.I)
_CLAUSE_ENDS = re.compile(rf"\s*(?:$|[.;:,)]|(?:{_AND})\b)", re.I)
_SHARED = re.compile(  # a sentence after the last marker that opens so speaks of all panels
    "^(?:"
    + "|".join(
        (
            r"scale ?bars?|bars?\b(?=\s?[:=,])|error bars?\b(?! ?\()|boxe?s|whiskers|points?\b",
            r"(?:all |the )?(?:data|values|results)\b|means? ±|statistical|significance",
            r"all (?:scale|images|panels|samples|experiments)|for all|in all|in each panel",
            r"(?:the )?asterisks?|[*†‡#§∗]|[np] ?[=<>]",
            r"(?:different )?(?:lower-?case |small )?letters",
            r"abbreviations?|(?:original )?magnification|reproduced|adapted|source|credit",
            r"skala|maßstab|barre|échelle",
            r"(?-i:(?=\w*[A-Z]\w*[A-Z])[\w./-]{2,12},? ?"  # "SEM: scanning ...", "CI = ..."
            r"(?:[=:]|indicates?|denotes?|represents|means|stands))",
            r"(?-i:[A-Z][\w-]* ?= )",
        )
    )
    + ")",
    re.I,
)


@dataclass(frozen=True, slots=True)
class CaptionPart:
    """What a caption says of one panel.

    label: as printed ("A", "b", "iii"), or a place in English ("left", "top right"). spans:
    (start, end) in the caption, in order; the marker itself is outside. text: of the spans.
    """

    label: str
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class CaptionParts:
    """lead, tail: sentences before and after the panels, which speak of all of them."""

    lead: str = ""
    parts: tuple[CaptionPart, ...] = ()
    tail: str = ""


def split_caption(caption: str) -> CaptionParts:
    """The parts of a caption, in the order of their labels; all of it is lead if there are none.

    A range, "(B-D)", gives its text to each of its labels.
    """
    markers = find_markers(caption) if len(caption) <= _LONGEST else ()
    if not markers:
        return CaptionParts(lead=caption.strip())
    spans: dict[str, list[Span]] = {label: [] for marker in markers for label in marker.labels}
    stretches = list(_stretches(caption, markers))
    for labels, span in _assigned(caption, stretches):
        for label in labels:
            spans[label].append(span)
    found = {label: _without_edges(caption, _merged(caption, of)) for label, of in spans.items()}
    if not all(found.values()):
        return CaptionParts(lead=caption.strip())
    first = min(at for of in found.values() for at, _ in of)
    last = max(end for of in found.values() for _, end in of)
    parts = tuple(CaptionPart(label, _text(caption, of), tuple(of)) for label, of in found.items())
    lead = _CLOSING.sub("", caption[: min(first, markers[0].start)])
    return CaptionParts(
        lead.strip(), parts, _OPENING.sub("", caption[max(last, markers[-1].end) :])
    )


def _stretches(caption: str, markers: Sequence[Marker]) -> Iterator[tuple[Span, list[Marker]]]:
    """Sentences with the markers in them; one whose markers stand apart by ";" is several."""
    for start, end in sentence_spans(caption, [marker.start for marker in markers if marker.opens]):
        inside = [marker for marker in markers if start <= marker.start < end]
        cuts = []
        for before, after in itertools.pairwise(inside):
            semicolon = caption.find("; ", before.end + 1, after.start - 2)
            if semicolon > 0 and caption[semicolon + 1 : after.start].strip() != "":
                cuts.append(semicolon + 1)
        for left, right in zip([start, *cuts], [*cuts, end], strict=True):
            yield (left, right), [marker for marker in inside if left <= marker.start < right]


def _assigned(
    caption: str, stretches: Sequence[tuple[Span, list[Marker]]]
) -> Iterator[tuple[tuple[str, ...], Span]]:
    """(labels, span) for every stretch of text that belongs to panels."""
    owners: tuple[str, ...] = ()  # of a sentence that has no marker
    several = False
    last_start = max(markers[-1].start for _, markers in stretches if markers)
    for (start, end), markers in stretches:
        if not markers:
            named = references(caption[start:end])
            after_all = start > last_start
            ours = bool(named) and named <= set(owners)
            if after_all and not ours and (several or _SHARED.match(caption[start:end].strip())):
                owners = ()
            if owners:
                yield owners, (start, end)
        elif len(markers) == 1:
            yield from _single(caption, start, end, markers[0])
            owners, several = markers[0].labels, False
        else:
            yield from _several(caption, start, end, markers)
            owners, several = markers[-1].labels, True


def _single(
    caption: str, start: int, end: int, marker: Marker
) -> Iterator[tuple[tuple[str, ...], Span]]:
    """The sentence of one marker: what follows a marker that opens it, else all of it."""
    before = caption[start : marker.start].strip()
    opens = marker.opens or not before or before[-1] in ":;"
    follows = _CLAUSE_ENDS.match(caption, marker.end, end) is None
    if opens and (follows or not before):
        yield marker.labels, (marker.end, end)
    else:
        yield marker.labels, (start, marker.start)
        yield marker.labels, (marker.end, end)


def _several(
    caption: str, start: int, end: int, markers: Sequence[Marker]
) -> Iterator[tuple[tuple[str, ...], Span]]:
    """A sentence of many markers, each before or after its words: the words between tell which."""
    gaps = [(a.end, b.start) for a, b in itertools.pairwise(markers)]
    first_opens = markers[0].opens or bool(
        re.search(r"(?:^|[:;])\s*$", caption[start : markers[0].start])
    )
    last_closes = not re.sub(r"[\W_]+", "", caption[markers[-1].end : end])
    if first_opens and last_closes:
        yield from _mixed(caption, markers, gaps)
        return
    votes = 0
    for left, right in gaps:
        ends, starts = caption[left:right], caption[:right]
        votes += bool(_CLAUSE_STARTS.search(starts, left)) - bool(_CLAUSE_ENDS.match(ends))
    before = first_opens or (votes > 0 or (votes == 0 and not last_closes))
    if before and not last_closes:
        for marker, right in zip(markers, [*(gap[1] for gap in gaps), end], strict=True):
            yield marker.labels, (marker.end, _before_a_heading(caption, marker.end, right))
    else:
        for marker, left in zip(markers, [start, *(gap[0] for gap in gaps)], strict=True):
            yield marker.labels, (left, marker.start)


def _mixed(
    caption: str, markers: Sequence[Marker], gaps: Sequence[Span]
) -> Iterator[tuple[tuple[str, ...], Span]]:
    """ "(a) One and two (b) and three (c)": the first gap holds the words of two panels."""
    left, right = gaps[0]
    cut = [m.end() for m in re.finditer(rf";|,? (?:{_AND})(?= )|,(?= )", caption[left:right])]
    if not cut:
        return
    yield markers[0].labels, (left, left + cut[-1])
    yield markers[1].labels, (left + cut[-1], right)
    for marker, (start, end) in zip(markers[2:], gaps[1:], strict=True):
        yield marker.labels, (start, end)


def _before_a_heading(caption: str, start: int, end: int) -> int:
    """Where "; and two more:" begins, which leads to the markers after it; else the end."""
    text = caption[start:end].rstrip()
    at = max(text.rfind("; "), text.rfind(". "))
    return start + at if text.endswith(":") and at > 0 else end


def _merged(caption: str, spans: Sequence[Span]) -> list[Span]:
    """Neighbouring spans as one."""
    merged: list[Span] = []
    for start, end in spans:
        if merged and not caption[merged[-1][1] : start].strip():
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def _without_edges(caption: str, spans: Sequence[Span]) -> list[Span]:
    """Without conjunctions and punctuation at the two ends; () where nothing is left."""
    kept = [span for span in spans if re.search(r"\w", caption[span[0] : span[1]])]
    if not kept:
        return []
    start, end = kept[0]
    opening = _OPENING.match(caption[start:end])
    kept[0] = (start + (opening.end() if opening else 0), end)
    start, end = kept[-1]
    closing = _CLOSING.search(caption[start:end])
    kept[-1] = (start, start + closing.start() if closing else end)
    return [span for span in kept if re.search(r"\w", caption[span[0] : span[1]])]


def _text(caption: str, spans: Sequence[Span]) -> str:
    return " ".join(" ".join(caption[start:end].split()) for start, end in spans)
