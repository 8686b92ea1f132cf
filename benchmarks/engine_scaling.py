"""What the engine itself costs: two workers against one, memory over the inputs, Ray per chunk.

    python benchmarks/engine_scaling.py [workers] [memory] [ray]

workers: 1,200 inputs of 20 ms of computing each, with one worker and with two in turn, three times;
the best of each and their ratio, and beside it the same ratio for two bare processes that share no
engine: what the machine gives at that moment. memory: 1,000 inputs that each make a picture of 1 MB
and give five; resident memory of the run and its workers in the second and in the last quarter of
the time. ray: chunks of one trivial input, local and on Ray started beforehand: milliseconds a
chunk, by the slope between 100 and 500 chunks.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from domainclip.extraction import Source, run_extraction
from domainclip.pairs import Pair, Skip

__all__ = ["Computed", "Painted"]

ROUNDS = 8  # of hashing 1 MB: about 20 ms
INPUTS = 1_200


@dataclass(frozen=True)
class Computed:
    """Inputs that cost computing alone. rounds: of hashing a megabyte."""

    rounds: int = ROUNDS

    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        """So many as ``root`` says."""
        for number in range(int(root)):
            yield Source(f"n{number:07d}", "")

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """One small pair."""
        compute(self.rounds)
        yield Pair(key=source.name, image=b"x", text="computed", width=1, height=1)


@dataclass(frozen=True)
class Painted(Computed):
    """Inputs that need memory: noise as a PNG of 1 MB, five times."""

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """Five pairs of 1 MB."""
        generator = np.random.default_rng(int(source.name[1:]))
        for copy in range(5):
            file = BytesIO()
            pixels = generator.integers(0, 256, (600, 600, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(file, "PNG", compress_level=0)
            yield Pair(
                key=f"{source.name}-{copy}",
                image=file.getvalue(),
                text="painted",
                width=600,
                height=600,
            )


def compute(rounds: int) -> None:
    """Hash a megabyte so many times."""
    block = bytes(1 << 20)
    for _ in range(rounds):
        hashlib.sha512(block).digest()


def _bare(count: int) -> None:
    for _ in range(count):
        compute(ROUNDS)


def bare_seconds(processes: int) -> float:
    """The same computing without the engine, shared among bare processes."""
    context = get_context("fork")
    share = INPUTS // processes
    started = time.monotonic()
    running = [context.Process(target=_bare, args=(share,)) for _ in range(processes)]
    for process in running:
        process.start()
    for process in running:
        process.join()
    return time.monotonic() - started


def extracted_seconds(workers: int) -> float:
    """One extraction, with the start of its workers."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        run_extraction(Computed(), [str(INPUTS)], f"{folder}/out", workers=workers)
        return time.monotonic() - started


def measure_workers() -> None:
    """Print the ratio of one worker to two, with and without the engine."""
    engine: dict[int, list[float]] = {1: [], 2: []}
    bare: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for workers in (1, 2):
            engine[workers].append(extracted_seconds(workers))
            bare[workers].append(bare_seconds(workers))
    for name, seconds in (("engine", engine), ("bare processes", bare)):
        one, two = min(seconds[1]), min(seconds[2])
        print(
            f"{name:15} one {one:6.2f} s  two {two:6.2f} s  ratio {one / two:.2f}  "
            f"({INPUTS / two:,.0f} inputs/s)",
            flush=True,
        )


def measure_memory() -> None:
    """Print resident memory of the run and its workers, early and late."""
    samples: list[tuple[float, float, float]] = []
    over = threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not over.wait(0.2):
            below = 0
            for child in own.children(recursive=True):
                with suppress(psutil.Error):
                    below = max(below, child.memory_info().rss)
            samples.append((time.monotonic(), own.memory_info().rss / 1e6, below / 1e6))

    thread = threading.Thread(target=watch)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:
        summary = run_extraction(Painted(), ["1000"], f"{folder}/out", workers=2)
        size = sum(path.stat().st_size for path in Path(folder).glob("out/part-*"))
    over.set()
    thread.join()
    quarter = len(samples) // 4
    for name, part in (("second", samples[quarter : 2 * quarter]), ("last", samples[-quarter:])):
        print(
            f"memory, {name:6} quarter: run {max(one for _, one, _ in part):6.0f} MB, largest "
            f"worker {max(one for _, _, one in part):6.0f} MB",
            flush=True,
        )
    print(f"({summary.sources} inputs, {summary.pairs} pairs, {size / 1e9:.1f} GB written)")


def measure_ray() -> None:
    """Print milliseconds a chunk, local and on Ray."""
    import ray

    ray.init(num_cpus=2, include_dashboard=False, object_store_memory=80 << 20)
    per_chunk = {}
    for engine in ("local", "ray"):
        seconds = {}
        for count in (100, 500):
            with tempfile.TemporaryDirectory() as folder:
                summary = run_extraction(
                    Computed(rounds=0),
                    [str(count)],
                    f"{folder}/out",
                    workers=2,
                    engine=engine,
                    chunk_size=1,
                )
                seconds[count] = summary.seconds
        per_chunk[engine] = (seconds[500] - seconds[100]) / 400 * 1e3
        print(f"{engine:6} {per_chunk[engine]:6.1f} ms a chunk, start {seconds[100]:.1f} s")
    print(f"Ray adds {per_chunk['ray'] - per_chunk['local']:.1f} ms a chunk")
    ray.shutdown()


if __name__ == "__main__":
    for name in sys.argv[1:] or ["workers", "memory", "ray"]:
        {"workers": measure_workers, "memory": measure_memory, "ray": measure_ray}[name]()
