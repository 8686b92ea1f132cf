"""Footprints of any CRS on the ground: which lie close, metres between them, and shares covered.

Boxes of longitudes and latitudes are kept as such (_lonlat.py: closed form); those of any other CRS
become rings of eight points (_rings.py: an azimuthal equidistant plane between the two, off by
0.004 % over 100 km and 0.4 % over 1,000 km). Boxes in one CRS are compared in it for touching and
overlap, exactly.

Other planets and moons have a ground of their own: nothing on one is near anything on another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from domainclip.errors import BadInput
from domainclip.pairs import _lonlat, _rings
from domainclip.pairs._bodies import Body, body_of, gathered
from domainclip.pairs._close import close_pairs
from domainclip.pairs._footprints import Footprints, is_lonlat

__all__ = ["Ground"]

_TRIED = 16  # rows of a CRS, before it is given up
_TOUCH = 1e-9  # of a coordinate: rounding
_BEYOND_A_POLE = 92.0  # degrees: grids whose pixels are centred on the pole reach beyond it
_ANY_SHARE = 1e-6  # of a footprint: less is rounding, and no overlap
_ANY_SHARE_ACROSS = 1e-3  # between CRSs, where sides are chords


class Ground:
    """The footprints of n rows.

    placed: (n,) bool, has a place on the ground. bodies: (n,) number in ``body``, the planets and
    moons of the CRSs; -1 where there is none. centres: (n, 2) degrees of WGS 84, or planetocentric
    ones of another body; NaN elsewhere. points: (n, 3) the same on the unit sphere. radii: (n,)
    radians about them that hold it all. scales: (n,) metres there to a metre on the Earth.
    refused: for each CRS where some or all have no such place, the sentence that says why.
    Raises MissingExtra where rasterio is missing and a CRS is not longitude and latitude.
    """

    def __init__(self, footprints: Footprints) -> None:
        self._boxes, self._systems = footprints.boxes.copy(), footprints.systems
        self._names = footprints.names
        size = len(self._boxes)
        self.placed = np.zeros(size, dtype=bool)
        self.centres = np.full((size, 2), np.nan)
        self.refused: dict[str, str] = {}
        self._lonlat = np.zeros(size, dtype=bool)
        self.radii = np.zeros(size)
        self._ring_of = np.full(size, -1)
        self._rings = np.empty((0, 8, 3))
        self._sags = np.empty(0)
        self.bodies = np.full(size, -1)
        self.scales = np.ones(size)
        self.body = self._bodies_of(footprints.names)
        for number, name in enumerate(footprints.names):
            rows = np.flatnonzero(self._systems == number)
            if name not in self.refused:
                self._add_what_fits(rows, name, usable=False)
        lon, lat = np.radians(self.centres).T
        self.points = _lonlat.unit(lon, lat)

    def close(
        self,
        rows: np.ndarray,
        others: np.ndarray,
        metres: float,
        *,
        done: np.ndarray | None = None,
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(positions in rows, positions in others), some at a time: each pair that may lie within
        ``metres``; most of them do. done: (len(rows),) bool that the caller sets for positions it
        needs no more of."""
        angle = metres / (_lonlat.LEAST_RADIUS_M * self.scales)  # (n,), alike on one body
        reach = self.radii + angle / 2
        chords = 2 * np.sin(np.minimum(reach, np.pi) / 2)  # two of them span more than both arcs
        points, radii = self.points, self.radii
        if len(self.body) > 1:  # side by side, out of each other's reach: no chord is above 2
            points = points + np.outer(self.bodies, [10.0, 0.0, 0.0])
        found = close_pairs(
            points[rows], chords[rows], points[others], chords[others], 0.0, done=done
        )
        for i, j in found:
            a, b = rows[i], others[j]
            chord = np.linalg.norm(points[a] - points[b], axis=1)
            apart = 2 * np.arcsin(np.minimum(chord / 2, 1))
            near = apart <= (radii[a] + radii[b] + angle[a]) * (1 + 1e-6) + 1e-9
            near &= self.bodies[a] == self.bodies[b]
            if near.any():
                yield i[near], j[near]

    def gaps(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(m,) rows twice -> (m,) metres between the nearest points of both; 0 where they touch.
        Both on one body.

        Between CRSs never more than the truth; less by what sides bend there.
        """
        result = np.zeros(len(a))
        flat = self._lonlat[a] & self._lonlat[b]
        result[flat] = _lonlat.gaps(self._boxes[a[flat]], self._boxes[b[flat]])
        rest = np.flatnonzero(~flat & ~self._touching(a, b))
        if len(rest):
            (ring, sag), (other, other_sag) = self._ringed(a[rest]), self._ringed(b[rest])
            result[rest] = np.maximum(_rings.planar_gaps(ring, other) - sag - other_sag, 0)
        return result * self.scales[a]

    def shares(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(m,) rows twice -> (m,) the share of b's footprint that a covers, 0 to 1."""
        result = np.zeros(len(a))
        flat = self._lonlat[a] & self._lonlat[b]
        result[flat] = _lonlat.shares(self._boxes[a[flat]], self._boxes[b[flat]])
        plane = ~flat & (self._systems[a] == self._systems[b])
        result[plane] = _box_shares(self._boxes[a[plane]], self._boxes[b[plane]])
        result[result < _ANY_SHARE] = 0.0
        rest = np.flatnonzero(~flat & ~plane)
        if len(rest):
            share = _rings.planar_shares(self._ringed(a[rest])[0], self._ringed(b[rest])[0])
            result[rest] = np.where(share < _ANY_SHARE_ACROSS, 0.0, share)
        return result

    def areas(self, rows: np.ndarray) -> np.ndarray:
        """(n,) rows -> (n,) m², within a percent; two on other bodies."""
        result = np.zeros(len(rows))
        flat = self._lonlat[rows]
        result[flat] = _lonlat.areas(self._boxes[rows[flat]])
        ring = self._rings[self._ring_of[rows[~flat]]]
        spokes = ring - ring.mean(axis=1, keepdims=True)
        turns = np.cross(spokes, np.roll(spokes, -1, axis=1)).sum(axis=1)
        result[~flat] = np.linalg.norm(turns, axis=1) / 2
        return result * self.scales[rows] ** 2

    def _bodies_of(self, names: Sequence[str]) -> tuple[Body, ...]:
        """Tells each row's body and its scale; a CRS that has none is refused."""
        own: dict[str, Body] = {}
        for name in names:
            try:
                own[name] = body_of(name)
            except BadInput as error:
                self.refused[name] = str(error)
        bodies = dict(zip(own, gathered(list(own.values())), strict=True))
        # the Earth first, then by size: whatever comes first in the rows
        found = sorted(set(bodies.values()), key=lambda body: (not body.is_earth, body.axis_m))
        for number, name in enumerate(names):
            if name in bodies:
                rows = self._systems == number
                self.bodies[rows] = found.index(bodies[name])
                self.scales[rows] = bodies[name].scale
        return tuple(found)

    def _add_what_fits(self, rows: np.ndarray, crs: str, *, usable: bool) -> None:
        """Halved again and again, since one footprint beyond the edge of a map (the Earth's disk in
        a geostationary view) fails all. usable: the CRS has been seen to have a place for some."""
        try:
            self._add(rows, crs)
        except BadInput as error:
            self.refused[crs] = str(error)
            if len(rows) > 1:
                tried = rows[np.linspace(0, len(rows) - 1, _TRIED).astype(int)]
                if usable or any(map(partial(self._fits, crs=crs), tried)):
                    for half in np.array_split(rows, 2):
                        self._add_what_fits(half, crs, usable=True)

    def _fits(self, row: int, crs: str) -> bool:
        try:
            _rings.rings_of(self._boxes[row : row + 1], crs)
        except BadInput:
            return False
        return True

    def _add(self, rows: np.ndarray, crs: str) -> None:
        boxes = self._boxes[rows]
        x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
        if is_lonlat(crs):
            if (np.abs(boxes[:, [1, 3]]) > _BEYOND_A_POLE).any():
                raise BadInput(f"where.crs {crs!r}: some where.bounds lie beyond a pole.")
            boxes[:, [1, 3]] = boxes[:, [1, 3]].clip(-90, 90)
            self._boxes[rows] = boxes
            y = (boxes[:, 1] + boxes[:, 3]) / 2
            self.centres[rows] = np.stack([x, y], axis=1)
            self.radii[rows] = _lonlat.radii(boxes)
            self._lonlat[rows] = True
        else:
            rings, sags = _rings.rings_of(boxes, crs)
            self.centres[rows] = np.stack(_rings.lonlat_of(crs, x, y), axis=1)
            lon, lat = np.radians(self.centres[rows]).T
            middle = _lonlat.geocentric(lon, lat)[:, None]
            far = np.linalg.norm(rings - middle, axis=2).max(axis=1) + sags
            # the chord as an arc of the sphere whose arcs are never longer than the ground's
            least = _lonlat.LEAST_RADIUS_M
            self.radii[rows] = 2 * np.arcsin(np.minimum(far / (2 * least), 1))
            self._ring_of[rows] = np.arange(len(rows)) + len(self._rings)
            self._rings = np.concatenate([self._rings, rings])
            self._sags = np.concatenate([self._sags, sags])
        self.placed[rows] = True

    def _touching(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(m,) bool: in one CRS, and no gap between the boxes there."""
        first, second = self._boxes[a], self._boxes[b]
        slack = _TOUCH * np.maximum(np.abs(first).max(axis=1), np.abs(second).max(axis=1))
        meet = (first[:, :2] <= second[:, 2:] + slack[:, None]).all(axis=1)
        meet &= (second[:, :2] <= first[:, 2:] + slack[:, None]).all(axis=1)
        return meet & (self._systems[a] == self._systems[b])

    def _ringed(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m, 8, 3) rings and (m,) sags, of boxes in degrees too."""
        flat = self._lonlat[rows]
        rings, sags = np.empty((len(rows), 8, 3)), np.empty(len(rows))
        rings[~flat] = self._rings[self._ring_of[rows[~flat]]]
        sags[~flat] = self._sags[self._ring_of[rows[~flat]]]
        rings[flat], sags[flat] = _rings.rings_of(self._boxes[rows[flat]], "EPSG:4326")
        return rings, sags


def _box_shares(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    own = (b[:, 2:] - b[:, :2]).prod(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(own > 0, sides.clip(min=0).prod(axis=1) / own, 0.0)
