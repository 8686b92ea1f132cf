"""A PDF as an article: its captions as figures, each with the box of its region on a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput

from ..records import Article, Box, Figure
from .captions import find_captions
from .mentions import find_mentions
from .opening import open_pdf
from .page import Caption, Page, read_page
from .regions import find_regions

__all__ = ["article_of", "read_document", "read_pdf"]

_PREFIX = {"figure": "fig", "scheme": "scheme", "table": "tab"}
_SERIES = (  # words before the number that begin a numbering of their own
    (re.compile(r"extended", re.IGNORECASE), "ED"),
    (re.compile(r"suppl|supporting", re.IGNORECASE), "S"),
)


def read_pdf(source: bytes | Path, name: str, *, tables: bool = False) -> tuple[Article, ...]:
    """The one article of a PDF file. name: for messages. tables: keep tables too.

    Raises BadInput (missing, encrypted, damaged, no pages).
    """
    data = source if isinstance(source, bytes) else _read(source)
    with open_pdf(data, name) as document:
        return (read_document(document, name, tables=tables),)


def read_document(document: Any, name: str, *, tables: bool = False) -> Article:
    """The article of an open ``pymupdf.Document``; pages that cannot be read count as empty."""
    del name  # nothing here can fail for the file as a whole
    pages = [read_page(document, number) for number in range(document.page_count)]
    return article_of(pages, tables=tables)


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
            box=region,
            caption_box=Box(caption.page, *caption.box),
            note="" if region else "no figure found on the caption's page or beside it",
        )
        for own, caption, region in zip(ids, captions, regions, strict=True)
        if tables or caption.kind != "table"
    )
    return Article(form="pdf", figures=tuple(figures))


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


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check the path.") from error
