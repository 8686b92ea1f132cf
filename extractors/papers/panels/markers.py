"""Where a caption names its panels: (A), (b–d), A., "a Title", (ii), (left), in reading order.

A marker counts if it continues the sequence: the first is A, and each next one starts where the
one before ended. So "as in (A)" after (B) is a reference and no start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

__all__ = ["Marker", "find_markers", "is_reference", "references"]


@dataclass(frozen=True, slots=True)
class Marker:
    """labels: that it stands for, in order ("B", "C", "D" for "(B-D)"). opens: always before its
    text, as "A:" is; where "(A)" may also follow it."""

    start: int
    end: int
    labels: tuple[str, ...]
    opens: bool = False


_DASH_SIGN, _DASH_WORD = r"[-‐‑‒–—−~～]", r"to|through|bis"
_AND_SIGN, _AND_WORD = r"[,;&/和]", r"and|or|und|oder|et|ou|y|e|и"
_DASH, _AND = f"{_DASH_SIGN}|{_DASH_WORD}", f"{_AND_SIGN}|{_AND_WORD}"
_LETTER = r"[A-Za-z]"
_ROMAN = r"(?:x{0,1}(?:ix|iv|v?i{1,3}|v)|x)"
_POSITION_WORDS = {
    "left": "left links gauche izquierda sinistra слева",
    "right": "right rechts droite derecha destra справа",
    "top": "top upper oben haut arriba superior",
    "bottom": "bottom lower unten bas abajo inferior",
    "middle": "middle center centre central mitte milieu centro",
}
_POSITION = {word: name for name, words in _POSITION_WORDS.items() for word in words.split()}
_PLACE = "|".join(sorted(_POSITION, key=len, reverse=True))
_PLACES = rf"(?:{_PLACE})(?:[ -](?:{_PLACE}))?"
_NOUN = r"(?:\s+(?:panels?|rows?|columns?|side|plots?|images?|figures?|half|part))?"
_LAYOUTS = (
    ("left", "right"),
    ("left", "middle", "right"),
    ("top", "bottom"),
    ("top", "middle", "bottom"),
    ("top left", "top right", "bottom left", "bottom right"),
)


def _listed(item: str) -> str:
    """A list of labels: "a", "a-c", "a, c and d"."""
    sign = rf"\s{{0,2}}(?:{_DASH_SIGN}|{_AND_SIGN})\s{{0,2}}(?:and\s)?"
    word = rf"\s{{1,2}}(?:{_DASH_WORD}|{_AND_WORD})\s{{1,2}}"
    return rf"{item}(?:(?:{sign}|{word}){item}){{0,12}}"


def _bracketed(item: str) -> re.Pattern[str]:
    aside = r"(?:\s*[,:;]\s*[^()\[\]]{1,40}?)?"  # (a, green)
    return re.compile(rf"[(\[（]\s*(?:panels?\s+)?({_listed(item)}){aside}\s*[)\]）]")


_START = r"(?:^|(?<=[.;:!?。；])|(?<=[.;:!?)] ))\s*"
_LETTERED: tuple[tuple[re.Pattern[str], bool], ...] = (
    (_bracketed(_LETTER), False),
    (re.compile(rf"(?<![\w(\[])({_listed(_LETTER)})\)"), True),
    (re.compile(rf"(?<![\w.°])({_listed(_LETTER)})\s?[:|](?=\s)"), True),
    (re.compile(rf"{_START}({_listed(_LETTER)})\s?[.,](?=\s)"), True),
    (re.compile(rf"{_START}({_listed(_LETTER)})(?=\s+[A-Z0-9ÄÖÜÉА-Я])"), True),
)
_ROMANS: tuple[tuple[re.Pattern[str], bool], ...] = (
    (_bracketed(_ROMAN), False),
    (re.compile(rf"(?<![\w(])({_listed(_ROMAN)})\)"), True),
)
_UPPER = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_LOWER = tuple("abcdefghijklmnopqrstuvwxyz")
_ROMAN_ORDER = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
_MOST_MARKERS, _MOST_STARTS = 400, 8  # looked at in a caption
_PLACED: tuple[tuple[re.Pattern[str], bool], ...] = (
    (re.compile(rf"[(\[]\s*({_PLACES}){_NOUN}\s*[)\]]", re.I), False),
    (re.compile(rf"{_START}\(?({_PLACES}){_NOUN}\s?[:,](?=\s)|"
                rf"(?<=, )({_PLACES}){_NOUN}\s?:(?=\s)|"
                rf"\b(?:On|In) the ({_PLACES}){_NOUN},(?=\s)", re.I), True),
)  # fmt: skip
_REFERRING = re.compile(
    r"(?:\b(?:as|in|from|of|see|to|than|for|by|with|panels?|figs?\.?|figures?|and|or|zu|aus|en|de|"
    r"dans|siehe|wie)|[=<>/])\s*$",
    re.I,
)


def find_markers(caption: str) -> tuple[Marker, ...]:
    """The markers that start panels, in order; () where a caption names fewer than two.

    Of letters in both cases the outer ones count, "(A) ... (a-c) ...; (B) ...": they come first.
    """
    best: tuple[Marker, ...] = ()
    for family in _families(caption):
        outer = best and family and family[0].start < best[0].start and _alike(family, best)
        inner = best and family and family[0].start > best[0].start and _alike(family, best)
        if outer or (not inner and _weight(caption, family) > _weight(caption, best)):
            best = family
    return best


def _alike(one: Sequence[Marker], other: Sequence[Marker]) -> bool:
    """Whether two sequences of two or more labels are written alike but for their case."""
    return one[0].opens == other[0].opens and min(len(one), len(other)) > 1


def is_reference(caption: str, marker: Marker) -> bool:
    """Whether the words before speak of a panel rather than start it: "as shown in (B)"."""
    return bool(_REFERRING.search(caption[max(0, marker.start - 12) : marker.start]))


def references(text: str) -> set[str]:
    """Labels that a stretch of text names in brackets."""
    found: set[str] = set()
    for match in _LETTERED[0][0].finditer(text):
        found.update(_labels(match[1], _UPPER) or _labels(match[1], _LOWER))
    return found


def _weight(caption: str, family: Sequence[Marker]) -> tuple[int, int, int]:
    labels = sum(len(marker.labels) for marker in family)
    clear = sum(not is_reference(caption, marker) for marker in family)
    return (labels, len(family), clear) if labels > 1 else (0, 0, 0)


def _families(caption: str) -> Iterator[tuple[Marker, ...]]:
    """The longest sequence of each way of writing; ways that are surer come first."""
    for pattern, opens in _LETTERED:
        for order in (_UPPER, _LOWER):
            found = _matches(caption, pattern, opens, partial(_labels, order=order))
            yield _sequence(caption, _joined(caption, found, order), order)
    for pattern, opens in _ROMANS:
        found = _matches(caption, pattern, opens, partial(_labels, order=_ROMAN_ORDER))
        yield _sequence(caption, _joined(caption, found, _ROMAN_ORDER), _ROMAN_ORDER)
    for pattern, opens in _PLACED:
        first: dict[tuple[str, ...], Marker] = {}
        for marker in _matches(caption, pattern, opens, _places):
            first.setdefault(marker.labels, marker)
        if {labels[0] for labels in first} in [set(layout) for layout in _LAYOUTS]:
            yield tuple(first.values())


def _matches(
    caption: str, pattern: re.Pattern[str], opens: bool, read: Callable[[str], tuple[str, ...]]
) -> list[Marker]:
    found = []
    for match in pattern.finditer(caption):
        labels = read(next(group for group in match.groups() if group))
        if labels:
            start = match.start() + len(match[0]) - len(match[0].lstrip())
            found.append(Marker(start, match.end(), labels, opens))
    return found


def _joined(caption: str, markers: Sequence[Marker], order: Sequence[str]) -> list[Marker]:
    """ "(a) and (b)", "(a)–(c)" as one marker."""
    joined: list[Marker] = []
    for marker in markers:
        if joined:
            last = joined[-1]
            between = caption[last.end : marker.start].strip()
            if between and re.fullmatch(rf"{_DASH}|{_AND}", between):
                spread = _spread(last.labels[-1], marker.labels[0], order)
                middle = spread[1:-1] if re.fullmatch(_DASH, between) else ()
                labels = (*last.labels, *middle, *marker.labels)
                joined[-1] = Marker(last.start, marker.end, labels, last.opens)
                continue
        joined.append(marker)
    return joined


def _sequence(caption: str, markers: Sequence[Marker], order: Sequence[str]) -> tuple[Marker, ...]:
    """The best chain of markers whose labels count up from the first without a gap."""
    best: tuple[Marker, ...] = ()
    able = [marker for marker in markers[:_MOST_MARKERS] if _counts_up(marker.labels, order)]
    for marker in [marker for marker in able if marker.labels[0] == order[0]][:_MOST_STARTS]:
        chain = [marker]
        while chain[-1].labels[-1] != order[-1]:
            wanted = order[order.index(chain[-1].labels[-1]) + 1]
            next_ones = [m for m in able if m.start >= chain[-1].end and m.labels[0] == wanted]
            if not next_ones:
                break
            clear = [m for m in next_ones if not is_reference(caption, m)]
            sure = clear and _goes_on(clear[0], able, order)
            chain.append(clear[0] if sure else next_ones[0])
        if _weight(caption, chain) > _weight(caption, best):
            best = tuple(chain)
    return best


def _goes_on(marker: Marker, able: Sequence[Marker], order: Sequence[str]) -> bool:
    """Whether choosing ``marker`` loses none of the labels that would follow it."""
    at = order.index(marker.labels[-1]) + 1
    later = [m.start for m in able if at < len(order) and m.labels[0] == order[at]]
    return not later or max(later) > marker.start


def _labels(text: str, order: Sequence[str]) -> tuple[str, ...]:
    """("a", "b", "c", "e") of "a-c, e"; () where it is no list of labels of ``order``."""
    labels: list[str] = []
    spread = False
    for token in re.findall(rf"[^\W\d_]+|{_DASH}", text):
        if re.fullmatch(_DASH, token):
            spread = True
        elif token in order:
            labels.extend(_spread(labels[-1], token, order)[1:] if spread and labels else [token])
            spread = False
        elif not re.fullmatch(_AND, token):
            return ()
    return tuple(labels)


def _spread(first: str, last: str, order: Sequence[str]) -> Sequence[str]:
    """The labels from one to another; both alone where they do not count up."""
    start, end = order.index(first), order.index(last)
    return order[start : end + 1] if start < end else (first, last)


def _places(text: str) -> tuple[str, ...]:
    words = [_POSITION[word] for word in re.split(r"[\s-]+", text.lower()) if word in _POSITION]
    return (" ".join(words),)


def _counts_up(labels: Sequence[str], order: Sequence[str]) -> bool:
    return all(order.index(a) + 1 == order.index(b) for a, b in pairwise(labels))
