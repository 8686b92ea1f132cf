"""Pictures of PDF figures: time, size and faithfulness of the crops, memory over many files.

    .venv/bin/python benchmarks/papers_pdf_pictures.py [../shared/data/papers] [--opens 1000]

For every article of twins, icml_boxes and arxiv_like: find the figures and tables, take a picture
of each at 150 dpi. Beside it, on the same boxes in the same run, the obvious way: ``get_pixmap``
of the clip, ``tobytes("png")``. Each picture is compared with the page as PyMuPDF draws it: mean
absolute difference over cells of 8 pixels, in levels of 255 (other resampling of fine lines is
some levels; a wrong picture is tens). CPU seconds of one core.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pymupdf
from PIL import Image

from domainclip.extractors.papers.pdf.article import read_document
from domainclip.extractors.papers.pdf.pictures import BadPdf, Picture, open_pdf, pictures_of
from domainclip.extractors.papers.records import Box

DPI = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("papers", type=Path, nargs="?", default=Path("../shared/data/papers"))
    parser.add_argument("--opens", type=int, default=1000)
    arguments = parser.parse_args()
    files = sorted(
        path
        for folder in ("twins", "icml_boxes", "arxiv_like")
        for path in (arguments.papers / folder).rglob("*.pdf")
    )
    crops(files)
    memory(files, arguments.opens)


def crops(files: list[Path]) -> None:
    seconds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    worst: list[tuple[float, str]] = []
    for path in files:
        data = path.read_bytes()
        try:
            # each way opens the file anew: none finds what another has decoded
            start = time.process_time()
            with open_pdf(data, path.name) as document:
                article = read_document(document, tables=True)
                seconds["find"] += time.process_time() - start
                counts["pages"] += document.page_count
                boxes = [figure.box for figure in article.figures if figure.box]
            with open_pdf(data, path.name) as document:
                start = time.process_time()
                pictures = list(pictures_of(document, boxes, dpi=DPI))
                seconds["crop"] += time.process_time() - start
            with open_pdf(data, path.name) as document:
                start = time.process_time()
                plain = [obvious(document, box) for box in boxes]
                seconds["obvious"] += time.process_time() - start
                differences = [
                    difference(document, box, picture)
                    for box, picture in zip(boxes, pictures, strict=True)
                ]
        except BadPdf as error:
            print(f"left out: {error}")
            continue
        for box, picture, drawn, differs in zip(boxes, pictures, plain, differences, strict=True):
            counts["crops"] += 1
            counts[f"{picture.how} {picture.format}"] += 1
            counts["bytes"] += len(picture.data)
            counts["obvious bytes"] += len(drawn)
            worst.append((differs, f"{path.parent.name}/{path.name} {box} {picture.how}"))
    report(seconds, counts)
    differences = [differs for differs, _ in worst]
    print(f"difference to the page: median {np.median(differences):.2f}, "
          f"95 % within {np.quantile(differences, 0.95):.2f}, worst:")  # fmt: skip
    for differs, what in sorted(worst, reverse=True)[:3]:
        print(f"  {differs:.1f} {what}")


def report(seconds: Counter[str], counts: Counter[str]) -> None:
    pages, number = counts["pages"], counts["crops"]
    kinds = ("original JPEG", "original PNG", "rendered PNG")
    print(f"{pages} pages, {number} pictures: {', '.join(f'{counts[k]} {k}' for k in kinds)}")
    print(f"find   {pages / seconds['find']:6.1f} pages/s")
    size = counts["bytes"] / number / 1e3
    print(f"crop   {seconds['crop'] / number * 1e3:6.1f} ms a picture, "
          f"{seconds['crop'] / pages * 1e3:.1f} ms a page, {size:.0f} kB")  # fmt: skip
    print(f"both   {pages / (seconds['find'] + seconds['crop']):6.1f} pages/s")
    print(f"obvious way {seconds['obvious'] / number * 1e3:.1f} ms a picture, "
          f"{counts['obvious bytes'] / number / 1e3:.0f} kB: "
          f"{seconds['obvious'] / seconds['crop']:.2f} of its time against ours")  # fmt: skip


def obvious(document: Any, box: Box) -> bytes:
    clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1)
    data: bytes = document[box.page].get_pixmap(dpi=DPI, clip=clip).tobytes("png")
    return data


def difference(document: Any, box: Box, picture: Picture) -> float:
    clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1)
    pixmap = document[box.page].get_pixmap(dpi=DPI, clip=clip)
    page = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
    size = (max(1, page.width // 8), max(1, page.height // 8))
    image = Image.open(BytesIO(picture.data)).convert("RGB")
    small = [
        np.asarray(each.resize(size, Image.Resampling.BOX), dtype=float) for each in (page, image)
    ]
    return float(np.abs(small[0] - small[1]).mean())


def memory(files: list[Path], opens: int) -> None:
    process = psutil.Process()
    held = []
    for at in range(opens):
        path = files[at % len(files)]
        try:
            with open_pdf(path.read_bytes(), path.name) as document:
                page = document[at % document.page_count]
                x0, y0, x1, y1 = page.rect
                boxes = [Box(page.number, x0, y0, x1, (y0 + y1) / 2)]
                for _ in pictures_of(document, boxes, dpi=72):
                    pass
        except BadPdf:
            continue
        if at % max(1, opens // 10) == 0:
            held.append(process.memory_info().rss / 1e6)
    print(f"{opens} opens, a crop each: MB held every tenth: {[round(mb) for mb in held]}; "
          f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
