"""Killed trainings end with the numbers of whole ones; two ranks with those of one process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from domainclip.pairs import Pairs
from tests.data.toy_tower import striped_pairs
from tests.data.train_toy import train

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("processes") / "pairs")


def started(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.data.train_toy", *map(str, arguments)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


def test_killed_in_mid_epoch_and_called_again_gives_the_same_bits(
    pairs: Pairs, tmp_path: Path
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        whole = train(str(pairs.path), str(tmp_path / "whole"), "infonce", 8)
        # call 12 is in the second epoch of six steps, two batches of validation lie before it
        killed = started(pairs.path, tmp_path / "cut", "infonce", 8, 13)
        killed.communicate(timeout=120)
        assert killed.returncode == -signal.SIGKILL
        # the last checkpoint is cut short as well, as a crash of the machine may leave it
        last = sorted((tmp_path / "cut" / "infonce" / "checkpoints").glob("step-*.pt"))[-1]
        last.write_bytes(last.read_bytes()[:500])
        again = train(str(pairs.path), str(tmp_path / "cut" / "infonce"), "infonce", 8)
    finally:
        torch.set_num_threads(threads)
    assert 0 < again.pop("resumed") < int(last.stem.partition("-")[2]) and whole.pop("resumed") == 0
    assert again == whole


def test_two_ranks_train_as_one_process_with_the_joint_batch(pairs: Pairs, tmp_path: Path) -> None:
    objectives = ("infonce", "class_prompts")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # what torchrun sets
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "GROUP_RANK": "0",
              "TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_USE_AGENT_STORE": "False",
              "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}  # fmt: skip
    ranks = [
        started(pairs.path, tmp_path / "two", ",".join(objectives), 4,
                LOCAL_RANK=str(rank), RANK=str(rank), **shared)
        for rank in range(2)
    ]  # fmt: skip
    one = {
        name: train(
            str(pairs.path), str(tmp_path / "one" / name), name, 8, dropout=False, keep="last"
        )
        for name in objectives
    }
    outputs = []
    for process in ranks:
        output, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
        outputs.append([json.loads(line) for line in output.splitlines() if line[:1] == "{"])
    assert outputs[0] == outputs[1]
    for name, two in zip(objectives, outputs[0], strict=True):
        for mine, joint in zip(two["history"], one[name]["history"], strict=True):
            # captions of a validation batch are a rank's own: only a loss over classes is joint
            compared = slice(0, 1 if name == "infonce" else 3)
            assert mine[compared] == pytest.approx(joint[compared], rel=1e-5)
        # the trained weights after 18 steps: equal only if every gradient was
        for weight, total in one[name]["weights"].items():
            found = float.fromhex(two["weights"][weight])
            assert found == pytest.approx(float.fromhex(total), rel=1e-4, abs=1e-4), weight
