"""The figures of one JATS article: which elements are figures, which pictures belong to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from domainclip.errors import BadInput

from ._jats_licence import figure_rights
from ._jats_text import one_line, text_of
from ._jats_tree import Element, href_of
from .hrefs import EXTENSIONS
from .labels import label_of, without_closing
from .records import Figure, FigureKind, Graphic

__all__ = ["Found", "figures_of"]

MAX_FIGURES = 20_000

_FLOATS = ("fig", "fig-group", "table-wrap", "boxed-text", "supplementary-material")
_PICTURES = ("graphic", "media")
_GROUPS = ("fig", "fig-group")
_ABSTRACTS = frozenset(["abstract", "trans-abstract"])
_OWNERS = frozenset(_FLOATS) | _ABSTRACTS
# A picture under one of these is a formula, a cell's icon or an author's portrait
_NO_FIGURE = frozenset(
    [
        "disp-formula",
        "inline-formula",
        "disp-formula-group",
        "chem-struct",
        "chem-struct-wrap",
        "td",
        "th",
        "contrib",
        "bio",
        "journal-meta",
        "tex-math",
        "ref",
        "fn",
        "label",
    ]
)
_VIDEO = frozenset(["mp4", "mov", "avi", "mpg", "mpeg", "wmv", "flv", "mkv", "webm", "m4v"])
_PLACEHOLDERS = ("an external file that holds", "object name is", "click here for additional")


@dataclass
class Found:
    """A figure while it is being collected: its element, its pictures, and the figure it is in."""

    element: Element
    pictures: list[Element] = field(default_factory=list)
    inside: Found | None = None
    children: list[Found] = field(default_factory=list)
    folded: bool = False  # a member without a caption: part of its group
    figure: Figure | None = None


def figures_of(
    article: Element, lang: str, license_: str, name: str
) -> tuple[list[Figure], list[Found]]:
    """Figures in reading order, and what each float's element became (``figure`` may be None).

    A group (fig-group, or a fig without a picture that holds figs) gives its caption to its
    members, before their own; members without a caption are pictures of the group. Raises BadInput
    for more than 20,000 floats.
    """
    found = _floats(article, name)
    taken: set[str] = set()
    for item in found:
        _fold(item)
    figures = []
    for item in found:
        kind = _kind(item)
        if kind is None:
            continue
        item.figure = _figure(item, kind, lang, license_, taken)
        figures.append(item.figure)
    return figures, found


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
    if item.element.tag not in _GROUPS:
        return
    members = [child for child in item.children if child.element.tag in _GROUPS]
    for member in members:
        _share_languages(member, members)
    if not text_of(item.element.find("caption")):
        return
    for member in members:
        if member.pictures and not member.children and not _caption(member.element)[1]:
            item.pictures.extend(member.pictures)
            member.folded = True


def _share_languages(member: Found, members: Sequence[Found]) -> None:
    """A figure once per language, with the picture in one of them: the picture is everyone's."""
    own = _lang(member.element)
    if member.pictures or not own:
        return
    for other in members:
        if other.pictures and _lang(other.element) not in ("", own):
            member.pictures = list(other.pictures)
            return


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
    if tag in _ABSTRACTS:
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
        if ancestor.tag in _ABSTRACTS:
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


def _figure(item: Found, kind: FigureKind, lang: str, license_: str, taken: set[str]) -> Figure:
    element = item.element
    title, caption = _caption(element)
    if not caption and kind == "graphical_abstract":
        caption = _without_heading(element)
    holder = element if element.find("label") is not None else _media_with_caption(element)
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
        lang=_lang(element) or lang,
        note="" if graphics else "no picture is named in the XML",
    )
    group = item.inside
    if group is not None and group.element.tag in _GROUPS and group.figure is None:
        return _with_group(figure, group, license_)
    return figure


def _with_group(figure: Figure, group: Found, license_: str) -> Figure:
    """The group's caption before the member's own, and its label before a bare "(a)"."""
    _, caption = _caption(group.element)
    label = without_closing(text_of(group.element.find("label")))
    if label and not any(c.isdigit() for c in figure.label):
        label = one_line(f"{label} {figure.label}")
    else:
        label = figure.label
    own_license, third_party = figure_rights(group.element, caption, license_)
    return replace(
        figure,
        label=label,
        caption=one_line(f"{caption} {figure.caption}"),
        license=figure.license or own_license,
        third_party=figure.third_party or third_party,
    )


def _caption(element: Element) -> tuple[str, str]:
    """The caption's title and its whole text. Of several languages' captions the first counts."""
    caption = element.find("caption")
    if caption is None:
        caption = _media_with_caption(element).find("caption")
    if caption is not None:
        return text_of(caption.find("title")), text_of(caption)
    if element.tag in _ABSTRACTS:
        return "", ""
    title = text_of(element.find("title"))  # outside any caption, as some publishers have it
    if element.tag == "boxed-text":
        return title, title
    return title, one_line(" ".join([title, *map(text_of, element.findall("p"))]))


def _media_with_caption(element: Element) -> Element:
    """Where the caption stands: in some dialects inside the media of a supplement."""
    media = element.find("media")
    return element if media is None or media.find("caption") is None else media


def _without_heading(element: Element) -> str:
    """A graphical abstract's words without "Graphical abstract" above them."""
    abstract = element
    while abstract.tag not in _ABSTRACTS:
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


def _lang(element: Element) -> str:
    return str(element.get("{http://www.w3.org/XML/1998/namespace}lang") or "")


def _unique(given: str, kind: str, taken: set[str]) -> str:
    """The XML's id, or fig1, fig2 ...; a second one of the same name gets -2."""
    stem = "fig" if kind == "figure" else kind
    names = (f"{given}-{n}" if given else f"{stem}{n}" for n in range(2 if given else 1, 1 << 30))
    chosen = given if given and given not in taken else next(n for n in names if n not in taken)
    taken.add(chosen)
    return chosen
