"""A folder with TeX files: one LaTeX article and what else lies among it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from itertools import islice

from .folders import Entry
from .found import Found, Place, has_text, join_path
from .loose_folder import file_articles
from .names import MAIN_NAMES, arxiv_id, stem

__all__ = ["is_one_source", "latex_articles"]

MOST_TEX_BESIDE_PAPERS = 50  # of an article with more the PDFs beside it are graphics all
DEEPEST = 4  # folders below the article's, whose TeX files are looked at

MOST_TEX = 64  # files that are looked at
TEXT_BYTES = 1 << 18  # of each, to see which folders it names
_PART_CLASSES = {"standalone", "subfiles", "minimal"}
# LaTeX's, and plain TeX's own; what has neither is a part of something, or notes
_DOCUMENT = re.compile(
    rb"\\(?:document(?:class|style)|begin\s*\{document\}|magnification|bye\b|input\s*amstex)"
)
# what could be a file's name, or its end: {figures/a}, file=a.pdf, {a,b}
_ARGUMENT = re.compile(rb"([^{}\"=,/\\\n%\[\]]{1,200})[\"},]")
_PICTURES = re.compile(
    r"(fig|figs|figures?|images?|imgs?|pics?|pictures?|plots?|graphics|graphs|media|assets|eps|pdfs?"
    r"|diagrams|suppl?|supplement(ary)?([-_ ].*)?|appendix|anc|ancillary)\d*",
    re.IGNORECASE,
)


def is_one_source(place: Place) -> bool:
    """Are the TeX files parts of one article, not documents of their own or notes on papers?"""
    some = list(islice(place.entries("tex"), MOST_TEX))
    if place.folder.count.get("pdf") and not any(
        each.note or _DOCUMENT.search(_text(place, each.name)) for each in some
    ):
        return bool(place.tree.packed)
    whole = [each for each in some if each.note and each.note not in _PART_CLASSES]
    if len(whole) < 2 or len(whole) < len(some):
        return True
    return len(whole) < 4 and not all(arxiv_id(stem(each.name)) for each in whole)


def latex_articles(place: Place) -> Iterator[Found]:
    """The folder's LaTeX article, after those in it that are not its."""
    some = list(islice(place.entries("tex"), MOST_TEX))
    texts = [_text(place, each.name) for each in some]
    text = b"\n".join(texts)
    named = [each for each in place.folder.folders if _names(text, each)]
    texts += [each for sub in named for each in _texts_below(place, sub)]
    text = b"\n".join(texts)
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
    papers = _papers(place, stems, texts)
    compiled = papers if len(papers) == 1 and _is_compiled(*papers) else frozenset()
    main = {"latex": ""}
    foreign: list[Entry] = []
    for each in place.entries("jats", "jats_set", "pdf", "archive", "refused"):
        if each.kind in ("jats", "pdf") and stem(each.name) in stems:
            main.setdefault(each.kind, each.name)
        elif each.name in compiled and "pdf" not in main:
            main["pdf"] = each.name
        elif (
            each.kind == "refused"
            or each.name in papers
            or (others and stem(each.name).lower().encode("utf-8", "replace") not in text)
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


def _papers(place: Place, stems: Set[str], texts: Sequence[bytes]) -> Set[str]:
    """The PDFs beside an article's TeX files that none of these names as a graphic.

    Of a package (an archive, or a folder named by an arXiv number) all are graphics; so they are
    where not all of the TeX can be looked through.
    """
    known = len(texts) <= MOST_TEX_BESIDE_PAPERS and all(len(e) < TEXT_BYTES for e in texts)
    if place.tree.packed or arxiv_id(place.base) or not known:
        return frozenset()
    named: set[str] = set()
    for text in texts:
        for found in _ARGUMENT.finditer(text):
            whole = found.group(1).decode("utf-8", "replace").strip()
            for each in (whole, whole.rpartition(" ")[2]):  # \\folder name: a command before it
                named |= {each, stem(each)}
    names = {each.name for each in place.entries("pdf") if stem(each.name) not in stems}
    return {each for each in names if stem(each).lower() not in named}


def _is_compiled(pdf: str) -> bool:
    """Does a PDF bear a name that people give to an article made of TeX?"""
    return bool(arxiv_id(stem(pdf))) or stem(pdf).lower() in MAIN_NAMES


def _text(place: Place, name: str) -> bytes:
    return place.tree.start(join_path(place.path, name), TEXT_BYTES).lower()


def _texts_below(place: Place, sub: str, depth: int = 0) -> Iterator[bytes]:
    folder = place.inside(sub)
    if folder is None:
        return
    names = (e.name for _, group in folder.groups() for e in group if e.kind == "tex")
    for name in islice(names, MOST_TEX):
        yield _text(place, join_path(sub, name))
    if depth < DEEPEST:
        for each in folder.folders:
            yield from islice(_texts_below(place, join_path(sub, each), depth + 1), MOST_TEX)


def _names(text: bytes, folder: str) -> bool:
    return folder.lower().encode("utf-8", "replace") + b"/" in text
