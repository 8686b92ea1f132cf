"""The engine over a million trivial inputs: inputs per second and memory, against few inputs.

    python benchmarks/engine_memory.py [COUNT ...]

Prints, for each count: wall seconds, inputs/s, the driver's peak resident memory and CPU seconds,
and the seconds it takes to find that all of it is done already. Every input gives one pair of a
one-byte image, so this is what the engine itself costs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from domainclip.extraction import Source, run_extraction
from domainclip.pairs import Pair, Skip

__all__ = ["Numbers"]


@dataclass(frozen=True)
class Numbers:
    """Sources ``0`` to the number given as root."""

    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        """So many sources without a file."""
        for number in range(int(root)):
            yield Source(f"archive/2024/{number % 97:02d}/record-{number:07d}", "archive.tar")

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """One tiny pair."""
        yield Pair(key=source.name, image=b"x", text="a caption", width=1, height=1)


def measure(count: int) -> None:
    """Extract ``count`` inputs, then once more, and print a line of numbers."""
    with tempfile.TemporaryDirectory() as folder:
        before = time.monotonic()
        summary = run_extraction(Numbers(), [str(count)], Path(folder) / "pairs")
        first = time.monotonic() - before
        assert summary.pairs == count
        before = time.monotonic()
        assert run_extraction(Numbers(), [str(count)], Path(folder) / "pairs").resumed == count
        again = time.monotonic() - before
        parts = len(list((Path(folder) / "pairs").glob("part-*")))
    own = resource.getrusage(resource.RUSAGE_SELF)
    print(
        f"{count:>9,} inputs  {first:7.1f} s  {count / first:8,.0f} inputs/s  {parts:5} parts  "
        f"driver {own.ru_maxrss / 1024:6.1f} MB, {own.ru_utime + own.ru_stime:5.1f} s CPU  "
        f"repeated {again:5.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    counts = [int(word) for word in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000]
    if len(counts) == 1:
        measure(counts[0])
    else:
        for count in counts:  # a fresh process each: peak memory never goes down
            subprocess.run([sys.executable, __file__, str(count)], check=True)
