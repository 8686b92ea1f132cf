"""Rows of all ranks in one tensor, through which gradients flow back to where they came from.

torch.distributed.nn.all_gather wants equal shapes and an all_to_all that gloo lacks; here a rank
may bring fewer rows (a broken image), and the backward pass is one all_reduce.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["RankGather"]


class RankGather:
    """Gathers over the default process group; ``mine`` is valid after a call with those rows, and
    speaks of the first such call: a later one with as many rows may gather something else.
    """

    def __init__(self) -> None:
        self.rank, self.world_size = dist.get_rank(), dist.get_world_size()
        self._counts: dict[int, list[int]] = {}

    def __call__(self, rows: Tensor) -> Tensor:
        """(b, ...) of each rank -> (n, ...) of all, by rank. Every rank must call it.

        A rank without rows takes the shape of the others'.
        """
        sizes = torch.zeros(self.world_size + rows.ndim - 1, dtype=torch.int64)
        sizes[self.rank] = len(rows)
        if len(rows):
            sizes[self.world_size :] = torch.tensor(rows.shape[1:])
        sizes = sizes.to(rows.device)
        dist.all_reduce(sizes, dist.ReduceOp.MAX)
        counts, shape = sizes[: self.world_size].tolist(), sizes[self.world_size :].tolist()
        self._counts.setdefault(len(rows), counts)
        if max(counts) and shape != list(rows.shape[1:]):
            # still of its graph, as its backward pass must join that of the others
            rows = rows.new_zeros((0, *shape)) + 0 * rows.sum()
        gathered: Tensor = _Gather.apply(rows, counts, self.rank)
        return gathered

    def mine(self, rows: int) -> tuple[int, int]:
        """Where this rank's rows start and stop among those of all."""
        start = sum(self._counts[rows][: self.rank])
        return start, start + rows

    def total(self, rows: int) -> int:
        """Rows of all ranks together."""
        return sum(self._counts[rows])


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor, counts: list[int], rank: int) -> Tensor:
        context.counts, context.rank = counts, rank
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)  # what every rank's loss asks of these rows
        start = sum(context.counts[: context.rank])
        return total[start : start + context.counts[context.rank]], None, None
