"""How fast papers are listed, in how much memory, and what reading one out of a tar.gz costs.

    .venv/bin/python benchmarks/papers_sources.py [articles] [folder of real JATS files]

Makes a folder, a tar, a tar.gz and a zip of so many small JATS files (default 100,000), and as many
folders of PMC's bucket, in a temporary folder, and lists each in a process of its own: articles a
second of processor time, and by how much the process grew. Peers, in the same run: the standard
library's os.walk, tarfile and zipfile, which only name the files and recognise nothing.

Then reads 300 articles in random order out of a tar.gz of the real JATS files (default
../shared/data/papers), 3,000 of them repeated, as the workers of a run do. Peers: indexed_gzip and
rapidgzip, which keep an index instead of a copy, where they are installed.
"""

from __future__ import annotations

import importlib.util
import io
import os
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

JATS = b"<?xml version='1.0'?><!DOCTYPE article><article><front/><body/></article>\n" * 20
RANDOM_READS = 300


def main() -> None:
    """Make, list, read; one line each."""
    if len(sys.argv) == 4 and sys.argv[1] == "--list":
        list_alone(sys.argv[2], sys.argv[3])
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    data = Path(sys.argv[2] if len(sys.argv) > 2 else "../shared/data/papers")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TMPDIR"] = folder
        tempfile.tempdir = folder
        root = Path(folder) / "in"
        root.mkdir()
        make(root, count)
        for name in ("bucket", "folder", "all.tar", "all.tar.gz", "all.zip"):
            ours = in_own_process("ours", root / name)
            peer = in_own_process("peer", root / name)
            print(
                f"{name:11} {count / ours[0]:8,.0f} articles/s, {ours[1]:5.0f} MB more memory; "
                f"standard library, names only: {count / peer[0]:8,.0f}/s, {peer[1]:5.0f} MB; "
                f"ratio {peer[0] / ours[0]:.2f}"
            )
        read_at_random(root, data)


def make(root: Path, count: int) -> None:
    """The same files as a folder and as archives."""
    (root / "folder").mkdir()
    for number in range(count):
        (root / "bucket" / f"PMC{number}.1").mkdir(parents=True)
    with (
        tarfile.open(root / "all.tar", "w") as tar,
        tarfile.open(root / "all.tar.gz", "w:gz", compresslevel=1) as packed,
        zipfile.ZipFile(root / "all.zip", "w") as zipped,
    ):
        for number in range(count):
            name = f"PMC{number:08}.xml"
            (root / "folder" / name).write_bytes(JATS)
            for each in (tar, packed):
                info = tarfile.TarInfo(f"set/{name}")
                info.size = len(JATS)
                each.addfile(info, io.BytesIO(JATS))
                each.members = []  # type: ignore[assignment] - or it keeps them all
            zipped.writestr(f"set/{name}", JATS)


def in_own_process(what: str, path: Path) -> tuple[float, float]:
    """(seconds of processor time, MB that the process grew by) of listing ``path``."""
    command = [sys.executable, __file__, "--list", what, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds, grown = done.stdout.split()
    return float(seconds), float(grown)


def list_alone(what: str, path: str) -> None:
    """List ``path`` in this process and print what it took."""
    from domainclip.extractors.papers.sources.finding import find_sources

    names: Callable[[], Iterable[object]] = (
        (lambda: find_sources(path)) if what == "ours" else (lambda: peer_names(path))
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    for _ in names():
        pass
    seconds = time.process_time() - started
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(seconds, grown)


def peer_names(path: str) -> Iterable[object]:
    """The names of the files, as the standard library gives them."""
    if Path(path).is_dir():
        return (name for _, folders, names in os.walk(path) for name in folders + names)
    if path.endswith(".zip"):
        return zipfile.ZipFile(path).namelist()
    return (member.name for member in tarfile.open(path))


def read_at_random(root: Path, data: Path) -> None:
    """Random articles of a tar.gz: our copy, and the peers' indexes."""
    from domainclip.extractors.papers.sources.finding import find_sources
    from domainclip.extractors.papers.sources.packages import open_package
    from domainclip.pairs.schema import Skip

    real = [p.read_bytes() for p in sorted(data.rglob("*")) if p.suffix in (".xml", ".nxml")]
    path = root / "bulk.tar.gz"
    places: list[tuple[int, int]] = []
    with tarfile.open(path, "w:gz", compresslevel=6) as tar:
        for number in range(3000):
            info = tarfile.TarInfo(f"PMC000xxxxxx/PMC{number}.xml")
            info.size = len(real[number % len(real)])
            tar.addfile(info, io.BytesIO(real[number % len(real)]))
            places.append((tar.offset - (info.size + 511) // 512 * 512, info.size))
    started = time.process_time()
    sources = list(find_sources(str(path)))
    made = time.process_time() - started
    chosen = random.Random(0).sample(range(3000), RANDOM_READS)
    started = time.process_time()
    for at in chosen:
        opening = open_package(sources[at])
        assert not isinstance(opening, Skip)
        with opening as package:
            package.read(package.main["jats"])
    ours = (time.process_time() - started) / RANDOM_READS
    unpacked = sum(size for _, size in places) / 2**20
    print(
        f"\ntar.gz of {path.stat().st_size / 2**20:.0f} MB, {unpacked:.0f} MB unpacked, listed and "
        f"copied in {made:.2f} s ({unpacked / made:.0f} MB/s); an article out of it: "
        f"{ours * 1000:.2f} ms"
    )
    for name, opener in (("indexed_gzip", indexed), ("rapidgzip", rapid)):
        if importlib.util.find_spec(name) is None:
            print(f"{name}: not installed")
            continue
        started = time.process_time()
        file = opener(path)
        made = time.process_time() - started
        started = time.process_time()
        for at in chosen:
            file.seek(places[at][0])
            assert len(file.read(places[at][1])) == places[at][1]
        peer = (time.process_time() - started) / RANDOM_READS
        file.close()
        print(f"{name}: index {made:.2f} s, an article {peer * 1000:.2f} ms, {peer / ours:.1f} x")


def indexed(path: Path) -> io.BufferedIOBase:
    """An indexed_gzip file with a point every MB."""
    import indexed_gzip

    file = indexed_gzip.IndexedGzipFile(str(path), spacing=1 << 20)
    file.build_full_index()
    return file


def rapid(path: Path) -> io.BufferedIOBase:
    """A rapidgzip file, on one core."""
    import rapidgzip

    file = rapidgzip.open(str(path), parallelization=1)
    file.seek(0, 2)
    return file


if __name__ == "__main__":
    main()
