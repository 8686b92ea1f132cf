"""Which slices of a stack to show: those that a report points at, a few over its extent, or all."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Literal

from domainclip.errors import UsageError

from .geometry import Slice
from .stack import Stack

__all__ = ["How", "choose", "spaced"]

How = Literal["key", "spaced", "middle", "all"]

# The ends of a volume show air, the table or the last of an organ: a tenth of it at each end.
_TRIMMED = 0.1


def choose(
    stack: Stack,
    *,
    how: How = "spaced",
    count: int = 1,
    key_images: Collection[tuple[str, int | None]] = (),
    content: Callable[[Slice], bool] | None = None,
) -> list[Slice]:
    """Slices of ``stack`` in its order.

    how: "key", those that ``key_images`` names, among the duplicates too, at most ``count`` spread
    evenly where there are more, none where it names none; "spaced", ``count`` spread evenly over
    the places that hold content; "middle", the ``count`` around the middle place; "all".
    key_images: (SOP instance UID, frame as DICOM counts, from 1; None for all frames), as a Key
    Object Selection or a Structured Report references them. content: whether a slice shows
    anything; asked from both ends inward, it bounds the extent; without it a tenth of the extent is
    left out at each end (a loop keeps its ends). Raises UsageError for a count below 1.
    """
    if count < 1:
        raise UsageError(f"The number of slices must be 1 or more, not {count}.")
    slices = list(stack.slices)
    if how == "all":
        return slices
    if how == "key":
        keys = set(key_images)
        named = [each for each in (*slices, *stack.duplicates) if _is_key(each, keys)]
        order = {id(each): at for at, each in enumerate(slices)}
        if stack.duplicates and stack.normal is not None:
            named.sort(key=lambda each: _distance(stack, each))
        else:
            named.sort(key=lambda each: order.get(id(each), len(order)))
        return [named[at] for at in spaced(range(len(named)), count)]
    # by place, not by number: missing slices do not shift what is shown
    places = list(stack.places) or list(range(len(slices)))
    if how == "middle":
        centre = (places[0] + places[-1]) / 2
        nearest = sorted(range(len(slices)), key=lambda at: (abs(places[at] - centre), at))
        return [slices[at] for at in sorted(nearest[:count])]
    first, last = _extent(stack, content)
    wanted = spaced([float(each) for each in places[first : last + 1]], count)
    return [slices[first + at] for at in wanted]


def spaced(places: range | list[float], count: int) -> list[int]:
    """Indices of ``count`` of the growing ``places``, spread evenly: nearest to the centres of as
    many equal parts of their range; all of them where there are no more."""
    if len(places) <= count:
        return list(range(len(places)))
    low, high = places[0] - 0.5, places[-1] + 0.5
    found: list[int] = []
    for part in range(count):
        centre = low + (part + 0.5) * (high - low) / count
        # each index once, and enough of them left for the parts that follow
        free = range(found[-1] + 1 if found else 0, len(places) - (count - part) + 1)
        found.append(min(free, key=lambda at: abs(places[at] - centre)))
    return found


def _is_key(slice_: Slice, key_images: Collection[tuple[str, int | None]]) -> bool:
    uid = slice_.sop_uid
    return bool(uid) and ((uid, None) in key_images or (uid, slice_.frame + 1) in key_images)


def _distance(stack: Stack, slice_: Slice) -> float:
    assert stack.normal is not None and slice_.position is not None
    return sum(n * p for n, p in zip(stack.normal, slice_.position, strict=True))


def _extent(stack: Stack, content: Callable[[Slice], bool] | None) -> tuple[int, int]:
    """The first and the last index that may be shown."""
    last = len(stack.slices) - 1
    if content is not None:
        shown = (at for at, each in enumerate(stack.slices) if content(each))
        first = next(shown, None)
        if first is None:
            return 0, last
        return first, next(at for at in range(last, first - 1, -1) if at == first
                           or content(stack.slices[at]))  # fmt: skip
    if stack.kind != "volume":
        return 0, last
    places = stack.places or tuple(range(last + 1))
    trimmed = _TRIMMED * (places[-1] - places[0])
    inside = [at for at, place in enumerate(places)
              if places[0] + trimmed <= place <= places[-1] - trimmed]  # fmt: skip
    return (inside[0], inside[-1]) if inside else (0, last)
