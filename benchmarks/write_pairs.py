"""Writing pairs: rows/s, MB/s and peak memory, beside a plain file and a webdataset tar.

    python benchmarks/write_pairs.py [--pairs 100000]

The promise (exit 1 where it is broken): 100,000 pairs of 20 kB in under 500 MB of memory, bounded
by encoding and disk.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from domainclip.pairs import Pair, PairWriter, open_pairs

IMAGE_BYTES = 20_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to write (default: temporary)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        return report(Path(folder), arguments.pairs)


def report(folder: Path, count: int) -> int:
    start = time.perf_counter()
    with (folder / "plain").open("wb") as file:
        for pair in pairs(count):
            file.write(pair.image)
            hashlib.sha256(pair.image).hexdigest()  # part of every pair, whoever writes it
        file.flush()
        os.fsync(file.fileno())
    plain = time.perf_counter() - start
    (folder / "plain").unlink()

    before = peak_mb()

    start = time.perf_counter()
    with PairWriter(folder / "pairs") as writer:
        for pair in pairs(count):
            writer.write(pair)
    seconds = time.perf_counter() - start
    size = sum(part.stat().st_size for part in (folder / "pairs").glob("part-*"))
    assert len(open_pairs(folder / "pairs")) == count

    peak = peak_mb()

    import webdataset  # not before: it brings torch along, and with it half a gigabyte

    start = time.perf_counter()
    with webdataset.TarWriter(str(folder / "tar")) as tar:
        for number, pair in enumerate(pairs(count)):
            digest = hashlib.sha256(pair.image).hexdigest()
            fields = {"key": pair.key, "sha256": digest, "labels": list(pair.labels)}
            tar.write(
                {"__key__": f"{number:09d}", "jpg": pair.image, "txt": pair.text, "json": fields}
            )
    tarred = time.perf_counter() - start
    (folder / "tar").unlink()
    print(f"{count:,} pairs of {IMAGE_BYTES / 1e3:.0f} kB, {size / 1e6:,.0f} MB of Parquet")
    print(f"  images and sha256 to a plain file {count / plain:>10,.0f} rows/s")
    print(f"  webdataset.TarWriter              {count / tarred:>10,.0f} rows/s")
    print(f"  PairWriter                        {count / seconds:>10,.0f} rows/s,", end=" ")
    print(f"{size / seconds / 1e6:,.0f} MB/s, {plain / seconds:.2f} of the plain file")
    print(f"  peak memory {peak:.0f} MB ({before:.0f} MB before writing)")
    held = peak < 500
    print(f"\n{'holds ' if held else 'BROKEN'}  peak memory {peak:.0f} MB (under 500)")
    return 0 if held else 1


def pairs(count: int) -> Iterator[Pair]:
    noise = np.random.default_rng(0).bytes(IMAGE_BYTES + 4096)
    for number in range(count):
        at = number % 4096
        yield Pair(
            key=f"PMC{number:08d}-f1",
            image=noise[at : at + IMAGE_BYTES],
            text=f"Figure {number}. Axial computed tomography of the chest after contrast.",
            labels=("ct",),
            group=f"PMC{number:08d}",
            source="benchmark",
            license="CC0-1.0",
            width=320,
            height=256,
            where={"page": number % 20},
        )


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    sys.exit(main())
