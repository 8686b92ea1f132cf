"""A stream of choices that depends on the seed and the tile alone."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

__all__ = ["Draws"]

_MASK = (1 << 64) - 1
_Item = TypeVar("_Item")


class Draws:
    """Choices from (seed, key, what they are for): the same ones on every machine.

    SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) from a BLAKE2b state; not ``random.Random``,
    whose set-up takes longer than all choices of a tile.
    """

    __slots__ = ("_state",)

    def __init__(self, seed: int, *names: str) -> None:
        text = "\0".join((str(seed), *names)).encode("utf-8", "surrogatepass")
        self._state = int.from_bytes(blake2b(text, digest_size=8).digest(), "big")

    def below(self, count: int) -> int:
        """A whole number from 0 to ``count`` - 1."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((mixed ^ (mixed >> 31)) * count) >> 64

    def pick(self, items: Sequence[_Item]) -> _Item:
        """One of the items."""
        return items[0] if len(items) == 1 else items[self.below(len(items))]

    def shuffled(self, items: Sequence[_Item]) -> list[_Item]:
        """The items in another order (Fisher and Yates)."""
        mixed = list(items)
        for at in range(len(mixed) - 1, 0, -1):
            other = self.below(at + 1)
            mixed[at], mixed[other] = mixed[other], mixed[at]
        return mixed
