"""One article out of its forms: JATS or LaTeX say what the figures are, the PDF shows them.

A figure of the PDF belongs to the one of the text that bears its number, unless the two captions
have nothing in common (the PDF is of another article); where labels are missing or were counted
otherwise, to the one whose caption reads alike, if they clearly do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from .licences import allows
from .records import Article, Figure, Form

__all__ = ["Merged", "filled", "merge", "number_of"]

_ORDER: tuple[Form, ...] = ("jats", "latex", "pdf")
_ALIKE = 0.75  # difflib ratio of the first letters; captions of one article that differ stay below
_FOREIGN = 0.25  # share of trigrams in common below which captions are of different figures
_SHORT = 20  # letters; what is shorter tells nothing
_LETTERS = 160

# what a label is of, by the beginning of its words; anything else counts as a figure
_KINDS = (
    ("table", ("tab", "таб", "表", "표")),
    ("scheme", ("scheme", "schema", "chart", "plate")),
)
_NUMBER = re.compile(r"(?<![A-Za-z])([A-Z]{0,2}[.-]?\d+(?:[.-]\d+)*|[IVXL]+)(?![A-Za-z])")
_WORDS = re.compile(r"(?:fig(?:ure)?|table|tab|scheme)s?\.?", re.IGNORECASE)
_PREFIXES = ("extended", "supplement", "suppl", "appendix", "additional")


@dataclass(frozen=True, slots=True)
class Merged:
    """A figure as the article's text has it, beside the same one of its PDF.

    figure: of ``form``. shown: the same figure as the PDF shows it, or None.
    """

    figure: Figure
    form: Form
    shown: Figure | None


def merge(articles: Mapping[Form, Article]) -> tuple[Article, tuple[Merged, ...]]:
    """The article and its figures, from the forms that are there (at least one).

    What the first form (JATS, then LaTeX, then PDF) leaves empty, the next fills in. Of two
    licences the one that allows less stands.
    """
    forms = [form for form in _ORDER if form in articles]
    article = articles[forms[0]]
    for form in forms[1:]:
        article = filled(article, articles[form])
    # a text without figures (an abstract's XML, a .tex around a ready PDF) leaves them to the PDF
    base = next((form for form in forms if articles[form].figures), forms[0])
    shown = articles["pdf"].figures if "pdf" in articles and base != "pdf" else ()
    twins = _twins(articles[base].figures, shown)
    figures = tuple(
        Merged(figure, base, figure if base == "pdf" else twins.get(at))
        for at, figure in enumerate(articles[base].figures)
    )
    return replace(article, form=base), figures


def number_of(label: str) -> tuple[str, str]:
    """What a label counts, and its number: ("figure", "2"), ("table", "s1"), ("scheme", "iv").

    ("figure", "") where there is no number. "Extended Data Fig. 2" is another row of numbers than
    "Fig. 2": ("extended figure", "2").
    """
    words = label.casefold()
    kind = next((name for name, starts in _KINDS if any(s in words for s in starts)), "figure")
    prefix = next((start for start in _PREFIXES if words.startswith(start)), "")
    if prefix.startswith("suppl"):
        prefix = "supplement"
    found = _NUMBER.findall(_WORDS.sub(" ", label))  # the words may be glued to it: "Fig2"
    number = found[-1].casefold().replace("-", ".") if found else ""
    if prefix == "supplement" and number.startswith("s"):
        prefix = ""  # "Supplementary Figure S2" is "Figure S2"
    return f"{prefix} {kind}".strip(), number


def filled(article: Article, other: Article) -> Article:
    """The article with what it lacks taken from ``other``; of two licences, the one that allows
    less."""
    empty = {
        name: getattr(other, name)
        for name in ("title", "abstract", "journal", "date", "lang", "kind", "keywords", "mesh")
        if not getattr(article, name)
    }
    ids = {**other.ids, **article.ids}
    known = [each for each in (article, other) if each.license not in ("", "unknown")]
    ruling = known[0] if known else article
    if len(known) == 2 and not allows(known[1].license, "commercial"):
        ruling = known[0] if not allows(known[0].license, "commercial") else known[1]
    return replace(
        article,
        **empty,
        ids=ids,
        license=ruling.license or other.license,
        license_text=ruling.license_text or other.license_text,
        retracted=article.retracted or other.retracted,
    )


def _twins(figures: Sequence[Figure], shown: Sequence[Figure]) -> dict[int, Figure]:
    """Index of a figure -> the PDF's figure that it is; none is given twice."""
    twins: dict[int, Figure] = {}
    by_number: dict[tuple[str, str], list[Figure]] = {}
    for each in shown:
        by_number.setdefault(number_of(each.label), []).append(each)
    for at, figure in enumerate(figures):
        if figure.kind in ("supplementary", "video"):
            continue  # "Video 1" is another row of numbers than "Figure 1"
        key = number_of(figure.label)
        same = by_number.get(key, [])
        if key[1] and len(same) == 1 and not _foreign(figure.caption, same[0].caption):
            twins[at] = same.pop()
    left = [each for same in by_number.values() for each in same]
    for at, figure in enumerate(figures):
        if at in twins or not left or not figure.caption:
            continue
        ratios = [_alikeness(figure.caption, each.caption) for each in left]
        best = max(range(len(left)), key=ratios.__getitem__)
        if ratios[best] >= _ALIKE:
            twins[at] = left.pop(best)
    return twins


def _foreign(one: str, other: str) -> bool:
    first, second = _letters(one), _letters(other)
    if min(len(first), len(second)) < _SHORT:
        return False
    # not a ratio of matching letters: that of any two English sentences is a third
    threes = [{text[at : at + 3] for at in range(len(text) - 2)} for text in (first, second)]
    return len(threes[0] & threes[1]) < _FOREIGN * min(map(len, threes))


def _alikeness(one: str, other: str) -> float:
    return SequenceMatcher(None, _letters(one), _letters(other), autojunk=False).ratio()


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())[:_LETTERS]
