"""A recipe with whole texts against the same recipe with cut ones, on MedPix's images.

    python -m benchmarks.long_text_training MEDPIX -o OUT [--splits 3] [--epochs 5] [--px 128]

MEDPIX is the folder of MedPix 2.0. The images that are there become pairs with one long text each,
the caption followed by the case (history, exam, findings), and cases never cross a split. The
recipe is medical/reports_long in small: embedded backbone, image tower tuned on a CPU, float32.
Retrieval before and after on the test split, one run for each way of reading and split.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.long_text_tasks import medpix_tasks
from domainclip.cli import main as domainclip
from domainclip.pairs import Pair, PairWriter, Text
from domainclip.runs import read_result

__all__ = ["WAYS", "main", "medpix_pairs"]

WAYS = {
    "truncate": "text={name: truncate}",
    "window mean": "text={name: window, pool_by: mean}",
    "sentences mean": "text={name: sentences, pool_by: mean}",
}
SHOWN = ("text_to_image_R@1", "text_to_image_R@5", "image_to_text_R@1", "image_to_text_R@5")


def medpix_pairs(medpix: Path) -> Iterator[Pair]:
    """An image with its caption and case as one text."""
    (task,) = [each for each in medpix_tasks(medpix) if each.name.endswith("caption and case")]
    for path, text, group in zip(task.short, task.long, task.groups, strict=True):
        image = Path(path).read_bytes()
        width, height = Image.open(io.BytesIO(image)).size
        yield Pair(
            key=Path(path).stem, image=image, text=text, texts=(Text("caption", text, "en"),),
            document=group, group=group, source="MedPix 2.0", license="",
            width=width, height=height, sha256=hashlib.sha256(image).hexdigest(),
        )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("medpix", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--px", type=int, default=128)
    given = parser.parse_args()
    pairs = given.output / "pairs"
    if not pairs.is_dir():
        with PairWriter(pairs) as writer:
            for pair in medpix_pairs(given.medpix):
                writer.write(pair)
    found: dict[tuple[str, str, str], list[float]] = {}
    for split in range(given.splits):
        for number, (way, text) in enumerate(WAYS.items()):
            out = given.output / f"{number}-{split}"
            words = [
                "run", "medical/reports_long", f"data.pairs={pairs}", "backbone.name=embedded",
                "backbone.pretrained=null", f"data.image_px={given.px}", "data.batch_size=32",
                "adapter={name: full, towers: [image]}", "trainer.lr=3e-4",
                "trainer.precision=32-true", f"trainer.epochs={given.epochs}", text,
                "data.text_roles=[caption]", "data.role_weights={}",
                f"data.split={{fractions: {{train: 0.6, val: 0.1, test: 0.3}}, seed: {split}, "
                "by: group}", "-o", str(out),
            ]  # fmt: skip
            if domainclip(words):
                return 1
            for value in read_result(out).values:
                if value.metric in SHOWN:
                    key = way, value.stage, value.metric
                    found.setdefault(key, []).append(value.value.value)
    print("| texts | stage | " + " | ".join(name.replace("_", " ") for name in SHOWN) + " |")
    print("|---|---|" + "---:|" * len(SHOWN))
    for way in WAYS:
        for stage in ("before", "after"):
            cells = [_said(found[way, stage, name]) for name in SHOWN]
            print(f"| {way} | {stage} | {' | '.join(cells)} |")
    return 0


def _said(values: list[float]) -> str:
    """The mean over splits, and the smallest and largest."""
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    sys.exit(main())
