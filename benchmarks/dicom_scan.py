"""How fast, and in how much memory, an archive of DICOM files is scanned, grouped and linked.

Usage: nice python benchmarks/dicom_scan.py [--files 100000] [--folder DIR] [DATA]

Makes a tree of small DICOM files (real CT headers with 16 x 16 pixels, every tenth without
preamble and file meta, no extensions; 100 files a series, 4 series a study) in a temporary folder,
and on it, each in a process of its own:

    pydicom            files/s of a loop over dcmread(stop_before_pixels=True), by the clock and
                       by the time that the process had its core
    pydicom, few tags  the same with the specific_tags that grouping needs
    find_studies       files/s until the last study is there, and the peak of its memory
    find_studies/10    of the tenth part of the files: memory that does not grow with their number

Then the files per second of find_studies over those of each loop, both of the core's own time,
which other programs on the machine do not lengthen. Last the links that are found in DATA (default
../shared/data): structured reports and MedPix.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path

_LOOP = """
import os, sys, time, warnings
import pydicom
warnings.simplefilter("ignore")
tags = sys.argv[2:]
start, count, at = time.perf_counter(), 0, time.process_time()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        pydicom.dcmread(os.path.join(folder, name), stop_before_pixels=True, force=True,
                        specific_tags=tags or None)
        count += 1
print(count, time.perf_counter() - start, time.process_time() - at)
"""
_FIND = """
import resource, sys, time
from domainclip.extractors.dicom.sources.finding import find_studies
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
at = time.process_time()
start, count, studies, refused = time.perf_counter(), 0, 0, 0
for study in find_studies(sys.argv[1], limit_bytes=1 << 30):
    count += len(study.images)
    refused += len(study.refused)
    studies += 1
took = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, took, time.process_time() - at, studies, refused, before >> 10, after >> 10)
"""
_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"),
    *("AccessionNumber", "PatientID", "StudyID", "Modality", "Rows"),
)


def make_tree(folder: Path, files: int) -> None:
    """Files whose UIDs differ, by patching the bytes of one."""
    from pydicom import dcmread
    from pydicom.data import get_testdata_file

    data = dcmread(str(get_testdata_file("CT_small.dcm")))
    marks = ("1.2.3.4.5.1000000000", "1.2.3.4.5.2000000000", "1.2.3.4.5.3000000000")
    data.StudyInstanceUID, data.SeriesInstanceUID, data.SOPInstanceUID = marks
    data.file_meta.MediaStorageSOPInstanceUID = marks[2]
    data.Rows = data.Columns = 16
    data.PixelData = bytes(512)
    out = BytesIO()
    data.save_as(out)
    whole = out.getvalue()
    start = 144 + int.from_bytes(whole[140:144], "little")  # behind the file meta
    print(f"one file: {len(whole)} bytes, {len(list(data.iterall()))} elements")
    for number in range(files):
        place = folder / f"{number // 10_000:03}" / f"{number // 400:05}" / f"{number // 100 % 4}"
        if number % 100 == 0:
            place.mkdir(parents=True)
        numbers = (number // 400, number // 100, number)
        patched = whole
        for mark, own in zip(marks, numbers, strict=True):
            patched = patched.replace(mark.encode(), f"{mark[:-9]}{own:09}".encode())
        (place / f"{number % 100:04}").write_bytes(patched[start:] if number % 10 == 9 else patched)


def told(code: str, *arguments: str) -> list[float]:
    """What a process of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], check=True, capture_output=True, text=True
    )
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    """Prints the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="?", default="../shared/data")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", default=None, help="where the tree is made")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        tree = Path(made)
        start = time.perf_counter()
        make_tree(tree, options.files)
        print(f"{options.files} files made in {time.perf_counter() - start:.0f} s")
        rates = {}
        for name, tags in (("pydicom", ()), ("pydicom, few tags", _TAGS)):
            count, took, busy = told(_LOOP, str(tree), *tags)
            rates[name] = count / busy
            print(f"{name:18} {count / took:7.0f} files/s, {count / busy:.0f} a second of the core")
        for name, part in (("find_studies", tree), ("find_studies/10", tree / "000")):
            count, took, busy, studies, refused, before, after = told(_FIND, str(part))
            print(
                f"{name:18} {count / took:7.0f} files/s, {count / busy:.0f} a second of the core:"
                f" {count:.0f} images, {studies:.0f} studies, {refused:.0f} refused,"
                f" {took:.1f} s; peak {after:.0f} MB, {after - before:.0f} MB above the imports"
            )
            rates.setdefault("ours", count / busy)
        for name in ("pydicom", "pydicom, few tags"):
            print(f"find_studies / {name}: {rates['ours'] / rates[name]:.1f}x")
    links(Path(options.data))


def links(data: Path) -> None:
    """Prints what is linked in the real files."""
    from domainclip.extractors.dicom.sources.finding import find_studies

    for name in ("dicom/reports", "medical/medpix"):
        folder = data / name
        if not folder.is_dir():
            print(f"{name}: absent")
            continue
        linked = images = alone = 0
        for study in find_studies(str(folder), reports=str(folder), limit_bytes=1 << 30):
            images += len(study.images)
            linked += len(study.reports) if study.images else 0
            alone += 0 if study.images else len(study.reports)
        print(f"{name}: {images} images, {linked} links, {alone} reports without images here")


if __name__ == "__main__":
    main()
