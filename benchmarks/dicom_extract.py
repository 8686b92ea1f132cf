"""The whole way from DICOM studies to pairs: files and pictures a second, memory over studies.

    python -m benchmarks.dicom_extract [--studies 400] [--workers 1]

Makes studies by script, each of a CT series of 20 slices (128 x 128), two radiographs (1,024 x
1,024) and a structured report that names them, and runs ``domainclip extract dicom`` on them with
its defaults (de-identified, lettering sought, three slices a series). Printed: files and pictures a
second; beside it a loop that does only the least of it, pydicom's ``dcmread``,
``apply_modality_lut``, ``apply_voi_lut``, scaling and PNG, of the same pictures in the same run,
without finding, linking, texts or privacy; and the largest memory of any process in the second and
the last quarter of the run.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from pydicom import dcmread
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from tests.data.make_dicom import image, save, text_report
from tests.data.make_study import write_key


def write_studies(folder: Path, count: int) -> int:
    """The number of files written."""
    rng = np.random.default_rng(0)
    smooth = np.hypot(*np.meshgrid(np.linspace(-1, 1, 1024), np.linspace(-1, 1, 1024)))
    film = (3000 * np.clip(1 - smooth, 0, 1) + rng.normal(0, 15, smooth.shape) + 60).astype(
        np.uint16
    )
    files = 0
    for number in range(count):
        person = {"patient": f"P{number}", "name": f"Family{number}^Given"}
        base = 1_000_000 + 1000 * number
        for slice_ in range(20):
            one = image(
                film[:: 8, :: 8] + slice_, modality="CT", study=base, series=base + 1,
                instance=base + 100 + slice_, number=20 - slice_, spacing=(1.0, 1.0),
                position=(0.0, 0.0, 2.5 * slice_), slope=1.0, intercept=-1024.0,
                window=(40.0, 400.0), **person,
            )  # fmt: skip
            save(one, folder / f"{number:05d}" / f"c{slice_}")
        views = []
        for view in range(2):
            views.append(image(
                film + view, modality="CR", study=base, series=base + 2 + view,
                instance=base + 200 + view, window=(1500.0, 3000.0), **person,
            ))  # fmt: skip
            save(views[-1], folder / f"{number:05d}" / f"r{view}")
        report = text_report(images=views, study=base, instance=base + 300, **person)
        save(report, folder / f"{number:05d}" / "report")
        files += 23
    return files


def bare_loop(folder: Path, studies: int) -> float:
    """Pictures a second of pydicom and Pillow alone."""
    started, count = time.perf_counter(), 0
    for number in range(studies):
        for name in ("c5", "c10", "c15", "r0", "r1"):
            dataset = dcmread(folder / f"{number:05d}" / name)
            values = apply_voi_lut(apply_modality_lut(dataset.pixel_array, dataset), dataset)
            low, high = values.min(), values.max()
            grey = ((values - low) / max(high - low, 1) * 255).astype(np.uint8)
            Image.fromarray(grey).save(io.BytesIO(), "PNG", compress_level=4)
            count += 1
    return count / (time.perf_counter() - started)


def memory_mb(process: psutil.Process) -> float:
    """The largest of a process and its children, 0 when they are gone."""
    try:
        family = [process, *process.children(recursive=True)]
        return max(each.memory_info().rss for each in family) / 1e6
    except psutil.Error:
        return 0.0


def main() -> None:
    """Print what the docstring says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = write_studies(Path(folder) / "in", arguments.studies)
        command = [
            sys.executable, "-c", "import sys, domainclip.cli as c; sys.exit(c.main())", "extract",
            "dicom", f"{folder}/in", "-o", f"{folder}/pairs", "--key", write_key(Path(folder)),
            "--workers", str(arguments.workers),
        ]  # fmt: skip
        started, seen = time.perf_counter(), []
        run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        process = psutil.Process(run.pid)
        while run.poll() is None:
            seen.append(memory_mb(process))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        print(run.stdout.read().strip() if run.stdout else "")
        pictures = 5 * arguments.studies
        few = min(arguments.studies, 60)
        bare = bare_loop(Path(folder) / "in", few)
        ours = pictures / seconds
        print(
            f"{files:,} files, {pictures:,} pictures, {seconds:.1f} s, {arguments.workers} workers"
        )
        print(f"{files / seconds:,.0f} files/s, {ours:.1f} pictures/s; the bare loop {bare:.1f}: "
              f"{ours / bare:.2f}x of it")  # fmt: skip
        quarter = max(1, len(seen) // 4)
        print(f"memory of the largest process: {max(seen[quarter : 2 * quarter]):.0f} MB in the "
              f"second quarter, {max(seen[-quarter:]):.0f} MB in the last")  # fmt: skip


if __name__ == "__main__":
    main()
