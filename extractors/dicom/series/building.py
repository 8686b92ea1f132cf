"""A stack's record, from slices in their order: spacing, holes, lean, and what to warn of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .geometry import Slice
from .placing import cross
from .repeats import in_time
from .spacing import even_places, typical_gap
from .stack import Stack, StackKind, StackRole

__all__ = ["loop_of", "normal_of", "unplaced_of", "volume_of"]

_TILT_DEG = 0.5
_OFF_LINE_MM = 0.1  # over the whole stack: less is rounding


def normal_of(slice_: Slice) -> np.ndarray:
    """(3,): rows x columns, of unit length."""
    assert slice_.orientation is not None
    normal = np.array(cross(slice_.orientation[:3], slice_.orientation[3:]))
    unit: np.ndarray = normal / np.linalg.norm(normal)
    return unit


def volume_of(
    slices: list[Slice], duplicates: list[Slice], role: StackRole, *, guessed: bool
) -> Stack:
    """Slices of different places, in order. guessed: told from others by their order only."""
    warnings = []
    if guessed:
        warnings.append("Only time or number tells this volume from others of the same place.")
    if duplicates:
        warnings.append(f"Images at places that are taken: {len(duplicates)}.")
    if slices[0].pixel_spacing is None:
        warnings.append("The size of a pixel is not known.")
    normal = normal_of(slices[0])
    stack = Stack(
        slices=tuple(slices),
        kind="single" if len(slices) == 1 else "volume",
        role=role,
        normal=tuple(normal.tolist()),
        duplicates=tuple(duplicates),
        warnings=tuple(warnings),
    )
    return _single(stack, normal) if len(slices) == 1 else _volume(stack, normal)


def _single(stack: Stack, normal: np.ndarray) -> Stack:
    """A volume of one slice is as thick as the header says, if it does."""
    (only,) = stack.slices
    between = abs(only.spacing_between) if only.spacing_between else only.thickness
    step = None if between is None else tuple((normal * between).tolist())
    return replace(stack, spacing=between, step=step, places=(0,))


def _volume(stack: Stack, normal: np.ndarray) -> Stack:
    """With its grid, as far as the positions lie on one."""
    positions = np.array([each.position for each in stack.slices])
    distances = positions @ normal
    extent = positions[-1] - positions[0]
    spacing, step, places = typical_gap(distances), extent / (len(positions) - 1), ()
    warnings = list(stack.warnings)
    grid = even_places(distances)
    if grid is None:
        warnings.append("The distances between the slices differ.")
    else:
        step = extent / grid[-1]
        off = np.linalg.norm(positions - positions[0] - grid[:, None] * step, axis=1).max()
        if off > max(_OFF_LINE_MM, 0.01 * float(np.linalg.norm(step))):
            warnings.append("The slices do not lie on one straight line.")
        else:
            spacing, places = float(step @ normal), tuple(grid.tolist())
    gaps = _gaps(np.array(places))
    if gaps:
        missing = sum(count for _, count in gaps)
        warnings.append(f"Missing slices: {missing}, in {len(gaps)} gap(s).")
    aside = float(np.linalg.norm(extent - (extent @ normal) * normal))
    leans = np.tan(np.radians(_TILT_DEG)) * abs(extent @ normal)
    sheared = bool(places) and aside > _OFF_LINE_MM and aside > leans
    if sheared:
        warnings.append("The stack leans: each slice is shifted in its plane (a tilted gantry).")
    return replace(
        stack,
        spacing=spacing,
        step=tuple(step.tolist()),
        places=places,
        gaps=gaps,
        sheared=sheared,
        warnings=tuple(warnings),
    )


def _gaps(places: np.ndarray) -> tuple[tuple[int, int], ...]:
    missing = np.diff(places) - 1
    return tuple((int(at), int(missing[at])) for at in np.flatnonzero(missing))


def loop_of(images: list[Slice], role: StackRole) -> Stack:
    """Images of one place."""
    images.sort(key=in_time)
    single = volume_of(images[:1], [], role, guessed=False)
    told = (*single.warnings, "All images lie at one place: they are in the order of time.")
    return replace(single, slices=tuple(images), kind="loop", places=(), warnings=told)


def unplaced_of(images: list[Slice], role: StackRole) -> Stack:
    """Images without a place, of one object or of several."""
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
