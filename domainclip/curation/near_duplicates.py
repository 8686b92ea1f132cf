"""Keep one of all pairs whose images look the same: resized, recompressed, turned, mirrored.

Two images are near when their 64-bit perceptual hashes differ in at most ``distance`` bits; the
search is that of domainclip/images/hamming.py. On 288 tiles of NASA's Blue Marble of 224 px, half
of them sea, ice and desert, against copies as JPEG 75: distance 2 misses 6 %, 4 misses 1.7 % and
takes no distinct tiles for copies; 8 misses 0.3 % and takes 0.7 %, with ``verify`` none. Of 210
aerial photographs (RSSCN7) distance 4 misses none and confuses none. On dull tiles of 112 px a JPEG
of quality 60 leaves so little that a fifth is missed at 4 and a fourteenth at 8
(benchmarks/tile_hashing.py copies).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision
from domainclip.errors import UsageError
from domainclip.images.encoded import decoded
from domainclip.images.hamming import MAX_DISTANCE, Buckets, HammingIndex, telling
from domainclip.images.phash import hashes_of, lowest, turned

__all__ = ["NearDuplicates"]

Hashes = NDArray[np.uint64]
Looks = NDArray[np.int8]

# Copies as JPEG 60 of the dullest tiles correlate with their original above 0.94, where they are
# within 8 bits of it. Of 1,043 distinct tiles of 112 px of Blue Marble three reach both, turned.
_ALIKE = 0.94
_SAME_CONTRAST = 4  # sixths of an octave: 1.6 times


@dataclass(frozen=True, slots=True)
class NearDuplicates:
    """Keeps the first of images whose perceptual hashes are near.

    distance: bits, of 64, in which two hashes may differ and be near (0 to 8; they differ in an
    even number nearly always). rotations: images turned by quarters or mirrored are near as well;
    reads and decodes every image, 1 to 3 ms each. verify: of those that are near, only images
    whose coarse pictures also correlate and are of like contrast are left out, so that seas and
    snow fields stay apart at distances up to 8; reads the images too. window: at most so many kept
    images are remembered, and at least the newest half of them, which bounds the memory: about 120
    bytes each at distance 4, and 64 more with verify. An image without a hash (0) or that cannot
    be decoded, or so flat that its hash has fewer than 8 ones, is kept.
    """

    distance: int = 4
    rotations: bool = False
    verify: bool = False
    window: int = 20_000_000

    def __post_init__(self) -> None:
        if not 0 <= self.distance <= MAX_DISTANCE:
            raise UsageError(f"distance={self.distance}: must be from 0 to {MAX_DISTANCE} bits.")
        if self.window < 1:
            raise UsageError(f"window={self.window}: must be at least 1.")

    @property
    def columns(self) -> tuple[str, ...]:
        """The images only where their hashes do not tell enough."""
        return ("image",) if self.rotations or self.verify else ("phash",)

    def start(self) -> Decision:
        """A decision that remembers what it has kept."""
        older: _Kept | None = None
        newer = _Kept(self.distance)

        def keep(table: pa.Table) -> NDArray[np.bool_]:
            nonlocal older, newer
            asked, rows = self._asked(table)
            result = np.ones(len(table), dtype=bool)
            near = newer.near(asked)
            if older is not None:
                near |= older.near(asked)
            result[rows[near]] = False
            asked, rows = asked.take(~near), rows[~near]
            chosen = _first_of_each(asked, self.distance)
            result[rows[~chosen]] = False
            newer.add(asked.take(chosen))
            if newer.size > self.window // 2:  # the older half is forgotten
                older, newer = newer, _Kept(self.distance)
            return result

        return keep

    def _asked(self, table: pa.Table) -> tuple[_Asked, NDArray[np.intp]]:
        """What is to be decided, and which rows of the table it is."""
        if "phash" in self.columns:
            hashes: Hashes = table.column("phash").to_numpy().astype(np.uint64)
            rows = np.flatnonzero(telling(hashes))
            return _Asked(hashes[rows, None], None), rows
        low, rows = _frequencies(table)
        low = turned(low) if self.rotations else low[:, None]  # (n, 1 or 8, 8, 8)
        versions = hashes_of(low)
        told = telling(versions[:, 0])
        looks = _looks(low[told]) if self.verify else None
        return _Asked(versions[told], looks), rows[told]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Images to decide on. versions: (n, 1 or 8) hashes of each. looks: (n, 1 or 8, 64), their
    coarse pictures, or None where hashes decide alone."""

    versions: Hashes
    looks: Looks | None

    def take(self, which: NDArray[np.bool_]) -> _Asked:
        looks = None if self.looks is None else self.looks[which]
        return _Asked(self.versions[which], looks)


class _Kept:
    """The hashes of what was kept, and its coarse pictures where they count."""

    def __init__(self, distance: int) -> None:
        self._index = HammingIndex(distance)
        self._looks = np.empty((0, 64), dtype=np.int8)

    @property
    def size(self) -> int:
        return self._index.size

    def add(self, asked: _Asked) -> None:
        if asked.looks is not None:
            held, new = self.size, len(asked.looks)
            if held + new > len(self._looks):
                grown = np.empty((max(1024, 2 * (held + new)), 64), dtype=np.int8)
                grown[:held] = self._looks[:held]
                self._looks = grown
            self._looks[held : held + new] = asked.looks[:, 0]
        self._index.add(asked.versions[:, 0])

    def near(self, asked: _Asked) -> NDArray[np.bool_]:
        """(n,) bool: was any image kept that is near?"""
        found = np.zeros(len(asked.versions), dtype=bool)
        for version in range(asked.versions.shape[1]):
            left = np.flatnonzero(~found)
            hashes = asked.versions[left, version]
            if asked.looks is None:
                found[left] = self._index.near(hashes)
                continue
            for rows, others, _ in self._index.pairs(hashes):
                alike = _alike(asked.looks[left[rows], version], self._looks[others])
                found[left[rows[alike]]] = True
        return found


def _first_of_each(asked: _Asked, distance: int) -> NDArray[np.bool_]:
    """(n,) bool: in order, those that are near to none chosen before them."""
    count = len(asked.versions)
    chosen = np.zeros(count, dtype=bool)
    first = np.arange(count)
    if asked.looks is None and asked.versions.shape[1] == 1:
        # equal ones once, so that a thousand copies of one image are not a million pairs
        first = np.sort(np.unique(asked.versions[:, 0], return_index=True)[1])
    versions = asked.versions[first]
    near: dict[int, list[int]] = {}  # later -> earlier ones
    held = Buckets(versions[:, 0], distance)
    for version in range(versions.shape[1]):
        for late, early, _ in held.pairs(versions[:, version]):
            close = early < late
            if asked.looks is not None:
                close &= _alike(asked.looks[late, version], asked.looks[early, 0])
            for one, other in zip(late[close].tolist(), early[close].tolist(), strict=True):
                near.setdefault(one, []).append(other)
    keep = np.ones(len(first), dtype=bool)
    for one in sorted(near):
        keep[one] = not keep[near[one]].any()
    chosen[first[keep]] = True
    return chosen


def _frequencies(table: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """(n, 8, 8): the lowest frequencies of the images that can be decoded, and their rows."""
    found, rows = [], []
    for row, image in enumerate(table.column("image")):
        with suppress(ValueError):
            found.append(lowest(decoded(image["bytes"].as_py() or b"")))
            rows.append(row)
    return np.stack(found) if found else np.empty((0, 8, 8)), np.array(rows, dtype=np.intp)


def _looks(low: NDArray[np.float64]) -> Looks:
    """(n, 1 or 8, 8, 8) -> (n, 1 or 8, 64) int8: the contrast, in sixths of an octave, and the
    frequencies but for the mean, of length 127."""
    looks = low.reshape(*low.shape[:2], 64).copy()
    looks[..., 0] = 0.0
    length = np.linalg.norm(looks, axis=-1, keepdims=True)
    looks *= 127 / np.maximum(length, 1e-9)
    looks[..., :1] = np.clip(6 * np.log2(np.maximum(length, 1)), 0, 127)
    return np.round(looks).astype(np.int8)


def _alike(a: Looks, b: Looks) -> NDArray[np.bool_]:
    """(n, 64), (n, 64) -> (n,): do they correlate, at about the same contrast? By Parseval the
    correlation is the product of the spectra."""
    x, y = a[:, 1:].astype(np.float32), b[:, 1:].astype(np.float32)
    length = np.sqrt(np.einsum("nf,nf->n", x, x) * np.einsum("nf,nf->n", y, y))
    contrast = np.abs(a[:, 0].astype(np.int16) - b[:, 0])
    alike = np.einsum("nf,nf->n", x, y) > _ALIKE * length
    found: NDArray[np.bool_] = alike & (contrast <= _SAME_CONTRAST)
    return found
