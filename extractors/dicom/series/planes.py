"""Anatomical planes and directions, by direction cosines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .placing import cross

__all__ = ["Plane", "directions_of", "plane_of"]

Plane = Literal["axial", "coronal", "sagittal", "oblique"]

# A plane keeps its name up to 37° from it, so that a tilted gantry or an angled brain stays axial:
# the limit that the PixelMed toolkit uses for obliquity.
_NAMED = 0.8


def plane_of(orientation: Sequence[float]) -> Plane:
    """orientation (6,): the cosines of a row and of a column in LPS -> the name of their plane."""
    normal = [abs(each) for each in cross(orientation[:3], orientation[3:])]
    names: tuple[Plane, ...] = ("sagittal", "coronal", "axial")
    largest = max(range(3), key=lambda axis: normal[axis])
    return names[largest] if normal[largest] > _NAMED else "oblique"


def directions_of(orientation: Sequence[float]) -> tuple[str, str]:
    """Where the right and the lower edge of the picture point to: L R A P H F, the way of PS3.3
    C.7.6.1.1.1 (Patient Orientation): an axial picture shown as usual gives ("L", "P")."""
    return _toward(orientation[:3]), _toward(orientation[3:])


def _toward(cosines: Sequence[float]) -> str:
    """Axes by falling share, those of more than 10°'s sine worth of it."""
    told = sorted(zip(cosines, ("RL", "AP", "FH"), strict=True), key=lambda each: -abs(each[0]))
    return "".join(names[int(value > 0)] for value, names in told if abs(value) > 0.17)
