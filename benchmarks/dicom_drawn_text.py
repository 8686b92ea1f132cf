"""Lettering drawn into the stored values of CT and MR images: confirmed, or taken for anatomy?

    python benchmarks/dicom_drawn_text.py [--dicom ../shared/data/dicom]

In images of a scanner's own values the detector's boxes count only where a share of their pixels
has the highest value (``privacy/burned_in.py``). Printed: of words drawn by Pillow at 10 to 30
pixels into real CT and MR frames, with hard and with soft edges, in the frame's highest value and
beyond it, how many the detector sees, and how many are confirmed; and of the frames of the folder
as they are, how many have a box without and with that rule.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.extractors.dicom.pixels.decoding import decode
from domainclip.extractors.dicom.pixels.reading import read_dataset
from domainclip.extractors.dicom.pixels.rendering import render
from domainclip.extractors.dicom.privacy.burned_in import verdict
from domainclip.extractors.dicom.privacy.device_rules import scanners_own

WORD = "SMITH^JOHN 1950"


def frames(folder: Path) -> Iterator[tuple[Dataset, np.ndarray]]:
    """The first frames of a scanner's own images."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        try:
            dataset = read_dataset(path.read_bytes())
            frame = decode(dataset, max_pixels=10**8, frames=[0]).frame(0)
        except BadInput:
            continue
        if frame.ndim == 2 and scanners_own(dataset):
            yield dataset, frame


def drawn(
    frame: np.ndarray, rng: np.random.Generator, *, soft: bool, over: float
) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """(frame with a word, its box)."""
    size = int(rng.integers(10, 30))
    mask = Image.new("L", frame.shape[::-1], 0)
    draw = ImageDraw.Draw(mask)
    font = ImageFont.load_default(size)
    at = (
        int(rng.integers(0, frame.shape[1] // 3)),
        int(rng.integers(0, frame.shape[0] - size - 4)),
    )
    draw.text(at, WORD, 255, font=font)
    ink = np.asarray(mask) / 255.0
    ink = ink if soft else (ink > 0.5).astype(float)
    values = frame * (1 - ink) + float(frame.max()) * over * ink
    return values.astype(frame.dtype), draw.textbbox(at, WORD, font=font)


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dicom", type=Path, default=Path("../shared/data/dicom"))
    rng = np.random.default_rng(0)
    images = list(frames(parser.parse_args().dicom))
    for soft in (False, True):
        for over in (1.0, 1.3):
            seen = confirmed = count = 0
            for dataset, frame in images:
                if min(frame.shape) < 200:
                    continue
                for _ in range(3):
                    values, box = drawn(frame, rng, soft=soft, over=over)
                    picture = render(dataset, values).picture
                    hits = [
                        any(
                            each.left < box[2] and box[0] < each.right
                            and each.top < box[3] and box[1] < each.bottom
                            for each in verdict(dataset, picture, stored=stored).boxes
                        )
                        for stored in (None, values)
                    ]  # fmt: skip
                    seen, confirmed, count = seen + hits[0], confirmed + hits[1], count + 1
            edges = "soft edges" if soft else "hard edges"
            words = f"{confirmed} confirmed of {seen} seen of {count}"
            print(f"{edges}, {over:.1f} of the highest: {words}")
    alarms = [
        [bool(verdict(dataset, render(dataset, frame).picture, stored=stored).boxes)
         for stored in (None, frame)]
        for dataset, frame in images
    ]  # fmt: skip
    without, with_it = (sum(column) for column in zip(*alarms, strict=True))
    print(f"{len(images)} frames as they are: a box in {without} without, {with_it} with the rule")


if __name__ == "__main__":
    main()
