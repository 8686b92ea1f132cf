"""A page to judge pairs by: one self-contained HTML file that searches without a server."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domainclip.images.rgb import thumbnail
from domainclip.pairs._html import page_of
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import Pair

__all__ = ["Context", "pairs_page", "sample"]

THUMBNAIL_PX = 360
CONTEXT_PX = 520
_MENTIONS = 6


@dataclass(frozen=True, slots=True)
class Context:
    """Where a pair lies in its source. picture: encoded, of a page or scene. boxes: name ->
    (left, top, right, bottom) as shares of the picture's width and height."""

    picture: bytes
    boxes: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict)
    caption: str = ""


def sample(pairs: Pairs, rows: int) -> list[Pair]:
    """At most ``rows`` pairs, evenly spread over the directory, in file order."""
    count = min(rows, len(pairs))
    return [pairs[at * len(pairs) // count] for at in range(count)]


def pairs_page(
    title: str,
    pairs: Sequence[Pair],
    *,
    total: int,
    contexts: Mapping[str, Context] | None = None,
    errors: Iterable[Mapping[str, Any]] = (),
) -> str:
    """The page. Everything that comes from data is escaped; it requests nothing from anywhere.

    total: pairs in the directory, of which ``pairs`` are some. contexts: by key. errors: rows of
    ERROR_SCHEMA.
    """
    cards = [_card(pair, (contexts or {}).get(pair.key)) for pair in pairs]
    choices = {
        name: sorted({value for card in cards for value in card[name]})
        for name in ("labels", "license", "split")
    }
    return page_of(
        "page",
        {
            "title": title,
            "total": total,
            "cards": cards,
            "errors": list(errors),
            "choices": choices,
        },
    )


def _card(pair: Pair, context: Context | None) -> dict[str, Any]:
    others = [text for text in pair.texts if text.text != pair.text]
    mentions = [text.text for text in others if text.role == "mention"]
    facts = {name: value for name, value in {**pair.where, **pair.meta}.items() if value != ""}
    return {
        "key": pair.key,
        "picture": thumbnail(pair.image, THUMBNAIL_PX),
        "size": f"{pair.width} x {pair.height}",
        "text": pair.text,
        "mentions": mentions[:_MENTIONS],
        "more_mentions": max(0, len(mentions) - _MENTIONS),
        "texts": [(text.role, text.text) for text in others if text.role != "mention"],
        "labels": list(pair.labels),
        "license": [pair.license or "none stated"],
        "split": [pair.split] if pair.split else [],
        "document": pair.document,
        "facts": [(name, _shown(value)) for name, value in facts.items()],
        "context": None if context is None else thumbnail(context.picture, CONTEXT_PX),
        "boxes": [] if context is None else [
            (name, *(f"{100 * value:.2f}%" for value in (left, top, right - left, bottom - top)))
            for name, (left, top, right, bottom) in context.boxes.items()
        ],
        "where": "" if context is None else context.caption,
        "words": " ".join(
            [pair.key, pair.document, pair.text, *pair.labels, *(text.text for text in others)]
        ).lower(),
    }  # fmt: skip


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
