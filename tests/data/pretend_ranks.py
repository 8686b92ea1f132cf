"""Two ranks in two threads of one process: what they gather has one graph, so gradients flow."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor


class ThreadGather:
    """The gather of one rank of several."""

    def __init__(self, rank: int, cuts: list[int], shared: _Shared) -> None:
        self.rank, self.cuts, self.shared = rank, cuts, shared
        self.world_size = len(cuts) - 1
        self.counts: dict[int, list[int]] = {}

    def __call__(self, rows: Tensor) -> Tensor:
        parts = self.shared.exchange(self.rank, rows)
        self.counts.setdefault(len(rows), [len(part) for part in parts])
        return torch.cat(parts)

    def mine(self, rows: int) -> tuple[int, int]:
        start = sum(self.counts[rows][: self.rank])
        return start, start + rows

    def total(self, rows: int) -> int:
        return sum(self.counts[rows])


class _Shared:
    def __init__(self, size: int) -> None:
        self.barrier = threading.Barrier(size, timeout=60)
        self.slots: list[Tensor | None] = [None] * size

    def exchange(self, rank: int, rows: Tensor) -> list[Tensor]:
        self.slots[rank] = rows
        self.barrier.wait()
        found = [slot for slot in self.slots if slot is not None]
        self.barrier.wait()
        return found


def on_ranks(call: Callable[[slice, Any], Tensor], cuts: list[int]) -> list[Tensor]:
    """``call(rows, gather)`` for each rank, whose rows are cuts[rank]:cuts[rank + 1]."""
    shared = _Shared(len(cuts) - 1)

    def rank(number: int) -> Tensor:
        try:
            torch.set_grad_enabled(True)
            rows = slice(cuts[number], cuts[number + 1])
            return call(rows, ThreadGather(number, cuts, shared))
        except BaseException:
            shared.barrier.abort()
            raise

    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        return list(pool.map(rank, range(len(cuts) - 1)))
