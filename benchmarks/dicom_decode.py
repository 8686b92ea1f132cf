"""DICOM pixels: how many real files are decoded, how exactly, how fast, beside pydicom alone.

    python benchmarks/dicom_decode.py [../shared/data]

Files: DATA/dicom, pydicom's packaged test files, pydicom-data. Printed:

1. of the files with pixel data and at least one row and column, how many are decoded whole, by
   domainclip and by pydicom's ``pixel_array``, and why each of the others is not;
2. of the files with a lossless codec whose uncompressed twin is known, how many equal it bit for
   bit;
3. files a CPU second for each codec, each file's first frame, best of three, header read apart,
   and the ratio to pydicom; JPEG 2000 also for an image of 224 pixels (``max_px``);
4. files a second for reading headers alone, and what a bomb costs until it is refused.
"""

from __future__ import annotations

import io
import logging
import sys
import time
import tracemalloc
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import data_store
import numpy as np
import pydicom
import zstandard

from domainclip.errors import BadInput
from domainclip.extractors.dicom.pixels.decoding import Undecodable, decode
from domainclip.extractors.dicom.pixels.reading import attribute, read_dataset

MAX_PIXELS = 1 << 28
KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
LOSSLESS = ("J2KR", "JLSL", "JPLL", "RLE")
SUFFIXES = (".py", ".pyc", ".zst", ".txt", ".json", ".md")


def real_files(data: Path) -> Iterator[Path]:
    """Every file that may be DICOM."""
    for root in (
        data / "dicom",
        Path(data_store.__file__).parent / "data",
        Path(pydicom.__file__).parent / "data",
    ):
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix not in SUFFIXES:
                yield path


def ours(data: bytes) -> None:
    """Every frame, by domainclip."""
    for _ in decode(read_dataset(data), max_pixels=MAX_PIXELS).frames():
        pass


def theirs(data: bytes) -> None:
    """Every frame, by pydicom."""
    _ = pydicom.dcmread(io.BytesIO(data), force=True).pixel_array


def has_pixels(data: bytes) -> bool:
    """Pixel data of an image that has a size, by either library."""
    try:
        dataset = read_dataset(data)
    except BadInput:
        return False
    size = attribute(dataset, "Rows") and attribute(dataset, "Columns")
    return bool(size) and any(keyword in dataset for keyword in KEYWORDS)


def share(files: list[Path]) -> None:
    """Part 1."""
    done = {"domainclip": 0, "pydicom": 0}
    failures = []
    for path in files:
        data = path.read_bytes()
        try:
            ours(data)
            done["domainclip"] += 1
        except Undecodable as refused:
            failures.append((path.name, refused.reason, str(refused)))
        try:
            theirs(data)
            done["pydicom"] += 1
        except Exception:
            # how often, not why, is what is counted
            continue
    total = len(files)
    for who, count in done.items():
        print(f"decoded by {who:<10} {count} of {total}  {100 * count / total:.1f} %")
    for name, reason, words in failures:
        print(f"  not decoded: {name}  {reason}: {words}")


def stack(data: bytes) -> np.ndarray:
    return np.stack(list(decode(read_dataset(data), max_pixels=MAX_PIXELS).frames()))


def twins(data: Path) -> Iterator[tuple[Path, Callable[[], bytes]]]:
    """A file of a lossless codec, and how to get the uncompressed one."""
    codecs = data / "dicom" / "codecs"
    for codec in LOSSLESS:
        for path in sorted((codecs / codec).glob("*")):
            packed = codecs / "REF" / f"{path.name.split('_')[0]}_UNC.zst"
            yield (
                path,
                lambda packed=packed: (  # type: ignore[misc]
                    zstandard.ZstdDecompressor().decompressobj().decompress(packed.read_bytes())
                ),
            )
    store = Path(data_store.__file__).parent / "data"
    tests = Path(pydicom.__file__).parent / "data" / "test_files"
    every = {path.name: path for root in (store, tests) for path in root.glob("*.dcm")}
    for name, path in sorted(every.items()):
        for ending in ("_J2KR", "_RLE", "_rle", "_jp2klossless", "_jpeg_ls_lossless",
                       "_jpeg_2k_lossless", "_expb", "_big_endian", "_bigendian"):  # fmt: skip
            if ending in name:
                plain = name.replace(ending, "_UNCR" if ending == "_J2KR" else "")
                if plain in every:
                    yield path, every[plain].read_bytes


def exactness(data: Path) -> None:
    """Part 2."""
    equal, total = 0, 0
    for path, plain in twins(data):
        total += 1
        a, b = stack(path.read_bytes()), stack(plain())
        if a.shape == b.shape and bool((a == b).all()):
            equal += 1
        else:
            print(f"  differs: {path.name}")
    print(f"lossless files equal to their uncompressed twin: {equal} of {total}")


def seconds(work: Callable[[], object]) -> float:
    """Of CPU time, so that a busy machine changes the ratios little; the best of three."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def speed(files: list[Path]) -> None:
    """Part 3."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    small = [0, 0.0, 0.0]
    for path in files:
        data = path.read_bytes()
        dataset = read_dataset(data)
        # pydicom keeps no decoded frame when it is asked for one by its index
        peer = pydicom.dcmread(io.BytesIO(data), force=True)
        syntax = attribute(dataset.file_meta, "TransferSyntaxUID")
        if syntax is None:
            continue
        try:
            mine = seconds(lambda d=dataset: decode(d, max_pixels=MAX_PIXELS, frames=(0,)).frame(0))  # type: ignore[misc]
            other = seconds(lambda p=peer: pydicom.pixels.pixel_array(p, index=0, raw=True))  # type: ignore[misc]
        except Exception:
            continue  # only files that both decode can be compared
        row = sums[syntax.name.split(", Non")[0]]
        row[0] += 1
        row[1] += mine
        row[2] += other
        if "JPEG 2000" in syntax.name:
            small[0] += 1
            small[1] += seconds(
                lambda d=dataset: decode(  # type: ignore[misc]
                    d, max_pixels=MAX_PIXELS, frames=(0,), max_px=224
                ).frame(0)
            )
            small[2] += mine
    print(f"{'first frames a second':<50} files  domainclip   pydicom  ratio")
    for name, (count, mine, other) in sorted(sums.items()):
        print(
            f"{name:<50} {count:5}  {count / mine:10.0f} {count / other:9.0f}  {other / mine:.2f}"
        )
    count, mine, other = small
    if count:
        print(
            f"JPEG 2000 for 224 pixels: {count / mine:.0f} files/s, {other / mine:.1f} times as "
            f"many as whole"
        )


def reading(files: list[Path]) -> None:
    """Part 4."""

    def mine() -> None:
        for path in files:
            with path.open("rb") as file:
                read_dataset(file, pixels=False)

    def other() -> None:
        for path in files:
            pydicom.dcmread(path, force=True, stop_before_pixels=True)

    a, b = seconds(mine), seconds(other)
    print(f"headers: {len(files) / a:.0f} files/s, pydicom {len(files) / b:.0f}, ratio {b / a:.2f}")
    header = files[0].read_bytes()
    header = header[: header.rindex(b"\xe0\x7f\x10\x00")]
    level = b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    for name, bomb in (
        ("10,000 nested sequences", level * 10_000),
        ("an element of 4 GB", b"\x7f\xe0\x00\x00OB\0\0\xfe\xff\xff\xff"),
    ):
        source = io.BytesIO(header + bomb)
        tracemalloc.start()
        begun = time.perf_counter()
        try:
            read_dataset(source)
            said = "read"
        except Undecodable as refused:
            said = refused.reason
        took = time.perf_counter() - begun
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        print(f"{name}: {said} after {1000 * took:.1f} ms, {peak / 2**20:.1f} MB at most")


def main() -> None:
    """All four parts."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    data = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    files = [path for path in real_files(data) if has_pixels(path.read_bytes())]
    share(files)
    exactness(data)
    speed(files)
    reading(files)


if __name__ == "__main__":
    main()
