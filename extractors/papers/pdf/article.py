"""A PDF as an article: its captions as figures, each with the box of its region on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..credits import is_third_party
from ..records import Article, Box, Figure
from .captions import find_captions
from .front import ids_of, license_of, title_of
from .mentions import find_mentions
from .ocr import recognised
from .page import Caption, Page, read_page
from .regions import find_regions

__all__ = ["article_of", "read_document"]

_INSIDE = 0.6  # share of a caption that lies in its region, from which on it is cut off
_LEFT = 0.3  # of the region must remain
_PREFIX = {"figure": "fig", "scheme": "scheme", "table": "tab"}
_SERIES = (  # words before the number that begin a numbering of their own
    (re.compile(r"extended", re.IGNORECASE), "ED"),
    (re.compile(r"suppl|supporting", re.IGNORECASE), "S"),
)


def read_document(document: Any, *, tables: bool = False, ocr: str = "") -> Article:
    """The article of an open ``pymupdf.Document``; pages that cannot be read count as empty.

    tables: keep tables too. ocr: language of scanned pages, which Tesseract then reads where it
    is installed; "" leaves them unread.
    """
    pages = [read_page(document, number) for number in range(document.page_count)]
    if ocr:
        pages = [recognised(document, page, language=ocr) for page in pages]
    return replace(article_of(pages, tables=tables), title=title_of(document))


def article_of(pages: Sequence[Page], *, tables: bool = False) -> Article:
    """The article of pages that are read: figures in the order of their captions."""
    captions = find_captions(pages)
    regions = find_regions(pages, captions)
    mentions = find_mentions(pages, captions)
    ids = list(_ids(captions))
    figures = (
        Figure(
            id=own,
            label=caption.label,
            kind=caption.kind,
            caption=caption.text,
            mentions=mentions.get((caption.kind, caption.number), ()),
            third_party=is_third_party(caption.text),
            box=None
            if region is None
            else _without_caption(region, Box(caption.page, *caption.box)),
            caption_box=Box(caption.page, *caption.box),
            note="" if region else "no figure found on the caption's page or beside it",
        )
        for own, caption, region in zip(ids, captions, regions, strict=True)
        if tables or caption.kind != "table"
    )
    problems = tuple(page.problem for page in pages if page.problem)
    license, statement = license_of(pages)
    return Article(
        form="pdf",
        ids=ids_of(pages),
        license=license,
        license_text=statement,
        figures=tuple(figures),
        problems=problems,
    )


def _without_caption(region: Box, caption: Box) -> Box:
    """The region cut where its caption begins, if that is printed inside its frame; a picture that
    shows its own caption would tell a model the answer."""
    across = min(region.x1, caption.x1) - max(region.x0, caption.x0)
    down = min(region.y1, caption.y1) - max(region.y0, caption.y0)
    own = (caption.x1 - caption.x0) * (caption.y1 - caption.y0)
    if region.page != caption.page or min(across, down) <= 0 or across * down < _INSIDE * own:
        return region
    cuts = (
        replace(region, y1=caption.y0),
        replace(region, y0=caption.y1),
        replace(region, x1=caption.x0),
        replace(region, x0=caption.x1),
    )
    best = max(cuts, key=_area)
    return best if _area(best) >= _LEFT * _area(region) else region


def _area(box: Box) -> float:
    return max(0.0, box.x1 - box.x0) * max(0.0, box.y1 - box.y0)


def _ids(captions: Sequence[Caption]) -> Iterator[str]:
    """fig2, tab1, figS1, figED3; a second one of the same name is fig2-2."""
    seen: Counter[str] = Counter()
    for caption in captions:
        series = next((short for word, short in _SERIES if word.search(caption.label)), "")
        number = caption.number
        if series and not number.upper().startswith(series):
            number = series + number
        own = f"{_PREFIX[caption.kind]}{number}"
        seen[own] += 1
        yield own if seen[own] == 1 else f"{own}-{seen[own]}"
