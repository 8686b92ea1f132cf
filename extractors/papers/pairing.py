"""An article's figures as pairs: which picture each one has, its texts, licence and provenance."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domainclip.images.encoded import decoded, web_image
from domainclip.images.phash import phash
from domainclip.pairs import Pair, Skip, Text

from .figure_words import kind_by_both, words_speak_for
from .merging import Merged
from .records import Article, Box

__all__ = ["Piece", "pair_of"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A picture of a figure, or of one of its panels.

    data: encoded. file: the package's file that it comes from. how: "file" (as it lies there),
    "original" (an image embedded in the PDF), "rendered". part: "", "2" of several graphics, or a
    panel's letter. text: the panel's own; empty for a whole figure. box_px: left, top, right,
    bottom of a panel in its figure's picture.
    """

    data: bytes
    file: str
    how: str
    dpi: int | None = None
    part: str = ""
    text: str = ""
    panel: str = ""
    box_px: tuple[int, int, int, int] | None = None
    note: str = ""


def pair_of(
    piece: Piece,
    merged: Merged,
    article: Article,
    *,
    document: str,
    group: str,
    source: str,
    license: str,
    kinds: Sequence[str] = (),
    min_px: int = 0,
    min_caption: int = 1,
) -> Pair | Skip:
    """The pair of a piece, or why there is none. kinds: of figures to keep; () for all."""
    figure = merged.figure
    where = f"{document} {figure.label or figure.id}".strip() + (
        f" {piece.part}" if piece.part else ""
    )
    text = piece.text or figure.caption
    try:
        image = decoded(piece.data)
        data = web_image(piece.data, image)
    except ValueError as error:
        detail = f"{piece.file}: cannot be decoded: {error}."
        return Skip(where=where, reason="corrupt_image", detail=detail)
    if min(image.size) < min_px:
        detail = f"{image.width} x {image.height} pixels."
        return Skip(where=where, reason="too_small", detail=detail, quarantine=False)
    # a panel's own words often name its letter alone; then the figure's speak for it
    speaks = text if words_speak_for(text) else figure.caption
    kind, sure = kind_by_both(image, speaks, figure.label)
    if kinds and kind not in kinds:
        return Skip(where=where, reason="other_kind", detail=kind, quarantine=False)
    key = f"{document}/{figure.id}" + (f"/{piece.part}" if piece.part else "")
    return Pair(
        key=key,
        image=data,
        image_path=key + (".jpg" if data[:2] == b"\xff\xd8" else ".png"),
        text=text,
        texts=tuple(_texts(merged, article, piece, text)),
        labels=(kind,),
        document=document,
        group=group,
        source=source,
        license=license,
        width=image.width,
        height=image.height,
        sha256=hashlib.sha256(data).hexdigest(),
        phash=phash(image),
        where=_where(merged, piece, document),
        meta=_meta(merged, article, kind, sure, piece),
    )


def _texts(merged: Merged, article: Article, piece: Piece, text: str) -> Iterator[Text]:
    figure, lang = merged.figure, merged.figure.lang or article.lang
    yield Text("caption", text, lang)
    if piece.text and figure.caption != text:
        yield Text("figure_caption", figure.caption, lang)
    if figure.title and figure.title != text:
        yield Text("caption_title", figure.title, lang)
    if figure.alt_text:
        yield Text("alt_text", figure.alt_text, lang)
    for mention in figure.mentions:
        if not piece.panel or not mention.panels or piece.panel in mention.panels:
            yield Text("mention", mention.text, lang)
    if article.title:
        yield Text("title", article.title, lang)
    if article.abstract:
        yield Text("abstract", article.abstract, lang)


def _where(merged: Merged, piece: Piece, document: str) -> dict[str, Any]:
    figure, shown = merged.figure, merged.shown
    box, caption = (shown.box, shown.caption_box) if shown else (None, None)
    found: dict[str, Any] = {
        "figure": figure.id,
        "label": figure.label,
        "form": merged.form,
        "file": piece.file,
        "picture": piece.how,
        "dpi": piece.dpi,
    }
    if box is not None:
        found |= {"page": box.page, "box": _points(box)}
    if caption is not None:
        found |= {"caption_page": caption.page, "caption_box": _points(caption)}
    if piece.panel:
        found |= {"panel": piece.panel, "parent": f"{document}/{figure.id}"}
    if piece.box_px is not None:
        found["box_px"] = list(piece.box_px)
    return {name: value for name, value in found.items() if value not in ("", None)}


def _meta(
    merged: Merged, article: Article, kind: str, sure: float, piece: Piece
) -> Mapping[str, Any]:
    figure = merged.figure
    found: dict[str, Any] = {
        **article.ids,
        "journal": article.journal,
        "date": article.date,
        "article_kind": article.kind,
        "keywords": list(article.keywords),
        "mesh": list(article.mesh),
        "license_text": article.license_text,
        "third_party": figure.third_party or None,
        "figure_type": figure.kind,
        "figure_kind": kind,
        "figure_kind_confidence": round(sure, 3),
        "note": "; ".join(note for note in (figure.note, piece.note) if note),
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _points(box: Box) -> list[float]:
    return [round(value, 2) for value in (box.x0, box.y0, box.x1, box.y1)]
