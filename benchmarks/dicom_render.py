"""Frames a second from stored values to 8 bits, against pydicom, and how near the formulas.

    python benchmarks/dicom_render.py [--data ../shared/data] [--seconds 1.5]

Speed: a real CT slice (16 bits, rescale, window 40/400) and a real MR slice (16 bits, the file's
window), both 512 x 512, and noise of the CT's mean and spread, on which pydicom's masks are slower:
``apply_modality_lut`` + ``apply_voi_lut`` of pydicom with scaling to uint8; one table built once;
the same table built anew for each frame; and ``render`` whole, which reads the header each time.
Rates are per CPU second of one process.

Nearness: every grey image of the data folder, of pydicom's packaged files and of pydicom-data that
pydicom decodes: the largest difference of any pixel between the picture and the standard's formulas
(PS3.3 C.11.1, C.11.2), written out here in float64 from the file's own values, apart from the code
under test. Files without a window, whose picture is a choice and not a formula, take the window
that ``render`` says it chose.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import data_store
import numpy as np
import pydicom
import zstandard
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from domainclip.extractors.dicom.pixels.rendering import Rendered, render
from domainclip.extractors.dicom.quiet import quiet
from domainclip.images.voi import GreyParams, Rescale, Window, grey_picture, grey_table

__all__ = ["main"]


def pydicoms(frame: np.ndarray, dataset: Dataset) -> np.ndarray:
    """The two steps of pydicom, and the scaling that their users write."""
    values = apply_voi_lut(apply_modality_lut(frame, dataset), dataset).astype(np.float64)
    low, high = values.min(), values.max()
    scaled: np.ndarray = ((values - low) / (high - low) * 255).astype(np.uint8)
    return scaled


def rate(once: Callable[[], object], seconds: float) -> float:
    """Calls a CPU second: the best of five stretches."""
    once()
    best = 0.0
    for _ in range(5):
        began, calls = time.process_time(), 0
        while time.process_time() - began < seconds / 5:
            once()
            calls += 1
        best = max(best, calls / (time.process_time() - began))
    return best


def slices(folder: Path) -> Iterator[tuple[str, Dataset, np.ndarray]]:
    """What the speed is measured on."""
    for name in ("CT1", "MR1"):
        packed = (folder / "dicom" / "codecs" / "REF" / f"{name}_UNC.zst").read_bytes()
        data = zstandard.ZstdDecompressor().stream_reader(packed).read()
        dataset = pydicom.dcmread(io.BytesIO(data), force=True)
        frame = dataset.pixel_array
        if name == "CT1":
            dataset.WindowCenter, dataset.WindowWidth = 40, 400
            noise = np.random.default_rng(0).normal(frame.mean(), frame.std(), frame.shape)
            yield "noise as of that CT", dataset, noise.astype(frame.dtype)
        yield f"{name}, {dataset.WindowCenter}/{dataset.WindowWidth}", dataset, frame


def speed(folder: Path, seconds: float) -> None:
    for name, dataset, frame in slices(folder):
        window = Window(float(dataset.WindowCenter), float(dataset.WindowWidth))
        modality = Rescale(
            float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
        )
        params = GreyParams(window, modality, dataset.BitsStored, frame.dtype.kind == "i")

        def anew(frame: np.ndarray = frame, params: GreyParams = params) -> np.ndarray:
            grey_table.cache_clear()
            return grey_picture(frame, params)

        ways: dict[str, Callable[[], object]] = {
            "pydicom": lambda f=frame, d=dataset: pydicoms(f, d),  # type: ignore[misc]
            "table built once": lambda f=frame, p=params: grey_picture(f, p),  # type: ignore[misc]
            "table built anew": anew,
            "render": lambda f=frame, d=dataset: render(d, f),  # type: ignore[misc]
        }
        rates = {way: rate(once, seconds) for way, once in ways.items()}
        print(f"{name}, {' x '.join(map(str, frame.shape))} of {dataset.BitsStored} bits:")
        for way, found in rates.items():
            print(f"  {way:18} {found:7.0f} frames/s  {found / rates['pydicom']:5.1f} x pydicom")


def written_out(dataset: Dataset, frame: np.ndarray, shown: Rendered) -> np.ndarray:
    """Grey levels 0..255 by the formulas, from the file's values and the window that was chosen."""
    groups = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
    group = groups[0].get("PixelValueTransformationSequence") or [dataset]
    if "ModalityLUTSequence" in dataset:
        values = apply_modality_lut(frame, dataset).astype(np.float64)
    else:
        slope, intercept = group[0].get("RescaleSlope", 1), group[0].get("RescaleIntercept", 0)
        values = frame.astype(np.float64) * float(slope) + float(intercept)
    window = shown.facts["windows"][0]
    if window["function"] == "LUT":
        item = dataset.VOILUTSequence[0]
        levels = apply_voi_lut(values.astype(np.int64), dataset) / (2 ** item.LUTDescriptor[2] - 1)
    else:
        centre, width = window["centre"], window["width"]
        if window["function"] == "LINEAR":
            centre, width = centre - 0.5, width - 1
        if window["function"] == "SIGMOID":
            levels = 1 / (1 + np.exp(-4 * (values - centre) / width))
        else:
            levels = (values - centre) / width + 0.5
            levels = np.where(values <= centre - width / 2, 0.0, levels)
            levels = np.where(values > centre + width / 2, 1.0, levels)
    levels = levels * 255
    return 255 - levels if dataset.PhotometricInterpretation == "MONOCHROME1" else levels


def grey_frames(folder: Path) -> Iterator[tuple[Path, Dataset, np.ndarray]]:
    """Each file under the folder that is a grey image, with its first frame."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        try:
            data = path.read_bytes()
            if path.suffix == ".zst":
                data = zstandard.ZstdDecompressor().stream_reader(data).read()
            dataset = pydicom.dcmread(io.BytesIO(data), force=True)
            if not str(dataset.get("PhotometricInterpretation", "")).startswith("MONOCHROME"):
                continue
            frame = dataset.pixel_array
        except Exception:  # not DICOM, no pixels, or none that pydicom decodes
            continue
        yield path, dataset, frame if frame.ndim == 2 else frame[0]


def nearness(folder: Path) -> None:
    compared, apart, worst, skipped = 0, 0.0, "", 0
    sources: dict[str, int] = {}
    for path, dataset, frame in grey_frames(folder):
        shown = render(dataset, frame)
        exact = written_out(dataset, frame, shown)
        padding = dataset.get("PixelPaddingValue")
        counted = np.ones(frame.shape, bool) if padding is None else frame != padding
        skipped += int((~counted).sum())
        difference = np.abs(shown.picture - exact)[counted]
        compared += 1
        source = shown.facts["windows"][0]["source"].split(":")[0]
        sources[source] = sources.get(source, 0) + 1
        if difference.size and difference.max() > apart:
            apart, worst = float(difference.max()), path.name
    told = ", ".join(f"{count} {source}" for source, count in sorted(sources.items()))
    print(
        f"  {folder.name}: {compared} grey images ({told}): at most {apart:.4f} grey levels from "
        f"the formulas ({worst}); {skipped:,} padding pixels, black, not compared"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    options = parser.parse_args()
    with quiet():
        speed(options.data, options.seconds)
        print("largest difference of any pixel:")
        nearness(options.data / "dicom")
        nearness(Path(data_store.__file__).parent / "data")
        nearness(Path(pydicom.__file__).parent / "data" / "test_files")


if __name__ == "__main__":
    main()
