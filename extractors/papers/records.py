"""What one form of an article (JATS, LaTeX, PDF) tells of it, its figures and who cites them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Article", "Box", "Figure", "FigureKind", "Form", "Graphic", "Mention"]

Form = Literal["jats", "latex", "pdf"]
FigureKind = Literal[
    "figure", "scheme", "table", "box", "graphical_abstract", "supplementary", "video"
]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page as it is shown: points (1/72 inch), origin top left, y downwards.

    page: from 0. x0 < x1 and y0 < y1.
    """

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Graphic:
    """One picture of a figure, as its source names it.

    href: the file's name as written, relative to the package's main file (its extension may be
    missing); of LaTeX the package's file itself, where it is there. page: of a PDF graphic, from
    0. trim: (left, bottom, right, top) to cut off, in points of the graphic. angle: degrees,
    counter-clockwise.
    """

    href: str
    page: int = 0
    trim: tuple[float, float, float, float] | None = None
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Mention:
    """A paragraph that cites a figure. panels: the panels it names, as ("B", "C"); () for all."""

    text: str
    panels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure with its caption.

    id: unique in its article and stable (XML id, LaTeX label, else fig1, fig2 in reading order).
    label: as printed, without closing punctuation: "Figure 2", "Fig. S1", "Scheme 1"; may be empty.
    title: the caption's heading, where the source sets it apart. caption: title and text, without
    the label; one line of readable Unicode. graphics: in reading order. parent: id of the figure
    or group it belongs to. license: SPDX where the figure has one of its own. third_party: the
    caption or its permissions say that it is somebody else's. box: its region on a PDF page.
    caption_box: the caption's on its page. lang: BCP 47 or empty.
    note: what a user should know of it ("tikz: no graphics file").
    """

    id: str
    label: str = ""
    kind: FigureKind = "figure"
    title: str = ""
    caption: str = ""
    alt_text: str = ""
    graphics: tuple[Graphic, ...] = ()
    mentions: tuple[Mention, ...] = ()
    parent: str = ""
    license: str = ""
    third_party: bool = False
    box: Box | None = None
    caption_box: Box | None = None
    lang: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article as one of its forms tells it; what the form does not tell is empty.

    ids: of pmcid (PMC123), pmid, doi (lower case, no URL), arxiv. date: ISO 8601 of publication,
    as exact as it is known (2013, 2013-04, 2013-04-19). license: SPDX, or "unknown", or "" where
    the form has no place for it. license_text: the source's own words or URL.
    kind: the article type in the source's words ("research-article"). retracted: says so itself.
    problems: what of it could not be read, each "reason: a sentence".
    sub_articles: decision letters, replies, translations inside it, with figures of their own.
    """

    form: Form
    title: str = ""
    abstract: str = ""
    journal: str = ""
    date: str = ""
    lang: str = ""
    kind: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    mesh: tuple[str, ...] = ()
    license: str = ""
    license_text: str = ""
    retracted: bool = False
    figures: tuple[Figure, ...] = ()
    problems: tuple[str, ...] = ()
    sub_articles: tuple[Article, ...] = ()
