"""The captions of a PDF's figures and tables, by their form and the document's own habits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from .caption_bodies import caption_lines
from .caption_starts import Start, caption_starts
from .page import Caption, Page
from .upright import Placed, body_type, headings, place
from .wording import Words, joined

__all__ = ["find_captions"]


def find_captions(pages: Sequence[Page]) -> tuple[Caption, ...]:
    """The captions of the document's pages, by page and from top to bottom.

    A caption that goes on from another page ("Figure 3 (continued)") is not given twice: what it
    adds is added to the first one's text.
    """
    body, words = body_type(pages), Words(pages)
    dropped = headings(pages)
    frames = [
        (page.number, frame, lines)
        for page in pages
        for frame, lines in enumerate(place(page, dropped))
    ]
    starts = caption_starts(frames, body)
    lines_of = {(page, frame): lines for page, frame, lines in frames}
    begun = {number: set[int]() for number, _, _ in frames}
    for start in starts:
        begun[start.page].add(start.placed.index)
    by_number = {page.number: page for page in pages}
    found: list[tuple[Start, Caption]] = []
    for start in starts:
        if start.label.kind == "other":
            continue
        lines = lines_of[start.page, start.frame]
        rows = caption_lines(start.placed, lines, begun[start.page], body)
        found.append((start, _caption(start, rows, by_number[start.page], words)))
    return tuple(_continued(found))


def _caption(start: Start, rows: Sequence[Sequence[Placed]], page: Page, words: Words) -> Caption:
    label = start.label
    assert label.kind != "other"
    parts = [" ".join(placed.line.text for placed in row) for row in rows]
    parts[0] = parts[0][label.end :].lstrip()
    lines = tuple(placed.index for row in rows for placed in row)
    boxes = [page.lines[index].box for index in lines]
    return Caption(
        start.page,
        label.kind,
        label.number,
        label.text,
        joined(parts, words),
        (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        ),
        start.placed.line.direction,
        lines,
    )


def _continued(found: Sequence[tuple[Start, Caption]]) -> Iterator[Caption]:
    """The captions, later parts of one joined to its first."""
    whole: dict[tuple[str, str], int] = {}
    captions: list[Caption] = []
    for start, caption in found:
        name = (caption.kind, caption.label)
        if start.label.continued and name in whole:
            first = captions[whole[name]]
            if caption.text not in first.text:
                captions[whole[name]] = replace(first, text=f"{first.text} {caption.text}")
            continue
        whole.setdefault(name, len(captions))
        captions.append(caption)
    yield from captions
