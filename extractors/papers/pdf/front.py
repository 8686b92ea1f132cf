"""What a PDF says of itself as an article: its licence, its DOI and arXiv number, its title."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..licences import UNKNOWN, spdx_of, strictest
from .page import Page

__all__ = ["ids_of", "license_of", "title_of"]

_NAMED = re.compile(r"creative\s?commons|open[- ]access|\bCC[ -]BY\b", re.IGNORECASE)
# the sentence is about the article, and not about data or a figure from elsewhere
_OF_THE_ARTICLE = re.compile(
    r"(?:this|an|the)\s(?:is\san\s)?(?:open[- ]access\s)?"
    r"(?:article|work|paper|publication|manuscript)\b|licensee|terms\sof\sthe|the\sauthor",
    re.IGNORECASE,
)
_BEFORE, _AFTER = 250, 350  # characters around the name; a licence statement is about so long

_DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{}|\\^]+")
_ARXIV = re.compile(r"\barXiv:\s?((?:\d{4}\.\d{4,5})|(?:[a-z-]+(?:\.[A-Z]{2})?/\d{7}))(?:v\d+)?")
_FILE_NAME = re.compile(
    r"\.(?:docx?|tex|dvi|indd|qxd|pdf|rtf|odt)\b|^(?:Microsoft|untitled)|\btemplate\b|- WORD$"
    r"|\d_\d|\d\.\.\d",
    re.IGNORECASE,
)


def license_of(pages: Sequence[Page]) -> tuple[str, str]:
    """(SPDX or "unknown", the statement) of the first two and last two pages; the strictest."""
    claims: dict[str, str] = {}
    for page in {page.number: page for page in (*pages[:2], *pages[-2:])}.values():
        for statement in _statements(_text(page)):
            claims.setdefault(spdx_of(statement), statement)
    claims.pop(UNKNOWN, None)
    chosen = strictest(list(claims))
    return chosen, claims.get(chosen, "")


def ids_of(pages: Sequence[Page]) -> Mapping[str, str]:
    """doi and arxiv, as the first page prints them; of several DOIs the one nearest to its upper
    or lower edge, where journals print their own."""
    if not pages:
        return {}
    page, found = pages[0], {}
    dois = [
        (min(line.box[1], page.height - line.box[3]), doi.group())
        for line in page.lines
        if (doi := _DOI.search(line.text))
    ]
    if dois:
        found["doi"] = _balanced(min(dois)[1].lower().rstrip(".,;:"))
    if arxiv := _ARXIV.search(_text(page)):
        found["arxiv"] = arxiv.group(1)
    return found


def title_of(document: Any) -> str:
    """Of the information dictionary, where it looks like a title: many hold a file's name."""
    title = " ".join(html.unescape(str((document.metadata or {}).get("title") or "")).split())
    return title if " " in title and not _FILE_NAME.search(title) else ""


def _text(page: Page) -> str:
    return " ".join(line.text for line in page.lines)


def _statements(text: str) -> Iterator[str]:
    for name in _NAMED.finditer(text):
        around = text[max(0, name.start() - _BEFORE) : name.end() + _AFTER]
        if _OF_THE_ARTICLE.search(around):
            yield around


def _balanced(doi: str) -> str:
    """Without the bracket that the sentence around it closes: "(doi: 10.1000/1)"."""
    while doi.endswith(")") and doi.count(")") > doi.count("("):
        doi = doi[:-1].rstrip(".,;:")
    return doi
