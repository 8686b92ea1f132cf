"""The labelled pictures that ``figure_kinds.py`` measures with, and variants of them to fit on.

benchmarks/figure_kind_labels.json names regions of PDF pages (points), image files and parts of
them (pixels), and pairs of ``domainclip extract papers`` by their keys, each with the kind that a
person gave it by looking at the picture alone. Regions show one kind; pairs are whole figures, and
``also`` names what else a good part of one shows. ``package:`` files come with Python packages;
what is not installed is left out, and said.
"""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from domainclip.extractors.papers.pdf.pictures import open_pdf, pictures_of
from domainclip.extractors.papers.records import Box
from domainclip.pairs import open_pairs

LABELS = Path(__file__).with_name("figure_kind_labels.json")
WHOLE_PX = 1024
# rare kinds lend themselves to cutting: so many random parts of each join the fit
CUTS = {"photograph": 4, "microscopy": 10, "radiology": 3, "map": 12, "plot": 1, "diagram": 2,
        "table": 3, "equation": 2, "other": 4}  # fmt: skip
# and so many sheets of several parts, as compound figures are
SHEETS = {"photograph": 3, "microscopy": 6, "radiology": 3}


@dataclass(frozen=True, slots=True)
class Labelled:
    """image: RGB, at most WHOLE_PX a side. also: what else it shows. source: its article, or file.

    caption: None for what is no pair.
    """

    image: Image.Image
    kind: str
    also: str
    source: str
    caption: str | None = None
    label: str = ""


def labelled(data: Path, pairs: Path | None) -> Iterator[Labelled]:
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    for label, image in load([label for label in labels if "file" in label], data):
        yield Labelled(image, label["kind"], "", source_of(label["file"]))
    if pairs is None:
        return
    kinds = {label["pair"]: label for label in labels if "pair" in label}
    table = open_pairs(pairs).table(["key", "image", "text", "where", "document"])
    lost = set(kinds) - set(table.column("key").to_pylist())
    if lost:
        print(f"left out: {len(lost)} labelled pairs that {pairs} lacks, as {min(lost)}")
    for row in table.to_pylist():
        label = kinds.get(row["key"])
        if label is not None:
            where = json.loads(row["where"]) if isinstance(row["where"], str) else row["where"]
            image = shrunk(Image.open(BytesIO(row["image"]["bytes"])))
            yield Labelled(image, label["kind"], label.get("also", ""), row["document"],
                           row["text"], where.get("label", ""))  # fmt: skip


def load(labels: list[dict[str, Any]], data: Path) -> Iterator[tuple[dict[str, Any], Image.Image]]:
    """Each label with its picture in RGB, at most WHOLE_PX a side."""
    by_file: dict[str, list[dict[str, Any]]] = {}
    for label in labels:
        by_file.setdefault(label["file"], []).append(label)
    missing: Counter[str] = Counter()
    for file, of_file in by_file.items():
        path = path_of(file, data)
        if path is None:
            missing[file.partition("/")[0]] += len(of_file)
        elif path.suffix == ".pdf":
            with open_pdf(path.read_bytes(), file) as document:
                boxes = [Box(label["page"], *label["box"]) for label in of_file]
                for label, picture in zip(of_file, pictures_of(document, boxes), strict=True):
                    yield label, shrunk(Image.open(BytesIO(picture.data)))
        else:
            image = Image.open(path)
            for label in of_file:
                yield label, shrunk(image.crop(label["box"]) if "box" in label else image)
    for package, lost in missing.items():
        print(f"left out: {lost} pictures of {package}, which is not installed")


def path_of(file: str, data: Path) -> Path | None:
    if not file.startswith("package:"):
        return data / file
    package, _, name = file.removeprefix("package:").partition("/")
    parent, _, folder = package.partition(".")
    found = importlib.util.find_spec(parent)
    if found is None or not found.submodule_search_locations:
        return None
    paths = [Path(place) / folder / name for place in found.submodule_search_locations]
    return next((path for path in paths if path.is_file()), None)


def source_of(file: str) -> str:
    """What must not stand on both sides of a fold: an article, a photographed place, an image."""
    if not file.startswith("papers/"):
        return file
    folder, name = file.split("/")[1:3]  # as pairs name their document
    return f"{folder}/{name.removesuffix('.pdf')}"


def shrunk(image: Image.Image) -> Image.Image:
    image = image.convert("RGB")
    image.thumbnail((WHOLE_PX, WHOLE_PX))
    return image


def variants(of: Labelled, random: np.random.Generator) -> Iterator[Image.Image]:
    """Parts, and sheets of parts, in other sizes and tones; of a mixture none."""
    if of.also:
        return
    for _ in range(CUTS[of.kind]):
        yield toned(cut(of.image, random), of.kind, random)
    for _ in range(SHEETS.get(of.kind, 0)):
        yield toned(sheet(of.image, random), of.kind, random)


def cut(image: Image.Image, random: np.random.Generator) -> Image.Image:
    share = random.uniform(0.55, 1.0)
    width, height = int(image.width * share), int(image.height * share)
    left = int(random.integers(0, image.width - width + 1))
    top = int(random.integers(0, image.height - height + 1))
    part = image.crop((left, top, left + width, top + height))
    smaller = random.uniform(0.4, 1.0)
    return part.resize((max(20, int(width * smaller)), max(20, int(height * smaller))))


def sheet(image: Image.Image, random: np.random.Generator) -> Image.Image:
    rows, columns = random.choice([(1, 2), (2, 2), (1, 3), (2, 1), (2, 3)])
    parts = [cut(image, random) for _ in range(3)]
    width = int(random.integers(150, 400))
    height, gap = int(width * random.uniform(0.7, 1.2)), int(random.integers(2, 30))
    whole = Image.new("RGB", (int(columns) * (width + gap), int(rows) * (height + gap)), "white")
    for row in range(rows):
        for column in range(columns):
            part = parts[random.integers(3)].resize((width, height))
            whole.paste(part, (column * (width + gap), row * (height + gap)))
    return whole


def toned(image: Image.Image, kind: str, random: np.random.Generator) -> Image.Image:
    """Some printed in grey, some with the tint of another lamp, screen or film."""
    chance = random.uniform()
    if kind in ("photograph", "microscopy") and chance < 0.25:
        return image.convert("L").convert("RGB")
    if (kind in SHEETS and chance < 0.6) or (kind == "map" and chance < 0.4):
        tint = random.uniform(0.8, 1.15, 3)
        levels = np.asarray(image, dtype=np.float64) * tint
        return Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    return image
