"""Two gloo processes agree with the joint batch, for every objective of the catalogue."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from domainclip.catalogue import entries
from tests.conformance.test_objectives import OPTIONS
from tests.data.objective_inputs import CUTS

ROOT = Path(__file__).resolve().parents[2]


def test_two_processes_have_the_loss_and_gradients_of_the_joint_batch() -> None:
    names = [entry.name for entry in entries("objectives")]
    given = json.dumps([[name, OPTIONS.get(name, {})] for name in names])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ranks = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.data.gloo_objectives", given],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "WORLD_SIZE": "2", "RANK": str(rank),
                 "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)},
        )
        for rank in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=180) for process in ranks]
    assert [process.returncode for process in ranks] == [0, 0], said
    lines = [json.loads(line) for line in said[0][0].splitlines() if line.startswith("{")]
    assert [line["name"] for line in lines[:: len(CUTS)]] == names
    assert len(lines) == len(CUTS) * len(names)
    for line in lines:
        assert abs(line["mean"] - line["joint"]) <= 1e-5 * max(1.0, abs(line["joint"])), line
        assert line["gradients"] <= 1e-4, line
