"""Objectives are compared on the same splits and batches: two that are one function score alike."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn.functional import normalize

from benchmarks.class_captions import OBJECTIVES, PLAIN, compare, table
from benchmarks.tile_class_folders import PROMPTS
from benchmarks.tile_class_positives import Frozen
from tests.data.make_pairs import make_pair, write_pairs


def test_every_objective_sees_the_same_and_learns(tmp_path: Path) -> None:
    pairs = write_pairs(
        tmp_path / "p",
        [make_pair(n, labels=("ab"[n % 2],), group=f"g{n}", document=f"g{n}") for n in range(40)],
    )
    torch.manual_seed(0)
    labels = torch.tensor([n % 2 for n in range(40)])
    centres = torch.randn(2, 16)
    views = normalize(centres[labels][:, None] + 0.3 * torch.randn(40, 8, 16), dim=-1)
    prompts = normalize(torch.randn(2, 1, 16) + 0.1 * torch.randn(2, len(PROMPTS), 16), dim=-1)
    data = Frozen(views, labels, prompts, torch.tensor(20.0))
    rates = dict.fromkeys(OBJECTIVES, 1e-2)
    found = compare(data, pairs, [0, 1], rates, shots=None, batch=16, epochs=15)
    assert found[PLAIN] == found["infonce, same text positive"]
    assert all(min(scores.values()) > 0.8 for scores in found.values())
    few = compare(data, pairs, [0], {PLAIN: 1e-2}, shots=2, batch=4, epochs=1)
    assert 0 <= few[PLAIN][0] <= 1
    lines = table(found, 0.25).split("\n")
    assert len(lines) == 2 + len(OBJECTIVES) and "0 / 0" in lines[3]
