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
from .mentions import find_mentions
from .ocr import recognised
from .page import Caption, Page, read_page
from .regions import find_regions

__all__ = ["article_of", "read_document"]

_FILE_NAME = re.compile(r"\.(?:docx?|tex|dvi|indd|qxd|pdf|rtf|odt)\b|^(?:Microsoft|untitled)", re.I)
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
    return replace(article_of(pages, tables=tables), title=_title(document))


def _title(document: Any) -> str:
    """Of the document information dictionary, if it looks like one: many hold a file's name."""
    title = " ".join(str((document.metadata or {}).get("title") or "").split())
    return title if " " in title and not _FILE_NAME.search(title) else ""


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
            box=region,
            caption_box=Box(caption.page, *caption.box),
            note="" if region else "no figure found on the caption's page or beside it",
        )
        for own, caption, region in zip(ids, captions, regions, strict=True)
        if tables or caption.kind != "table"
    )
    problems = tuple(page.problem for page in pages if page.problem)
    return Article(form="pdf", figures=tuple(figures), problems=problems)


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
