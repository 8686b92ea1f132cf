"""The floats of one JATS article: figures and the like, their pictures, groups and members."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from domainclip.errors import BadInput

from ..records import Figure
from .text import one_line, text_of
from .tree import Element

__all__ = [
    "ABSTRACTS",
    "GROUPS",
    "Found",
    "caption_of",
    "floats_of",
    "language_of",
    "media_with_caption",
]

MAX_FIGURES = 20_000

_FLOATS = ("fig", "fig-group", "table-wrap", "boxed-text", "supplementary-material")
_PICTURES = ("graphic", "media")
GROUPS = ("fig", "fig-group")
ABSTRACTS = frozenset(["abstract", "trans-abstract"])
_OWNERS = frozenset(_FLOATS) | ABSTRACTS
# A picture under one of these is a formula, a cell's icon or an author's portrait
_NO_FIGURE = frozenset(
    [
        "disp-formula", "inline-formula", "disp-formula-group", "chem-struct", "chem-struct-wrap",
        "td", "th", "contrib", "bio", "journal-meta", "tex-math", "ref", "fn", "label"
    ]
)  # fmt: skip


@dataclass
class Found:
    """A figure while it is being collected: its element, its pictures, and the figure it is in."""

    element: Element
    pictures: list[Element] = field(default_factory=list)
    inside: Found | None = None
    children: list[Found] = field(default_factory=list)
    folded: bool = False  # a member without a caption: part of its group
    figure: Figure | None = None
    shared: tuple[str, str, str, bool] | None = None  # a group's label, caption, licence, credit


def floats_of(article: Element, name: str) -> list[Found]:
    """Every float with its pictures, in document order, members folded into their groups.

    Raises BadInput for more than 20,000.
    """
    found = _floats(article, name)
    for item in found:
        _fold(item)
    return found


def _floats(article: Element, name: str) -> list[Found]:
    """Every float with the pictures whose nearest float it is, in document order."""
    found: dict[Element, Found] = {}
    for element in article.iter(*_FLOATS, *_PICTURES):
        if element.tag in _PICTURES:
            owner = _owner(element)
            if owner is None:
                continue
            if owner not in found:
                found[owner] = Found(owner)
            if owner is not element:
                found[owner].pictures.append(element)
            else:
                found[owner].pictures = [element]
        elif element not in found:
            found[element] = Found(element)
        if len(found) > MAX_FIGURES:
            raise BadInput(f"{name} has more than {MAX_FIGURES} figures; no article has.")
    for item in found.values():
        parent = item.element.getparent()
        while parent is not None and parent not in found:
            parent = parent.getparent()
        if parent is not None:
            item.inside = found[parent]
            found[parent].children.append(item)
    return list(found.values())


def _owner(picture: Element) -> Element | None:
    """The float that a picture belongs to; itself where it stands alone with a caption or label."""
    ancestor = picture.getparent()
    while ancestor is not None:
        tag = ancestor.tag
        if tag in _OWNERS:
            return ancestor
        if tag in _NO_FIGURE:
            return None
        if tag in ("caption", "media") and picture.tag == "graphic":
            return None
        ancestor = ancestor.getparent()
    return picture if picture.find("caption") is not None else None


def _fold(item: Found) -> None:
    """Pictures of members without a caption of their own become the group's."""
    if item.element.tag not in GROUPS:
        return
    members = [child for child in item.children if child.element.tag in GROUPS]
    for member in members:
        _share_languages(member, members)
    if not text_of(item.element.find("caption")):
        return
    for member in members:
        if member.pictures and not member.children and not caption_of(member.element)[1]:
            item.pictures.extend(member.pictures)
            member.folded = True


def _share_languages(member: Found, members: Sequence[Found]) -> None:
    """A figure once per language, with the picture in one of them: the picture is everyone's."""
    own = language_of(member.element)
    if member.pictures or not own:
        return
    for other in members:
        if other.pictures and language_of(other.element) not in ("", own):
            member.pictures = list(other.pictures)
            return


def caption_of(element: Element) -> tuple[str, str]:
    """The caption's title and its whole text. Of several languages' captions the first counts."""
    caption = element.find("caption")
    if caption is None:
        caption = media_with_caption(element).find("caption")
    if caption is not None:
        return text_of(caption.find("title")), text_of(caption)
    if element.tag in ABSTRACTS:
        return "", ""
    title = text_of(element.find("title"))  # outside any caption, as some publishers have it
    if element.tag == "boxed-text":
        return title, title
    return title, one_line(" ".join([title, *map(text_of, element.findall("p"))]))


def media_with_caption(element: Element) -> Element:
    """Where the caption stands: in some dialects inside the media of a supplement."""
    media = element.find("media")
    return element if media is None or media.find("caption") is None else media


def language_of(element: Element) -> str:
    return str(element.get("{http://www.w3.org/XML/1998/namespace}lang") or "")
