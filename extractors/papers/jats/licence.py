"""Licences in JATS: of the article, from its licence nodes or prose, and of single figures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .._licence_words import only_of_data
from ..credits import is_third_party
from ..licences import UNKNOWN, spdx_of, strictest
from .text import one_line, text_of
from .tree import Element, href_of, local_name, plain_text

__all__ = ["article_licence", "figure_rights"]

MAX_WORDS = 5000  # characters kept of a licence's text

_ABOUT_RIGHTS = re.compile(
    r"creative\s*commons|\bcc.by\b|public domain|\blicen[sc]e", re.IGNORECASE
)
_NAMES = ("creative", "cc", "public domain")
_NAMED = re.compile(r"creative\s*commons|\bcc[ -]?(?:by|0)\b|public domain")
_OTHER_USE = re.compile(r"\b(?:tdm\w*|text.?and.?data\w*|metadata|abstracts?|data|software|code)\b")
_OWN_MARK = re.compile(r"©|\(c\)|copyright\w*", re.IGNORECASE)


def article_licence(meta: Element) -> tuple[str, str]:
    """SPDX (or "unknown") and the source's own words (or link), of ``article-meta``.

    Of several licences that apply to the article the most restrictive counts; those of the data,
    the metadata and text mining do not. Without a licence node, the copyright statement and the
    notes of the front are read.
    """
    claims: list[str] = []
    words: list[str] = []
    for node in _licences(meta):
        text = _with_links(node)
        if _for_other_use(node) or only_of_data(text):
            continue
        claims.append(spdx_of(text))
        parts = (text_of(part) for part in node if local_name(part) != "license_ref")
        words.append(one_line(" ".join([node.text or "", *parts])) or one_line(text))
    if not words:
        words = [
            text for text in map(_with_links, meta.iter(*_PROSE)) if _ABOUT_RIGHTS.search(text)
        ]
        claims = [claim for claim in map(spdx_of, words) if claim != UNKNOWN]
    return strictest(claims), one_line(" ".join(dict.fromkeys(words)))[:MAX_WORDS]


_PROSE = ("copyright-statement", "copyright-license", "fn", "notes", "license-p")


def figure_rights(element: Element, caption: str, license_: str) -> tuple[str, bool]:
    """A figure's own licence (empty where it states none) and whether it is somebody else's.

    It is where its caption, credit line or permissions name another source or owner, or a licence
    of other terms than the article's. Permissions that only repeat the article's do not count.
    """
    third_party = is_third_party(caption)
    lower = caption.lower()
    stated = any(word in lower for word in _NAMES) and _NAMED.search(lower)
    claims = [spdx_of(caption)] if stated else []
    for child in element:
        if child.tag == "attrib":
            third_party = third_party or is_third_party(text_of(child))
        elif child.tag == "permissions":
            own = [spdx_of(_with_links(node)) for node in _licences_in(child)]
            words = one_line(plain_text(child))
            repeats = bool(own) and strictest(own) == license_ != UNKNOWN
            if not repeats or is_third_party(_OWN_MARK.sub("", words)):
                third_party = third_party or bool(words)
            claims.extend(own)
    claims = [claim for claim in claims if claim != UNKNOWN]
    return (strictest(claims) if claims else ""), third_party


def _licences(meta: Element) -> Iterator[Element]:
    for child in meta:
        if child.tag == "permissions":
            yield from _licences_in(child)
        elif child.tag == "license":
            yield child


def _licences_in(permissions: Element) -> Iterator[Element]:
    for child in permissions:
        if local_name(child) in ("license", "license_ref"):
            yield child


def _with_links(node: Element) -> str:
    """A node's words with every link's target behind its text, one sentence each for its own."""
    pieces = [href_of(node), "; "]
    for part in node.iter():
        name = local_name(part)
        if name == "license_ref":
            if not _for_other_use(part):
                pieces.append(f"{part.text or ''} ; ")
        elif isinstance(part.tag, str):
            pieces.append(part.text or "")
            if name in ("ext-link", "uri") and part is not node:
                pieces.append(f" {href_of(part)} ")
        if part is not node:
            pieces.append(part.tail or "")
    return one_line("".join(pieces))[: 4 * MAX_WORDS].strip("; ")


def _for_other_use(node: Element) -> bool:
    """A licence for mining, of the data, the metadata or the code alone, by its attributes."""
    names = ("specific-use", "content-type", "license-type", "applies-to")
    return _OTHER_USE.search(" ".join(node.get(name, "") for name in names).lower()) is not None
