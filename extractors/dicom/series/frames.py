"""Which frames of a loop to show: ultrasound, angiography, fluoroscopy, nuclear medicine."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset

from domainclip.errors import BadInput, UsageError

from ..quiet import quiet
from .choosing import spaced
from .header import floats, integer

__all__ = ["choose_frames"]

# Vectors that tell apart kinds of nuclear medicine frames, and those that tell views of one kind
# (PS3.3 C.8.4.8: the Frame Increment Pointer names the ones that count).
_NM_KINDS = ("EnergyWindowVector", "DetectorVector")
_MOST_FRAMES = 100_000


def choose_frames(dataset: Dataset, count: int) -> list[int]:
    """At most ``count`` frames of an object of several, from 0, growing.

    Between the trims of the loop (Start Trim 0008,2142 and Stop Trim 0008,2143), the middles of
    ``count`` equal parts; the Representative Frame (0028,6010) and the Frames of Interest
    (0028,6020) take the place of the nearest of them. Nuclear medicine: shared out between its
    energy windows and detectors, the first window first, and spread over the views (rotations,
    phases, times) of each. Raises BadInput for a number of frames beyond any scanner's, UsageError
    for a count below 1.
    """
    if count < 1:
        raise UsageError(f"The number of frames must be 1 or more, not {count}.")
    with quiet():
        frames = max(integer(dataset, "NumberOfFrames") or 1, 1)
        if frames > _MOST_FRAMES:
            raise BadInput(f"The object says that it has more than {_MOST_FRAMES} frames.")
        first, last = _trimmed(dataset, frames)
        kinds = _kinds(dataset, frames)
        preferred = [each for each in _preferred(dataset) if first <= each <= last]
    if len(kinds) > 1:
        return _shared_out(kinds, count)
    found = [first + at for at in spaced(range(last - first + 1), count)]
    fixed: set[int] = set()
    for each in preferred[:count]:
        if each not in found:
            free = [at for at in range(len(found)) if found[at] not in fixed]
            found[min(free, key=lambda at: abs(found[at] - each))] = each
        fixed.add(each)
    return sorted(found)


def _trimmed(dataset: Dataset, frames: int) -> tuple[int, int]:
    """The first and the last frame of the loop; all of it where the trims make no sense."""
    start, stop = integer(dataset, "StartTrim"), integer(dataset, "StopTrim")
    start = 1 if start is None else start
    stop = frames if stop is None else min(stop, frames)
    return (start - 1, stop - 1) if 1 <= start <= stop else (0, frames - 1)


def _preferred(dataset: Dataset) -> list[int]:
    """Frames that the object itself points at, from 0, the representative one first."""
    named = floats(dataset, "RepresentativeFrameNumber", 1) or ()
    interest = floats(dataset, "FrameNumbersOfInterest") or ()
    return list(dict.fromkeys(int(each) - 1 for each in (*named, *interest)))


def _kinds(dataset: Dataset, frames: int) -> list[list[int]]:
    """Frames by energy window and detector, in the order of these; all in one without them."""
    vectors = [floats(dataset, name, frames) for name in _NM_KINDS]
    if not any(vectors):
        return [list(range(frames))]
    told: dict[tuple[float, ...], list[int]] = {}
    for at in range(frames):
        told.setdefault(tuple(each[at] for each in vectors if each), []).append(at)
    return [told[key] for key in sorted(told)]


def _shared_out(kinds: Sequence[Sequence[int]], count: int) -> list[int]:
    """One of each kind in turn until there are ``count``, or all."""
    shares = [0] * len(kinds)
    left = min(count, sum(len(each) for each in kinds))
    while left:
        for at, members in enumerate(kinds):
            if left and shares[at] < len(members):
                shares[at] += 1
                left -= 1
    return sorted(
        members[at]
        for members, share in zip(kinds, shares, strict=True)
        if share
        for at in spaced(range(len(members)), share)
    )
