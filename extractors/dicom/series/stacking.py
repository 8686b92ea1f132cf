"""Slices of any number of series, in any order, to stacks: which belong together, in which order.

Grouped by series, role (ImageType), size, orientation and pixel spacing; split into lines where
parallel stacks lie side by side; split by echo, weight, time and so on where places repeat; ordered
by position along the normal. Instance numbers and file names order nothing that has a position.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .building import loop_of, normal_of, unplaced_of, volume_of
from .geometry import Slice
from .lines import lines_of
from .repeats import in_time, split_repeats
from .stack import Stack, StackRole

__all__ = ["role_of", "stacks_of"]

_ORIENTATION_TOLERANCE = 5e-3  # of a cosine: 0.3°, more than rounding, less than a new plane
_SPACING_TOLERANCE = 1e-3  # relative
_STRAY = 5  # times fewer slices than the largest stack of the series

_LOCALIZERS = {"LOCALIZER", "SCOUT", "TOPOGRAM", "SCANOGRAM", "SURVIEW"}
_REFORMATS = {"MPR", "CPR", "MIP", "MINIP", "MAXIP", "REFORMATTED", "RENDERED", "RENDERING", "SSD",
              "VRT", "SCREENSHOT", "SCREENSAVE", "PROJECTION", "SCREEN"}  # fmt: skip
_ROLES: tuple[StackRole, ...] = ("image", "reformat", "localizer", "stray")


def stacks_of(slices: Sequence[Slice]) -> list[Stack]:
    """All of ``slices``, each in one stack, or among the duplicates of one.

    The same slices in another order give the same stacks: of a series together, images before
    reformats, localizers and strays, then by echo and time, then by size. A series over several
    times or echoes gives a stack for each; images of one place over time are one stack, a loop.
    """
    groups: dict[Any, list[Slice]] = defaultdict(list)
    for each in sorted(slices, key=_canonical):
        role = role_of(each.image_type)
        # frames of one object without a place are a loop of their own
        loop = each.sop_uid if each.position is None and each.frames > 1 else ""
        key = each.series_uid, role, each.rows, each.columns, each.position is None, loop
        groups[key].append(each)
    stacks: list[Stack] = []
    for (_, role, _, _, unplaced, _), members in groups.items():
        if unplaced:
            stacks.append(unplaced_of(members, role))
            continue
        for group in _planes(members):
            for line, straight in lines_of(group):
                stacks += _split(line, role, straight=straight)
    return sorted(_with_strays(stacks), key=_order)


def role_of(image_type: Sequence[str]) -> StackRole:
    """By the values of Image Type (0008,0008) after the second: defined terms and makers' own."""
    found = {word for each in image_type[2:] for word in re.split(r"[^A-Z0-9]+", each.upper())}
    if found & _LOCALIZERS:
        return "localizer"
    return "reformat" if found & _REFORMATS else "image"


def _canonical(slice_: Slice) -> tuple[Any, ...]:
    """An order that does not depend on the caller's, but for copies of one image."""
    return (
        slice_.series_uid,
        slice_.orientation or (),
        slice_.position or (),
        in_time(slice_),
    )


def _planes(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Each slice beside the first one that is parallel to it and has pixels of the same size."""
    found: list[list[Slice]] = []
    starts = np.empty((16, 6))
    for each in slices:
        assert each.orientation is not None
        apart = np.abs(starts[: len(found)] - each.orientation).max(axis=1, initial=0)
        for at in np.flatnonzero(apart <= _ORIENTATION_TOLERANCE):
            if _same_pixels(found[at][0], each):
                found[at].append(each)
                break
        else:
            if len(found) == len(starts):
                starts = np.concatenate([starts, np.empty_like(starts)])
            starts[len(found)] = each.orientation
            found.append([each])
    return found


def _same_pixels(a: Slice, b: Slice) -> bool:
    if a.pixel_spacing is None or b.pixel_spacing is None:
        return a.pixel_spacing is b.pixel_spacing
    pairs = zip(a.pixel_spacing, b.pixel_spacing, strict=True)
    return all(abs(x - y) <= _SPACING_TOLERANCE * x for x, y in pairs)


def _split(line: list[Slice], role: StackRole, *, straight: bool) -> Iterator[Stack]:
    """Slices of one orientation, to stacks that hold each place once. straight: on one line."""
    line, places = _by_place(line, straight=straight)
    for part, guessed in split_repeats(line, places):
        part.sort(key=lambda each: (places[each], in_time(line[each])))
        if len({places[each] for each in part}) == 1 and _moves([line[each] for each in part]):
            yield loop_of([line[each] for each in part], role)
            continue
        kept: dict[int, Slice] = {}
        duplicates = []
        for each in part:
            if places[each] in kept:
                duplicates.append(line[each])
            else:
                kept[places[each]] = line[each]
        yield volume_of(list(kept.values()), duplicates, role, guessed=guessed)


def _by_place(line: list[Slice], *, straight: bool) -> tuple[list[Slice], np.ndarray]:
    """``line`` by distance along the normal, and the number of the place (n,) of each slice."""
    distances = np.array([each.position for each in line]) @ normal_of(line[0])
    order = np.argsort(distances, kind="stable")
    line, distances = [line[each] for each in order], distances[order]
    places = np.zeros(len(line), int)
    start = distances[0]
    for at in range(1, len(line)):
        new = distances[at] - start > _same_place_mm(line[at])
        places[at] = places[at - 1] + new
        start = distances[at] if new else start
    if straight:
        return line, places
    # off a line, images of one plane may lie side by side: to a mm, these are other places
    to_mm = [np.rint(each.position or ()).tolist() for each in line]
    keys = [(place, *each) for place, each in zip(places, to_mm, strict=True)]
    number = {key: at for at, key in enumerate(dict.fromkeys(keys))}
    return line, np.array([number[key] for key in keys])


def _same_place_mm(slice_: Slice) -> float:
    """Slices nearer than this lie at one place: repeats of a scan differ in the last digits."""
    sizes = [*(slice_.pixel_spacing or ()), slice_.thickness or 1.0]
    return min(0.05, 0.05 * min(sizes))


def _moves(images: Sequence[Slice]) -> bool:
    """Images of one place are moments of it, not copies: three or more that time or number tells
    apart."""
    apart = {in_time(each)[:-3] for each in images}
    return len(apart) > 2


def _with_strays(stacks: list[Stack]) -> Iterator[Stack]:
    largest: dict[str, int] = defaultdict(int)
    for each in stacks:
        if each.role == "image" and each.kind == "volume":
            uid = each.slices[0].series_uid
            largest[uid] = max(largest[uid], len(each.slices))
    for each in stacks:
        few = len(each.slices) * _STRAY <= largest[each.slices[0].series_uid]
        yield replace(each, role="stray") if each.role == "image" and few else each


def _order(stack: Stack) -> tuple[Any, ...]:
    first = stack.slices[0]
    moment = (first.moment.echo_time_ms, first.moment.b_value, first.moment.temporal_position)
    known = tuple((each is not None, each or 0.0) for each in moment)
    return (
        first.series_uid,
        _ROLES.index(stack.role),
        -len(stack.slices),
        known,
        in_time(first),
        first.position or (),
    )
