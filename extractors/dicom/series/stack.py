"""A stack: parallel slices in their order in space, or images that have no place, in time's."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .geometry import Slice
from .planes import Plane, plane_of

__all__ = ["Stack", "StackKind", "StackRole"]

StackKind = Literal[
    "volume",  # two or more slices side by side
    "single",  # one slice
    "loop",  # several images of one place, or frames of one object without a place, in time's order
    "unplaced",  # images of several files without a place, by acquisition and instance number
]
StackRole = Literal[
    "image",
    "reformat",  # made from other slices: MPR, projections, screens
    "localizer",  # planned on, rarely read: ImageType LOCALIZER, scouts
    "stray",  # a few slices that lie otherwise than the bulk of their series
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """slices: by growing distance along the normal, never by number or name.

    normal (3,): unit, rows x columns, LPS; None without geometry. spacing: mm between neighbours
    along the normal, the median gap, or for a grid with holes the grid's. step (3,): mm from a
    place of the grid to the next, LPS; it leans from the normal where the stack is sheared.
    places: of each slice on an even grid from 0, () where they lie on none. gaps: (i, n): n slices
    are missing between slices i and i + 1. duplicates: other images of places that are taken.
    sheared: by a tilted gantry. warnings: what is odd, in words without values of the header.
    """

    slices: tuple[Slice, ...]
    kind: StackKind
    role: StackRole = "image"
    normal: tuple[float, ...] | None = None
    spacing: float | None = None
    step: tuple[float, ...] | None = None
    places: tuple[int, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    duplicates: tuple[Slice, ...] = ()
    sheared: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def uniform(self) -> bool:
        """The slices lie evenly, none missing, within 1 % of the spacing or 0.1 mm."""
        return bool(self.places) and self.places[-1] == len(self.places) - 1

    @property
    def plane(self) -> Plane | None:
        """The anatomical plane of the slices."""
        orientation = self.slices[0].orientation
        return None if orientation is None else plane_of(orientation)

    @property
    def tilt_deg(self) -> float:
        """The angle between step and normal, 0 where there is no volume."""
        if self.normal is None or self.step is None:
            return 0.0
        along = sum(n * s for n, s in zip(self.normal, self.step, strict=True))
        return math.degrees(math.acos(min(1.0, along / math.hypot(*self.step))))

    @property
    def affine(self) -> np.ndarray | None:
        """(4, 4) float64: voxel (column, row, place) -> mm in RAS, as NIfTI wants it.

        None where the header does not say all of it: no position, no pixel spacing, no distance
        between slices, or slices on no even grid. PS3.3 C.7.6.2.1.1 in LPS; RAS turns the first two
        axes round.
        """
        first = self.slices[0]
        if first.position is None or first.orientation is None or first.pixel_spacing is None:
            return None
        if self.step is None or not self.places:
            return None
        between_rows, between_columns = first.pixel_spacing
        lps = np.eye(4)
        lps[:3, 0] = np.multiply(first.orientation[:3], between_columns)
        lps[:3, 1] = np.multiply(first.orientation[3:], between_rows)
        lps[:3, 2] = self.step
        lps[:3, 3] = first.position
        return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps
