"""Panels of compound figures: pairs of panel and text, caption parts, pictures a second.

    python benchmarks/papers_panels.py [../shared/data/papers] [--set dev|held_out] [--show]

Truth: benchmarks/panel_labels.json (67 figures labelled by eye; how is said in the file). Each
figure's region is rendered at 150 dpi and split twice: with the PDF's words, and from the pixels
alone, as for a package's image files. A pair is right if its box overlaps the labelled one with
IoU >= 0.5 and covers at least 0.8 of it, and its text overlaps the labelled span with
common / longer >= 0.9 (letters and digits). Caption parts are judged on text alone. The captions of
all other figures of the same articles follow: every part found there is false. In the same run a
plain baseline: the caption split at "(x)", the picture at white rows and columns, paired in order.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

from domainclip.extractors.papers.panels.captions import split_caption
from domainclip.extractors.papers.panels.images import PlacedText
from domainclip.extractors.papers.panels.split import Panel, split_figure

__all__ = ["main"]

LABELS = Path(__file__).with_name("panel_labels.json")
DPI = 150
Splitter = Callable[[str, Image.Image, list[PlacedText]], tuple[Panel, ...]]


@dataclass(frozen=True)
class Labelled:
    """A figure with its truth. boxes: pixels. texts: the caption's letters that belong to each."""

    name: str
    set: str
    caption: str
    image: Image.Image
    words: list[PlacedText]
    boxes: dict[str, tuple[float, ...]]
    texts: dict[str, set[int]]


def captions(data: Path) -> dict[tuple[str, str], str]:
    """Gold captions by article and label."""
    found = {}
    for line in (data / "twins" / "gold.jsonl").read_text("utf-8").splitlines():
        article = json.loads(line)
        for figure in article["figs"]:
            found[article["dir"], figure["label"]] = figure["caption"]
    boxes = json.loads((data / "icml_boxes" / "annotations.json").read_text("utf-8"))
    for name, article in boxes.items():
        for figure in article["figures"]:
            if figure["figure_type"] == "Figure" and "caption" in figure:
                found[name, f"Figure {figure['name']}"] = figure["caption"]
    return found


def labelled(data: Path) -> Iterator[Labelled]:
    """The labelled figures, rendered."""
    gold = captions(data)
    for entry in json.loads(LABELS.read_text("utf-8"))["figures"]:
        name, figure = entry["article"], entry["figure"]
        twin = data / "twins" / name / "fulltext.pdf"
        with pymupdf.open(twin if twin.exists() else data / "icml_boxes" / f"{name}.pdf") as pdf:
            page, region = pdf[entry["page"]], pymupdf.Rect(entry["region"])
            pixels = page.get_pixmap(clip=region, dpi=DPI)
            image = Image.frombytes("RGB", (pixels.width, pixels.height), pixels.samples)
            words = [
                PlacedText(word[4], tuple(round(side * DPI / 72) for side in place))
                for word in page.get_text("words", clip=region)
                for place in [pymupdf.Rect(word[:4]) - (*region.tl, *region.tl)]
            ]
        size = (*image.size, *image.size)
        caption = gold[name, figure]
        yield Labelled(
            f"{name} {figure}",
            entry["set"],
            caption,
            image,
            words,
            {
                letter: tuple(share * side for share, side in zip(box, size, strict=True))
                for letter, box in entry["panels"].items()
            },
            {letter: _signs(caption, [span]) for letter, span in entry["texts"].items()},
        )


def right(figure: Labelled, panel: Panel) -> bool:
    """Whether a panel is the labelled one and has its text."""
    true = figure.boxes.get(panel.label)
    if true is None or set(figure.boxes) != set(figure.texts):
        return False
    a, b = true, panel.box
    common = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area, other = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    if common < 0.5 * (area + other - common) or common < 0.8 * area:
        return False
    said = "".join(figure.caption[at] for at in sorted(figure.texts[panel.label]))
    return _likeness(said, "".join(c for c in panel.text if c.isalnum())) >= 0.9


def baseline(caption: str, image: Image.Image, words: list[PlacedText]) -> tuple[Panel, ...]:
    """Split at every "(x)" and at white rows and columns; paired in order where counts agree."""
    pieces = re.split(r"\(([A-Za-z])\)", caption)
    texts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    gray = np.asarray(image.convert("L"))
    cells = [
        (left, top, right, bottom)
        for top, bottom in _runs((gray < 245).any(axis=1))
        for left, right in _runs((gray[top:bottom] < 245).any(axis=0))
    ]
    if len(cells) != len(texts):
        return ()
    return tuple(Panel(k, texts[k].strip(), box) for k, box in zip(texts, cells, strict=True))


def score(name: str, figures: list[Labelled], splitter: Splitter, show: bool) -> None:
    """Prints precision and recall of the pairs, and the rate."""
    good = emitted = whole = 0
    true = sum(len(f.boxes) for f in figures if set(f.boxes) == set(f.texts))
    compound = sum(set(f.boxes) == set(f.texts) for f in figures)
    seconds = []
    for figure in figures:
        began = time.process_time()
        panels = splitter(figure.caption, figure.image, figure.words)
        seconds.append(time.process_time() - began)
        hits = sum(right(figure, panel) for panel in panels)
        good, emitted = good + hits, emitted + len(panels)
        whole += hits == len(panels) == len(figure.boxes) > 0
        if show and hits < len(panels):
            wrong = [(p.label, p.box, p.text[:40]) for p in panels if not right(figure, p)]
            print(f"    wrong: {figure.name} {figure.image.size}: {wrong}")
        elif show and not panels and set(figure.boxes) == set(figure.texts):
            print(f"    none: {figure.name}")
    print(
        f"  {name:28} pairs: precision {good / max(emitted, 1):.3f} ({good}/{emitted}), "
        f"recall {good / true:.3f} ({good}/{true}); figures whole {whole}/{compound}; "
        f"{1e3 * float(np.mean(seconds)):.0f} CPU ms a figure, at most {1e3 * max(seconds):.0f}; "
        f"{len(seconds) / sum(seconds):.0f} pictures/s"
    )


def score_captions(figures: list[Labelled]) -> None:
    """Prints how well captions alone are split."""
    good = found = true = same = 0
    began = time.process_time()
    for figure in figures:
        parts = split_caption(figure.caption).parts
        same += {part.label for part in parts} == set(figure.texts)
        found, true = found + len(parts), true + len(figure.texts)
        for part in parts:
            got, want = _signs(figure.caption, part.spans), figure.texts.get(part.label, set())
            good += len(got & want) >= 0.9 * max(len(got), len(want), 1)
    rate = len(figures) / (time.process_time() - began)
    print(
        f"  {len(figures)} captions: parts precision {good / found:.3f}, recall {good / true:.3f}, "
        f"F1 {2 * good / (found + true):.3f}; labels right in {same}; {rate:.0f} captions/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data/papers"))
    parser.add_argument("--set", choices=["dev", "held_out"])
    parser.add_argument("--show", action="store_true", help="name the figures that go wrong")
    options = parser.parse_args()
    everything = list(labelled(options.data))
    for name in ("dev", "held_out"):
        if options.set not in (None, name):
            continue
        figures = [figure for figure in everything if figure.set == name]
        print(f"{name}: {len(figures)} figures, {sum(len(f.boxes) for f in figures)} panels")
        score_captions(figures)
        score("with the PDF's words", figures, split_figure, options.show)
        score("pixels alone", figures, lambda c, i, _: split_figure(c, i), options.show)
        score("baseline", figures, baseline, False)
    known = {figure.name for figure in everything}
    others = [c for key, c in captions(options.data).items() if " ".join(key) not in known]
    false = Counter(bool(split_caption(caption).parts) for caption in others)[True]
    print(f"other captions: {len(others)}, of which {false} are given parts")


def _signs(caption: str, spans: Any) -> set[int]:
    return {at for start, end in spans for at in range(start, end) if caption[at].isalnum()}


def _likeness(one: str, other: str) -> float:
    """Length of the longest common stretch over the longer text's length."""
    one, other = "".join(c for c in one if c.isalnum()), other
    if one in other or other in one:
        return min(len(one), len(other)) / max(len(one), len(other), 1)
    common = sum((Counter(one) & Counter(other)).values())
    return common / max(len(one), len(other), 1)


def _runs(mask: np.ndarray) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 20]


if __name__ == "__main__":
    main()
