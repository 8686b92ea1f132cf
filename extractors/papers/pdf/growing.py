"""Regions grown from a caption's edge upwards: panels with their words, or rows of words."""

from __future__ import annotations

import numpy as np

from .frames import Array, areas, bounds, shared

__all__ = ["APART", "bands", "distance", "filled", "grown", "pieced", "share"]

APART = 26.0  # points between the parts of a figure or table that has no graphics
_NEAR = np.array([24.0, 14.0])  # points beside and above a figure to words that belong to it


def share(boxes: Array, window: Array) -> Array:
    """How much of each box lies in the window, 0 to 1; thin ones count with half a point."""
    thick = boxes + np.array([-0.5, -0.5, 0.5, 0.5])
    return np.asarray(shared(thick, window) / areas(thick))


def distance(caption: Array, box: Array, parts: Array) -> float:
    """From the caption up to the parts of a box right above it."""
    above = (parts[:, 0] < caption[2]) & (parts[:, 2] > caption[0])
    above &= shared(parts, box) > 0
    if not above.any():
        return max(float(caption[1] - box[3]), 0.0) + 2 * APART
    return max(float(caption[1] - parts[above, 3].max()), 0.0)


def bands(boxes: Array, bottom: float) -> list[tuple[float, float]]:
    """The empty bands (y0, y1) of 6 points and more between boxes, upwards from the bottom."""
    found = []
    for box in boxes[np.argsort(-boxes[:, 3])]:
        if bottom - box[3] >= 6:
            found.append((float(box[3]), float(bottom)))
        bottom = min(bottom, box[1])
    return found


def pieced(caption: Array, panels: Array, loose: Array, *, sideways: bool = False) -> Array | None:
    """The box around the panels and the words that hang on them.

    sideways: of a page turned by a quarter, on which rows of words stand upright.
    """
    if not len(panels):
        return filled(caption, panels, loose)
    box = bounds(panels)
    between = loose[(loose[:, 3] > box[3]) & (loose[:, 1] >= box[1])]
    between = between[(between[:, 2] > box[0]) & (between[:, 0] < box[2])]
    if len(between):
        box = bounds(np.concatenate([box[None], between]))
    return grown(box, loose, sideways=sideways)


def grown(box: Array, loose: Array, *, sideways: bool = False) -> Array:
    """The box with the words that lie beside it or near it, and near those."""
    low, high = (0, 2) if sideways else (1, 3)
    near = _NEAR[::-1] if sideways else _NEAR
    while len(loose):
        beside = (loose[:, low] > box[low] - 3) & (loose[:, high] < box[high] + 3)
        reach = box + np.concatenate([-near, near])
        touching = ((loose[:, :2] < reach[2:]) & (loose[:, 2:] > reach[:2])).all(axis=1) | beside
        if not touching.any():
            break
        box = bounds(np.concatenate([box[None], loose[touching]]))
        loose = loose[~touching]
    return box


def filled(caption: Array, panels: Array, loose: Array) -> Array | None:
    """The box around all that follows the caption without a wide empty band."""
    every = np.concatenate([panels, loose])
    bottom = caption[1]
    kept: list[Array] = []
    for box in every[np.argsort(-every[:, 3])]:
        if bottom - box[3] > (APART if kept else 2 * APART):
            break
        kept.append(box)
        bottom = min(bottom, box[1])
    return bounds(np.stack(kept)) if kept else None
