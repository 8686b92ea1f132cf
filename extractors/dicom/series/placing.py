"""Where an image lies in the patient: position, directions, spacings, as the header says them.

Sources: PS3.3 C.7.6.2 (image plane), C.7.6.16.2 (functional groups), C.8.4.11 and C.8.4.15 (nuclear
medicine: detectors and reconstructed slices), C.8.8.3.2 (dose: grid frame offsets).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydicom.dataset import Dataset

from .header import floats, items, number, words

__all__ = ["Placing", "cross", "placing_of", "placings_of_frames"]

# Cosines are written with four digits or more; what is further from a right angle or from unit
# length is no direction.
_DIRECTION_TOLERANCE = 1e-2
_FARTHEST_MM = 1e6  # beyond: overflow and nonsense


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """position (3,) and orientation (6,) are there together or not at all; see ``Slice``."""

    position: tuple[float, ...] | None = None
    orientation: tuple[float, ...] | None = None
    pixel_spacing: tuple[float, ...] | None = None
    thickness: float | None = None
    spacing_between: float | None = None


def placing_of(places: Sequence[Dataset], *, position: bool = True) -> Placing:
    """By the first of ``places`` (a root, or items of functional groups) to hold each attribute.

    position: False leaves position and orientation out.
    """
    corner = _first(places, "ImagePositionPatient", 3) if position else None
    cosines = _first(places, "ImageOrientationPatient", 6) if position else None
    if corner is None or cosines is None or not _is_plane(corner, cosines):
        corner = cosines = None
    spacing = _first(places, "PixelSpacing", 2)
    thickness = _first(places, "SliceThickness", 1)
    between = _first(places, "SpacingBetweenSlices", 1)
    return Placing(
        position=corner,
        orientation=cosines,
        pixel_spacing=spacing if spacing and min(spacing) > 0 else None,
        thickness=thickness[0] if thickness and thickness[0] > 0 else None,
        spacing_between=between[0] if between and between[0] != 0 else None,
    )


def placings_of_frames(dataset: Dataset, frames: int) -> list[Placing]:
    """Of an object of several frames without functional groups: slices of reconstructed nuclear
    medicine and planes of a dose grid; all others have no place."""
    flat = placing_of([dataset], position=False)
    detectors = items(dataset, "DetectorInformationSequence")
    if "RECON" in " ".join(words(dataset, "ImageType")[2:]).upper() and detectors:
        first = placing_of([detectors[0], dataset])
        gap = number(dataset, "SpacingBetweenSlices")  # its sign is the direction of stacking
        slices = floats(dataset, "SliceVector", frames)
        if gap and slices and first.position:
            return [_shifted(first, gap * (each - 1)) for each in slices]
    offsets = floats(dataset, "GridFrameOffsetVector", frames)
    if offsets:
        first = placing_of([dataset])
        # Kind a: offsets from the first plane. Kind b: z of each plane, which only holds for
        # transverse planes, and begins with the z of the position.
        start = 0.0 if offsets[0] == 0 else offsets[0]
        if first.position and (start == 0 or abs(start - first.position[2]) < 1e-3):
            return [_shifted(first, each - start) for each in offsets]
    return [flat] * frames


def cross(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """a × b."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _first(places: Sequence[Dataset], keyword: str, count: int) -> tuple[float, ...] | None:
    for place in places:
        found = floats(place, keyword, count)
        if found is not None:
            return found
    return None


def _is_plane(position: Sequence[float], cosines: Sequence[float]) -> bool:
    row, column = cosines[:3], cosines[3:]
    return (
        max(abs(each) for each in position) < _FARTHEST_MM
        and abs(math.hypot(*row) - 1) < _DIRECTION_TOLERANCE
        and abs(math.hypot(*column) - 1) < _DIRECTION_TOLERANCE
        and abs(sum(a * b for a, b in zip(row, column, strict=True))) < _DIRECTION_TOLERANCE
    )


def _shifted(first: Placing, along: float) -> Placing:
    """``along`` mm further on the normal of the rows and columns."""
    assert first.position is not None and first.orientation is not None
    normal = cross(first.orientation[:3], first.orientation[3:])
    length = math.hypot(*normal)
    moved = (p + along * n / length for p, n in zip(first.position, normal, strict=True))
    return replace(first, position=tuple(moved))
