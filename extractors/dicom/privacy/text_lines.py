"""Lines of letters among blobs: neighbours of like height on one base, and how like lettering."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .text_blobs import Blobs

__all__ = ["Line", "lines_of"]


@dataclass(frozen=True, slots=True)
class Line:
    """A row of blobs. box: left, top, right, bottom. features: what ``text_regions`` judges by."""

    box: tuple[int, int, int, int]
    features: tuple[float, ...]
    members: npt.NDArray[np.int64]


def lines_of(blobs: Blobs) -> Iterator[Line]:
    """Rows of two blobs or more: each reaches the next within 1.2 of their height, heights differ
    by no more than 2, and they share at least half of the lesser one's rows."""
    height = blobs.bottom - blobs.top
    order = np.argsort(blobs.left, kind="stable")
    parent = np.arange(len(blobs))
    left, right, top, bottom = (
        a[order] for a in (blobs.left, blobs.right, blobs.top, blobs.bottom)
    )
    tall = height[order]
    level = blobs.contrast[order]
    for step in range(1, min(40, len(order))):
        a, b = slice(0, len(order) - step), slice(step, len(order))
        least, most = np.minimum(tall[a], tall[b]), np.maximum(tall[a], tall[b])
        shared = np.minimum(bottom[a], bottom[b]) - np.maximum(top[a], top[b])
        gap = left[b] - right[a]
        near = (gap <= 1.2 * most) & (gap > -0.5 * most) & (most <= 2.0 * least + 1)
        like = np.abs(level[a] - level[b]) <= 0.45 * np.maximum(level[a], level[b])
        for one in np.flatnonzero(near & like & (shared >= 0.55 * least)):
            _unite(parent, int(one), int(one) + step)
    roots = np.array([_root(parent, n) for n in range(len(parent))], np.int64)
    by_root = np.argsort(roots, kind="stable")
    cuts = np.flatnonzero(np.diff(roots[by_root], prepend=-1))
    for group in np.split(by_root, cuts[1:]) if len(by_root) else ():
        if len(group) > 1:
            members = order[np.sort(group)]
            yield Line(_box(blobs, members), _features(blobs, members), members)


def _root(parent: npt.NDArray[np.int64], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = int(parent[node])
    return node


def _unite(parent: npt.NDArray[np.int64], one: int, other: int) -> None:
    one, other = _root(parent, one), _root(parent, other)
    parent[max(one, other)] = min(one, other)


def _box(blobs: Blobs, members: npt.NDArray[np.int64]) -> tuple[int, int, int, int]:
    return (
        int(blobs.left[members].min()),
        int(blobs.top[members].min()),
        int(blobs.right[members].max()),
        int(blobs.bottom[members].max()),
    )


def _features(blobs: Blobs, members: npt.NDArray[np.int64]) -> tuple[float, ...]:
    top, bottom = blobs.top[members], blobs.bottom[members]
    left, right = blobs.left[members], blobs.right[members]
    height = (bottom - top).astype(float)
    width = (right - left).astype(float)
    area, edge = blobs.area[members], blobs.edge[members]
    tall = float(np.median(height))
    base = np.minimum(np.abs(bottom - np.median(bottom)), np.abs(top - np.median(top))) / tall
    pen = 2 * area / np.maximum(edge, 1)  # of a stroke: its area over half of its outline
    level = blobs.level[members].astype(float)
    contrast = blobs.contrast[members].astype(float)
    gaps = np.maximum(left[1:] - np.maximum.accumulate(right)[:-1], 0) / tall
    return (
        float(np.log2(len(members))),
        float((right.max() - left.min()) / tall),  # length in heights
        float(np.mean(base)),  # neither on the base line nor at the top line
        float(np.std(height) / tall),
        float(np.std(level) / 64),
        float(np.std(contrast) / max(1.0, float(np.mean(contrast)))),
        float(np.std(pen) / max(0.5, float(np.mean(pen)))),
        float(np.mean(pen) / tall),
        float(np.mean(blobs.solid[members])),
        float(np.mean(contrast) / 255),
        float(np.mean(area / (height * width))),
        float(np.mean(gaps)),
        float(np.mean(width) / tall),
        float(np.mean(level) / 255),
        float(np.std(gaps)),
        float(np.mean(edge / (2 * (height + width)))),  # outline against the box's
        float(tall / 20),
    )
