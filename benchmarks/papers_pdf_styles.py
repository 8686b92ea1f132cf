"""Captions and regions in made-up journals that nobody tuned on, by family of style.

    python benchmarks/papers_pdf_styles.py [../shared/data/papers] [--seed 0] [--articles 190]
        [--misses] [--family NAME ...] [--keep FOLDER]

Articles are laid out as HTML (papers_styles_*.py: looks modelled on real publishers, drawn at
random from the seed; words of the JATS sample) and printed by headless Chromium, which must be
installed. Links around captions, pictures and tables, taken out before the extraction, tell where
they are. A caption is found at a difflib ratio of 0.6 and whole at 0.9, as in
papers_pdf_captions.py; a region is right at IoU 0.8. Precision counts figures, not tables.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import pymupdf
from papers_pdf_captions import WHOLE, letters, matched
from papers_pdf_regions import edges, iou
from papers_styles_css import SCRIPT
from papers_styles_families import FAMILIES
from papers_styles_pages import Gold, article_html
from papers_styles_words import Words, read_words

from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.page import Page, Rect, read_page
from domainclip.extractors.papers.pdf.regions import find_regions

__all__ = ["main"]

_BATCH = 10  # articles a browser prints at once
_RIGHT = 0.8


@dataclass(slots=True)
class Article:
    """A printed article. captions: text by (kind, number). places: (page, box) by (kind, number,
    part); what did not fit on its page is in neither."""

    name: str
    family: str
    pdf: bytes
    captions: dict[tuple[str, str], str] = field(default_factory=dict)
    places: dict[tuple[str, str, str], tuple[int, Rect]] = field(default_factory=dict)


def printed(jobs: list[tuple[str, int]], words: Words) -> list[Article]:
    """The articles of (family, seed), printed in one go and taken apart."""
    made: list[tuple[str, str, Gold]] = []
    parts = []
    for family, seed in jobs:
        random = Random(f"{family} {seed}")
        key = f"{family}{seed}"
        body, gold = article_html(random, FAMILIES[family](random), words, key)
        parts.append(body)
        made.append((key, family, gold))
    head = '<!doctype html><meta charset="utf-8"><body style="margin:0">'
    page = f"{head}{''.join(parts)}<script>{SCRIPT}</script>"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "a.html"), Path(folder, "a.pdf")
        source.write_text(page, "utf-8")
        subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
             "--font-render-hinting=none", f"--user-data-dir={folder}/profile",
             f"--print-to-pdf={target}", str(source)],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        whole = pymupdf.open(target)
    return list(_apart(whole, made))


def _apart(whole: pymupdf.Document, made: list[tuple[str, str, Gold]]) -> Iterator[Article]:
    """One article after another out of the printed file; a link marks where each starts."""
    starts = [
        page.number
        for page in whole
        if any(link.get("uri", "").endswith("/start") for link in page.get_links())
    ]
    ends = [*starts[1:], len(whole)]
    for (key, family, gold), start, end in zip(made, starts, ends, strict=True):
        places: dict[tuple[str, str, str], tuple[int, Rect]] = {}
        for number in range(start, end):
            page = whole[number]
            for link in page.get_links():
                name = link.get("uri", "").split("/")[3:]
                if len(name) == 4 and name[0] == key:
                    _place(places, (name[1], name[2], name[3]), number - start, link["from"], page)
                page.delete_link(link)
            for name, (at, box) in places.items():
                if at == number - start and name[2] == "region":
                    places[name] = at, _inked(box, read_page(whole, number))
        own = pymupdf.open()
        own.insert_pdf(whole, from_page=start, to_page=end - 1, links=False)
        article = Article(key, family, own.tobytes(), places=places)
        for (kind, number), text in gold.captions.items():
            if (kind, number, "caption") in places and (kind, number, "region") in places:
                article.captions[kind, number] = text
        yield article


def _place(places: dict, name: tuple, number: int, box: pymupdf.Rect, page: pymupdf.Page) -> None:
    """Add the link's box to what it is a part of, if it lies on the page."""
    box = box & page.rect
    if box.width < 5 or box.height < 3:
        return
    if name in places and places[name][0] == number:
        box |= pymupdf.Rect(places[name][1])
    elif name in places:
        return
    places[name] = number, tuple(box)


def _inked(box: Rect, page: Page) -> Rect:
    """As much of the box as is printed on: drawings seldom fill the whole of theirs."""
    x0, y0, x1, y1 = box
    parts = [part.box for part in (*page.lines, *page.rasters)]
    parts += [drawing.box for drawing in page.drawings if not drawing.white]
    inside = [
        part
        for part in parts
        if part[0] > x0 - 3 and part[1] > y0 - 3 and part[2] < x1 + 3 and part[3] < y1 + 3
    ]
    if not inside:
        return box
    return (
        min(part[0] for part in inside),
        min(part[1] for part in inside),
        max(part[2] for part in inside),
        max(part[3] for part in inside),
    )


def judge(article: Article, show: bool) -> tuple[str, Counter[str], list[str]]:
    """The family, what counted, and each miss in a line."""
    count: Counter[str] = Counter()
    notes: list[str] = []
    with pymupdf.open("pdf", article.pdf) as document:
        pages = [read_page(document, number) for number in range(len(document))]
    captions = find_captions(pages)
    regions = find_regions(pages, captions)
    for kind in ("figure", "table"):
        own = [at for at, c in enumerate(captions) if (c.kind == "table") == (kind == "table")]
        names = [name for name in article.captions if name[0] == kind]
        taken = matched(
            [letters(article.captions[name]) for name in names],
            [letters(captions[at].text) for at in own],
        )
        count[f"{kind} gold"] += len(names)
        count[f"{kind} emitted"] += len(own)
        count[f"{kind} found"] += len(taken)
        count[f"{kind} whole"] += sum(ratio >= WHOLE for _, ratio in taken.values())
        count[f"{kind} regions"] += sum(regions[at] is not None for at in own)
        for i, name in enumerate(names):
            page, box = article.places[*name, "caption"]
            where = f"{article.name} p{page} {name[0]} {name[1]}"
            if i not in taken:
                notes.append(f"MISS   {where}: {article.captions[name][:80]}")
                continue
            at, ratio = own[taken[i][0]], taken[i][1]
            if ratio < WHOLE:
                notes.append(f"PART   {where} {ratio:.2f}")
                notes.append(f"  gold {article.captions[name]}\n  pdf  {captions[at].text}")
            page, box = article.places[*name, "region"]
            region = regions[at]
            overlap = iou(edges(region), box) if region and region.page == page else 0.0
            note = article.places.get((*name, "note"))
            if region and note and region.page == page:  # with the notes below it, as well
                noted = pymupdf.Rect(box) | pymupdf.Rect(note[1])
                overlap = max(overlap, iou(edges(region), tuple(noted)))
            count[f"{kind} right"] += overlap >= _RIGHT
            if overlap < _RIGHT:
                shown = [round(edge) for edge in edges(region)] if region else None
                wanted = [round(edge) for edge in box]
                got = f"got {region and region.page} {shown} gold {page} {wanted}"
                notes.append(f"REGION {where} IoU {overlap:.2f} {got}")
        right = {own[j] for j, _ in taken.values()}
        for at in own:
            if at not in right:
                false = captions[at]
                where = f"{article.name} p{false.page} {false.label}"
                notes.append(f"FALSE  {where}: {false.text[:80]}")
    return article.family, count, notes if show else []


def table(counts: dict[str, Counter[str]]) -> None:
    """Print a line a family, worst captions first."""

    def ratio(c: Counter[str], top: str, under: str) -> float:
        return c[top] / c[under] if c[under] else 1.0

    total = sum(counts.values(), Counter())
    ordered = sorted(counts.items(), key=lambda it: ratio(it[1], "figure whole", "figure gold"))
    print(
        "family        figures  recall whole prec.   region P R    tables recall whole   region P R"
    )
    for name, c in [*ordered, ("all", total)]:
        figures = ("found", "gold"), ("whole", "gold"), ("found", "emitted")
        tables = ("found", "gold"), ("whole", "gold")
        parts = ("right", "regions"), ("right", "gold")
        print(
            f"{name:13} {c['figure gold']:6}   "
            + " ".join(f"{ratio(c, f'figure {a}', f'figure {b}'):.3f}" for a, b in figures)
            + "   "
            + " ".join(f"{ratio(c, f'figure {a}', f'figure {b}'):.3f}" for a, b in parts)
            + f"  {c['table gold']:6} "
            + " ".join(f"{ratio(c, f'table {a}', f'table {b}'):.3f}" for a, b in tables)
            + "   "
            + " ".join(f"{ratio(c, f'table {a}', f'table {b}'):.3f}" for a, b in parts)
        )


def main() -> None:
    """Print the families' table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, nargs="?", default=Path("../shared/data/papers"))
    parser.add_argument("--seed", type=int, default=0, help="first seed; each article has its own")
    parser.add_argument("--articles", type=int, default=190)
    parser.add_argument("--family", nargs="*", default=list(FAMILIES))
    parser.add_argument("--misses", action="store_true")
    parser.add_argument("--keep", type=Path, help="folder for the printed PDFs")
    options = parser.parse_args()
    words = read_words(options.papers)
    families = options.family
    jobs = [
        (families[at % len(families)], options.seed + at // len(families))
        for at in range(options.articles)
    ]
    batches = [jobs[at : at + _BATCH] for at in range(0, len(jobs), _BATCH)]
    counts: dict[str, Counter[str]] = {}
    with ProcessPoolExecutor(2) as pool:
        for articles in pool.map(partial(printed, words=words), batches):
            for article in articles:
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / f"{article.name}.pdf").write_bytes(article.pdf)
                family, count, notes = judge(article, options.misses)
                counts.setdefault(family, Counter()).update(count)
                for note in notes:
                    print(note)
    table(counts)


if __name__ == "__main__":
    sys.exit(main())
