"""The figures of one JATS article: kind, label, caption, pictures and rights of each float."""

from __future__ import annotations

from dataclasses import replace

from ..hrefs import EXTENSIONS
from ..labels import label_of, without_closing
from ..records import Figure, FigureKind, Graphic
from .floats import (
    ABSTRACTS,
    GROUPS,
    Found,
    caption_of,
    floats_of,
    language_of,
    media_with_caption,
)
from .licence import figure_rights
from .text import one_line, text_of
from .tree import Element, href_of

__all__ = ["figures_of"]

_VIDEO = frozenset(["mp4", "mov", "avi", "mpg", "mpeg", "wmv", "flv", "mkv", "webm", "m4v"])
_PLACEHOLDERS = ("an external file that holds", "object name is", "click here for additional")


def figures_of(
    article: Element, lang: str, license_: str, name: str
) -> tuple[list[Figure], list[Found]]:
    """Figures in reading order, and what each float's element became (``figure`` may be None).

    A group (fig-group, or a fig without a picture that holds figs) gives its caption to its
    members, before their own; members without a caption are pictures of the group. Raises BadInput
    for more than 20,000 floats.
    """
    found = floats_of(article, name)
    taken: dict[str, int] = {}
    figures = []
    for item in found:
        kind = _kind(item)
        if kind is None:
            continue
        item.figure = _figure(item, kind, lang, license_, taken)
        figures.append(item.figure)
    return figures, found


def _kind(item: Found) -> FigureKind | None:
    """What a float is; None where it is no figure (a table set in text, a group of figures)."""
    tag, pictures = item.element.tag, item.pictures
    if item.folded:
        return None
    if tag == "supplementary-material":
        return "supplementary" if pictures or href_of(item.element) else None
    if tag in ("table-wrap", "boxed-text", "fig-group") and not pictures:
        return None
    if tag == "table-wrap":
        return "table"
    if tag == "boxed-text":
        return "box"
    if tag in ABSTRACTS:
        return "graphical_abstract"
    if tag == "fig" and not pictures and any(child.pictures for child in item.children):
        return None
    if pictures and not any(_is_image(picture) for picture in pictures):
        return "video" if any(_is_video(picture) for picture in pictures) else "supplementary"
    return _kind_of_fig(item)


def _kind_of_fig(item: Found) -> FigureKind:
    element = item.element
    ancestor = element.getparent()
    while ancestor is not None:
        if ancestor.tag in ABSTRACTS:
            return "graphical_abstract"
        ancestor = ancestor.getparent()
    said = f"{element.get('fig-type', '')} {text_of(element.find('label'))}".lower()
    if "graphical" in said or "visual abstract" in said:
        return "graphical_abstract"
    if "scheme" in said or "schema" in said or "esquema" in said:
        return "scheme"
    return "table" if said.split()[:1] == ["table"] else "figure"


def _is_image(picture: Element) -> bool:
    return picture.tag == "graphic" or (
        picture.get("mimetype", "").lower().startswith("image")
        or href_of(picture).rpartition(".")[2].lower() in EXTENSIONS
    )


def _is_video(media: Element) -> bool:
    extension = href_of(media).rpartition(".")[2].lower()
    return media.get("mimetype", "").lower().startswith("video") or extension in _VIDEO


def _figure(
    item: Found, kind: FigureKind, lang: str, license_: str, taken: dict[str, int]
) -> Figure:
    element = item.element
    title, caption = caption_of(element)
    if not caption and kind == "graphical_abstract":
        caption = _without_heading(element)
    holder = element if element.find("label") is not None else media_with_caption(element)
    label = without_closing(text_of(holder.find("label"))) or label_of(caption)
    own_license, third_party = figure_rights(element, caption, license_)
    graphics = _graphics(item)
    figure = Figure(
        id=_unique(element.get("id", ""), kind, taken),
        label=label,
        kind=kind,
        title=title,
        caption=caption,
        alt_text=_alt_text(item),
        graphics=graphics,
        parent=_parent(item),
        license=own_license,
        third_party=third_party,
        lang=language_of(element) or lang,
        note="" if graphics else "no picture is named in the XML",
    )
    group = item.inside
    if group is not None and group.element.tag in GROUPS and group.figure is None:
        return _with_group(figure, group, license_)
    return figure


def _with_group(figure: Figure, group: Found, license_: str) -> Figure:
    """The group's caption before the member's own, and its label before a bare "(a)"."""
    if group.shared is None:
        _, caption = caption_of(group.element)
        label = without_closing(text_of(group.element.find("label")))
        group.shared = label, caption, *figure_rights(group.element, caption, license_)
    label, caption, own_license, third_party = group.shared
    bare = label and not any(c.isdigit() for c in figure.label)
    return replace(
        figure,
        label=one_line(f"{label} {figure.label}") if bare else figure.label,
        caption=one_line(f"{caption} {figure.caption}"),
        license=figure.license or own_license,
        third_party=figure.third_party or third_party,
    )


def _without_heading(element: Element) -> str:
    """A graphical abstract's words without "Graphical abstract" above them."""
    abstract = element
    while abstract.tag not in ABSTRACTS:
        abstract = abstract.getparent()
        if abstract is None:
            return ""
    return one_line(" ".join(text_of(part) for part in abstract if part.tag not in _HEADINGS))


_HEADINGS = frozenset(["title", "label", "graphic", "object-id"])


def _graphics(item: Found) -> tuple[Graphic, ...]:
    """The pictures of a figure, one for each that is there in several formats."""
    chosen: dict[object, tuple[int, str]] = {}
    for picture in item.pictures:
        href = href_of(picture)
        if not href:
            continue
        parent = picture.getparent()
        stem, dot, extension = href.rpartition(".")
        known = bool(dot) and extension.lower() in EXTENSIONS
        place: object = parent if parent.tag == "alternatives" else stem if known else href
        thumbnail = "thumb" in (picture.get("specific-use", "") + picture.get("content-type", ""))
        rank = EXTENSIONS.index(extension.lower()) if known else 0
        rank += 100 * thumbnail
        if place not in chosen or rank < chosen[place][0]:
            chosen[place] = (rank, href)
    if not chosen and href_of(item.element):
        return (Graphic(href=href_of(item.element)),)
    return tuple(Graphic(href=href) for href in dict.fromkeys(h for _, h in chosen.values()))


def _parent(item: Found) -> str:
    inside = item.inside
    if inside is None:
        return ""
    if inside.element.tag == "fig-group" and inside.figure is None:
        first = inside.children[0]
        if item.element.get("specific-use", "") == "child-fig" and first is not item:
            return first.figure.id if first.figure else ""
    if inside.figure is not None:
        return inside.figure.id
    return str(inside.element.get("id", "")) if inside.element.tag in ("fig", "fig-group") else ""


def _alt_text(item: Found) -> str:
    for holder in (item.element, *item.pictures):
        for tag in ("alt-text", "long-desc"):
            text = text_of(holder.find(tag))
            if " " in text and not text.lower().startswith(_PLACEHOLDERS):
                return text
    return ""


def _unique(given: str, kind: str, taken: dict[str, int]) -> str:
    """The XML's id, or fig1, fig2 ...; a second one of the same name gets -2."""
    if given and given not in taken:
        taken[given] = 1
        return given
    stem = f"{given}-" if given else "fig" if kind == "figure" else kind
    number = taken.get(given, 0) if given else taken.get(f" {stem}", 0)
    chosen = ""
    while not chosen or chosen in taken:
        number += 1
        chosen = f"{stem}{number}"
    taken[given or f" {stem}"] = number  # where the next search starts; no id has a blank
    taken[chosen] = 1
    return chosen
