"""An article from its LaTeX source (as arXiv ships it): figures, captions, graphics, mentions.

TeX is never run: a reader of its own (reader) joins the files, expands the document's macros
and obeys what it says about counters and conditionals, as far as figures need it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..credits import is_third_party
from ..records import Article, Figure, FigureKind, Mention
from ..sources.names import arxiv_id
from .document import ENVIRONMENTS, DocumentReader
from .environments import PROTECTED
from .floats import Draft
from .languages import language_of
from .mentions import References
from .primitives import reader_of
from .state import State
from .tree import SourceTree, find_main

__all__ = ["find_main", "parse_latex"]

_KINDS: dict[str, FigureKind] = {"figure": "figure", "table": "table", "scheme": "scheme"}


def parse_latex(
    files: Collection[str], read: Callable[[str], bytes], main: str, name: str
) -> Article:
    """The article whose root file is ``main`` (as ``find_main`` gives it).

    files: names of all files of the package; ``read`` gives the bytes of one. name: of the package,
    for messages and the arXiv identifier. A graphic's href is the file of the package where it is
    there, else what the source says. Tables are figures of kind "table" where they hold graphics.
    note of a figure says why it has no graphic (tikz, missing file), or what is not in it.

    Raises BadInput: the root cannot be read, files or macros without end.
    """
    tree = SourceTree(files, read, main, name)
    state = State(tree, protected=PROTECTED | ENVIRONMENTS)
    text = tree.text(main)
    reader = reader_of(state, text, path=main)
    document = DocumentReader(state, reader)
    if "\\begin{document}" not in text:
        document.begin("document")  # plain TeX has no preamble
    document.read()
    document.close_all()
    language = language_of(state)
    kept = [draft for draft in document.finished if _is_figure(draft)]
    others = [draft for draft in document.finished if not _is_figure(draft)]
    numbers = {label: (draft.kind, draft.number) for draft in others for label in draft.labels}
    references = References(document.references, kept, document.numbers | numbers)
    mentions = references.mentions(document.paragraphs)
    identifier = arxiv_id(name)
    return Article(
        form="latex",
        title=references.resolved(document.title),
        abstract=references.resolved(document.abstract),
        lang=language,
        ids={"arxiv": identifier} if identifier else {},
        keywords=document.keywords,
        figures=tuple(
            _figure(draft, identity, references, mention, language)
            for draft, identity, mention in zip(kept, _identities(kept), mentions, strict=True)
        ),
    )


def _is_figure(draft: Draft) -> bool:
    """A figure with a caption or a graphic; of other floats those with graphics."""
    if any(content.graphic for content in draft.contents):
        return True
    return draft.kind in ("figure", "scheme", "chart") and bool(draft.caption)


def _identities(figures: list[Draft]) -> list[str]:
    """Each figure's first label, else its place; no two are the same."""
    taken: set[str] = set()
    names: list[str] = []
    for number, draft in enumerate(figures, 1):
        wanted = [label for label in draft.labels if label not in taken]
        name = wanted[0] if wanted else f"fig{number}"
        while name in taken:
            name += "_"
        taken.add(name)
        names.append(name)
    return names


def _figure(
    draft: Draft,
    identity: str,
    references: References,
    mentions: tuple[Mention, ...],
    language: str,
) -> Figure:
    caption = references.resolved(draft.caption)
    graphics = tuple(content.graphic for content in draft.contents if content.graphic)
    notes = dict.fromkeys(content.note for content in draft.contents if content.note)
    if draft.note:
        graphics, notes = (), dict.fromkeys([draft.note, *notes])
    elif graphics:
        notes.pop("tabular: made by TeX, no graphics file", None)
    elif not notes:
        notes = {"text: the float names no graphics file": None}
    return Figure(
        id=identity,
        label=draft.label,
        kind=_KINDS.get(draft.kind, "figure"),
        caption=caption,
        graphics=graphics,
        mentions=mentions,
        third_party=is_third_party(caption),
        lang=language,
        note="; ".join(notes)[:500],
    )
