"""The captions of a PDF's figures and tables, by their form and the document's own habits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .caption_bodies import caption_lines, lines_carried_over
from .caption_starts import Start, caption_starts
from .page import Caption, Page
from .upright import Placed, body_type, headings, place
from .wording import Words, joined

__all__ = ["find_captions"]

# What publishers put around a caption that is not of it.
_HEAD = re.compile(
    r"\A\W{0,3}see (?:the )?(?:figure|legend) on (?:the )?"
    r"(?:previous|next|following|facing|opposite) page\W{0,3}(?=[^\W_])",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?<=[.!?)])\s*(?:\W?(?:figure |legend |caption )?continue[sd]? on (?:the )?"
    r"(?:next|following|facing|opposite) page\W{0,3}"
    r"|(?:doi:\s?|https?://(?:dx\.)?doi\.org/)10\.\d{4,9}/\S+)$",
    re.IGNORECASE,
)
_CONTINUED = re.compile(r"\W*cont(?:inue[sd]|['’]?d)?\W*", re.IGNORECASE)


def find_captions(pages: Sequence[Page]) -> tuple[Caption, ...]:
    """The captions of the document's pages, in reading order.

    A caption that goes on from another page ("Figure 3 (continued)") is not given twice: what it
    adds is added to the first one's text. A label without a text is none.
    """
    body, words, dropped = body_type(pages), Words(pages), headings(pages)
    frames = [
        (page.number, frame, lines)
        for page in pages
        for frame, lines in enumerate(place(page, dropped))
    ]
    lines_of = {(page, frame): lines for page, frame, lines in frames}
    page_of = {page.number: page for page in pages}
    starts, alone = caption_starts(frames, body, page_of)
    begun: dict[int, set[int]] = {page.number: set() for page in pages}
    for start in starts:
        begun[start.page].add(start.placed.index)
    found: list[tuple[Start, Caption]] = []
    for start in starts:
        if start.label.kind != "other":
            lines = lines_of[start.page, start.frame]
            rows = caption_lines(start.placed, lines, begun[start.page], body)
            over = lines_carried_over(
                rows,
                lines,
                lines_of.get((start.page + 1, start.frame), ()),
                begun.get(start.page + 1, ()),
                body,
            )
            found.append((start, _caption(start, rows, over, page_of[start.page], words)))
    return _with_plates(_whole(found), alone)


def _caption(
    start: Start,
    rows: Sequence[Sequence[Placed]],
    over: Sequence[Sequence[Placed]],
    page: Page,
    words: Words,
) -> Caption:
    """The record. over: rows on the next page, of which only the text is kept."""
    label = start.label
    assert label.kind != "other"
    parts = [" ".join(placed.line.text for placed in row) for row in (*rows, *over)]
    parts[0] = parts[0][label.end :].lstrip()
    lines = tuple(placed.index for row in rows for placed in row)
    boxes = [page.lines[index].box for index in lines]
    return Caption(
        start.page,
        label.kind,
        label.number,
        label.text,
        _TAIL.sub("", _HEAD.sub("", joined(parts, words))),
        (
            min(box[0] for box in boxes),
            min(box[1] for box in boxes),
            max(box[2] for box in boxes),
            max(box[3] for box in boxes),
        ),
        start.placed.line.direction,
        lines,
    )


def _whole(found: Sequence[tuple[Start, Caption]]) -> list[tuple[Start, Caption]]:
    """The captions with a text, later parts of one joined to its first."""
    first: dict[object, int] = {}
    whole: list[tuple[Start, Caption]] = []
    for start, caption in found:
        if start.label.continued and start.name in first:
            at = first[start.name]
            begin, part = whole[at]
            if caption.text not in part.text:
                whole[at] = begin, replace(part, text=f"{part.text} {caption.text}")
        elif caption.text and not (start.name in first and _CONTINUED.fullmatch(caption.text)):
            first.setdefault(start.name, len(whole))
            whole.append((start, caption))
    return whole


def _with_plates(
    found: Sequence[tuple[Start, Caption]], alone: Sequence[Start]
) -> tuple[Caption, ...]:
    """The captions; where one bare label with its number is on another page, with that."""
    plates: dict[object, list[Start]] = {}
    for start in alone:
        plates.setdefault(start.name, []).append(start)
    captions = []
    for start, caption in found:
        match [plate for plate in plates.get(start.name, ()) if plate.page != start.page]:
            case [plate]:
                captions.append(replace(caption, plate=(plate.page, plate.placed.line.box)))
            case _:
                captions.append(caption)
    return tuple(captions)
