"""A killed Ray worker, node or run costs its chunks' time: the pairs are those of a quiet run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
EXTRACTOR = ROOT / "tests" / "data" / "fake_extractor.py"
SOURCES = "count:160"


def command(out: Path, engine: str) -> list[str]:
    program = [sys.executable, "-m", "domainclip.cli", "extract", str(EXTRACTOR), SOURCES]
    return [*program, "-o", str(out), "--engine", engine, "--workers", "2", "--delay-s", "0.03"]


def parts(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.glob("part-*.parquet")}


def wait_for_parts(out: Path, count: int) -> None:
    for _ in range(3000):
        if len(list(out.glob("part-*.parquet"))) >= count:
            return
        time.sleep(0.02)
    pytest.fail(f"{count} parts did not appear in {out}")


def workers_below(raylet: int) -> list[psutil.Process]:
    found = []
    for process in psutil.Process(raylet).children():
        with suppress(psutil.Error):
            if process.cmdline()[0].startswith("ray::domainclip"):
                found.append(process)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("local") / "out"
    subprocess.run(command(out, "local"), check=True, timeout=180, capture_output=True)
    return parts(out)


def test_a_killed_worker_and_a_killed_node_lose_nothing(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    from ray.cluster_utils import Cluster

    small: dict[str, Any] = {"num_cpus": 1, "object_store_memory": 80 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**small, "include_dashboard": False})
    try:
        node = cluster.add_node(**small)
        process = subprocess.Popen(
            [*command(tmp_path / "out", "ray"), "--json"],
            env={**os.environ, "RAY_ADDRESS": cluster.address},
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for_parts(tmp_path / "out", 3)
        head_raylet = cluster.head_node.all_processes["raylet"][0].process.pid
        for worker in workers_below(head_raylet):
            worker.kill()
        wait_for_parts(tmp_path / "out", 8)
        cluster.remove_node(node, allow_graceful=False)
        assert process.poll() is None  # all this was in the middle of it
        output, _ = process.communicate(timeout=120)
    finally:
        cluster.shutdown()
    assert process.returncode == 0
    assert json.loads(output)["pairs"] == 160  # and nothing of Ray's stands on stdout
    assert parts(tmp_path / "out") == undisturbed


def test_a_killed_run_on_ray_goes_on_to_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, bytes]
) -> None:
    environment = {**os.environ, "RAY_ADDRESS": "local"}  # one of its own, whatever runs here
    process = subprocess.Popen(command(tmp_path / "out", "ray"), env=environment)
    wait_for_parts(tmp_path / "out", 3)
    process.kill()
    process.wait()
    kept = parts(tmp_path / "out")
    assert 3 <= len(kept) < len(undisturbed)
    done = subprocess.run(
        command(tmp_path / "out", "local"), capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stderr
    assert "finished by earlier runs" in done.stdout
    assert kept.items() <= undisturbed.items() == parts(tmp_path / "out").items()
