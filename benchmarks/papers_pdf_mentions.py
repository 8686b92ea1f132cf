"""Paragraphs of PDFs that cite a figure, against those that the same articles' XML links to it.

    python benchmarks/papers_pdf_mentions.py [../shared/data/papers] [--misses]

Gold: for each figure of the twins' JATS, the paragraphs with a cross-reference to it. A paragraph
is found where one of the PDF's for that figure has a difflib ratio of at least 0.6 over letters
and digits, and whole at 0.9; each stands for one. Precision: of the PDF's, those that are found
ones. Panels: of the whole ones, those that name the same panels.
"""

from __future__ import annotations

import argparse
import difflib
import re
import time
from collections import Counter
from pathlib import Path

import pymupdf

from domainclip.extractors.papers.jats.article import parse_jats
from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.labels import read_label
from domainclip.extractors.papers.pdf.mentions import find_mentions
from domainclip.extractors.papers.pdf.page import read_page
from domainclip.extractors.papers.records import Mention

__all__ = ["main"]

FOUND, WHOLE = 0.6, 0.9


def letters(text: str) -> str:
    """Letters and digits, small."""
    return re.sub(r"[\W_]+", "", text).lower()


def compare(gold: Mention, left: list[Mention], count: Counter[str]) -> bool:
    """Take the PDF's paragraph that is most like the gold one from those left, and count it."""
    text = letters(gold.text)
    ratios = [
        (difflib.SequenceMatcher(None, text, letters(each.text), autojunk=False).ratio(), at)
        for at, each in enumerate(left)
    ]
    ratio, at = max(ratios, default=(0.0, 0))
    if ratio < FOUND:
        return False
    mention = left.pop(at)
    count["found"] += 1
    count["whole"] += ratio >= WHOLE
    count["panels"] += ratio >= WHOLE and set(mention.panels) == set(gold.panels)
    return True


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("papers", type=Path, nargs="?", default=Path("../shared/data/papers"))
    parser.add_argument("--misses", action="store_true", help="each miss and false alarm")
    options = parser.parse_args()
    count: Counter[str] = Counter()
    seconds = pages_read = 0.0
    for folder in sorted(path for path in (options.papers / "twins").iterdir() if path.is_dir()):
        article = parse_jats((folder / "fulltext.xml").read_bytes(), folder.name)
        with pymupdf.open(folder / "fulltext.pdf") as document:
            pages = [read_page(document, number) for number in range(len(document))]
        captions = find_captions(pages)
        began = time.process_time()
        mentions = find_mentions(pages, captions)
        seconds += time.process_time() - began
        pages_read += len(pages)
        for figure in article.figures:
            label = read_label(figure.label)
            if label is None or figure.kind not in ("figure", "scheme"):
                continue
            left = list(mentions.get((label.kind, label.number), ()))
            count["emitted"] += len(left)
            count["gold"] += len(figure.mentions)
            for gold in figure.mentions:
                if not compare(gold, left, count) and options.misses:
                    print(f"MISS  {folder.name} {figure.label}: {gold.text[:120]}")
            for mention in left if options.misses else ():
                print(f"FALSE {folder.name} {figure.label}: {mention.text[:120]}")
    print(
        f"mentions  gold {count['gold']}  recall {count['found'] / count['gold']:.3f}  "
        f"whole {count['whole'] / count['gold']:.3f}  "
        f"precision {count['found'] / count['emitted']:.3f} of {count['emitted']}  "
        f"panels {count['panels'] / count['whole']:.3f}"
    )
    print(f"speed: {1000 * seconds / pages_read:.2f} ms/page beside reading and captions")


if __name__ == "__main__":
    main()
