"""Killed trainings end with the numbers of whole ones; two ranks with those of one process."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip.pairs import Pairs
from domainclip.training import _checkpoints as checkpoints
from tests.data.toy_tower import striped_pairs
from tests.data.train_toy import train

ROOT = Path(__file__).resolve().parents[2]
Job = dict[str, Any]
PLAIN = {"objective": "infonce", "dropout": False, "keep": "last"}  # ranks draw other dropouts


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("processes") / "pairs")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("broken") / "pairs", 12, broken=3)


@pytest.fixture(scope="module")
def mostly_broken(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("mostly") / "pairs", 12, broken=range(8))


def started(
    *jobs: Job, module: str = "tests.data.train_toy", **environment: str
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, json.dumps(jobs)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


def on_two_ranks(*jobs: Job, module: str = "tests.data.train_toy") -> list[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # what torchrun sets
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0",
              "TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_USE_AGENT_STORE": "False",
              "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}  # fmt: skip
    return [
        started(*jobs, module=module, LOCAL_RANK=str(rank), RANK=str(rank), **shared)
        for rank in range(2)
    ]


def test_killed_in_mid_epoch_and_called_again_gives_the_same_bits(
    pairs: Pairs, tmp_path: Path
) -> None:
    job = {"pairs": str(pairs.path), "objective": "infonce", "batch": 8}
    whole = train(**job, out=str(tmp_path / "whole"))
    # call 13 is in the second epoch of six steps, two batches of validation lie before it
    killed = started({**job, "out": str(tmp_path / "cut"), "die_at": 13})
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    # the last checkpoint is cut short as well, as a crash of the machine may leave it
    last = sorted((tmp_path / "cut" / "checkpoints").glob("step-*.pt"))[-1]
    last.write_bytes(last.read_bytes()[:500])
    again = train(**job, out=str(tmp_path / "cut"))
    assert 0 < again.pop("resumed") < int(last.stem.partition("-")[2]) and whole.pop("resumed") == 0
    assert again.pop("lines")[0].startswith("train: goes on after step") and whole.pop("lines")
    assert again == whole


@pytest.fixture(scope="module")
def ranks(
    pairs: Pairs, broken: Pairs, mostly_broken: Pairs, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Job]]:
    """What two ranks said of a list of trainings, the last of which killed them."""
    out = tmp_path_factory.mktemp("ranks")
    plain = {**PLAIN, "pairs": str(pairs.path)}
    killed = started({**plain, "out": str(out / "killed"), "batch": 8,
                      "die_at": random.Random(3).randrange(11, 15)})  # fmt: skip
    killed.communicate(timeout=120)
    assert killed.returncode == -signal.SIGKILL
    for name in ("same", "again", "larger"):
        copied(out / "killed", out / name)
    jobs = {
        "infonce": {**plain, "batch": 4},
        "class_prompts": {**plain, "batch": 4, "objective": "class_prompts"},
        "chunk": {**plain, "batch": 4, "chunk": 3},
        "accumulate": {**plain, "batch": 2, "chunk": 1, "accumulate": 2},
        "same": {**plain, "batch": 4},
        "again": {**plain, "batch": 4},
        "larger": {**plain, "batch": 7},
        "nan": {**plain, "batch": 4, "nan": "pair-000007"},
        "slope": {**plain, "batch": 4, "slope": "pair-000007", "checkpoint_every": 1},
        "broken": {**plain, "batch": 1, "pairs": str(broken.path), "parts": ["visual"],
                   "ema": None},
        "mostly broken": {**plain, "batch": 1, "pairs": str(mostly_broken.path), "chunk": 1,
                          "objective": "class_prompts"},
        "cut": {**plain, "batch": 4, "die_at": random.Random(4).randrange(11, 15)},
    }  # fmt: skip
    processes = on_two_ranks(*({**job, "out": str(out / name)} for name, job in jobs.items()))
    said = []
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert process.returncode != 0  # one is killed, and the other misses it or is killed too
        lines = [json.loads(line) for line in output.splitlines() if line[:1] == "{"]
        assert len(lines) == len(jobs) - 1, errors
        said.append(lines)
    for name, mine, other in zip(jobs, *said, strict=False):
        assert {**mine, "lines": ()} == {**other, "lines": ()}, name
    return out, dict(zip(jobs, said[0], strict=False))


def alike(found: Job, expected: Job) -> None:
    """The losses of epochs and validations, accuracy where there is one, and the trained weights:
    equal only if every gradient was."""
    for mine, joint in zip(found["history"], expected["history"], strict=True):
        known = [value for value in joint if value is not None]
        assert [value for value in mine if value is not None] == pytest.approx(known, rel=1e-5)
    for name, total in expected["weights"].items():
        mine = float.fromhex(found["weights"][name])
        assert mine == pytest.approx(float.fromhex(total), rel=1e-4, abs=1e-4), name


def copied(run: Path, to: Path) -> None:
    shutil.copytree(run, to, ignore=shutil.ignore_patterns("seen-*"))


def epochs(out: Path) -> list[list[tuple[int, list[str]]]]:
    """(samples consumed by then, keys) of each batch of each epoch that a process was given."""
    found: dict[int, list[tuple[int, list[str]]]] = {}
    for path in sorted(out.glob("seen-*.jsonl")):
        epoch, before = 0, 0
        for line in path.read_text().splitlines():
            consumed, keys = json.loads(line)
            epoch += consumed <= before
            before = consumed
            found.setdefault(epoch, []).append((consumed, keys))
    return [found[epoch] for epoch in sorted(found)]


def keys(batches: list[tuple[int, list[str]]], until: int = 10**9) -> list[str]:
    return [key for consumed, names in batches for key in names if consumed <= until]


def checkpoint_in_second_epoch(run: Path) -> int:
    """How many samples of it were used by then."""
    content = checkpoints.newest(run / "checkpoints")
    assert content is not None and content["journal"]["epoch"] == 1
    consumed: int = content["journal"]["consumed"]
    assert consumed > 0
    return consumed


@pytest.mark.parametrize("name", ["infonce", "class_prompts", "chunk"])
def test_two_ranks_train_as_one_process_with_the_joint_batch(
    pairs: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Job]], name: str
) -> None:
    objective = name if name != "chunk" else "infonce"
    job = {**PLAIN, "pairs": str(pairs.path), "objective": objective, "batch": 8}
    one = train(**job, out=str(tmp_path))
    alike(ranks[1][name], one)
    logged, steps = ([line.split(",") for line in (out / "logs" / "train.csv").open()]
                     for out in (ranks[0] / name, tmp_path))  # fmt: skip
    for mine, joint in zip(logged[1:], steps[1:], strict=True):  # a step's loss is that of all
        assert [float(x) for x in mine] == pytest.approx([float(x) for x in joint], rel=1e-5)


def test_chunks_and_accumulated_batches_go_together_on_ranks(
    pairs: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Job]]
) -> None:
    job = {**PLAIN, "pairs": str(pairs.path), "batch": 4, "accumulate": 2}
    alike(ranks[1]["accumulate"], train(**job, out=str(tmp_path)))


def test_killed_as_one_process_and_gone_on_with_as_two(
    pairs: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Job]]
) -> None:
    out, said = ranks
    whole = train(**PLAIN, pairs=str(pairs.path), batch=8, out=str(tmp_path))
    assert said["same"] == said["again"] and said["same"]["resumed"] > 0
    assert said["same"]["steps"] == whole["steps"] and len(said["same"]["lines"]) == 3
    alike(said["same"], whole)  # 2 ranks x 4 samples are the steps of 1 x 8
    done = keys(epochs(out / "killed")[1], until=checkpoint_in_second_epoch(out / "killed"))
    every = sorted(keys(epochs(tmp_path)[1]))
    for name in ("same", "larger"):
        rest, last = epochs(out / name)
        assert sorted(done + keys(rest)) == sorted(keys(last)) == every, name
    # a step of 14 samples: the rest of the second epoch, and 48 / 14 in the third
    step = said["larger"]["resumed"] + -(-(48 - len(done)) // 14)
    assert said["larger"]["steps"] == [6, step, step + 4]
    assert "steps of 14 samples from here on, not of 8" in said["larger"]["lines"][0]


def test_killed_as_two_processes_and_gone_on_with_as_one(
    pairs: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Job]]
) -> None:
    out, _ = ranks
    job = {**PLAIN, "pairs": str(pairs.path), "batch": 8}
    whole = train(**job, out=str(tmp_path / "whole"))
    done = keys(epochs(out / "cut")[1], until=checkpoint_in_second_epoch(out / "cut"))
    results = []
    for name in ("a", "b"):
        copied(out / "cut", tmp_path / name)
        results.append(train(**job, out=str(tmp_path / name)))
        rest, last = epochs(tmp_path / name)
        assert (
            sorted(done + keys(rest))
            == sorted(keys(last))
            == sorted(keys(epochs(tmp_path / "whole")[1]))
        )
    assert results[0] == results[1]
    alike(results[0], whole)


def test_a_loss_that_is_no_number_names_its_pairs_on_every_rank(
    ranks: tuple[Path, dict[str, Job]],
) -> None:
    out, said = ranks
    assert "not_finite.json: the loss of step" in said["nan"]["error"]
    (found,) = json.loads((out / "nan" / "logs" / "not_finite.json").read_text())
    assert "pair-000007" in found["keys"] and len(found["keys"]) == 4
    assert not (out / "nan" / "checkpoints").exists() or all(
        torch.isfinite(value).all()
        for value in (checkpoints.newest(out / "nan" / "checkpoints") or {})["weights"].values()
    )


def test_a_gradient_that_is_no_number_stops_every_rank(ranks: tuple[Path, dict[str, Job]]) -> None:
    out, said = ranks
    assert "not_finite.json: the gradient of step" in said["slope"]["error"]
    found = json.loads((out / "slope" / "logs" / "not_finite.json").read_text())
    assert [each["rank"] for each in found] == [0, 1]  # all that made the step
    assert "pair-000007" in [key for each in found for key in each["keys"]]
    kept = checkpoints.newest(out / "slope" / "checkpoints")
    assert kept is not None and kept["journal"]["step"] == found[0]["step"] - 1
    assert all(torch.isfinite(value).all() for value in kept["weights"].values())


def test_a_rank_whose_whole_batch_is_broken_brings_no_rows(
    broken: Pairs, tmp_path: Path, ranks: tuple[Path, dict[str, Job]]
) -> None:
    job = {**PLAIN, "pairs": str(broken.path), "parts": ["visual"], "ema": None}
    found = ranks[1]["broken"]
    assert found["skipped"] == ["pair-000003"]
    alike(found, train(**job, batch=2, out=str(tmp_path)))


def test_a_step_without_any_readable_image_is_taken_by_all_ranks(
    ranks: tuple[Path, dict[str, Job]],
) -> None:
    found = ranks[1]["mostly broken"]
    assert len(found["skipped"]) >= 7 and found["steps"] == [5, 10, 15]
    assert all(loss == loss for row in found["history"] for loss in row)


def test_a_checkpoint_of_another_objective_is_refused(pairs: Pairs, tmp_path: Path) -> None:
    job = {"pairs": str(pairs.path), "out": str(tmp_path), "batch": 8, "steps": 2}
    train(**job, objective="infonce")
    said = train(**job, objective="class_prompts")["error"]
    assert "belongs to a run with other settings (objective); choose another output" in said
