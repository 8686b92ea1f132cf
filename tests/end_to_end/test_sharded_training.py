"""Blocks dealt over two ranks (``strategy: fsdp``) train as one process that has them all."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data.settings import DataSettings
from domainclip.errors import UsageError
from domainclip.pairs import Pairs
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import ToyTower, striped_pairs
from tests.data.train_tiny import train
from tests.end_to_end.test_training_processes import on_two_ranks

NAN = "pair-000006"
JOBS: dict[str, dict[str, Any]] = {
    "full": {},
    "classes": {"objective": "class_prompts", "accumulate": 2, "checkpoint_blocks": True},
    "lora": {"adapter": "lora", "options": {"dropout": 0.0}, "ema": None, "keep": "best"},
    "image": {"options": {"towers": ["image"]}, "clip_norm": 0.1},
}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("sharded") / "pairs", 15)  # 12 to train


@pytest.fixture(scope="module")
def ranks(pairs: Pairs, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """What two ranks said, in a place where their checkpoints lie."""
    out = tmp_path_factory.mktemp("ranks")
    torch.set_num_threads(1)
    stopped = train(str(pairs.path), str(out / "resumed"), 4, nan=NAN)
    assert "no finite number" in stopped["error"]
    assert list((out / "resumed" / "checkpoints").glob("step-*.pt"))
    jobs = {**JOBS, "resumed": {}, "stopped": {"nan": NAN}}
    processes = on_two_ranks(*(
        {"pairs": str(pairs.path), "out": str(out / name), "batch": 2, "strategy": "fsdp", **job}
        for name, job in jobs.items()
    ), module="tests.data.train_tiny")  # fmt: skip
    said = []
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        said.append([json.loads(line) for line in output.splitlines() if line[:1] == "{"])
    assert said[0] == said[1]
    return out, dict(zip(jobs, said[0], strict=True))


def alike(found: dict[str, Any], one: dict[str, Any]) -> None:
    for name in ("history", "weights", "features"):
        assert found[name] == pytest.approx(one[name], rel=2e-4, abs=2e-5), name


@pytest.mark.parametrize("name", JOBS)
def test_dealt_blocks_train_as_whole_ones_and_leave_the_model_as_it_was(
    pairs: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Any]], name: str
) -> None:
    alike(ranks[1][name], train(str(pairs.path), str(tmp_path), 4, **JOBS[name]))


def test_a_run_goes_on_with_blocks_dealt_and_whole_again(
    pairs: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Any]]
) -> None:
    out, said = ranks
    one = train(str(pairs.path), str(tmp_path / "one"), 4)
    assert said["resumed"]["resumed"] > 0 and "no finite number" in said["stopped"]["error"]
    alike(said["resumed"], one)
    shutil.copytree(out / "stopped", tmp_path / "again")
    again = train(str(pairs.path), str(tmp_path / "again"), 4)
    assert again["resumed"] > 0
    alike(again, one)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"chunk": 2}, r"trainer\.chunk: .* give checkpoint_blocks, or strategy ddp"),
        ({"precision": "16-mixed"}, r"trainer\.precision: strategy fsdp takes bf16-mixed"),
    ],
)
def test_what_does_not_go_with_dealt_blocks_is_said(
    pairs: Pairs, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    clip, full = make_backbone("vit"), load("adapters", "full")()
    full.inject(clip)
    data = PairsDataModule(pairs, DataSettings(), ToyTower(px=64))
    with pytest.raises(UsageError, match=said):
        fit(
            clip, full, load("objectives", "infonce")(), data,
            TrainerSettings(strategy="fsdp", **settings), out=tmp_path,
        )  # fmt: skip
