"""Slices of any number of series, in any order, to stacks: which belong together, in which order.

Grouped by series, role (ImageType), size, orientation and pixel spacing; split into lines where
parallel stacks lie side by side; split by echo, weight, time and so on where places repeat; ordered
by position along the normal. Instance numbers and file names order nothing that has a position.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .geometry import Slice
from .lines import lines_of
from .placing import cross
from .repeats import in_time, split_repeats
from .spacing import even_places, typical_gap
from .stack import Stack, StackKind, StackRole

__all__ = ["role_of", "stacks_of"]

_ORIENTATION_TOLERANCE = 5e-3  # of a cosine: 0.3°, more than rounding, less than a new plane
_SPACING_TOLERANCE = 1e-3  # relative
_STRAY = 5  # times fewer slices than the largest stack of the series
_TILT_DEG = 0.5  # less is rounding
_TILT_MM = 0.1  # over the whole stack

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
            stacks.append(_unplaced(members, role))
            continue
        alike: Callable[[Slice, Slice], bool] = _parallel
        for group in _clusters(members, alike):
            for line in lines_of(group):
                stacks += _split(line, role)
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


def _parallel(a: Slice, b: Slice) -> bool:
    if a.orientation is None or b.orientation is None:
        return False
    if (a.pixel_spacing is None) != (b.pixel_spacing is None):
        return False
    apart = max(abs(x - y) for x, y in zip(a.orientation, b.orientation, strict=True))
    pairs = zip(a.pixel_spacing or (), b.pixel_spacing or (), strict=True)
    return apart <= _ORIENTATION_TOLERANCE and all(
        abs(x - y) <= _SPACING_TOLERANCE * x for x, y in pairs
    )


def _clusters(
    slices: Sequence[Slice], alike: Callable[[Slice, Slice], bool]
) -> Iterator[list[Slice]]:
    """Each slice beside the first one that it is like."""
    found: list[list[Slice]] = []
    for each in slices:
        for group in found:
            if alike(group[0], each):
                group.append(each)
                break
        else:
            found.append([each])
    yield from found


def _split(line: list[Slice], role: StackRole) -> Iterator[Stack]:
    """Slices on one line, to stacks that hold each place once."""
    normal = _normal(line[0])
    distances = np.array([each.position for each in line]) @ normal
    order = np.argsort(distances, kind="stable")
    line, distances = [line[each] for each in order], distances[order]
    # a new place begins where the distance to the place before is more than rounding
    places = np.zeros(len(line), int)
    start = distances[0]
    for at in range(1, len(line)):
        new = distances[at] - start > _same_place_mm(line[at])
        places[at] = places[at - 1] + new
        start = distances[at] if new else start
    for part, guessed in split_repeats(line, places):
        part.sort(key=lambda each: (places[each], in_time(line[each])))
        if len({places[each] for each in part}) == 1 and _moves([line[each] for each in part]):
            yield _loop([line[each] for each in part], role)
            continue
        kept: dict[int, Slice] = {}
        duplicates = []
        for each in part:
            if places[each] in kept:
                duplicates.append(line[each])
            else:
                kept[places[each]] = line[each]
        yield _volume(list(kept.values()), duplicates, role, guessed=guessed)


def _same_place_mm(slice_: Slice) -> float:
    """Slices nearer than this lie at one place: repeats of a scan differ in the last digits."""
    sizes = [*(slice_.pixel_spacing or ()), slice_.thickness or 1.0]
    return min(0.05, 0.05 * min(sizes))


def _moves(images: Sequence[Slice]) -> bool:
    """Images of one place are moments of it, not copies: three or more that time or number tells
    apart."""
    apart = {in_time(each)[:-3] for each in images}
    return len(apart) > 2


def _normal(slice_: Slice) -> np.ndarray:
    assert slice_.orientation is not None
    normal = np.array(cross(slice_.orientation[:3], slice_.orientation[3:]))
    unit: np.ndarray = normal / np.linalg.norm(normal)
    return unit


def _volume(
    slices: list[Slice], duplicates: list[Slice], role: StackRole, *, guessed: bool
) -> Stack:
    """Slices of different places, in order."""
    warnings = []
    if guessed:
        warnings.append("Only time or number tells this volume from others of the same place.")
    if duplicates:
        warnings.append(f"Images at places that are taken: {len(duplicates)}.")
    if slices[0].pixel_spacing is None:
        warnings.append("The size of a pixel is not known.")
    normal = _normal(slices[0])
    common: dict[str, Any] = {
        "slices": tuple(slices),
        "role": role,
        "normal": tuple(normal.tolist()),
        "duplicates": tuple(duplicates),
    }
    if len(slices) == 1:
        between = slices[0].spacing_between
        between = abs(between) if between else slices[0].thickness
        step = None if between is None else tuple((normal * between).tolist())
        return Stack(
            kind="single",
            spacing=between,
            step=step,
            places=(0,),
            warnings=tuple(warnings),
            **common,
        )
    positions = np.array([each.position for each in slices])
    distances = positions @ normal
    spacing = typical_gap(distances)
    places = even_places(distances)
    extent = positions[-1] - positions[0]
    step = extent / (len(slices) - 1)
    if places is not None:
        step = extent / places[-1]
        off = np.linalg.norm(positions - positions[0] - places[:, None] * step, axis=1).max()
        if off > max(_TILT_MM, 0.01 * np.linalg.norm(step)):
            warnings.append("The slices do not lie on one straight line.")
            places = None
        else:
            spacing = float(step @ normal)
    if places is None:
        warnings.append("The distances between the slices differ.")
    gaps = () if places is None else _gaps(places)
    if gaps:
        missing = sum(count for _, count in gaps)
        warnings.append(f"Missing slices: {missing}, in {len(gaps)} gap(s).")
    aside = np.linalg.norm(extent - (extent @ normal) * normal)
    sheared = bool(
        aside > _TILT_MM and aside > np.tan(np.radians(_TILT_DEG)) * abs(extent @ normal)
    )
    if sheared:
        warnings.append("The stack leans: each slice is shifted in its plane (a tilted gantry).")
    return Stack(
        kind="volume",
        spacing=spacing,
        step=tuple(step.tolist()),
        places=() if places is None else tuple(places.tolist()),
        gaps=gaps,
        sheared=sheared,
        warnings=tuple(warnings),
        **common,
    )


def _gaps(places: np.ndarray) -> tuple[tuple[int, int], ...]:
    missing = np.diff(places) - 1
    return tuple((int(at), int(missing[at])) for at in np.flatnonzero(missing))


def _loop(images: list[Slice], role: StackRole) -> Stack:
    images.sort(key=in_time)
    single = _volume(images[:1], [], role, guessed=False)
    told = (*single.warnings, "All images lie at one place: they are in the order of time.")
    return replace(single, slices=tuple(images), kind="loop", places=(), warnings=told)


def _unplaced(images: list[Slice], role: StackRole) -> Stack:
    images = sorted(images, key=in_time)
    kept: dict[Any, Slice] = {}
    duplicates = []
    for each in images:
        key = each.sop_uid or each.index, each.frame, each.instance_number
        if key in kept:
            duplicates.append(each)
        else:
            kept[key] = each
    slices = tuple(kept.values())
    frames_of_one = len(slices) > 1 and slices[0].frames > 1
    kind: StackKind = "single" if len(slices) == 1 else "loop" if frames_of_one else "unplaced"
    warnings = []
    if kind == "unplaced":
        warnings.append("No positions: in the order of acquisition and instance numbers.")
    if kind == "loop":
        warnings.append("No positions: in the order of the frames.")
    if duplicates:
        warnings.append(f"Images that are there more than once: {len(duplicates)}.")
    return Stack(
        slices=slices,
        kind=kind,
        role=role,
        duplicates=tuple(duplicates),
        warnings=tuple(warnings),
    )


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
