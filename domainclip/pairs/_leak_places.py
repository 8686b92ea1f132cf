"""Two splits on the ground: how near they come and how much of one the other covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domainclip.pairs._footprints import NO_DAY, RowKeys, read_footprints, where_of
from domainclip.pairs._ground import Ground
from domainclip.pairs._leak_nearest import nearest_rows
from domainclip.pairs._split_units import day_names

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = ["Compared", "Places"]


@dataclass(frozen=True, slots=True)
class Compared:
    """placed: rows of each split with a place. nearest, example: rows of the nearest footprints,
    and of those that overlap most. The rest is as in SplitLeak."""

    placed: tuple[int, int]
    distance_m: float | None = None
    nearest: tuple[int, ...] = ()
    overlapping: int = 0
    example: tuple[int, ...] = ()
    covered: float = 0.0
    same_day: int = 0
    day: tuple[str, ...] = ()


class Places:
    """The footprints of pairs. refused: for each CRS without a place on the ground, why."""

    def __init__(self, pairs: Pairs) -> None:
        self._footprints = read_footprints(where_of(pairs), RowKeys(pairs))
        self._ground = Ground(self._footprints)
        self.refused = self._ground.refused

    def compare(self, reference: np.ndarray, against: np.ndarray) -> Compared:
        """(n,) and (m,) rows of two splits."""
        placed = self._ground.placed
        here, there = reference[placed[reference]], against[placed[against]]
        counts = len(here), len(there)
        if not len(here) or not len(there):
            return Compared(counts)
        overlap = self._overlaps(here, there)
        distance, nearest = _nearest(self._ground, here, there)
        days = self._footprints.days
        best = int(overlap.share.argmax())
        rows = np.flatnonzero(overlap.share)
        areas = self._ground.areas(there)
        same = np.flatnonzero(overlap.same_day)
        return Compared(
            placed=counts,
            distance_m=distance,
            nearest=nearest,
            overlapping=len(rows),
            example=(int(here[overlap.by[best]]), int(there[best])) if len(rows) else (),
            covered=float((overlap.share * areas).sum() / areas.sum()) if areas.any() else 0.0,
            same_day=len(same),
            day=tuple(day_names(days[there[same[:1]]])),
        )

    def _overlaps(self, here: np.ndarray, there: np.ndarray) -> _Overlaps:
        share, by = np.zeros(len(there)), np.zeros(len(there), dtype=np.int64)
        same_day = np.zeros(len(there), dtype=bool)
        days = self._footprints.days
        for j, i in self._ground.close(there, here, 0.0):
            found = self._ground.shares(here[i], there[j])
            held = np.flatnonzero(found)
            i, j, found = i[held], j[held], found[held]
            day = days[there[j]]
            same_day[j[(day == days[here[i]]) & (day != NO_DAY)]] = True
            order = np.lexsort((-i, found))  # the largest last, the first row among equals
            i, j, found = i[order], j[order], found[order]
            better = found > share[j]
            share[j[better]], by[j[better]] = found[better], i[better]
        return _Overlaps(share, by, same_day)


def _nearest(
    ground: Ground, here: np.ndarray, there: np.ndarray
) -> tuple[float | None, tuple[int, ...]]:
    """Metres between the nearest two of one planet, and their rows; None where they share none."""
    best: tuple[float, tuple[int, int]] | None = None
    for body in np.intersect1d(ground.bodies[here], ground.bodies[there]):
        of_body = (rows[ground.bodies[rows] == body] for rows in (here, there))
        found = nearest_rows(ground, *of_body)
        best = found if best is None else min(best, found)
    return best or (None, ())


@dataclass(frozen=True, slots=True)
class _Overlaps:
    """For each row of the second split: the largest share of it that one of the first covers, which
    one that is, and whether one that overlaps it is of its day."""

    share: np.ndarray
    by: np.ndarray
    same_day: np.ndarray
