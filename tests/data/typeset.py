"""Pages set by script, for tests of what is read from PDFs."""

from __future__ import annotations

from typing import Any

import pymupdf

__all__ = ["paragraph", "picture", "prose", "reopened"]

_WORDS = (
    *("the", "cells", "were", "treated", "with", "protein", "and", "results", "show", "growth"),
    *("between", "groups", "in", "data", "that", "model", "gave", "for", "samples", "at", "high"),
    *("temperature", "where", "other", "values", "stayed", "as", "low", "before"),
)


def prose(words: int) -> str:
    """Filler of so many words, in sentences of eleven."""
    text = []
    for at in range(words):
        word = _WORDS[(at * 7 + at // 11) % len(_WORDS)]
        text.append(word.capitalize() if at % 11 == 0 else word)
        if at % 11 == 10 or at == words - 1:
            text[-1] += "."
    return " ".join(text)


def paragraph(
    page: Any,
    x: float,
    y: float,
    width: float,
    text: str,
    *,
    size: float = 10,
    font: str = "tiro",
    bold: int = 0,
    leading: float = 1.2,
    indent: float = 0,
) -> float:
    """Set the text in lines no wider than width and return the next baseline.

    bold: so many first words in the bold face. indent: of the first line, points.
    """
    faces = {"tiro": "tibo", "helv": "hebo"}
    metrics = {name: pymupdf.Font(name) for name in (font, faces[font])}
    blank = metrics[font].text_length(" ", size)
    at = x + indent
    for number, word in enumerate(text.split()):
        face = faces[font] if number < bold else font
        wide = metrics[face].text_length(word, size)
        if at > x + indent and at + wide > x + width:
            at, y = x, y + leading * size
        page.insert_text((at, y), word + " ", fontname=face, fontsize=size)
        at += wide + blank
    return y + leading * size


def picture(page: Any, x0: float, y0: float, x1: float, y1: float) -> None:
    """A filled rectangle with a frame."""
    page.draw_rect((x0, y0, x1, y1), color=(0, 0, 0), fill=(0.8, 0.8, 0.9))


def reopened(document: Any) -> Any:
    """The document as it would be read from a file."""
    return pymupdf.open("pdf", document.tobytes())
