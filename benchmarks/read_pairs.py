"""Reading pairs for training against webdataset, in one run: raw bytes, decoded, captions, memory.

    python benchmarks/read_pairs.py [--pairs 20000]

The same JPEGs of about 20 kB lie in pairs and in a tar. Every contender runs in turn, several
times, in one process; a ratio is the median of the rounds' ratios. The promises (exit 1 where one
is broken): raw image bytes at least 5 times webdataset, not slower once both decode to 224 pixels,
a caption scan at 1,000,000 rows/s, memory that does not grow with the data.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
import webdataset
from PIL import Image

from domainclip.pairs import Pair, PairWriter, open_pairs
from domainclip.pairs.formats.webdataset import write as write_tars

ROUNDS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=20_000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        return report(Path(folder), arguments.pairs)


def report(folder: Path, count: int) -> int:
    images = jpegs(200)
    write(folder / "pairs", count, images)
    write(folder / "quarter", count // 4, images)
    pairs = open_pairs(folder / "pairs")
    write_tars(pairs, folder / "tar", shard_pairs=count)
    tar = str(next((folder / "tar").iterdir()))
    kept = sum(len(pair.image) for pair in pairs.rows(["image"])) / count
    print(f"{count:,} pairs, {kept / 1e3:.1f} kB an image, median of {ROUNDS} rounds in turn")

    def tars(shuffled: int = 0) -> Iterable[bytes]:
        data = webdataset.WebDataset(tar, shardshuffle=False)
        return (sample["jpg"] for sample in (data.shuffle(shuffled) if shuffled else data))

    columns = ["key", "image", "text"]
    rates = measured(
        {
            "webdataset, in order": lambda: sum(map(len, tars())),
            "webdataset, shuffle(1000)": lambda: sum(map(len, tars(1000))),
            "pairs, in order": lambda: sum(len(p.image) for p in pairs.rows(columns)),
            "pairs, stream": lambda: sum(
                len(p.image) for p in pairs.stream(split=None, columns=columns)
            ),
            "pairs, stream, every field": lambda: sum(
                len(p.image) for p in pairs.stream(split=None)
            ),
        },
        count,
        "image bytes",
    )
    raw = ratio(rates, "pairs, stream", "webdataset, in order")

    few = min(count, 1500)  # decoding takes longest and needs no more
    decoded = measured(
        {
            "webdataset, in order": lambda: decode_some(tars(), few),
            "pairs, stream": lambda: decode_some(
                (p.image for p in pairs.stream(split=None, columns=columns)), few
            ),
        },
        few,
        "decoded to 224 x 224",
    )
    same = ratio(decoded, "pairs, stream", "webdataset, in order")

    captions = measured(
        {"pairs.table(['text'])": lambda: len(pairs.table(["text"]))}, count, "captions"
    )["pairs.table(['text'])"]
    scan = statistics.median(captions)

    peaks = [peak(folder / name) for name in ("quarter", "pairs")]
    print(
        f"\npeak memory of a process that streams {count // 4:,} and {count:,} pairs: "
        f"{peaks[0]:.0f} and {peaks[1]:.0f} MB"
    )
    promises = {
        f"raw bytes, ratio {raw:.1f} (at least 5)": raw >= 5,
        # 5 %: what two equal contenders differ by between runs
        f"decoded, ratio {same:.2f} (at least 1, less 5 % of noise)": same >= 0.95,
        f"captions, {scan / 1e6:.2f} million rows/s (at least 1)": scan >= 1e6,
        f"memory, {peaks[1] - peaks[0]:+.0f} MB for 4 times the pairs (at most 30)": (
            peaks[1] - peaks[0] <= 30
        ),
    }
    print()
    for promise, held in promises.items():
        print(f"{'holds ' if held else 'BROKEN'}  {promise}")
    return 0 if all(promises.values()) else 1


def measured(
    contenders: dict[str, Callable[[], object]], count: int, title: str
) -> dict[str, list[float]]:
    """Rows per second of each, by round: in turn, so that a busy machine is unfair to none."""
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            start = time.perf_counter()
            run()
            rates[name].append(count / (time.perf_counter() - start))
    print(f"\n{title}, rows/s")
    for name, rate in rates.items():
        print(f"  {name:<28}{statistics.median(rate):>12,.0f}")
    return rates


def ratio(rates: dict[str, list[float]], ours: str, theirs: str) -> float:
    """The median over the rounds of our rate by theirs."""
    return statistics.median(a / b for a, b in zip(rates[ours], rates[theirs], strict=True))


def decode_some(images: Iterable[bytes], count: int) -> None:
    for _, data in zip(range(count), images, strict=False):
        image = Image.open(BytesIO(data)).convert("RGB")
        np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC))


def jpegs(count: int) -> list[bytes]:
    """Distinct JPEGs of about 20 kB: smooth shapes under noise."""
    made = []
    for number in range(count):
        rng = np.random.default_rng(number)
        shapes = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
        picture = np.asarray(shapes.resize((320, 256), Image.Resampling.BICUBIC), dtype=float)
        noisy = picture + rng.normal(0, 14, picture.shape)
        buffer = BytesIO()
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=80)
        made.append(buffer.getvalue())
    return made


def write(path: Path, count: int, images: list[bytes]) -> None:
    with PairWriter(path) as writer:
        for number in range(count):
            writer.write(
                Pair(
                    key=f"PMC{number:08d}-f1",
                    image=images[number % len(images)],
                    text=f"Figure {number}. Axial computed tomography of the chest after contrast.",
                    labels=("ct",),
                    group=f"PMC{number:08d}",
                    source="benchmark",
                    license="CC0-1.0",
                    width=320,
                    height=256,
                )
            )


def peak(path: Path) -> float:
    """MB of memory at most of a fresh process that streams these pairs."""
    command = [sys.executable, "-c", STREAM, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) / 1e3


STREAM = """
import sys
from pathlib import Path
from domainclip.pairs import open_pairs
sum(len(pair.image) for pair in open_pairs(sys.argv[1]).stream(split=None))
# not ru_maxrss: a child inherits the one of the process that forked it
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


if __name__ == "__main__":
    sys.exit(main())
