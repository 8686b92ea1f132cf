"""A folder with TeX files: one LaTeX article and what else lies among it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from .folders import Entry
from .found import Found, Place, has_text, join_path
from .loose_folder import file_articles
from .names import arxiv_id, stem

__all__ = ["is_one_source", "latex_articles"]

MOST_TEX = 64  # files that are looked at
TEXT_BYTES = 1 << 18  # of each, to see which folders it names
_PART_CLASSES = {"standalone", "subfiles", "minimal"}
_PICTURES = re.compile(
    r"(fig|figs|figures?|images?|imgs?|pics?|pictures?|plots?|graphics|graphs|media|assets|eps|pdfs?"
    r"|diagrams|suppl?|supplement(ary)?([-_ ].*)?|appendix|anc|ancillary)\d*",
    re.IGNORECASE,
)


def is_one_source(place: Place) -> bool:
    """Are the TeX files parts of one article, not documents of their own?"""
    some = list(islice(place.entries("tex"), MOST_TEX))
    whole = [each for each in some if each.note and each.note not in _PART_CLASSES]
    if len(whole) < 2 or len(whole) < len(some):
        return True
    return len(whole) < 4 and not all(arxiv_id(stem(each.name)) for each in whole)


def latex_articles(place: Place) -> Iterator[Found]:
    """The folder's LaTeX article, after those in it that are not its."""
    some = list(islice(place.entries("tex"), MOST_TEX))
    text = b"\n".join(_text(place, each.name) for each in some)
    named = [each for each in place.folder.folders if _names(text, each)]
    text += b"".join(_text_below(place, each) for each in named)
    others: list[str] = []
    for sub in place.folder.folders:
        if sub in named or _names(text, sub):
            continue
        if _PICTURES.fullmatch(sub) and not has_text(place, sub):
            continue
        found = place.below(sub)
        first = next(found, None)
        if first is not None:
            others.append(sub)
            yield first
            yield from found
    whole = [each for each in some if each.note] or some[:1]
    stems = {place.base, *(stem(each.name) for each in whole)}
    main = {"latex": ""}
    foreign: list[Entry] = []
    for each in place.entries("jats", "jats_set", "pdf", "archive", "refused"):
        if each.kind in ("jats", "pdf") and stem(each.name) in stems:
            main.setdefault(each.kind, each.name)
        elif each.kind == "refused" or (
            others and stem(each.name).lower().encode("utf-8", "replace") not in text
        ):
            foreign.append(each)
    yield from file_articles(place, foreign)
    # among other articles' folders the file's own name tells it
    name = join_path(place.name, stem(whole[0].name)) if others else place.name
    yield Found(
        kind="article",
        name=name,
        folder=place.path,
        main=tuple(main.items()),
        without=tuple(others),
    )


def _text(place: Place, name: str) -> bytes:
    return place.tree.start(join_path(place.path, name), TEXT_BYTES).lower()


def _text_below(place: Place, sub: str) -> bytes:
    folder = place.inside(sub)
    if folder is None:
        return b""
    names = (e.name for _, group in folder.groups() for e in group if e.kind == "tex")
    return b"\n".join(_text(place, join_path(sub, each)) for each in islice(names, MOST_TEX))


def _names(text: bytes, folder: str) -> bool:
    return folder.lower().encode("utf-8", "replace") + b"/" in text
