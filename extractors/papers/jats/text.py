"""The text of JATS elements as one line: mark-up off, blocks kept apart, formulas readable."""

from __future__ import annotations

from collections.abc import Collection
from html.entities import html5

from lxml.etree import Comment, Entity, ProcessingInstruction

from ..scripts import MARKS, script
from .math import math_text
from .tex import tex_text
from .tree import MATHML, Element, plain_text

__all__ = ["BLOCKS", "SKIPPED", "marked_text", "one_line", "text_of"]

MAX_DEPTH = 120  # deeper, and only a hostile file is, text is taken without looking at tags

BLOCKS = frozenset(
    [
        "p", "title", "subtitle", "label", "list", "list-item", "def-list", "def-item", "def",
        "term", "disp-quote", "sec", "break", "tr", "td", "th", "table", "thead", "tbody",
        "caption", "speech", "speaker", "verse-group", "verse-line", "statement",
        "disp-formula-group", "code", "preformat", "attrib", "abstract", "fn", "hr",
        "article-title", "trans-title", "col", "kwd", "compound-kwd", "license", "license-p",
        "chem-struct-wrap"
    ]
)  # fmt: skip
# What stands inside a paragraph or caption in the XML and is no part of its text
SKIPPED = frozenset(
    [
        "fig", "fig-group", "table-wrap", "table-wrap-group", "supplementary-material",
        "boxed-text", "media", "graphic", "inline-graphic", "inline-media", "alt-text",
        "long-desc", "object-id", "permissions", "index-term", "ref-list", "sub-article",
        "response", "floats-group", "private-char"
    ]
)  # fmt: skip
_FORMULAS = frozenset(["alternatives", "inline-formula", "disp-formula"])
_SCRIPTS = frozenset(["sup", "sub"])
_MATHML = frozenset(["math", f"{{{MATHML}}}math"])
_SPECIAL = BLOCKS | SKIPPED | _FORMULAS | _SCRIPTS | _MATHML | {"tex-math"}
_OPEN, _CLOSE = MARKS[0], MARKS[1]


def one_line(text: str) -> str:
    """Every run of white space, of any kind, as one blank."""
    return " ".join(text.split())


def text_of(element: Element | None) -> str:
    """An element's own text: no nested figures, tables or pictures.

    Empty for None and for comments.
    """
    if element is None or not isinstance(element.tag, str):
        return ""
    if len(element) == 0:
        return one_line(element.text or "")
    line = _Line(())
    line.inside(element, 0)
    return one_line("".join(line.pieces))


def marked_text(element: Element, marked: Collection[Element]) -> tuple[str, list[Element]]:
    """The same text with \\x02 and \\x03 around the given elements, and these in their order."""
    line = _Line(marked)
    line.inside(element, 0)
    return one_line("".join(line.pieces)), line.found


class _Line:
    """A text while it is being put together: its pieces, and the marked elements met so far."""

    __slots__ = ("found", "marked", "pieces")

    def __init__(self, marked: Collection[Element]) -> None:
        self.pieces: list[str] = []
        self.marked = marked
        self.found: list[Element] = []

    def inside(self, element: Element, depth: int) -> None:
        """Everything between an element's tags."""
        pieces = self.pieces
        if depth > MAX_DEPTH:
            pieces.append(plain_text(element))
            return
        text = element.text
        if text:
            pieces.append(text)
        for child in element:
            tag = child.tag
            if len(child) or tag in _SPECIAL or child in self.marked:
                self.whole(child, depth)
            elif tag is Comment or tag is ProcessingInstruction:
                pass
            elif tag is Entity:  # nobody declared it, and it is not of the JATS DTD
                pieces.append(html5.get(f"{child.name};", ""))
            elif child.text:
                pieces.append(child.text)
            tail = child.tail
            if tail:
                pieces.append(tail)

    def whole(self, child: Element, depth: int) -> None:
        """One element as its parent's text shows it."""
        tag, pieces = child.tag, self.pieces
        if tag in SKIPPED or not isinstance(tag, str):
            return
        if tag in _SCRIPTS:
            start = len(pieces)
            self.inside(child, depth + 1)
            pieces[start:] = [script("".join(pieces[start:]), up=tag == "sup")]
        elif tag in _MATHML:
            pieces.append(math_text(child))
        elif tag == "tex-math":
            pieces.append(tex_text(plain_text(child)))
        elif tag in _FORMULAS:
            self.formula(child, depth + 1)
        elif tag in BLOCKS:
            pieces.append(" ")
            self.inside(child, depth + 1)
            pieces.append(" ")
        elif child in self.marked:
            self.found.append(child)
            pieces.append(_OPEN)
            self.inside(child, depth + 1)
            pieces.append(_CLOSE)
        else:
            self.inside(child, depth + 1)

    def formula(self, element: Element, depth: int) -> None:
        """A formula once, though MathML, TeX and text may all say it: the first that says it."""
        pieces = self.pieces
        tags = [child.tag for child in element]
        several = element.tag == "alternatives" or (
            "tex-math" in tags and not _MATHML.isdisjoint(tags)
        )
        edge = " " if element.tag == "disp-formula" else ""
        pieces.append(edge)
        if not several:
            self.inside(element, depth)
        else:
            for child in sorted(element, key=_readability):
                start = len(pieces)
                self.whole(child, depth)
                if "".join(pieces[start:]).strip():
                    break
        pieces.append(edge)


def _readability(child: Element) -> int:
    """MathML before TeX before anything else."""
    return 0 if child.tag in _MATHML else 1 if child.tag == "tex-math" else 2
