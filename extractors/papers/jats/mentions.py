"""Which paragraphs of a JATS article cite which figure, and which of its panels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from domainclip.errors import BadInput

from ..labels import expanded_panels, panels_after, panels_in, series_and_number
from ..records import Figure, Mention
from ..scripts import MARKS
from .floats import Found
from .text import marked_text
from .tree import Element, plain_text

__all__ = ["mentions_of"]

MAX_PARAGRAPH = 100_000  # characters; a longer one is no paragraph, and would be kept once a figure
MAX_READ = 64_000_000  # characters of all citing paragraphs, which may lie in each other
MAX_IDS = 200  # in one reference

_PARAGRAPHS = frozenset(
    [
        "p", "title", "td", "th", "list-item", "def", "term", "disp-quote", "verse-line",
        "attrib", "fn", "article-title"
    ]
)  # fmt: skip
_RANGE = re.compile(r"\s*(?:[-‐‑‒–—−~]|to|through|thru|bis|à|al?|до|至|から)\s*", re.IGNORECASE)
_NUMBERS = re.compile(r"(?<![\d.])(\d{1,3})\s*[-‐‑‒–—−]\s*S?(\d{1,3})(?![\d%])")
_RANGE_AFTER = re.compile(r"\s?[-‐‑‒–—−]\s?S?(\d{1,3})(?![\d.%])")
_SPLIT = re.compile("[\x02\x03]")


def mentions_of(article: Element, found: list[Found], name: str) -> dict[str, tuple[Mention, ...]]:
    """Figure id -> the paragraphs that cite it, in reading order, each once.

    A range (Figs 2–4) cites what lies between its ends too; a group's id cites all its members.
    Nested figures, tables and captions are no part of a paragraph; a figure's own caption does not
    cite it. Panels are upper-case letters, none where the paragraph cites the figure as a whole.
    Raises BadInput where paragraphs that lie in each other come to more than 64 MB.
    """
    targets = _Targets(found)
    if not targets.figures:
        return {}
    paragraphs: dict[Element, dict[Element, list[Figure]]] = {}
    for xref in article.iter("xref"):
        cited = targets.of(xref)
        if cited and (paragraph := _paragraph(xref)) is not None:
            paragraphs.setdefault(paragraph, {})[xref] = cited
    mentions: dict[str, list[Mention]] = {}
    read = 0
    for paragraph, xrefs in paragraphs.items():
        marked, order = marked_text(paragraph, xrefs)
        read += len(marked)
        if read > MAX_READ:
            raise BadInput(f"{name} has paragraphs nested in each other beyond reason.")
        text = marked.replace(MARKS[0], "").replace(MARKS[1], "")
        if not text or len(text) > MAX_PARAGRAPH:
            continue
        own = _own_figures(paragraph, targets)
        pieces = _SPLIT.split(marked)
        cited_panels = _cited(pieces, [xrefs[xref] for xref in order], targets)
        outer = _cited_above(paragraph, paragraphs)
        for figure_id, panels in cited_panels.items():
            if figure_id not in own and figure_id not in outer:
                mentions.setdefault(figure_id, []).append(Mention(text, panels))
    return {figure_id: tuple(those) for figure_id, those in mentions.items()}


class _Targets:
    """What an xref can point at: ids of figures, of their groups and parts, and label numbers."""

    def __init__(self, found: list[Found]) -> None:
        self.figures = [item.figure for item in found if item.figure is not None]
        self.keys: dict[str, tuple[str, int] | None] = {}
        self.by_number: dict[tuple[str, int], Figure] = {}
        self.by_element: dict[Element, Found] = {item.element: item for item in found}
        self._found = found
        self._by_id: dict[str, list[Figure]] = {}
        self._inner: dict[str, list[Figure]] | None = None
        for item in found:
            given = item.element.get("id")
            if given:
                self._by_id.setdefault(given, _figures_for(item))
        for figure in self.figures:
            self.keys[figure.id] = key = series_and_number(figure.label)
            if key is not None:
                self.by_number.setdefault(key, figure)

    def of(self, xref: Element) -> list[Figure]:
        """The figures an xref names, in its order."""
        kind = str(xref.get("ref-type") or "")
        if kind == "bibr":  # nine of ten
            return []
        rids = str(xref.get("rid") or "")
        figures = self._by_id.get(rids)
        to_figure = not kind or kind.startswith("fig")
        if figures or not (to_figure or " " in rids):
            return figures or []
        cited: list[Figure] = []
        for rid in rids.split()[:MAX_IDS]:
            figures = self._by_id.get(rid)
            if figures is None and to_figure:
                figures = self._inside(rid)
            cited.extend(figures or ())
        if not cited and to_figure and kind:
            key = series_and_number(plain_text(xref))
            if key is not None and key in self.by_number:
                cited.append(self.by_number[key])
        return list({figure.id: figure for figure in cited}.values())

    def number(self, figure: Figure) -> str:
        """The number in a figure's label, as text."""
        key = self.keys[figure.id]
        return str(key[1]) if key else ""

    def _inside(self, rid: str) -> list[Figure]:
        """An id of something in a figure: its graphic, its caption, a panel's anchor."""
        if self._inner is None:
            self._inner = {}
            for item in self._found:
                figures = _figures_for(item)
                for part in item.element.iter():
                    given = part.get("id")
                    if given and figures:
                        self._inner[given] = figures
        return self._inner.get(rid, [])


def _figures_for(item: Found) -> list[Figure]:
    """A float's figure; a group's members; for a member that is part of its group, the group's."""
    if item.figure is not None:
        return [item.figure]
    if item.folded and item.inside is not None:
        return _figures_for(item.inside)
    if item.element.tag not in ("fig", "fig-group"):
        return []
    return [figure for child in item.children for figure in _figures_for(child)]


def _paragraph(xref: Element) -> Element | None:
    for ancestor in xref.iterancestors():
        if ancestor.tag in _PARAGRAPHS:
            return ancestor
    return None


def _own_figures(paragraph: Element, targets: _Targets) -> set[str]:
    """The figure in whose caption a paragraph stands."""
    for ancestor in paragraph.iterancestors():
        item = targets.by_element.get(ancestor)
        if item is not None:
            return {figure.id for figure in _figures_for(item)}
        if ancestor.tag in ("sec", "body"):
            break
    return set()


def _cited_above(
    paragraph: Element, paragraphs: dict[Element, dict[Element, list[Figure]]]
) -> set[str]:
    """Figures cited by a paragraph that holds this one (a list in it): its text holds this text."""
    cited: set[str] = set()
    for ancestor in paragraph.iterancestors():
        if ancestor.tag in ("caption", "fig", "table-wrap", "boxed-text", "sec", "body"):
            break
        if ancestor in paragraphs:
            cited |= {f.id for figures in paragraphs[ancestor].values() for f in figures}
    return cited


def _cited(
    pieces: list[str], cited: list[list[Figure]], targets: _Targets
) -> dict[str, tuple[str, ...]]:
    """Figure id -> panels, of a text cut at its marks: outside, xref, outside, xref, ..."""
    panels: dict[str, list[str]] = {}
    for at, figures in enumerate(cited):
        text = pieces[2 * at + 1]
        after = pieces[2 * at + 2] if 2 * at + 2 < len(pieces) else ""
        named = _panels_of(text, after, figures, targets)
        for figure in figures:
            panels.setdefault(figure.id, []).extend(named.get(figure.id, ()))
        for figure in _between(text, after, figures, cited[at + 1 : at + 2], targets):
            panels.setdefault(figure.id, [])
        follower = cited[at + 1] if at + 1 < len(cited) else []
        if len(figures) == 1 and follower == figures and _RANGE.fullmatch(after):
            number = targets.number(figures[0])
            ends = (*named.get(figures[0].id, ())[-1:], *panels_in(pieces[2 * at + 3], number)[:1])
            panels[figures[0].id].extend(expanded_panels(*ends) if len(ends) == 2 else ())
    return {figure: tuple(sorted(set(those))) for figure, those in panels.items()}


def _panels_of(
    text: str, after: str, figures: list[Figure], targets: _Targets
) -> dict[str, list[str]]:
    if len(figures) == 1:
        number = targets.number(figures[0])
        panels = panels_in(text, number)
        return {figures[0].id: panels + panels_after(text, after, number)}
    return {figure.id: panels_in(text, targets.number(figure)) for figure in figures}


def _between(
    text: str,
    after: str,
    figures: list[Figure],
    following: Iterable[list[Figure]],
    targets: _Targets,
) -> Iterator[Figure]:
    """The figures inside a range: "2–4" in one xref, "2"–"4" in two, or "2" with "–4" behind it."""
    first = targets.keys[figures[-1].id]
    if first is None:
        return
    series, low = first
    ends = [(int(a), int(b)) for a, b in _NUMBERS.findall(text)]
    for follower in following:
        last = targets.keys[follower[0].id]
        if last is not None and last[0] == series and _RANGE.fullmatch(after):
            ends.append((low, last[1]))
    if (open_end := _RANGE_AFTER.match(after)) is not None:
        ends.append((low, int(open_end[1])))
    for begin, end in ends:
        for number in range(begin, min(end, begin + 200) + 1):
            figure = targets.by_number.get((series, number))
            if figure is not None:
                yield figure
