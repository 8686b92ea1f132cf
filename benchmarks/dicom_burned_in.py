"""Lettering burned into pictures: found where it was rendered, and alarms where there is none.

    python benchmarks/dicom_burned_in.py [--data ../shared/data] [--seed 7] [--fit]

Pictures: the chest radiographs (within 1,024 pixels) and MedPix slices, of which every second one
is for fitting the weights (``--fit`` fits and writes them) and the others for the numbers; besides,
frames of dicom/series, codecs and reports and of pydicom's tests (CT, MR, CR, MG, NM), none of them
for fitting. Words of 10 to 40 pixels in
the fonts that are there are set anywhere, 70 to 255 grey levels away from what is below, bright on
dark or dark on bright; the words for the numbers are not those for the fit. "found": boxes cover
half of a word's width or more, "whole": 0.9 of it. "alarms": pictures with a box where
``dicom_burned_in_labels.json`` has no lettering (someone looked at every box of both halves and
listed the real ones: PORTABLE, SUPINE, image numbers); MedPix's own marks, at the upper right and
the foot, are left out there; the upper one is a real text to be found. Then the
files of dicom/burned_in, and pictures of 1,024 x 1,024 a second. With Tesseract on the path, the
peer is its boxes of words with a confidence of 30 or more, on a part of the same pictures.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_files

from domainclip.extractors.dicom.privacy import text_regions as regions
from domainclip.extractors.dicom.privacy.burned_in import verdict
from domainclip.extractors.dicom.quiet import quiet

Picture = npt.NDArray[np.uint8]
Bounds = tuple[int, int, int, int]
Finder = Callable[[Picture], Sequence[Bounds]]

FIT_WORDS = (
    "OSTERMAN^PHILLIP", "Smith, John", "12/03/2011", "ID: 00123456", "St. Mary Hospital",
    "DOB 08/29/1951", "M 045Y", "ACC 4433221", "Dr. Klugman", "W: 400 L: 40", "10:15:22 AM",
    "2011-03-12",
)  # fmt: skip
WORDS = (
    "QUARSHIE, KOFI", "Szczepanski^G", "27-Nov-1963", "MRN 7719342", "Klinikum West", "F 61Y",
    "Acc: X88201", "Prof. Featherstone", "kV 120 mA 250", "23:59:01", "PAT-00412-B", "Anne Bell",
)  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A picture. name: of its file. kind: folder. real: lettering that is known to be in it. marks:
    where MedPix writes. marked: it does at the upper right."""

    name: str
    kind: str
    picture: Picture
    real: tuple[Bounds, ...]
    marks: tuple[Bounds, ...]
    marked: bool


@dataclass(frozen=True)
class Written:
    """A picture with a word on it. size: of the font. contrast: levels from the ground."""

    picture: Picture
    bounds: Bounds
    size: int
    contrast: int


def main() -> None:
    """Fit, or print the numbers."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--seed", type=int, default=7)
    arguments.add_argument("--fit", action="store_true")
    options = arguments.parse_args()
    samples = list(web_images(options.data))
    if options.fit:
        fit(samples[::2])
        return
    others = list(dicom_frames(options.data))
    for title, group in (("held-out web images", samples[1::2]), ("DICOM frames", others)):
        measure(title, group, random.Random(options.seed), regions.text_regions)
    if shutil.which("tesseract"):
        few = samples[1::8]
        measure(
            "text_regions, every eighth", few, random.Random(options.seed), regions.text_regions
        )
        measure("Tesseract, every eighth", few, random.Random(options.seed), tesseract)
    declared(options.data)
    rate(samples)


def measure(title: str, samples: Sequence[Sample], dice: random.Random, find: Finder) -> None:
    """Print recall of rendered words and alarms."""
    covers: list[tuple[int, int, float]] = []
    alarms: list[str] = []
    marked = marks = 0
    for sample in samples:
        boxes = find(sample.picture)
        known = (*sample.real, *sample.marks)
        if any(not any(_meet(box, other) for other in known) for box in boxes):
            alarms.append(sample.name)
        if sample.marked:
            marks += 1
            marked += any(_meet(box, sample.marks[0]) for box in boxes)
        for _ in range(2):
            written = write(sample.picture, dice, WORDS)
            if written is not None:
                cover = _covered(find(written.picture), written.bounds)
                covers.append((written.size, written.contrast, cover))
    found = [cover >= 0.5 for _, _, cover in covers]
    print(f"\n{title}: {len(samples)} pictures, {len(covers)} words: found {np.mean(found):.4f}, "
          f"whole {np.mean([cover >= 0.9 for *_, cover in covers]):.4f}; alarms in {len(alarms)} "
          f"({len(alarms) / len(samples):.3f})"
          + (f"; MedPix's mark found in {marked} of {marks}" if marks else ""))  # fmt: skip
    for low, high in ((10, 16), (16, 24), (24, 41)):
        part = [cover >= 0.5 for size, _, cover in covers if low <= size < high]
        share = float(np.mean(part)) if part else float("nan")
        print(f"   {low} to {high - 1} pixels: {share:.4f} of {len(part)}")
    print("   alarms in", ", ".join(alarms))


def web_images(data: Path) -> Iterator[Sample]:
    """Chest radiographs and MedPix slices, grey."""
    labels = json.loads(Path(__file__).with_name("dicom_burned_in_labels.json").read_text("utf-8"))
    medical = data / "medical"
    paths = [*sorted(medical.glob("chest_xray/*/*")), *sorted(medical.glob("medpix/images/*"))]
    for path in paths:
        image = Image.open(path).convert("L")
        image.thumbnail((1024, 1024))
        real = tuple(tuple(box) for box in labels.get(path.name, ()))
        wide, high = image.size
        marks: tuple[Bounds, ...] = ()
        if path.parent.name == "images":
            marks = (
                (int(0.6 * wide), 0, wide, int(0.16 * high)),
                (0, int(0.85 * high), wide, high),
            )
        marked = bool(marks) and path.name not in labels["no mark"]
        yield Sample(path.name, path.parts[-3], np.array(image), real, marks, marked)


def dicom_frames(data: Path) -> Iterator[Sample]:
    """First frames of one-channel files without text, of the data and of pydicom's own tests,
    stretched between their percentiles 0.5 and 99.5; each picture once."""
    folders = (
        "series/IMG000[1-4].dcm",
        "codecs/RLE/[CM]*",
        "codecs/J2KI/MG*",
        "reports/image*.dcm",
    )
    paths = [path for each in folders for path in (data / "dicom").glob(each)]
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        paths += [Path(name) for name in get_testdata_files() if Path(name).is_file()]
    known: set[tuple[int, ...]] = set()
    for path in sorted(paths):
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            modality = pydicom.dcmread(path, force=True, stop_before_pixels=True).get("Modality")
        if modality not in ("CT", "MR", "CR", "DX", "MG", "NM", "PT"):
            continue
        picture = frame_of(path)
        if picture is None or picture.ndim != 2 or min(picture.shape) < 128:
            continue
        if (mark := (*picture.shape, int(picture[::9, ::9].sum()) // 2000)) not in known:
            known.add(mark)
            yield Sample(path.name, path.parent.name, picture, (), (), False)


def frame_of(path: Path) -> Picture | None:
    """The first frame of a DICOM file as 8 bits, by pydicom; None if it cannot."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path, force=True)
        try:
            pixels = dataset.pixel_array
        except (AttributeError, ValueError, RuntimeError, NotImplementedError):
            return None
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        pixels = pixels[0]
    if pixels.ndim == 3:
        return pixels if pixels.dtype == np.uint8 else None
    low, high = np.percentile(pixels, (0.5, 99.5))
    grey = np.clip((pixels - low) / max(high - low, 1e-6) * 255, 0, 255).astype(np.uint8)
    return 255 - grey if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else grey


def fonts() -> list[str]:
    """TrueType files of the system and of matplotlib, upright ones."""
    places = [Path("/usr/share/fonts")]
    try:
        import matplotlib

        places.append(Path(matplotlib.get_data_path()) / "fonts/ttf")
    except ImportError:
        pass
    found = sorted(str(path) for place in places for path in place.rglob("*.ttf"))
    no_letters = ("Oblique", "Italic", "STIX", "cmex", "cmsy", "cmmi", "Display")
    return [path for path in found if not any(word in path for word in no_letters)]


FONTS = fonts()


def write(picture: Picture, dice: random.Random, words: Sequence[str]) -> Written | None:
    """The picture with one word; None where it does not fit in."""
    size = dice.randint(10, 40)
    font = ImageFont.truetype(dice.choice(FONTS), size)
    word = dice.choice(words)
    left, top, right, bottom = (round(value) for value in font.getbbox(word))
    wide, high = right - left, bottom - top
    height, width = picture.shape[:2]
    if wide + 4 > width or high + 4 > height:
        return None
    x, y = dice.randint(2, width - wide - 2), dice.randint(2, height - high - 2)
    ground = picture[y : y + high, x : x + wide]
    step = dice.randint(70, 255)
    bright = ground.mean() < 150
    level = int(np.percentile(ground, 95 if bright else 5)) + (step if bright else -step)
    level = min(255, max(0, level))
    image = Image.fromarray(picture)
    fill = level if picture.ndim == 2 else (level,) * 3
    ImageDraw.Draw(image).text((x - left, y - top), word, fill=fill, font=font)
    contrast = abs(level - int(np.median(ground)))
    return Written(np.array(image), (x, y, x + wide, y + high), size, contrast)


def fit(samples: Sequence[Sample]) -> None:
    """Fit the weights of ``text_regions`` and write them."""
    from sklearn.linear_model import LogisticRegression

    dice = random.Random(1)
    rows: list[tuple[float, ...]] = []
    truth: list[int] = []
    for sample in samples:
        for box, measures, _ in regions.candidates(sample.picture):
            if not any(_meet(box, other) for other in (*sample.real, *sample.marks)):
                rows.append(measures)
                truth.append(0)
        for _ in range(4):
            written = write(sample.picture, dice, FIT_WORDS)
            if written is None:
                continue
            area = _area(written.bounds, written.bounds)
            for box, measures, _ in regions.candidates(written.picture):
                shared = _area(box, written.bounds)
                if shared > 0.6 * _area(box, box) and shared > 0.25 * area:
                    rows.append(measures)
                    truth.append(1)
    values = np.array(rows)
    mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-6
    normal = np.clip((values - mean) / scale, -6, 6)
    model = LogisticRegression(max_iter=5000).fit(np.hstack([normal, normal**2]), truth)
    linear, square = np.split(model.coef_[0], 2)
    weights = {
        "mean": mean.round(5).tolist(), "scale": scale.round(5).tolist(),
        "linear": linear.round(4).tolist(), "square": square.round(4).tolist(),
        "bias": round(float(model.intercept_[0]), 4),
    }  # fmt: skip
    path = Path(regions.__file__).with_name("text_weights.json")
    path.write_text(json.dumps(weights, indent=1) + "\n", "utf-8")
    print(f"{len(truth)} rows of letters, {sum(truth)} of words; written to {path.name}")


def declared(data: Path) -> None:
    """Print the verdict on real files with text."""
    print("\ndicom/burned_in")
    for path in sorted((data / "dicom/burned_in").iterdir()):
        picture = frame_of(path)
        if picture is None:
            print(f"   {path.name}: not decoded")
            continue
        with quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = verdict(pydicom.dcmread(path, stop_before_pixels=True, force=True), picture)
        print(f"   {path.name}: {found.risk}, {len(found.boxes)} boxes: {'; '.join(found.why)}")


def rate(samples: Sequence[Sample]) -> None:
    """Print pictures a second, of the radiographs of 1,024 x 1,024."""
    pictures = [each.picture for each in samples if each.picture.shape == (1024, 1024)]
    start = time.perf_counter()
    for picture in pictures:
        regions.text_regions(picture)
    seconds = time.perf_counter() - start
    print(f"\n{len(pictures) / seconds:.1f} pictures/s, {len(pictures)} of 1,024 x 1,024")


def tesseract(picture: Picture) -> list[Bounds]:
    """Boxes of words by Tesseract, sparse text, confidence 30 or more."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        Image.fromarray(picture).save(path)
        command = ["tesseract", str(path), "stdout", "--psm", "11", "tsv"]
        table = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    boxes: list[Bounds] = []
    for line in table.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) == 12 and float(cells[10]) >= 30 and len(cells[11].strip()) > 1:
            left, top, wide, high = map(int, cells[6:10])
            boxes.append((left, top, left + wide, top + high))
    return boxes


def _area(one: Bounds, other: Bounds) -> int:
    across = min(one[2], other[2]) - max(one[0], other[0])
    along = min(one[3], other[3]) - max(one[1], other[1])
    return max(0, across) * max(0, along)


def _meet(box: Bounds, other: Bounds) -> bool:
    return _area(box, other) >= 0.3 * min(_area(box, box), _area(other, other))


def _covered(boxes: Sequence[Bounds], word: Bounds) -> float:
    """Share of a word's width in boxes that hold most of its height."""
    cover = np.zeros(word[2] - word[0], bool)
    for box in boxes:
        if min(box[3], word[3]) - max(box[1], word[1]) > 0.6 * (word[3] - word[1]):
            cover[max(0, box[0] - word[0]) : max(0, box[2] - word[0])] = True
    return float(cover.mean())


if __name__ == "__main__":
    main()
