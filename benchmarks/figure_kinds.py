"""What kind of figure: accuracy of image statistics, and of a backbone's zero-shot, by hand labels.

    .venv/bin/python benchmarks/figure_kinds.py [--backbone embedded] [--fit]

The labels (benchmarks/figure_kind_labels.json) name regions of PDF pages (points), image files and
parts of them (pixels), each with the kind that a person gave it: single figures only, no mixtures.
Regions were proposed by simple clustering of what the pages paint, so some miss their axes' text.
``package:`` files come with Python packages; what is not installed is left out, and said.
The statistics are cross-validated in five folds by source (an article is never on both sides); the
backbone was fitted to none of them. --fit fits the weights on everything and writes
domainclip/images/figure_kind.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import StratifiedGroupKFold

from domainclip.extractors.papers.pdf.pictures import open_pdf, pictures_of
from domainclip.extractors.papers.records import Box
from domainclip.images.figure_kind import KINDS, statistics

LABELS = Path(__file__).with_name("figure_kind_labels.json")
MODEL = Path(__file__).parents[1] / "domainclip" / "images" / "figure_kind.json"
DRAWN = ("plot", "diagram", "equation", "table", "other")  # the rest are images of something
# rare kinds lend themselves to cutting: so many random parts of each join the fit
CUTS = {"photograph": 4, "microscopy": 10, "radiology": 3, "map": 12, "plot": 1, "diagram": 2,
        "table": 3, "equation": 2, "other": 4}  # fmt: skip
WHOLE_PX = 1024
Images = list[Image.Image]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--backbone", default="embedded", help="empty: none")
    parser.add_argument("--fit", action="store_true", help="write the weights anew")
    arguments = parser.parse_args()
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    images, kinds, sources = [], [], []
    for label, image in load(labels, arguments.data):
        images.append(image)
        kinds.append(KINDS.index(label["kind"]))
        sources.append(source_of(label["file"]))
    truth = np.array(kinds)
    count = Counter(KINDS[kind] for kind in kinds)
    print(f"{len(images)} pictures of {len(set(sources))} sources: {dict(count.most_common())}")

    start = time.process_time()
    rows = np.array([statistics(image) for image in images])
    print(f"statistics: {(time.process_time() - start) / len(images) * 1e3:.1f} ms a picture")
    logits, weights = cross_validated(images, rows, truth, np.array(sources))
    report("image statistics, held-out sources", truth, logits.argmax(1))
    heat = temperature(logits, truth)
    sure = softmax(logits / heat).max(1)
    right = logits.argmax(1) == truth
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 1.01)):
        chosen = (sure >= low) & (sure < high)
        if chosen.any():
            print(f"  confidence {low:.1f} to {high:.1f}: right {right[chosen].mean():.3f} "
                  f"of {chosen.sum()}")  # fmt: skip
    if arguments.fit:
        write(weights, heat)
    if arguments.backbone:
        report(f"zero-shot by {arguments.backbone}", truth, zero_shot(arguments.backbone, images))


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
    if file.startswith("package:") and "_data" in file:
        return file
    if "/twins/" in file or "/latex_src/" in file or "/jose/" in file:
        return "/".join(file.split("/")[:3])
    return file


def shrunk(image: Image.Image) -> Image.Image:
    image = image.convert("RGB")
    image.thumbnail((WHOLE_PX, WHOLE_PX))
    return image


def cross_validated(
    images: Images,
    rows: NDArray[np.float64],
    truth: NDArray[np.int_],
    sources: NDArray[np.str_],
) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
    """Held-out logits (n, kinds), and the weights fitted on everything."""
    random = np.random.default_rng(0)
    cut_rows, cut_of = [], []
    for at, image in enumerate(images):
        for _ in range(CUTS[KINDS[truth[at]]]):
            cut_rows.append(statistics(cut(image, random)))
            cut_of.append(at)
    cuts, of = np.array(cut_rows), np.array(cut_of)
    logits = np.zeros((len(images), len(KINDS)))
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(rows, truth, sources):
        inside = np.isin(of, train)
        x = np.concatenate([rows[train], cuts[inside]])
        model = fitted(x, np.concatenate([truth[train], truth[of[inside]]]))
        logits[test] = applied(model, rows[test])
    return logits, fitted(np.concatenate([rows, cuts]), np.concatenate([truth, truth[of]]))


def cut(image: Image.Image, random: np.random.Generator) -> Image.Image:
    share = random.uniform(0.55, 1.0)
    width, height = int(image.width * share), int(image.height * share)
    left = int(random.integers(0, image.width - width + 1))
    top = int(random.integers(0, image.height - height + 1))
    part = image.crop((left, top, left + width, top + height))
    smaller = random.uniform(0.4, 1.0)
    return part.resize((max(20, int(width * smaller)), max(20, int(height * smaller))))


def fitted(x: NDArray[np.float64], y: NDArray[np.int_]) -> dict[str, NDArray[np.float64]]:
    """Linear discriminants with Ledoit-Wolf shrinkage: linear weights from few examples."""
    mean, scale = x.mean(0), x.std(0) + 1e-6
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto").fit((x - mean) / scale, y)
    return {"mean": mean, "scale": scale, "weights": lda.coef_.T, "bias": lda.intercept_}


def applied(model: dict[str, NDArray[np.float64]], x: NDArray[np.float64]) -> NDArray[np.float64]:
    return (x - model["mean"]) / model["scale"] @ model["weights"] + model["bias"]


def temperature(logits: NDArray[np.float64], truth: NDArray[np.int_]) -> float:
    """What the logits are to be divided by for the likeliest held-out truth."""
    heats = np.linspace(0.5, 5, 46)
    rows = np.arange(len(truth))
    losses = [-np.log(softmax(logits / heat)[rows, truth] + 1e-12).mean() for heat in heats]
    return float(heats[int(np.argmin(losses))])


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return odds / odds.sum(1, keepdims=True)


def write(model: dict[str, NDArray[np.float64]], heat: float) -> None:
    model = model | {"weights": model["weights"] / heat, "bias": model["bias"] / heat}
    lines = [f' "{name}": {json.dumps(values.round(4).tolist())}' for name, values in model.items()]
    MODEL.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    print(f"wrote {MODEL} (temperature {heat:.1f})")


def zero_shot(name: str, images: Images) -> NDArray[np.int_]:
    from domainclip.backbones import load_backbone
    from domainclip.curation.figure_kind import kinds_by_backbone

    found = kinds_by_backbone(load_backbone(name), images)
    return np.array([KINDS.index(kind) for kind in found])


def report(title: str, truth: NDArray[np.int_], found: NDArray[np.int_]) -> None:
    confusion = np.zeros((len(KINDS), len(KINDS)), int)
    np.add.at(confusion, (truth, found), 1)
    recalls = np.diag(confusion) / np.maximum(1, confusion.sum(1))
    drawn = np.array([kind in DRAWN for kind in KINDS])
    coarse = (drawn[truth] == drawn[found]).mean()
    print(f"{title}: accuracy {(truth == found).mean():.3f}, mean over kinds {recalls.mean():.3f}, "
          f"drawn or imaged {coarse:.3f}")  # fmt: skip
    print("  true \\ found " + " ".join(f"{kind[:6]:>6}" for kind in KINDS) + "  recall")
    for kind, row, recall in zip(KINDS, confusion, recalls, strict=True):
        print(f"  {kind:<12} " + " ".join(f"{n:>6}" for n in row) + f"   {recall:.2f}")


if __name__ == "__main__":
    main()
