"""Is PyMuPDF's bundled layout model worth its time for figures? Regions and pages/s beside ours.

    .venv/bin/python benchmarks/papers_pdf_layout.py [../shared/data/papers/icml_boxes]

Gold boxes of figures and tables (PDFFigures 2.0's own set), found at IoU 0.8: by the model's boxes
of class picture or table, and by ``read_document``, on the same files in one run. CPU seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path

import pymupdf
import pymupdf.layout  # registers the model with pymupdf

from domainclip.extractors.papers.pdf.article import read_document
from domainclip.extractors.papers.pdf.opening import open_pdf

IOU = 0.8
Found = tuple[int, pymupdf.Rect]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path("../shared/data/papers/icml_boxes")
    parser.add_argument("folder", type=Path, nargs="?", default=default)
    folder: Path = parser.parse_args().folder
    gold = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
    seconds: Counter[str] = Counter()
    hits: Counter[tuple[str, str]] = Counter()
    pages = 0
    for name, article in sorted(gold.items()):
        with open_pdf((folder / f"{name}.pdf").read_bytes(), name) as document:
            pages += document.page_count
            found = {}
            start = time.process_time()
            found["layout model"] = by_model(document)
            seconds["layout model"] += time.process_time() - start
            start = time.process_time()
            boxes = [figure.box for figure in read_document(document, tables=True).figures]
            seconds["ours"] += time.process_time() - start
            found["ours"] = [
                (box.page, pymupdf.Rect(box.x0, box.y0, box.x1, box.y1)) for box in boxes if box
            ]
        for figure in article["figures"]:
            kind = figure["figure_type"]
            hits["gold", kind] += 1
            for way, regions in found.items():
                hits[way, kind] += is_found(figure, regions)
    for way in ("layout model", "ours"):
        print(f"{way:<12} {pages / seconds[way]:6.1f} pages/s, "
              f"figures {hits[way, 'Figure']} of {hits['gold', 'Figure']}, "
              f"tables {hits[way, 'Table']} of {hits['gold', 'Table']}")  # fmt: skip
    print(f"the model takes {seconds['layout model'] / seconds['ours']:.1f} times as long")


def by_model(document: pymupdf.Document) -> list[Found]:
    found = []
    for page in document:
        page.get_layout()
        for x0, y0, x1, y1, kind, *_ in page.layout_information or ():
            if kind in ("picture", "table"):
                found.append((page.number, pymupdf.Rect(x0, y0, x1, y1)))
    return found


def is_found(figure: dict[str, object], regions: list[Found]) -> bool:
    gold = pymupdf.Rect(figure["region_bb"])
    for page, box in regions:
        shared = abs(gold & box)
        if page == int(str(figure["page"])) - 1 and shared >= IOU * (abs(gold) + abs(box) - shared):
            return True
    return False


if __name__ == "__main__":
    main()
