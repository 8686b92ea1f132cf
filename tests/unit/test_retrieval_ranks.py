"""Ranks of retrieval against a full sort, in any blocks, with ties against us."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.evaluation import _ranks
from domainclip.evaluation._bootstrap import Sampling
from domainclip.evaluation._ranks import first_positive_ranks, rank_values


def _unit(n: int, d: int, seed: int) -> Tensor:
    rows = torch.randn(n, d, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(rows, dim=-1)


def _slow(queries: Tensor, candidates: Tensor, positives: list[list[int]]) -> list[int]:
    ranks = []
    for query, mine in zip(queries.double(), positives, strict=True):
        scores = candidates.double() @ query
        others = [float(s) for i, s in enumerate(scores) if i not in mine]
        best = max((float(scores[i]) for i in mine), default=None)
        ranks.append(0 if best is None else 1 + sum(s >= best - 1e-6 for s in others))
    return ranks


@pytest.mark.parametrize(("q", "m"), [(1, 1), (7, 3), (50, 120)])
def test_ranks_equal_a_full_sort(q: int, m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = np.random.default_rng(q)
    queries, candidates = _unit(q, 16, 1), _unit(m, 16, 2)
    positives = [
        sorted(set(stream.integers(0, m, stream.integers(0, 4)).tolist())) for _ in range(q)
    ]
    expected = _slow(queries, candidates, positives)
    assert first_positive_ranks(queries, candidates, positives).tolist() == expected
    for name, size in (("QUERIES", 4), ("CANDIDATES", 7), ("_GATHERED", 3)):
        monkeypatch.setattr(_ranks, name, size)
    assert first_positive_ranks(queries, candidates, positives).tolist() == expected


def test_ties_are_broken_against_us() -> None:
    queries = torch.eye(4)[:2]
    same = torch.eye(4)[[0, 0, 0, 1]]
    assert first_positive_ranks(queries, same, [[1], [3]]).tolist() == [3, 1]
    # a collapsed model gets the last rank, not the first
    collapsed = torch.ones(1, 4) / 2
    ranks = first_positive_ranks(
        collapsed.expand(5, 4), collapsed.expand(5, 4), [[i] for i in range(5)]
    )
    assert ranks.tolist() == [5] * 5


def test_values_of_known_ranks() -> None:
    ranks = np.array([1, 2, 6, 20, 0])
    found = rank_values(ranks, Sampling(5, resamples=200), (1, 5, 10))
    assert [found[name].value for name in ("R@1", "R@5", "R@10", "median_rank")] == [
        0.2,
        0.4,
        0.6,
        6,
    ]
    even = rank_values(np.array([1, 2, 4, 9]), Sampling(4, resamples=0), (1,))
    assert even["median_rank"].value == 3


def test_median_of_resamples_is_the_median_of_repeated_rows() -> None:
    ranks = np.random.default_rng(0).integers(1, 50, 30)
    sampling = Sampling(30, [str(i // 4) for i in range(30)], resamples=40, seed=3)
    drawn = np.concatenate(list(sampling.counts()), axis=1)[:, 1:]
    slow = [np.median(np.repeat(ranks, column[sampling.unit].astype(int))) for column in drawn.T]
    found = rank_values(ranks, sampling, ())["median_rank"]
    assert (found.low, found.high) == tuple(np.quantile(slow, (0.025, 0.975)))


def test_memory_is_bounded_by_the_block() -> None:
    # 150,000 candidates x 1,100 queries as one float32 matrix are 660 MB; a block is 32 MB
    import resource

    queries, candidates = _unit(1100, 4, 1), _unit(150_000, 4, 2)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ranks = first_positive_ranks(queries, candidates, [[i] for i in range(1100)])
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert len(ranks) == 1100 and grown < 300, f"{grown:.0f} MB"
