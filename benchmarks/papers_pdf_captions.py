"""Captions found in PDFs alone, against two golds, and pages per second.

    python benchmarks/papers_pdf_captions.py [../shared/data/papers] [--misses]

Twins: articles that came as PDF and as JATS XML, whose XML has the captions (gold.jsonl). A gold
caption is found where a caption of the PDF has a difflib ratio of at least 0.6 to it over letters
and digits with the label removed, and whole at 0.9; each found caption stands for one gold.
Precision: of the figures found (no tables), those that are such a gold's. The even and odd halves
are by sorted directory name. Boxes: conference papers with hand-drawn caption boxes (the set of
PDFFigures 2.0): right where the boxes overlap at IoU 0.8 or the text matches at 0.9 on the page.

PDFFigures 2.0 on 120 such twins: recall 0.761, whole 0.728, precision 0.978.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pymupdf

from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.labels import read_label
from domainclip.extractors.papers.pdf.page import Caption, Rect, read_page

__all__ = ["main"]

FOUND, WHOLE = 0.6, 0.9
_LETTERS = re.compile(r"[\W_]+")


def captions_of(path: Path, clock: Counter[str]) -> tuple[Caption, ...]:
    """The captions, with the seconds and pages added to the clock."""
    began = time.process_time()
    with pymupdf.open(path) as document:
        pages = [read_page(document, number) for number in range(len(document))]
    read = time.process_time()
    captions = find_captions(pages)
    clock["pages"] += len(pages)
    clock["read"] += read - began
    clock["captions"] += time.process_time() - read
    return captions


def letters(text: str) -> str:
    """Letters and digits, small, without a label at the beginning."""
    label = read_label(text)
    return _LETTERS.sub("", text[label.end :] if label else text).lower()


def alike(one: str, other: str) -> float:
    """difflib's ratio; 0 where its upper bound is already too low to matter."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return matcher.ratio() if matcher.quick_ratio() >= FOUND else 0.0


def matched(gold: Sequence[str], found: Sequence[str]) -> dict[int, tuple[int, float]]:
    """gold index -> (found index, ratio), best pairs first, each once."""
    pairs = sorted(
        ((alike(one, other), i, j) for i, one in enumerate(gold) for j, other in enumerate(found)),
        reverse=True,
    )
    taken: dict[int, tuple[int, float]] = {}
    used: set[int] = set()
    for ratio, i, j in pairs:
        if ratio >= FOUND and i not in taken and j not in used:
            taken[i] = (j, ratio)
            used.add(j)
    return taken


def twins(folder: Path, show: bool, clock: Counter[str]) -> None:
    """Print the twins' table."""
    articles = [
        json.loads(line) for line in (folder / "gold.jsonl").read_text("utf-8").splitlines()
    ]
    halves: dict[str, Counter[str]] = {"even": Counter(), "odd": Counter()}
    for at, article in enumerate(sorted(articles, key=lambda article: article["dir"])):
        half = halves["odd" if at % 2 else "even"]
        captions = captions_of(folder / article["dir"] / "fulltext.pdf", clock)
        figures = [caption for caption in captions if caption.kind != "table"]
        gold = [figure for figure in article["figs"] if letters(figure["caption"])]
        taken = matched(
            [letters(figure["caption"]) for figure in gold],
            [letters(caption.text) for caption in figures],
        )
        half["gold"] += len(gold)
        half["emitted"] += len(figures)
        half["found"] += len(taken)
        half["whole"] += sum(ratio >= WHOLE for _, ratio in taken.values())
        if not show:
            continue
        name = f"{'odd' if at % 2 else 'even'} {article['dir']}"
        for i, figure in enumerate(gold):
            if i not in taken:
                print(
                    f"MISS  {name} p{figure['pages0']} {figure['label']}: {figure['caption'][:90]}"
                )
            elif taken[i][1] < WHOLE:
                caption = figures[taken[i][0]]
                print(f"PART  {name} p{caption.page} {caption.label} {taken[i][1]:.2f}")
                print(f"      gold: {figure['caption']}\n      pdf:  {caption.text}")
        right = {j for j, _ in taken.values()}
        for j, caption in enumerate(figures):
            if j not in right:
                print(f"FALSE {name} p{caption.page} {caption.label}: {caption.text[:90]}")
    halves["all"] = halves["even"] + halves["odd"]
    for name in ("all", "even", "odd"):
        half = halves[name]
        print(
            f"twins {name:4}  gold {half['gold']:4}  recall {half['found'] / half['gold']:.3f}  "
            f"whole {half['whole'] / half['gold']:.3f}  "
            f"precision {half['found'] / max(1, half['emitted']):.3f} of {half['emitted']}"
        )


def overlap(one: Rect, other: Rect) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def boxes(folder: Path, show: bool, clock: Counter[str]) -> None:
    """Print the box set's table."""
    truth = json.loads((folder / "annotations.json").read_text("utf-8"))
    for kind in ("Figure", "Table"):
        count: Counter[str] = Counter()
        for name, document in sorted(truth.items()):
            captions = captions_of(folder / f"{name}.pdf", clock if kind == "Figure" else Counter())
            wanted = {number - 1 for number in document["pages_annotated"]}
            found = [
                caption
                for caption in captions
                if (caption.kind == "table") == (kind == "Table") and caption.page in wanted
            ]
            gold = [figure for figure in document["figures"] if figure["figure_type"] == kind]
            left = list(found)
            for figure in gold:
                fits = [caption for caption in left if _fits(caption, figure)]
                if fits:
                    left.remove(fits[0])
                elif show:
                    print(f"MISS  {name} p{figure['page'] - 1} {kind} {figure['name']}")
            count["gold"] += len(gold)
            count["emitted"] += len(found)
            count["right"] += len(found) - len(left)
            if show:
                for caption in left:
                    print(f"FALSE {name} p{caption.page} {caption.label}: {caption.text[:90]}")
        print(
            f"boxes {kind:6}  gold {count['gold']:3}  recall {count['right'] / count['gold']:.3f}  "
            f"precision {count['right'] / max(1, count['emitted']):.3f} of {count['emitted']}"
        )


def _fits(caption: Caption, figure: dict[str, object]) -> bool:
    if caption.page != figure["page"] - 1 or caption.number != figure["name"]:  # type: ignore[operator]
        return False
    return (
        overlap(caption.box, tuple(figure["caption_bb"])) >= 0.8  # type: ignore[arg-type]
        or alike(letters(caption.text), letters(str(figure["caption"]))) >= WHOLE
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, nargs="?", default=Path("../shared/data/papers"))
    parser.add_argument("--misses", action="store_true", help="each miss and false alarm")
    options = parser.parse_args()
    clock: Counter[str] = Counter()
    twins(options.papers / "twins", options.misses, clock)
    boxes(options.papers / "icml_boxes", options.misses, clock)
    read, found = (1000 * clock[part] / clock["pages"] for part in ("read", "captions"))
    print(
        f"speed: {clock['pages']} pages, reading {read:.2f} ms/page, captions {found:.2f} ms/page, "
        f"{1000 / (read + found):.0f} pages/s on one core"
    )


if __name__ == "__main__":
    sys.exit(main())
