"""Boxes of longitudes and latitudes: metres between two of them, and how much one covers.

The nearest points are found on the sphere in closed form, poles and dateline included, and their
distance is measured on the ellipsoid of WGS 84.
"""

from __future__ import annotations

import numpy as np

__all__ = ["AXIS_M", "LEAST_RADIUS_M", "areas", "gaps", "geocentric", "radii", "shares", "unit"]

AXIS_M = 6378137.0
_FLATTENING = 1 / 298.257223563
_E2 = _FLATTENING * (2 - _FLATTENING)
# The least radius of curvature of the ellipsoid (along the meridian, at the equator): a geodesic is
# never shorter than the arc between the same latitudes and longitudes on a sphere of this radius.
LEAST_RADIUS_M = AXIS_M * (1 - _E2)
_TOUCH = 1e-10  # radians: rounding, 0.6 mm


def gaps(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, 4) boxes [w, s, e, n] in degrees, twice -> (m,) metres between their nearest points.

    0 where they touch. With Δ the longitudes between them, the distance on the sphere of two points
    of the facing sides has no minimum inside both sides (its gradient vanishes on the equator only,
    in a saddle), so one of the points is a corner; the other is the foot of the great circle from
    it, tan φ' = tan φ / cos Δ, or a corner too.
    """
    a, b = np.radians(a), np.radians(b)
    apart = _apart(a, b)
    (s1, n1), (s2, n2) = a.T[[1, 3]], b.T[[1, 3]]
    touch = (apart <= _TOUCH) & (s1 <= n2 + _TOUCH) & (s2 <= n1 + _TOUCH)
    result = np.zeros(len(a))
    rows = np.flatnonzero(~touch)
    if not len(rows):
        return result
    apart, s1, n1, s2, n2 = (values[rows] for values in (apart, s1, n1, s2, n2))
    ends = [(s1, s2), (s1, n2), (n1, s2), (n1, n2)]
    ends += [(corner, np.clip(_foot(corner, apart), s2, n2)) for corner in (s1, n1)]
    ends += [(np.clip(_foot(corner, apart), s1, n1), corner) for corner in (s2, n2)]
    first, second = (np.stack(values) for values in zip(*ends, strict=True))  # (8, rows)
    far = _haversine(first, second, apart)
    best = far.argmin(axis=0), np.arange(len(rows))
    here, there = geocentric(0 * apart, first[best]), geocentric(apart, second[best])
    chord = np.linalg.norm(here - there, axis=1)
    result[rows] = 2 * AXIS_M * np.arcsin(np.minimum(chord / (2 * AXIS_M), 1))
    return result


def shares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(m, 4) boxes in degrees, twice -> (m,) the share of b's area that a covers, on the sphere."""
    a, b = np.radians(a), np.radians(b)
    width_a, width_b = (np.minimum(box[:, 2] - box[:, 0], 2 * np.pi) for box in (a, b))
    width = (width_a + width_b) / 2 - _between(a, b)
    width = np.clip(width, 0, np.minimum(width_a, width_b))
    height = np.sin(np.minimum(a[:, 3], b[:, 3])) - np.sin(np.maximum(a[:, 1], b[:, 1]))
    own = width_b * (np.sin(b[:, 3]) - np.sin(b[:, 1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(own > 0, width * height.clip(min=0) / own, 0.0)


def areas(boxes: np.ndarray) -> np.ndarray:
    """(n, 4) boxes in degrees -> (n,) m², on a sphere, within 1 %."""
    w, s, e, n = np.radians(boxes).T
    return AXIS_M**2 * np.minimum(e - w, 2 * np.pi) * (np.sin(n) - np.sin(s))


def radii(boxes: np.ndarray) -> np.ndarray:
    """(n, 4) boxes in degrees -> (n,) radians from the middle to the farthest point."""
    w, s, e, n = np.radians(boxes).T
    half = np.minimum((e - w) / 2, np.pi)
    middle = (s + n) / 2
    far = np.maximum(_haversine(middle, s, half), _haversine(middle, n, half))
    # beyond a quarter turn the farthest point need not be a corner
    return np.where(half > np.pi / 2, np.pi, np.maximum(far, (n - s) / 2))


def unit(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Radians -> (..., 3) points of the unit sphere."""
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def geocentric(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Radians -> (..., 3) metres from the centre of the ellipsoid."""
    normal = AXIS_M / np.sqrt(1 - _E2 * np.sin(lat) ** 2)
    points = unit(lon, lat) * normal[..., None]
    points[..., 2] *= 1 - _E2
    return points


def _apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Radians of longitude between the facing sides, the short way round."""
    halves = (
        np.minimum(a[:, 2] - a[:, 0], 2 * np.pi) + np.minimum(b[:, 2] - b[:, 0], 2 * np.pi)
    ) / 2
    return np.maximum(_between(a, b) - halves, 0)


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Radians of longitude between the middles, 0 to π."""
    turn = (a[:, 0] + a[:, 2] - b[:, 0] - b[:, 2]) / 2
    return np.abs((turn + np.pi) % (2 * np.pi) - np.pi)


def _foot(lat: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """Where a meridian ``apart`` away comes nearest to a point at ``lat``."""
    return np.arctan2(np.sin(lat), np.cos(lat) * np.cos(apart))


def _haversine(lat: np.ndarray, other: np.ndarray, apart: np.ndarray) -> np.ndarray:
    half = np.sin((lat - other) / 2) ** 2 + np.cos(lat) * np.cos(other) * np.sin(apart / 2) ** 2
    return 2 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))
