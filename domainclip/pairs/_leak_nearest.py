"""The nearest two footprints of two splits, without comparing all with all."""

from __future__ import annotations

import heapq
from itertools import count

import numpy as np

from domainclip.pairs._ground import Ground
from domainclip.pairs._lonlat import LEAST_RADIUS_M

__all__ = ["nearest_rows"]

_FIRST_REACH_M = 100.0
_LEAF = 1 << 16  # pairs of rows that are simply compared


def nearest_rows(
    ground: Ground, here: np.ndarray, there: np.ndarray
) -> tuple[float, tuple[int, int]]:
    """(n,) and (m,) rows on one body -> metres between the nearest two footprints, and their rows.

    Splits of one area are asked in circles that grow to some tiles; splits that lie farther apart
    are halved, the nearest halves first (branch and bound on their bounding circles).
    """
    widest = 16 * 2 * float(np.median(ground.radii[there])) * _radius_m(ground, there)
    reach = _FIRST_REACH_M
    while True:
        best = np.inf, (0, 0)
        done = np.zeros(len(there), dtype=bool)
        for j, i in ground.close(there, here, reach, done=done):
            best = min(best, _least(ground, here[i], there[j]))
            done[:] |= best[0] == 0.0  # nothing is nearer
        if best[0] <= reach:
            return best
        if reach > widest:
            return _halved(ground, here, there, best)
        reach *= 4


def _halved(
    ground: Ground,
    here: np.ndarray,
    there: np.ndarray,
    best: tuple[float, tuple[int, int]],
) -> tuple[float, tuple[int, int]]:
    order = count()  # so that the heap never compares arrays
    heap = [(0.0, next(order), here, there)]
    while heap:
        least, _, a, b = heapq.heappop(heap)
        if least >= best[0]:
            break
        if len(a) * len(b) <= _LEAF:
            i, j = np.repeat(a, len(b)), np.tile(b, len(a))
            best = min(best, _least(ground, i, j))
            continue
        pieces = [(half, b) for half in _halves(ground, a)] if len(a) >= len(b) else [
            (a, half) for half in _halves(ground, b)
        ]  # fmt: skip
        for first, second in pieces:
            heapq.heappush(heap, (_bound(ground, first, second), next(order), first, second))
    return best


def _least(ground: Ground, a: np.ndarray, b: np.ndarray) -> tuple[float, tuple[int, int]]:
    gaps = ground.gaps(a, b)
    at = int(gaps.argmin())
    return float(gaps[at]), (int(a[at]), int(b[at]))


def _halves(ground: Ground, rows: np.ndarray) -> list[np.ndarray]:
    points = ground.points[rows]
    axis = int(np.ptp(points, axis=0).argmax())
    return np.array_split(rows[np.argsort(points[:, axis], kind="stable")], 2)


def _bound(ground: Ground, a: np.ndarray, b: np.ndarray) -> float:
    """Metres that no two of these rows are nearer than."""
    (first, radius), (second, other) = _circle(ground, a), _circle(ground, b)
    apart = 2 * np.arcsin(min(float(np.linalg.norm(first - second)) / 2, 1.0))
    return max(apart - radius - other, 0.0) * _radius_m(ground, a) * (1 - 1e-6)


def _radius_m(ground: Ground, rows: np.ndarray) -> float:
    """Of the sphere whose arcs are never longer than distances on the rows' body."""
    return LEAST_RADIUS_M * float(ground.scales[rows[0]])


def _circle(ground: Ground, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """A point of the unit sphere and the radians about it that hold the footprints."""
    points = ground.points[rows]
    middle = points.mean(axis=0)
    length = float(np.linalg.norm(middle))
    middle = middle / length if length > 1e-9 else points[0]
    chords = np.linalg.norm(points - middle, axis=1)
    return middle, float((2 * np.arcsin(np.minimum(chords / 2, 1)) + ground.radii[rows]).max())
