"""JATS, in every publisher's dialect, as articles with their figures, captions and mentions."""

from __future__ import annotations

from dataclasses import replace

from domainclip.errors import BadInput

from ..licences import UNKNOWN
from ..records import Article
from .figures import figures_of
from .licence import article_licence
from .mentions import mentions_of
from .meta import (
    Parts,
    abstract_of,
    date_of,
    identifiers,
    is_retracted,
    journal_of,
    keywords_of,
    title_of,
)
from .tree import Element, article_trees

__all__ = ["parse_jats"]

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
MAX_SUB_ARTICLES = 5000  # a supplement of meeting abstracts has some hundreds
_SUB_ARTICLES = ("sub-article", "response")


def parse_jats(data: bytes, name: str) -> Article:
    """The one article of a JATS file; name: the file's, for messages.

    Sub-articles (decision letters, replies, translations) stand apart in ``Article.sub_articles``.
    Raises BadInput: no XML, cut off, too large or too deep, no article, or more than one.
    """
    trees = article_trees(data, name)
    if len(trees) > 1:
        raise BadInput(
            f"{name} is a set of {len(trees)} articles; split it into one file for each."
        )
    return _bounded(trees[0], name)


def _bounded(tree: Element, name: str) -> Article:
    """Figures in figures, or articles in articles, by the hundred end in a sentence."""
    try:
        return _article(tree, name)
    except RecursionError:
        raise BadInput(f"{name} is nested too deeply; no article's XML is.") from None


def _article(tree: Element, name: str, outer: Article | None = None) -> Article:
    """One article without its sub-articles, which come as articles of their own."""
    apart = [part for part in tree if part.tag in _SUB_ARTICLES]
    if len(apart) > MAX_SUB_ARTICLES:
        raise BadInput(f"{name} has more than {MAX_SUB_ARTICLES} sub-articles; no article has.")
    for part in apart:
        tree.remove(part)
    front = tree.find("front")
    front = tree.find("front-stub") if front is None else front
    parts = _parts(front)
    lang = str(tree.get(_LANG) or (outer.lang if outer else ""))
    license_, license_text = article_licence(_meta(front)) if front is not None else (UNKNOWN, "")
    if outer is not None and not license_text:
        license_, license_text = outer.license, outer.license_text
    figures, found = figures_of(tree, lang, license_, name)
    mentions = mentions_of(tree, found, name)
    title = title_of(parts)
    kind = str(tree.get("article-type") or "")
    keywords, mesh = keywords_of(parts, lang)
    article = Article(
        form="jats",
        title=title,
        abstract=abstract_of(parts),
        journal=journal_of(front.find("journal-meta") if front is not None else None),
        date=date_of(parts),
        lang=lang,
        kind=kind,
        ids=identifiers(parts),
        keywords=keywords,
        mesh=mesh,
        license=license_,
        license_text=license_text,
        retracted=is_retracted(kind, title, parts),
        figures=tuple(replace(f, mentions=mentions.get(f.id, ())) for f in figures),
    )
    return replace(article, sub_articles=tuple(_article(part, name, article) for part in apart))


def _meta(front: Element) -> Element:
    meta = front.find("article-meta")
    return front if meta is None else meta


def _parts(front: Element | None) -> Parts:
    parts: Parts = {}
    for child in _meta(front) if front is not None else ():
        parts.setdefault(child.tag, []).append(child)
    return parts
