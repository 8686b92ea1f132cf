"""Where pairs lie in their papers: the PDF page with the figure's and the caption's boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip
from domainclip.pairs.page import CONTEXT_PX, Context

from .pdf.opening import open_pdf
from .sources.finding import find_sources
from .sources.packages import open_package

__all__ = ["contexts_of"]


def contexts_of(roots: Sequence[str], pairs: Sequence[Pair]) -> Iterator[tuple[str, Context]]:
    """(key, page) of every pair that a PDF under ``roots`` shows; others are passed over."""
    wanted: dict[str, list[Pair]] = {}
    for pair in pairs:
        if "box" in pair.where:
            wanted.setdefault(pair.document, []).append(pair)
    for root in roots:
        for source in find_sources(root):
            if source.name in wanted:
                yield from _drawn(source, wanted.pop(source.name))
            if not wanted:
                return


def _drawn(source: Source, pairs: Sequence[Pair]) -> Iterator[tuple[str, Context]]:
    opening = open_package(source)
    if isinstance(opening, Skip):
        return
    with opening as package:
        name = package.main.get("pdf")
        if name is None:
            return
        try:
            opened = open_pdf(package.read(name), name)
        except BadInput:
            return  # the extraction has said so already
        with opened as document:
            for pair in pairs:
                yield pair.key, _context(document, pair)


def _context(document: Any, pair: Pair) -> Context:
    number = pair.where["page"]
    page = document[number]
    width, height = page.rect.width, page.rect.height
    zoom = 2 * CONTEXT_PX / max(width, height, 1.0)
    picture = page.get_pixmap(dpi=max(10, round(72 * zoom)), alpha=False).tobytes("png")
    boxes = {"figure": pair.where["box"]}
    if pair.where.get("caption_page") == number:
        boxes["caption"] = pair.where["caption_box"]
    shares = {
        name: (x0 / width, y0 / height, x1 / width, y1 / height)
        for name, (x0, y0, x1, y1) in boxes.items()
    }
    return Context(picture, shares, f"page {number + 1}")
