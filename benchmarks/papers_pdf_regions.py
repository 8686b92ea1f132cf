"""Figure and table regions of PDFs: right by PDFFigures' measure, whole on journals, pages/s.

    python benchmarks/papers_pdf_regions.py [DATA] [--repeat 3]

DATA (default ../shared/data/papers) holds icml_boxes, with hand-drawn boxes, and twins.

1. icml_boxes, annotated pages: a region is right where kind and number agree and it overlaps the
   hand-drawn box with IoU >= 0.8 (Clark and Divvala's rule); captions found by ``find_captions``.
   Mean IoU beside it (DeepFigures reports that). PDFFigures 2.0 on 21 papers of that set: figures
   P .946 R .897, tables P .926 R .926.
2. twins have no boxes; what can be counted: captions with a region; images (2 % of the page and
   more) cut by a region; regions of a page that overlap; share of a figure's region that is long
   text. All but the first should be 0.
3. Pages/s of CPU time for reading, captions and regions, one core, warm files, the best of the
   repeats; and regions alone for a page of 20,000 paths.
   With pdfplumber installed (the peer that can be), its words, lines and images of the same pages:
   what any such tool on it spends before it looks for a figure.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import pymupdf

from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.page import Caption, Drawing, Page, read_page
from domainclip.extractors.papers.pdf.regions import find_regions
from domainclip.extractors.papers.records import Box

__all__ = ["main"]

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data/papers"))
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    boxes = options.data / "icml_boxes"
    twins = sorted(options.data.glob("twins/*/fulltext.pdf"))
    hand_drawn(boxes)
    journals(twins)
    speed([*sorted(boxes.glob("*.pdf")), *twins], options.repeat)
    many_paths(twins[0])


def hand_drawn(folder: Path) -> None:
    """Precision, recall and mean IoU against hand-drawn boxes."""
    papers = json.loads((folder / "annotations.json").read_text())
    overlaps: dict[str, list[float]] = {"Figure": [], "Table": []}
    emitted = {"Figure": 0, "Table": 0}
    for stem, paper in sorted(papers.items()):
        pages = read(folder / f"{stem}.pdf")
        captions = find_captions(pages)
        found: dict[tuple[str, str], Box] = {}
        for caption, box in zip(captions, find_regions(pages, captions), strict=True):
            if box is not None and box.page + 1 in paper["pages_annotated"]:
                kind = "Table" if caption.kind == "table" else "Figure"
                emitted[kind] += 1
                found[kind, caption.number] = box
        for gold in paper["figures"]:
            region = found.get((gold["figure_type"], gold["name"]))
            right_page = region is not None and region.page + 1 == gold["page"]
            overlap = iou(edges(region), gold["region_bb"]) if region and right_page else 0.0
            overlaps[gold["figure_type"]].append(overlap)
            if overlap < 0.8:
                print(f"  {stem} {gold['figure_type']} {gold['name']}: IoU {overlap:.2f}")
    for kind, values in overlaps.items():
        right = sum(value >= 0.8 for value in values)
        print(
            f"icml_boxes {kind.lower()}s: right {right} of {len(values)}, emitted {emitted[kind]}: "
            f"P {right / max(emitted[kind], 1):.3f} R {right / len(values):.3f}, "
            f"mean IoU {np.mean(values):.3f}"
        )


def journals(paths: Sequence[Path]) -> None:
    """What can be counted without boxes."""
    total = {"figure": 0, "table": 0}
    placed = dict(total)
    cut = overlapping = texts = 0
    for path in paths:
        pages = read(path)
        captions = find_captions(pages)
        regions = find_regions(pages, captions)
        for caption, box in zip(captions, regions, strict=True):
            kind = "table" if caption.kind == "table" else "figure"
            total[kind] += 1
            placed[kind] += box is not None
            if box is not None and kind == "figure":
                cut += cuts_an_image(pages[box.page], box)
                texts += text_share(pages[box.page], caption, box) > 0.12
        shown = [box for box in regions if box is not None]
        overlapping += sum(
            a.page == b.page and iou(edges(a), edges(b)) > 0.01
            for at, a in enumerate(shown)
            for b in shown[:at]
        )
    print(
        f"twins: {placed['figure']} of {total['figure']} figure captions have a region, "
        f"{placed['table']} of {total['table']} table captions; {cut} cut an image, "
        f"{overlapping} pairs overlap, {texts} hold much text"
    )


def cuts_an_image(page: Page, box: Box) -> bool:
    """Whether an image of at least 2 % of the page lies partly in the region."""
    for raster in page.rasters:
        size = (raster.box[2] - raster.box[0]) * (raster.box[3] - raster.box[1])
        if 0.02 < size / (page.width * page.height) < 0.85:
            inside = common(raster.box, edges(box)) / size
            if 0.03 < inside < 0.95:
                return True
    return False


def text_share(page: Page, caption: Caption, box: Box) -> float:
    """Share of the region that lines of more than 45 letters cover."""
    lines = [
        line.box
        for at, line in enumerate(page.lines)
        if len(line.text) > 45 and (caption.page != box.page or at not in caption.lines)
    ]
    size = (box.x1 - box.x0) * (box.y1 - box.y0)
    return sum(common(line, edges(box)) for line in lines) / size


def speed(paths: Sequence[Path], repeat: int) -> None:
    """Pages per second of CPU time, by part."""
    best: dict[str, float] = {}
    count = 0
    for _ in range(repeat):
        spent = dict.fromkeys(("read", "captions", "regions"), 0.0)
        count = 0
        for path in paths:
            pages = timed(spent, "read", lambda path=path: read(path))
            captions = timed(spent, "captions", lambda pages=pages: find_captions(pages))
            timed(spent, "regions", lambda p=pages, c=captions: find_regions(p, c))
            count += len(pages)
        for part, seconds in spent.items():
            best[part] = min(best.get(part, seconds), seconds)
    parts = ", ".join(f"{part} {1000 * s / count:.2f} ms" for part, s in best.items())
    ours = count / sum(best.values())
    print(f"speed: {count} pages at {ours:.1f} pages/s of CPU time; a page: {parts}")
    if importlib.util.find_spec("pdfplumber") is None:
        print("pdfplumber is not installed: no ratio")
        return
    spent = {"peer": 0.0}
    few = paths[:10]
    peer = sum(timed(spent, "peer", lambda path=path: plumbed(path)) for path in few)
    rate = peer / spent["peer"]
    print(f"pdfplumber's objects of {peer} pages: {rate:.1f} pages/s; ratio {ours / rate:.1f}")


def many_paths(path: Path) -> None:
    """The time for a page of 20,000 paths beside the same page without them."""
    pages = read(path)
    captions = find_captions(pages)
    number = captions[0].page
    generator = np.random.default_rng(0)
    corners = generator.uniform(50, 300, (20_000, 2))
    paths = tuple(Drawing((x, y, x + 3, y + 3), False, True, False) for x, y in corners.tolist())
    page = pages[number]
    crowded = Page(number, page.width, page.height, page.rotation, page.lines, page.rasters, paths)
    spent = {"plain": 0.0, "crowded": 0.0}
    timed(spent, "plain", lambda: find_regions(pages, captions))
    more = [crowded if p.number == number else p for p in pages]
    timed(spent, "crowded", lambda: find_regions(more, captions))
    extra = 1000 * (spent["crowded"] - spent["plain"])
    print(f"20,000 paths more on a page: {extra:.0f} ms more for its regions")


def timed(spent: dict[str, float], part: str, work: Callable[[], T]) -> T:
    start = time.process_time()
    result = work()
    spent[part] += time.process_time() - start
    return result


def read(path: Path) -> list[Page]:
    with pymupdf.open(path) as document:
        return [read_page(document, number) for number in range(document.page_count)]


def plumbed(path: Path) -> int:
    import pdfplumber

    with pdfplumber.open(path) as document:
        for page in document.pages:
            _ = page.extract_words(), page.lines, page.rects, page.curves, page.images
        return len(document.pages)


def edges(box: Box) -> tuple[float, float, float, float]:
    return box.x0, box.y0, box.x1, box.y1


def common(a: Sequence[float], b: Sequence[float]) -> float:
    """Area that two boxes share."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(wide, 0.0) * max(high, 0.0)


def iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union."""
    sizes = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common(a, b) / (sum(sizes) - common(a, b))


if __name__ == "__main__":
    main()
