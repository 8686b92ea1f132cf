"""Hashes near each other: found as by comparing all, each pair once, memory bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.errors import UsageError
from domainclip.images import hamming
from domainclip.images.hamming import Buckets, HammingIndex, nearest, ones
from domainclip.images.phash import dihedral


def clustered(seed: int, count: int, centres: int = 5, flips: int = 9) -> np.ndarray:
    """(count,) uint64 around some centres, in which up to ``flips`` bits are changed."""
    random = np.random.default_rng(seed)
    words = random.integers(0, 2**64, centres, dtype=np.uint64)[
        random.integers(centres, size=count)
    ]
    for _ in range(flips):
        change = random.random(count) < 0.5
        words = words ^ np.where(
            change, np.uint64(1) << random.integers(0, 64, count, dtype=np.uint64), np.uint64(0)
        )
    return words


def slow_pairs(a: np.ndarray, b: np.ndarray, distance: int) -> list[tuple[int, int, int]]:
    found = []
    for i, one in enumerate(a):
        for j, other in enumerate(b.tolist()):
            bits = min((int(word) ^ other).bit_count() for word in np.atleast_1d(one))
            if bits <= distance:
                found.append((i, j, bits))
    return found


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    counts=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    distance=st.integers(0, 8),
    rotations=st.booleans(),
)
def test_the_nearest_is_that_of_comparing_all(
    seed: int, counts: tuple[int, int], distance: int, rotations: bool
) -> None:
    both = clustered(seed, sum(counts), centres=2, flips=5)
    a, b = both[: counts[0]], both[counts[0] :]
    expected = slow_pairs(dihedral(a) if rotations else a, b, distance)
    row, best = nearest(a, b, distance, rotations=rotations)
    for at in range(len(a)):
        own = min(((bits, j) for i, j, bits in expected if i == at), default=(255, -1))
        assert (best[at], row[at]) == own


@pytest.mark.parametrize("distance", range(9))
def test_many_words_in_every_scheme_of_masks(
    distance: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = clustered(1, 1500, centres=40, flips=10)
    expected = ones(words[:, None] ^ words[None]) <= distance
    monkeypatch.setattr(hamming, "_AT_ONCE", 97)  # candidates come in many parts
    for kept in (1, 2, 3):
        if (distance, kept) in ((7, 3), (8, 3), (6, 3)):
            continue  # a hundred masks and more are never chosen
        monkeypatch.setattr(hamming, "_kept_blocks", lambda *_, kept=kept: kept)
        found = np.zeros_like(expected)
        for rows, others, bits in Buckets(words, distance).pairs(words):
            assert not found[rows, others].any(), "a pair is given once"
            found[rows, others] = True
            assert (bits == ones(words[rows] ^ words[others])).all()
        assert (found == expected).all()
        assert Buckets(words[:900], distance).near(words).tolist() == (
            expected[:, :900].any(axis=1).tolist()
        )


def test_an_index_that_grows_knows_all_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "_SMALLEST", 50)
    words = clustered(2, 2000, centres=300, flips=8)
    index = HammingIndex(3)
    for start in range(0, 2000, 61):
        part = words[start : start + 61]
        near = ones(part[:, None] ^ words[None, :start]) <= 3
        assert index.near(part).tolist() == near.any(axis=1).tolist()
        found = np.zeros_like(near)
        for rows, others, _ in index.pairs(part):
            found[rows, others] = True
        assert (found == near).all()
        index.add(part)
    assert index.size == 2000


def test_bits_are_counted_without_numpy_2(monkeypatch: pytest.MonkeyPatch) -> None:
    words = clustered(4, 100)
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert ones(words).tolist() == [word.bit_count() for word in words.tolist()]


@pytest.mark.parametrize("distance", [-1, 9])
def test_a_distance_out_of_range_is_said(distance: int) -> None:
    with pytest.raises(UsageError, match="must be from 0 to 8 bits"):
        nearest(np.zeros(1, np.uint64), np.zeros(1, np.uint64), distance)
