"""Orders and draws that depend on numbers and names only: the same on every machine, for ever.

numpy's Generators promise no stable stream between versions, so the orders of an epoch come from
splitmix64 (Steele et al. 2014, https://doi.org/10.1145/2714064.2660195), which is three lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

__all__ = ["permutation", "uniform"]


def permutation(length: int, *seeds: int) -> np.ndarray:
    """A permutation of range(length), (length,) int64, a pure function of the seeds."""
    state = np.zeros(1, dtype=np.uint64)
    for seed in seeds:
        state = _splitmix(state + np.uint64(seed % (1 << 64)))
    draws = _splitmix(state + np.arange(length, dtype=np.uint64) * _GOLDEN)
    return np.argsort(draws, kind="stable")


def uniform(keys: Iterable[str], *seeds: int) -> np.ndarray:
    """One number in [0, 1) per key, a pure function of key and seeds: no matter in what order."""
    salt = blake2b(repr(seeds).encode(), digest_size=8).digest()
    digests = b"".join(blake2b(key.encode(), digest_size=8, salt=salt).digest() for key in keys)
    return (np.frombuffer(digests, dtype="<u8") >> np.uint64(11)) * 2.0**-53


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _splitmix(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        x = x + _GOLDEN
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))
