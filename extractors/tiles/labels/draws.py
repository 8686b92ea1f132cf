"""At most so many tiles of a class, decided by each source on its own.

Every tile has a number in (0, 1] that depends on the seed and its place alone. One pass over the
class raster, without a pixel of the scene, finds for each class the largest number that is kept:
the ``per_class`` smallest of a class are kept. Sources carry these limits with them.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable

__all__ = ["class_limits", "draw"]


def draw(seed: int, scene: str, column: int, row: int) -> float:
    """The tile's number."""
    digest = hashlib.blake2b(f"{seed} {scene} {column} {row}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 1) / 2**64


def class_limits(
    draws: Iterable[tuple[str, float]], *, per_class: int | None, min_per_class: int
) -> dict[str, float]:
    """(class, number) of every tile -> class -> the largest number kept; 0 drops a class that has
    fewer than ``min_per_class`` tiles. Holds ``per_class`` numbers of a class and no more."""
    kept: dict[str, list[float]] = {}  # a heap of negated numbers: the largest comes first
    counts: dict[str, int] = {}
    for name, number in draws:
        counts[name] = counts.get(name, 0) + 1
        if per_class is None:
            continue
        heap = kept.setdefault(name, [])
        if len(heap) < per_class:
            heapq.heappush(heap, -number)
        elif number < -heap[0]:
            heapq.heapreplace(heap, -number)
    return {
        name: 0.0 if count < min_per_class else -kept[name][0] if name in kept else 1.0
        for name, count in sorted(counts.items())
    }
