"""Ranks in retrieval, block by block: no matrix of all queries by all candidates is ever held."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainclip.evaluation._bootstrap import Floats, Sampling, Value

__all__ = ["first_positive_ranks", "rank_values"]

QUERIES, CANDIDATES = 1024, 8192  # scores of a block: 32 MB
TIE = 1e-6  # a float32 product of unit vectors is right to about 1e-7
_GATHERED = 1 << 15  # positives whose own scores are computed together


def first_positive_ranks(
    queries: Tensor, candidates: Tensor, positives: Sequence[Sequence[int]]
) -> NDArray[np.int64]:
    """The rank (1 is best) of each query's best positive candidate; 0 for a query without one.

    queries (q, d), candidates (m, d) of unit length, on one device; positives: q lists of indices.
    Ties are broken against us: a wrong candidate within 1e-6 of the best positive ranks above it,
    so the result depends neither on order nor on rounding, and equal features can't look good.
    """
    ranks = np.zeros(len(queries), dtype=np.int64)
    for start in range(0, len(queries), QUERIES):
        block = queries[start : start + QUERIES].float()  # (b, d)
        mine = positives[start : start + QUERIES]
        sizes = torch.tensor([len(each) for each in mine])
        row = torch.repeat_interleave(torch.arange(len(mine)), sizes)
        column = torch.tensor(list(chain.from_iterable(mine)), dtype=torch.int64)
        best = _best(block, candidates, row, column)
        above = torch.zeros(len(block), dtype=torch.int64, device=block.device)
        for at in range(0, len(candidates), CANDIDATES):
            some = candidates[at : at + CANDIDATES].float()
            scores = block @ some.T  # (b, m)
            here = (column >= at) & (column < at + len(some))
            scores[row[here].to(block.device), (column[here] - at).to(block.device)] = -torch.inf
            above += (scores >= best[:, None] - TIE).sum(1)
        found = (1 + above).cpu()
        found[sizes == 0] = 0
        ranks[start : start + len(found)] = found.numpy()
    return ranks


def rank_values(
    ranks: NDArray[np.int64], sampling: Sampling, ks: Sequence[int]
) -> dict[str, Value]:
    """``R@k`` (share of queries with a positive among the first k) and ``median_rank``."""
    found = {f"R@{k}": sampling.mean((ranks > 0) & (ranks <= k)) for k in ks}
    # a query without a positive ranks behind all others
    ranked = np.where(ranks > 0, ranks, np.iinfo(np.int64).max)
    order = np.argsort(ranked, kind="stable")
    unit, values = sampling.unit[order], ranked[order].astype(np.float64)

    def median(counts: Floats) -> Floats:
        below = np.cumsum(counts[unit], axis=0)  # (q, r)
        half = below[-1] / 2
        low = (below < half).sum(0).clip(max=len(values) - 1)
        high = (below <= half).sum(0).clip(max=len(values) - 1)
        return np.asarray((values[low] + values[high]) / 2)

    return {**found, "median_rank": sampling.value(median)}


def _best(block: Tensor, candidates: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """The score of each query's best positive (b,), +inf without one."""
    best = torch.full((len(block),), -torch.inf)
    for start in range(0, len(row), _GATHERED):
        rows, columns = row[start : start + _GATHERED], column[start : start + _GATHERED]
        theirs = candidates[columns.to(candidates.device)].float()
        scores = (block[rows.to(block.device)] * theirs).sum(1).cpu()
        best.scatter_reduce_(0, rows, scores, "amax")
    best[best == -torch.inf] = torch.inf
    return best.to(block.device)
