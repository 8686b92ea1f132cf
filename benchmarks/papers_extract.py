"""The whole way from papers to pairs: pages per second, two workers against one, memory over files.

    .venv/bin/python benchmarks/papers_extract.py [../shared/data/papers] [--files 1000] [--peer 5]

Links the PDFs of twins, icml_boxes and arxiv_like under new names until there are ``--files`` of
them and runs ``extract papers`` on the folder, PDF alone: finding, 150-dpi pictures, hashes, kinds,
writing, without OCR. Printed: pages/s with one and with two workers on three copies of each, and
their ratio (paired rounds, so that what else the machine does befalls both); pages/s of
pymupdf4llm (``to_markdown(write_images=True)``), which pairs no captions, on ``--peer`` of the
files in the same run; the largest resident memory of any process in each tenth of the long run.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import psutil
import pymupdf

SETS = ("twins/*/fulltext.pdf", "icml_boxes/*.pdf", "arxiv_like/*.pdf")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("papers", type=Path, nargs="?", default=Path("../shared/data/papers"))
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--peer", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    papers = [path for each in SETS for path in sorted(arguments.papers.glob(each))]
    if not papers:
        sys.exit(f"{arguments.papers}: holds none of {', '.join(SETS)}.")
    pages = {path: _pages(path) for path in papers}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = _linked(folder / "few", papers, 3 * len(papers))
        ratios = []
        for number in range(arguments.rounds):
            total = sum(pages[path] for path in few)
            one = total / _seconds(folder / "few", folder / f"one-{number}", workers=1)
            two = total / _seconds(folder / "few", folder / f"two-{number}", workers=2)
            ratios.append(two / one)
            print(f"one worker {one:5.1f} pages/s, two {two:5.1f} pages/s: {two / one:.2f}x")
        print(f"two workers against one, median of {len(ratios)} rounds: {median(ratios):.2f}x")
        if arguments.peer:
            _peer(few[: arguments.peer], pages, folder)
        many = _linked(folder / "many", papers, arguments.files)
        seen = _watched(folder / "many", folder / "pairs")
        print(f"{len(many):,} files, {sum(pages[path] for path in many):,} pages; MB by tenth:")
        print("  " + " ".join(f"{peak:.0f}" for peak in seen))


def _pages(path: Path) -> int:
    with pymupdf.open(path) as document:
        return int(document.page_count)


def _linked(folder: Path, papers: list[Path], count: int) -> list[Path]:
    folder.mkdir()
    chosen = list(itertools.islice(itertools.cycle(papers), count))
    for number, path in enumerate(chosen):
        link = folder / f"paper-{number:05d}.pdf"
        try:
            link.hardlink_to(path.resolve())
        except OSError:  # another file system
            shutil.copyfile(path, link)
    return chosen


def _command(source: Path, out: Path, workers: int) -> list[str]:
    words = [sys.executable, "-m", "domainclip.cli", "extract", "papers", str(source)]
    return [
        *words,
        "-o",
        str(out),
        "--workers",
        str(workers),
        "--max-errors",
        "100",
        "--json",
        "--ocr",
        "",
    ]  # scanned pages would take most of the time


def _seconds(source: Path, out: Path, *, workers: int) -> float:
    before = time.monotonic()
    subprocess.run(_command(source, out, workers), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - before


def _peer(files: list[Path], pages: dict[Path, int], folder: Path) -> None:
    import pymupdf4llm

    before = time.monotonic()
    for path in files:
        pymupdf4llm.to_markdown(str(path), write_images=True, image_path=str(folder / "images"))
    peer = sum(pages[path] for path in files) / (time.monotonic() - before)
    _linked(folder / "same", files, len(files))
    ours = sum(pages[path] for path in files) / _seconds(
        folder / "same", folder / "same-pairs", workers=1
    )
    print(f"the same {len(files)} files: {ours:.1f} pages/s, pymupdf4llm {peer:.1f}: "
          f"{ours / peer:.1f}x")  # fmt: skip


def _watched(source: Path, out: Path) -> list[float]:
    """The largest resident memory, MB, of a process of the run, in each tenth of its time."""
    seen: list[tuple[float, float]] = []
    with subprocess.Popen(_command(source, out, 2), stdout=subprocess.DEVNULL) as run:
        root = psutil.Process(run.pid)
        while run.poll() is None:
            seen.append((time.monotonic(), max(_resident(root), default=0.0)))
            time.sleep(0.2)
    first, last = seen[0][0], seen[-1][0]
    tenths: list[float] = [0.0] * 10
    for at, size in seen:
        tenth = min(9, int(10 * (at - first) / max(last - first, 1e-9)))
        tenths[tenth] = max(tenths[tenth], size)
    return tenths


def _resident(root: psutil.Process) -> Iterator[float]:
    try:
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for process in processes:
        try:
            yield process.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            continue


if __name__ == "__main__":
    main()
