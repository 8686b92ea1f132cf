"""Keep one of all pairs whose images look the same: resized, recompressed, slightly cropped.

Two images are near when their 64-bit perceptual hashes differ in at most ``distance`` bits. Cut
into distance + 1 bands, such hashes agree in at least one band (the pigeonhole principle), so only
those that do are compared. Each band has its bits rotated to the top of the word and the words
sorted: equal bands are neighbours, and 8 (distance + 1) bytes an image is all the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision
from domainclip.curation._sorted import SortedRuns
from domainclip.errors import UsageError

__all__ = ["NearDuplicates"]

Hashes = NDArray[np.uint64]
_AT_ONCE = 1 << 21  # candidates compared at once: 50 MB


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Keeps the first of images whose perceptual hashes (column ``phash``) are near.

    distance: bits, of 64, in which two hashes may differ and be near (0 to 7). window: at most
    so many kept images are remembered, and at least the newest half of them, which bounds the
    memory: 8 bytes times distance + 1 each. An image without a hash (0), or so flat that its hash
    has fewer than 8 ones, is kept.
    """

    columns: ClassVar[tuple[str, ...]] = ("phash",)

    distance: int = 3
    window: int = 20_000_000

    def __post_init__(self) -> None:
        if not 0 <= self.distance <= 7:
            raise UsageError(f"distance={self.distance}: must be from 0 to 7 bits.")
        if self.window < 1:
            raise UsageError(f"window={self.window}: must be at least 1.")

    def start(self) -> Decision:
        """A decision that remembers the hashes it has kept."""
        older: _Index | None = None
        newer = _Index(self.distance)

        def keep(table: pa.Table) -> NDArray[np.bool_]:
            nonlocal older, newer
            hashes: Hashes = table.column("phash").to_numpy().astype(np.uint64)
            result = np.ones(len(hashes), dtype=bool)
            telling = np.flatnonzero(_ones(hashes) >= 8)
            near = newer.near(hashes[telling])
            if older is not None:
                near |= older.near(hashes[telling])
            result[telling[near]] = False
            candidates = telling[~near]
            chosen = _first_of_each(hashes[candidates], self.distance)
            result[candidates[~chosen]] = False
            newer.add(hashes[candidates[chosen]])
            if newer.size > self.window // 2:  # the older half is forgotten
                older, newer = newer, _Index(self.distance)
            return result

        return keep


class _Index:
    """Hashes, sorted by each of their bands."""

    def __init__(self, distance: int) -> None:
        self.size = 0
        self._distance = distance
        edges = np.linspace(0, 64, distance + 2).round().astype(int)
        self._starts, self._widths = edges[:-1], np.diff(edges)
        self._bands = [SortedRuns(np.dtype(np.uint64)) for _ in self._starts]

    def add(self, hashes: Hashes) -> None:
        self.size += len(hashes)
        for start, band in zip(self._starts, self._bands, strict=True):
            band.add(_rotated(hashes, int(start)))

    def near(self, hashes: Hashes) -> NDArray[np.bool_]:
        """(n,) bool: is any hash of the index within the distance?"""
        found = np.zeros(len(hashes), dtype=bool)
        for start, width, band in zip(self._starts, self._widths, self._bands, strict=True):
            for run in band.runs:
                asked = np.flatnonzero(~found)
                words = _rotated(hashes[asked], int(start))
                for rows, others in _same_band(words, run, int(width)):
                    close = _ones(words[rows] ^ run[others]) <= self._distance
                    found[asked[rows[close]]] = True
        return found


def _same_band(words: Hashes, run: Hashes, width: int) -> Iterator[tuple[NDArray[np.intp], ...]]:
    """Pairs (index of a word, index in the run) whose top ``width`` bits agree, some at a time."""
    if not len(run) or not len(words):
        return
    rest = np.uint64((1 << (64 - width)) - 1)
    low = np.searchsorted(run, words & ~rest, side="left")
    high = np.searchsorted(run, words | rest, side="right")
    ends = np.cumsum(high - low)
    first = 0
    while first < len(words):
        before = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        counts = (high - low)[first:last]
        rows = np.repeat(np.arange(first, last), counts)
        offsets = np.arange(len(rows)) - np.repeat(ends[first:last] - counts - before, counts)
        yield rows, low[rows] + offsets
        first = last


def _first_of_each(hashes: Hashes, distance: int) -> NDArray[np.bool_]:
    """(n,) bool: in order, the hashes that are near to none chosen before them."""
    chosen = np.zeros(len(hashes), dtype=bool)
    # equal ones first, so that a thousand copies of one image are not a million pairs
    first = np.sort(np.unique(hashes, return_index=True)[1])
    distinct = hashes[first]
    near: dict[int, list[int]] = {}  # later -> earlier ones
    edges = np.linspace(0, 64, distance + 2).round().astype(int)
    for start, end in pairwise(edges):
        words = _rotated(distinct, int(start))
        by_word = np.argsort(words, kind="stable")
        for rows, others in _same_band(words, words[by_word], int(end - start)):
            earlier = by_word[others]
            close = (earlier < rows) & (_ones(distinct[rows] ^ distinct[earlier]) <= distance)
            for late, early in zip(rows[close].tolist(), earlier[close].tolist(), strict=True):
                near.setdefault(late, []).append(early)
    keep = np.ones(len(distinct), dtype=bool)
    for late in sorted(near):
        keep[late] = not keep[near[late]].any()
    chosen[first[keep]] = True
    return chosen


def _rotated(hashes: Hashes, start: int) -> Hashes:
    """The hashes with bit ``start`` (from the top) rotated to the top."""
    if start == 0:
        return hashes
    return (hashes << np.uint64(start)) | (hashes >> np.uint64(64 - start))


_ONES_IN = np.array([value.bit_count() for value in range(1 << 16)], dtype=np.uint8)


def _ones(hashes: Hashes) -> NDArray[np.integer]:
    """(n,): how many bits are 1."""
    # numpy 2 has bitwise_count; 1.26 is supported too
    return _ONES_IN[np.ascontiguousarray(hashes).view(np.uint16)].reshape(-1, 4).sum(axis=1)
