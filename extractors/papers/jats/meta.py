"""What JATS says of the article itself: title, abstract, journal, date, ids, keywords."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .text import one_line, text_of
from .tree import Element

__all__ = [
    "Parts",
    "abstract_of",
    "date_of",
    "identifiers",
    "is_retracted",
    "journal_of",
    "keywords_of",
    "title_of",
]

Parts = dict[str, list[Element]]  # the children of article-meta by name

_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
# Of several dates the first of these that is there; both words of one attribute or of two
_DATES = ("epub", "electronic", "pub", "epub-ppub", "epreprint", "", "ppub", "print", "collection")
_DOI = re.compile(r"10\.\d{4,9}/\S+")
_RETRACTED_TITLE = re.compile(
    r"\W*(?:retracted|retraction|withdrawn|withdrawal)\b\W*[:.-]|"
    r"\W*retract(?:ed|ion)(?: article| note| notice)?\b\W*[:.-]|retracted article",
    re.IGNORECASE,
)
_RETRACTION_KINDS = frozenset(
    ["retraction", "retracted-article", "partial-retraction", "withdrawal"]
)
_RETRACTION_LINKS = frozenset(["retraction-forward", "retracted-by", "withdrawal-forward"])


def title_of(parts: Parts) -> str:
    """The title, and after a colon the subtitle; without footnote marks."""
    for group in parts.get("title-group", []):
        titles = [
            _without_notes(child) for child in group if child.tag in ("article-title", "subtitle")
        ]
        return ": ".join(title.rstrip(" :") for title in titles if title)
    return ""


def _without_notes(title: Element) -> str:
    """A title as it is printed, less the asterisk that leads to a footnote."""
    text = text_of(title)
    for note in title.iter("xref", "fn"):
        if note.tag == "fn" or note.get("ref-type") in ("fn", "author-notes", "corresp"):
            mark = text_of(note)
            text = text.removesuffix(mark).rstrip() if mark else text
    return text


def abstract_of(parts: Parts) -> str:
    """The author's abstract: not a graphical one, a summary for others, or a translation."""
    abstracts = parts.get("abstract", [])
    plain = [a for a in abstracts if not a.get("abstract-type")]
    others = [a for a in abstracts if a.get("abstract-type") not in _NO_ABSTRACT]
    for abstract in (*plain, *others):
        text = text_of(abstract)
        if text:
            return text.removeprefix("Abstract ") if text != "Abstract" else ""
    return ""


_NO_ABSTRACT = frozenset(["graphical", "toc", "teaser", "video", "key-points", "highlights"])


def journal_of(journal_meta: Element | None) -> str:
    """The journal's full title, else its abbreviation."""
    if journal_meta is None:
        return ""
    for tag in ("journal-title", "abbrev-journal-title", "journal-id"):
        for element in journal_meta.iter(tag):
            if tag != "journal-id" or element.get("journal-id-type") in ("nlm-ta", "iso-abbrev"):
                text = text_of(element)
                if text:
                    return text
    return ""


def date_of(parts: Parts) -> str:
    """When it was published, as exactly as it is told: 2013, 2013-04 or 2013-04-19; else empty.

    The electronic date before the printed one before the collection's; of equal ones the more
    exact. The date of release in an archive does not count.
    """
    best: tuple[int, int, str] | None = None
    for element in parts.get("pub-date", []):
        words = {element.get(name, "") for name in ("pub-type", "date-type", "publication-format")}
        rank = min((_DATES.index(word) for word in words if word in _DATES), default=len(_DATES))
        if any("release" in word or "correct" in word for word in words):
            rank = 50
        date = _iso(element)
        if date and (best is None or (-len(date), rank) < best[:2]):
            best = (-len(date), rank, date)
    return best[2] if best else ""


def _iso(element: Element) -> str:
    stated = str(element.get("iso-8601-date") or "")
    if re.fullmatch(r"[12]\d{3}-[01]\d-[0-3]\d", stated):
        return stated
    fields = {child.tag: one_line(child.text or "") for child in element}
    year = fields.get("year", "")
    if not re.fullmatch(r"[12]\d{3}", year):
        return ""
    month_text = fields.get("month", "").lower()
    month = _MONTHS.get(month_text[:3]) or (int(month_text) if month_text.isdecimal() else 0)
    if not 1 <= month <= 12:
        return year
    day = fields.get("day", "")
    if day.isdecimal() and 1 <= int(day) <= 31:
        return f"{year}-{month:02}-{int(day):02}"
    return f"{year}-{month:02}"


def identifiers(parts: Parts) -> dict[str, str]:
    """pmcid (PMC123), pmid, doi (lower case, no URL), arxiv: what is given and well formed."""
    found: dict[str, str] = {}
    for element in parts.get("article-id", []):
        kind, value = element.get("pub-id-type", ""), one_line(element.text or "")
        if kind in ("pmc", "pmcid", "pmcaid"):
            number = value.upper().removeprefix("PMC").partition(".")[0]
            if number.isdecimal() and kind != "pmcaid":
                found.setdefault("pmcid", f"PMC{number}")
        elif kind == "pmid" and value.isdecimal():
            found.setdefault("pmid", value)
        elif kind == "doi" and (doi := _DOI.search(value)):
            found.setdefault("doi", doi[0].lower())
        elif kind == "arxiv" and value:
            found.setdefault("arxiv", value.lower().removeprefix("arxiv:"))
    return found


def keywords_of(parts: Parts, lang: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The authors' keywords in the article's language, and MeSH terms where they stand apart."""
    keywords: dict[str, None] = {}
    mesh: dict[str, None] = {}
    groups = parts.get("kwd-group", [])
    own = [g for g in groups if (_lang(g) or lang)[:2].lower() == lang[:2].lower()] or groups
    for group in own:
        kind = group.get("kwd-group-type", "").lower()
        if "abbr" in kind:
            continue
        into = mesh if "mesh" in kind else keywords
        into.update(dict.fromkeys(_terms(group)))
    return tuple(keywords), tuple(mesh)


def _terms(group: Element) -> Iterable[str]:
    for term in group.iter("kwd", "compound-kwd"):
        text = text_of(term)
        if text:
            yield text


def is_retracted(article_type: str, title: str, parts: Parts) -> bool:
    """Whether an article says that it is retracted, or is the notice that retracts another."""
    if article_type in _RETRACTION_KINDS or _RETRACTED_TITLE.match(title):
        return True
    links = (e.get("related-article-type", "") for e in parts.get("related-article", []))
    if not _RETRACTION_LINKS.isdisjoint(links):
        return True
    headings = (s for c in parts.get("article-categories", []) for s in c.iter("subject"))
    return any(text_of(s).lower().startswith(("retract", "withdrawn")) for s in headings)


def _lang(element: Element) -> str:
    return str(element.get("{http://www.w3.org/XML/1998/namespace}lang") or "")
