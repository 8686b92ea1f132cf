"""Images of the same places, told apart: by echo, weight, time, acquisition; what is left over is a
duplicate."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from .geometry import Slice

__all__ = ["in_time", "split_repeats"]

# What a scanner varies on purpose, over the same places, the surest first.
_MEANT = (
    "echo_time_ms",
    "echo_number",
    "b_value",
    "gradient",
    "inversion_time_ms",
    "component",
    "segment",
    "temporal_position",
    "frame_time_ms",
    "trigger_time_ms",
    "stack_id",
)
# What may also differ for no reason that matters: the parts that it makes must be of a size.
_MAYBE = (
    "image_type",
    "flip_angle_deg",
    "tube_kv",
    "kernel",
    "acquisition_number",
    "instance",
    "acquisition_time_s",
    "content_time_s",
)
_TIMES = ("temporal_position", "frame_time_ms", "trigger_time_ms", "acquisition_time_s",
          "content_time_s", "instance_number")  # fmt: skip
_CLOCKS = frozenset(_TIMES) | {"acquisition_number"}
_LEAST_SHARE = 0.2  # of the largest part, for the parts of a doubtful split
_MANY = 0.8  # share of the places that must have the usual number of images


def split_repeats(slices: Sequence[Slice], places: np.ndarray) -> Iterator[tuple[list[int], bool]]:
    """Parts of ``slices``, as lists of indices, that hold as few places twice as can be told.

    places (n,) int: the place of each slice. Yields (indices, guessed): guessed, where only the
    order of the images at each place told the parts apart.
    """
    pending = [list(range(len(slices)))]
    while pending:
        part = pending.pop()
        count = Counter(places[each] for each in part)
        most = max(count.values())
        if most == 1:
            yield part, False
            continue
        split = _split(slices, places, part, most, single=len(count) == 1)
        if split is not None:
            pending += split
        elif len(count) > 1 and (ranked := _by_rank(slices, places, part, count)):
            yield from ((each, True) for each in ranked)
        else:
            yield part, False


def in_time(slice_: Slice) -> tuple[Any, ...]:
    """Sorts images of one place: by what is known of time, then by number."""
    values = [_value(slice_, name) for name in ("acquisition_number", *_TIMES)]
    known = tuple((each is not None, each if each is not None else 0) for each in values)
    return (*known, slice_.sop_uid, slice_.frame, slice_.index)


def _split(
    slices: Sequence[Slice], places: np.ndarray, part: list[int], most: int, *, single: bool
) -> list[list[int]] | None:
    """By the one attribute that leaves the fewest repeats, in the fewest parts; None where none
    helps. An attribute that makes more parts than a place has images numbers slices, not volumes.

    single: all lie at one place; its moments stay together, as a loop.
    """
    best: tuple[tuple[int, int], list[list[int]]] | None = None
    for meant, read in _readers(slices[part[0]], single=single):
        found: dict[Hashable, list[int]] = defaultdict(list)
        for each in part:
            found[read(slices[each])].append(each)
        if not 1 < len(found) <= most:
            continue
        sizes = [len({places[each] for each in members}) for members in found.values()]
        if not meant and min(sizes) < max(_LEAST_SHARE * max(sizes), 1 if single else 2):
            continue
        left = len(part) - sum(sizes)
        if left < len(part) - len({places[each] for each in part}) and (
            best is None or (left, len(found)) < best[0]
        ):
            best = (left, len(found)), list(found.values())
    return None if best is None else best[1]


def _readers(example: Slice, *, single: bool) -> Iterator[tuple[bool, Callable[[Slice], Hashable]]]:
    for name in _MEANT + _MAYBE:
        if not (single and name in _CLOCKS):
            yield name in _MEANT, partial(_value, name=name)
    if not single:
        for axis in range(len(example.moment.dimensions)):
            yield True, partial(_dimension, axis=axis)


def _value(slice_: Slice, name: str) -> Any:
    if name in ("image_type", "instance_number"):
        return getattr(slice_, name)
    return getattr(slice_.moment, name)


def _dimension(slice_: Slice, axis: int) -> Hashable:
    return slice_.moment.dimensions[axis : axis + 1]


def _by_rank(
    slices: Sequence[Slice], places: np.ndarray, part: list[int], count: Counter[int]
) -> list[list[int]] | None:
    """Nearly every place has as many images, and one attribute of time orders them everywhere: the
    first ones are one volume, the second ones the next (a heart's phases, whose times differ from
    slice to slice). None where that does not hold: then they are duplicates."""
    usual, places_with = Counter(count.values()).most_common(1)[0]
    if usual < 2 or places_with < _MANY * len(count):
        return None
    at_place: dict[int, list[int]] = defaultdict(list)
    for each in part:
        at_place[places[each]].append(each)
    for name in _TIMES:
        values = {each: _value(slices[each], name) for each in part}
        if None in values.values() or any(
            len({values[each] for each in members}) < len(members) for members in at_place.values()
        ):
            continue
        whole = [sorted(values[each] for each in members)
                 for members in at_place.values() if len(members) == usual]  # fmt: skip
        usual_times = np.median(np.asarray(whole, float), axis=0)
        ranked: list[list[int]] = [[] for _ in range(max(count.values()))]
        for members in at_place.values():
            members.sort(key=lambda each: values[each])
            ranks = _nearest_ranks([values[each] for each in members], usual_times)
            for rank, each in zip(ranks, members, strict=True):
                ranked[rank].append(each)
        return [each for each in ranked if each]
    return None


def _nearest_ranks(times: Sequence[float], usual: np.ndarray) -> list[int]:
    """Growing ranks for growing times; where some are missing, their times tell which."""
    if len(times) >= len(usual):
        return list(range(len(times)))
    ranks: list[int] = []
    for at, time in enumerate(times):
        free = range(ranks[-1] + 1 if ranks else 0, len(usual) - (len(times) - at) + 1)
        ranks.append(min(free, key=lambda rank: abs(usual[rank] - time)))
    return ranks
