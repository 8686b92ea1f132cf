"""The paragraphs of a PDF's text that cite a figure or table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..records import Mention
from .citations import citations, stems
from .page import Caption, Page
from .prose import paragraphs
from .wording import Words, joined

__all__ = ["find_mentions"]

_SHORTEST = 40  # letters; less is a heading, a cell or a note in a figure


def find_mentions(
    pages: Sequence[Page], captions: Sequence[Caption]
) -> dict[tuple[str, str], tuple[Mention, ...]]:
    """(kind, number) of each caption that is cited -> the paragraphs that do, in order, each once.

    The captions of other figures and tables come last. A paragraph that cites the figure as a
    whole names no panels.
    """
    known = {(caption.kind, caption.number) for caption in captions}
    words, begin = Words(pages), stems(caption.label for caption in captions)
    found: dict[tuple[str, str], list[Mention]] = {}
    for paragraph in paragraphs(pages, captions):
        text = joined(paragraph, words)
        if len(text) >= _SHORTEST:
            for name, panels in _cited(text, known, begin).items():
                found.setdefault(name, []).append(Mention(text, panels))
    for caption in captions:
        for name, panels in _cited(caption.text, known, begin).items():
            if name != (caption.kind, caption.number):
                found.setdefault(name, []).append(Mention(caption.text, panels))
    return {name: tuple(mentions) for name, mentions in found.items()}


def _cited(
    text: str, known: Collection[tuple[str, str]], begin: Sequence[str]
) -> dict[tuple[str, str], tuple[str, ...]]:
    """The known ones that the text cites -> their panels, () where one is cited as a whole."""
    panels: dict[tuple[str, str], list[str] | None] = {}
    for cited in citations(text, known, begin):
        name: tuple[str, str] = cited.kind, cited.number
        if name in known:
            before = panels.setdefault(name, [])
            if not cited.panels:
                panels[name] = None
            elif before is not None:
                before.extend(cited.panels)
    return {name: tuple(dict.fromkeys(letters or ())) for name, letters in panels.items()}
