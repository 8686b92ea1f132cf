"""kill -9 at random moments: are the pairs afterwards those of an undisturbed run?

    python benchmarks/engine_kills.py [--kills 50] [--targets run,worker,...] [--papers FOLDER]

For each target, extractions are started and shot at until so many kills were made; a killed run is
started again with the same command, as a user would. Each finished extraction is compared with an
undisturbed one: rows by key, image hash and text, and quarantined inputs by name. Targets:

    run         the command itself, local engine
    worker      any process below it: workers, the server that forks them
    ray_run     the command itself on a cluster, which survives it
    ray_worker  any process below a node: Ray workers, their pools' servers and workers
    ray_node    the raylet of a node, with all that is on it; a new node joins afterwards

Without --papers the inputs are 3,000 pictures that take 8 ms each; with it, the papers extractor
over FOLDER. Prints a line per target: kills, extractions, rows compared, rows lost, rows twice,
quarantined otherwise than without kills. Exit code 1 if anything was lost, doubled or changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
from PIL import Image

from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip, open_pairs

__all__ = ["Pictures"]

TARGETS = ("run", "worker", "ray_run", "ray_worker", "ray_node")
MOMENTS_S = (0.3, 3.0)  # uniformly, since the last kill


@dataclass(frozen=True)
class Pictures:
    """Small pictures, each another one. delay_s: seconds that one takes."""

    delay_s: float = 0.008

    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        """So many as ``root`` says."""
        for number in range(int(root)):
            yield Source(f"picture-{number:06d}", "")

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """One or two pairs, or none: every hundredth is not usable."""
        time.sleep(self.delay_s)
        number = int(source.name[-6:])
        if number % 100 == 7:
            yield Skip(where=source.name, reason="unusable", detail="A made-up reason.")
            return
        for copy in range(1 + number % 2):
            file = BytesIO()
            colour = hashlib.sha256(f"{number} {copy}".encode()).digest()[:3]
            Image.new("RGB", (16, 16), tuple(colour)).save(file, "PNG")
            yield Pair(
                key=f"{source.name}-{copy}",
                image=file.getvalue(),
                text=f"picture {number}",
                width=16,
                height=16,
            )


@dataclass
class Tally:
    """What became of the extractions of one target."""

    kills: int = 0
    extractions: int = 0
    rows: int = 0
    lost: int = 0
    twice: int = 0
    other_errors: int = 0
    seconds: float = 0.0
    victims: Counter[str] = field(default_factory=Counter)


def contents(out: Path) -> tuple[Counter[tuple[str, str, str]], Counter[tuple[str, str]]]:
    """Rows by key, image hash and text; quarantined inputs by name and reason."""
    pairs = open_pairs(out)
    rows = Counter((p.key, hashlib.sha256(p.image).hexdigest(), p.text) for p in pairs)
    errors = Counter((row["input"], row["error"]) for row in pairs.errors().to_pylist())
    return rows, errors


class Cluster:
    """A Ray cluster of a head without cores and two nodes of one core."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        store = {"object_store_memory": 80 << 20, "include_dashboard": False}
        self._node_options = {"num_cpus": 1, "object_store_memory": 80 << 20}
        self._cluster = RayCluster(
            initialize_head=True,
            head_node_args={"num_cpus": 0, **store},
        )
        self.nodes = [self._cluster.add_node(**self._node_options) for _ in range(2)]
        self.address: str = self._cluster.address

    def processes(self) -> list[psutil.Process]:
        """What runs below the two nodes for a job."""
        found = []
        for node in self.nodes:
            with suppress(psutil.NoSuchProcess):
                raylet = psutil.Process(_raylet(node))
                workers = [one for one in raylet.children() if "ray::domain" in _words(one)]
                found += workers + [child for one in workers for child in one.children(True)]
        return found

    def kill_node(self, generator: random.Random) -> None:
        """Kill a node as it is, and have a new one join."""
        node = self.nodes.pop(generator.randrange(len(self.nodes)))
        below = psutil.Process(_raylet(node)).children(recursive=True)
        for process in [psutil.Process(_raylet(node)), *below]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._cluster.remove_node(node, allow_graceful=False)
        self.nodes.append(self._cluster.add_node(**self._node_options))

    def stop(self) -> None:
        """End all of it."""
        self._cluster.shutdown()


def _raylet(node: Any) -> int:
    return node.all_processes["raylet"][0].process.pid


def _words(process: psutil.Process) -> str:
    with suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def shoot(target: str, run: subprocess.Popen[bytes], cluster: Cluster | None, dice: Any) -> str:
    """Kill one victim; its name, or nothing where none is there yet."""
    if target in ("run", "ray_run"):
        run.kill()
        return "run"
    if target == "ray_node":
        assert cluster is not None
        cluster.kill_node(dice)
        return "node"
    if cluster is None:
        with suppress(psutil.NoSuchProcess):
            victims = psutil.Process(run.pid).children(recursive=True)
    else:
        victims = cluster.processes()
    if not victims:
        return ""
    victim = dice.choice(victims)
    words = _words(victim)
    with suppress(psutil.NoSuchProcess):
        victim.kill()
    if "ray::" in words:
        return "Ray worker"
    return "tracker" if "resource_tracker" in words else "pool process"


def started(
    program: list[str], environment: dict[str, str], folder: Path
) -> subprocess.Popen[bytes]:
    """The command as a process. What it says is kept: killed processes' helpers complain a lot."""
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(program, stdout=log, stderr=log, env=environment)


def measure(target: str, command: list[str], kills: int, folder: Path, dice: Any) -> Tally:
    """Shoot at extractions until ``kills`` were made, and compare what they came to."""
    tally = Tally()
    expected = contents(folder / "undisturbed")
    assert expected[0], "the undisturbed run gave no pairs"
    cluster = Cluster() if target.startswith("ray") else None
    environment = dict(os.environ)
    if cluster is not None:
        command = [*command, "--engine", "ray"]
        environment["RAY_ADDRESS"] = cluster.address
    began = time.monotonic()
    while tally.kills < kills:
        out = folder / f"{target}-{tally.extractions}"
        program = [*command, "-o", str(out)]
        run = started(program, environment, folder)
        while True:
            moment = dice.uniform(*MOMENTS_S) if tally.kills < kills else None
            try:
                if run.wait(timeout=moment) == 0:
                    break
                words = (folder / "log").read_text()
                sys.exit(f"{target}: the run ended with {run.returncode}:\n{words}")
            except subprocess.TimeoutExpired:
                victim = shoot(target, run, cluster, dice)
                tally.kills += bool(victim)
                tally.victims[victim] += 1
                if victim == "run":
                    run.wait()
                    run = started(program, environment, folder)
        rows, errors = contents(out)
        tally.extractions += 1
        tally.rows += rows.total()
        tally.lost += (expected[0] - rows).total()
        tally.twice += (rows - expected[0]).total()
        for name, reason in errors - expected[1]:
            print(f"{target}: {name} quarantined: {reason}", file=sys.stderr)
        tally.other_errors += (errors - expected[1]).total() + (expected[1] - errors).total()
    tally.seconds = time.monotonic() - began
    if cluster is not None:
        cluster.stop()
    return tally


def main() -> int:
    """Measure the targets and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--targets", default=",".join(TARGETS))
    parser.add_argument("--papers", type=Path)
    parser.add_argument("--limit", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    inputs = [f"{__file__}:Pictures", "3000"]
    if options.papers is not None:
        inputs = ["papers", str(options.papers)]
    command = [sys.executable, "-m", "domainclip.cli", "extract", *inputs, "--workers", "2"]
    command += ["--limit", str(options.limit), "--max-errors", "100"]
    print(f"{'target':11}{'kills':>6}{'extractions':>13}{'rows':>9}{'lost':>6}{'twice':>7}", end="")
    print(f"{'errors differ':>15}{'seconds':>9}")
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        whole = [*command, "-o", f"{folder}/undisturbed"]
        subprocess.run(whole, check=True, stdout=subprocess.DEVNULL)
        for target in options.targets.split(","):
            dice = random.Random(f"{options.seed} {target}")
            tally = measure(target, command, options.kills, Path(folder), dice)
            bad += tally.lost + tally.twice + tally.other_errors
            print(
                f"{target:11}{tally.kills:>6}{tally.extractions:>13}{tally.rows:>9,}{tally.lost:>6}"
                f"{tally.twice:>7}{tally.other_errors:>15}{tally.seconds:>9.0f}  "
                + ", ".join(f"{count} {name}" for name, count in tally.victims.items() if name),
                flush=True,
            )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
