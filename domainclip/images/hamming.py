"""64-bit hashes that differ in few bits, found among many millions without comparing all.

Cut a word into d + k blocks of bits: two words that differ in at most d bits agree in at least k
of the blocks (the pigeonhole principle), so they share one of the C(d + k, k) masks that keep k
blocks. For each mask the masked words are hashed into buckets, and only words of one bucket are
compared. Larger k: more masks and far fewer comparisons; k is chosen by the number of words.
Manku, Jain, Das Sarma 2007, "Detecting near-duplicates for web crawling", section 3.

Block b holds the bits b, b + blocks, b + 2 blocks, ...: each has some of every frequency of a
perceptual hash, so that pictures that share their coarse bits do not share whole blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from domainclip.errors import UsageError
from domainclip.images.phash import dihedral

__all__ = ["MAX_DISTANCE", "Buckets", "HammingIndex", "nearest", "ones", "telling"]

Hashes = NDArray[np.uint64]
Rows = NDArray[np.intp]
Bits = NDArray[np.uint8]

MAX_DISTANCE = 8  # beyond it nearly everything is a candidate

_AT_ONCE = 1 << 20  # candidates compared at once: 40 MB
_QUERIES = 1 << 18  # queries looked up at once
_MOST_MASKS = 45  # four bytes a word each
_SMALLEST = 1 << 16  # an index joins segments below this size without much ado


def nearest(
    a: NDArray[np.uint64], b: NDArray[np.uint64], distance: int, *, rotations: bool = False
) -> tuple[Rows, Bits]:
    """For each of ``a`` the row of its nearest hash in ``b`` (the first of equals), or -1 where
    none differs in at most ``distance`` bits, and those bits (255 where none): both (n,).

    a, b: (n,) and (m,) uint64. rotations: compare the hashes of each of a's turned and mirrored
    versions too, made out of the hashes alone (``phash.dihedral``: some bits off). What ``telling``
    refuses is for the caller to leave out.

    Raises UsageError for a distance outside 0 to MAX_DISTANCE.
    """
    _check(distance)
    rows, asked = _versions(a, rotations)
    distinct, first = np.unique(np.ascontiguousarray(b, np.uint64), return_index=True)
    row = np.full(len(a), -1, dtype=np.intp)
    best = np.full(len(a), 255, dtype=np.uint8)
    for q, h, bits in Buckets(distinct, distance).pairs(asked):
        owner, target = rows[q], first[h]
        order = np.lexsort((target, bits, owner))
        owner, target, bits = owner[order], target[order], bits[order]
        lead = np.concatenate([[True], owner[1:] != owner[:-1]]) if len(owner) else owner > 0
        owner, target, bits = owner[lead], target[lead], bits[lead]
        better = (bits < best[owner]) | ((bits == best[owner]) & (target < row[owner]))
        row[owner[better]], best[owner[better]] = target[better], bits[better]
    return row, best


def ones(words: Hashes) -> Bits:
    """(n,) uint8: how many bits of each word are 1."""
    if hasattr(np, "bitwise_count"):  # numpy 2
        return np.bitwise_count(words)
    halves = _ONES_IN[np.ascontiguousarray(words).view(np.uint16)]
    return halves.reshape(-1, 4).sum(axis=1, dtype=np.uint8)


def telling(hashes: Hashes) -> NDArray[np.bool_]:
    """(n,) bool: is it a perceptual hash (not 0), and not of a flat picture (fewer than 8 ones)?"""
    return ones(hashes) >= 8


class HammingIndex:
    """A growing set of hashes that is asked for near ones.

    Segments of doubling size, each in buckets. Memory: 8 bytes a hash and 6 to 8 more for each
    mask, of which there are 6 at distance 2, 15 at 4 and 28 at 6 where hashes are millions.
    """

    def __init__(self, distance: int) -> None:
        _check(distance)
        self.size = 0
        self._distance = distance
        self._segments: list[Buckets] = []

    def add(self, hashes: Hashes) -> None:
        """Add hashes, (n,)."""
        if not len(hashes):
            return
        self.size += len(hashes)
        words = np.array(hashes, dtype=np.uint64)
        while self._segments and (
            len(self._segments[-1].words) < 2 * len(words)
            or len(self._segments[-1].words) + len(words) <= _SMALLEST
        ):
            words = np.concatenate([self._segments.pop().words, words])
        self._segments.append(Buckets(words, self._distance))

    def near(self, hashes: Hashes) -> NDArray[np.bool_]:
        """(n,) bool: is any hash of the index within the distance?"""
        found = np.zeros(len(hashes), dtype=bool)
        for segment in self._segments:
            asked = np.flatnonzero(~found)
            found[asked] = segment.near(hashes[asked])
        return found

    def pairs(self, hashes: Hashes) -> Iterator[tuple[Rows, Rows, Bits]]:
        """(row of ``hashes``, number of the hash in the index, bits) of all that are near."""
        start = 0
        for segment in self._segments:  # the order of adding is kept
            for rows, others, bits in segment.pairs(hashes):
                yield rows, others + start, bits
            start += len(segment.words)


class Buckets:
    """Fixed hashes, (n,), by the buckets of their masked words."""

    def __init__(self, words: Hashes, distance: int) -> None:
        self.words = words
        self._distance = distance
        self._masks = _masks(distance, _kept_blocks(len(words), distance))
        self._shift = np.uint64(64 - max(1, min(26, len(words).bit_length() - 1)))
        self._tables = [self._table(mask) for mask in self._masks]

    def near(self, hashes: Hashes) -> NDArray[np.bool_]:
        """(n,) bool: is any of the words within the distance?"""
        found = np.zeros(len(hashes), dtype=bool)
        for number in range(len(self._masks)):
            asked = np.flatnonzero(~found)
            for rows, others in self._candidates(number, hashes[asked]):
                close = ones(hashes[asked[rows]] ^ self.words[others]) <= self._distance
                found[asked[rows[close]]] = True
        return found

    def pairs(self, hashes: Hashes) -> Iterator[tuple[Rows, Rows, Bits]]:
        """(row of ``hashes``, row of the words, bits) of all that are near, each once."""
        for start in range(0, len(hashes), _QUERIES):
            part = hashes[start : start + _QUERIES]
            for number in range(len(self._masks)):
                for rows, others in self._candidates(number, part):
                    differ = part[rows] ^ self.words[others]
                    bits = ones(differ)
                    close = np.flatnonzero(bits <= self._distance)
                    # found by the first mask under which it differs in nothing; words that meet in
                    # a bucket by chance leave it to that mask
                    differ = differ[close]
                    own = (differ & self._masks[number]) == 0
                    close, differ = close[own], differ[own]
                    for mask in self._masks[:number]:
                        fresh = (differ & mask) != 0
                        close, differ = close[fresh], differ[fresh]
                    if len(close):
                        yield rows[close] + start, others[close], bits[close]

    def _candidates(self, number: int, hashes: Hashes) -> Iterator[tuple[Rows, Rows]]:
        """(row of ``hashes``, row of the words) of one bucket under one mask, some at a time."""
        order, starts = self._tables[number]
        keys = self._keys(hashes, self._masks[number])
        low = starts[keys].astype(np.int64)
        counts = starts[keys + 1].astype(np.int64) - low
        held = np.flatnonzero(counts)
        low, counts = low[held], counts[held]
        ends = np.cumsum(counts)
        first, before = 0, 0
        while first < len(held):
            last = int(np.searchsorted(ends, before + _AT_ONCE, side="right"))
            if last == first:  # one bucket alone is larger
                for at in range(int(low[first]), int(low[first] + counts[first]), _AT_ONCE):
                    own = order[at : min(at + _AT_ONCE, int(low[first] + counts[first]))]
                    yield np.full(len(own), held[first], dtype=np.intp), own.astype(np.intp)
                last = first + 1
            else:
                many = counts[first:last]
                begins = np.repeat(low[first:last] - (ends[first:last] - many - before), many)
                rows = order[begins + np.arange(len(begins))].astype(np.intp)
                yield np.repeat(held[first:last], many), rows
            before, first = int(ends[last - 1]), last

    def _keys(self, hashes: Hashes, mask: np.uint64) -> NDArray[np.int64]:
        # multiplicative hashing: equal masked words always meet, others seldom
        return (((hashes & mask) * _GOLDEN) >> self._shift).astype(np.int64)

    def _table(self, mask: np.uint64) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Rows in the order of their keys, (n,), and where each key's begin, (keys + 1,)."""
        keys = self._keys(self.words, mask).astype(np.uint64)
        rows = np.arange(len(keys), dtype=np.uint64)
        # key and row in one word: a plain sort is several times faster than an argsort
        both = np.sort((keys << np.uint64(32)) | rows)
        counts = np.bincount(keys.astype(np.int64), minlength=1 << (64 - int(self._shift)))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
        return both.astype(np.uint32), starts


def _check(distance: int) -> None:
    if not 0 <= distance <= MAX_DISTANCE:
        raise UsageError(f"distance={distance}: must be from 0 to {MAX_DISTANCE} bits.")


def _versions(a: Hashes, rotations: bool) -> tuple[Rows, Hashes]:
    """The hashes to ask for, and the row of ``a`` that each belongs to."""
    words = np.ascontiguousarray(a, np.uint64)
    if not rotations:
        return np.arange(len(words)), words
    versions = dihedral(words)
    return np.repeat(np.arange(len(words)), versions.shape[1]), versions.ravel()


def _kept_blocks(words: int, distance: int) -> int:
    """The k at which a query costs least: a look-up a mask, and a comparison a candidate."""

    def cost(kept: int) -> float:
        masks = comb(distance + kept, kept)
        same = words / 2 ** (64 * kept / (distance + kept))
        return masks * (60 + 8 * same)  # nanoseconds, measured

    choices = [k for k in range(1, 4) if comb(distance + k, k) <= _MOST_MASKS]
    return min(choices, key=cost)


def _masks(distance: int, kept: int) -> list[np.uint64]:
    blocks = distance + kept
    block = [sum(1 << bit for bit in range(at, 64, blocks)) for at in range(blocks)]
    return [
        np.uint64(sum(block[at] for at in chosen)) for chosen in combinations(range(blocks), kept)
    ]


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ONES_IN = np.array([value.bit_count() for value in range(1 << 16)], dtype=np.uint8)
