"""A folder with one JATS file: an article's package, and what else lies in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .folders import Entry
from .found import Found, Place, belongs, has_text, join_path
from .loose_folder import file_articles
from .names import MAIN_NAMES, SOURCE_FOLDER, extension, stem

__all__ = ["is_one_package", "package_articles"]

TEXT_BYTES = 4 << 20  # of a JATS file, to see which PDFs it names
MANY_PDFS = 30  # more in a folder below a JATS file are papers, not supplements
_PACKAGE = re.compile(r"PMC\d+|10[._]\d{4,}.*")


def is_one_package(place: Place) -> bool:
    """Is the folder its only JATS file's, rather than a place for many papers?"""
    (jats,) = place.entries("jats")
    own, base = stem(jats.name), place.base
    if _PACKAGE.fullmatch(base) or SOURCE_FOLDER.fullmatch(base):
        return True
    unrelated = _unrelated(place, jats.name)
    if unrelated and place.folder.count["pdf"] > 1 and not _named_pdf(place, own):
        return False  # papers; only a PDF that is alone is the article's, however it is called
    if base == own or (len(unrelated) <= 1 and not place.folder.count.get("archive")):
        return True
    return bool(place.folder.count.get("image")) or extension(jats.name) == "nxml"


def package_articles(place: Place) -> Iterator[Found]:
    """The package, after the articles in it that are not its."""
    (jats,) = place.entries("jats")
    own = stem(jats.name)
    others: list[str] = []
    for sub in place.folder.folders:
        if has_text(place, sub) or _many_pdfs(place, sub):
            others.append(sub)
            yield from place.below(sub)
    foreign = [
        each
        for each in place.entries("archive", "jats_set", "refused")
        if not belongs(each.name, own) and _tells(place, each)
    ]
    yield from file_articles(place, foreign)
    told = any(each.kind != "refused" for each in foreign)
    main = [("jats", jats.name), *(("pdf", each) for each in _pdf(place, own))]
    yield Found(
        kind="article",
        name=join_path(place.name, own) if others or told else place.name,
        folder=place.path,
        main=tuple(main),
        without=tuple(others),
    )


def _unrelated(place: Place, jats: str) -> list[str]:
    """The PDFs that neither belong to the JATS file by their names nor are named in it."""
    pdfs = [each.name for each in place.entries("pdf") if not belongs(each.name, stem(jats))]
    if len(pdfs) + place.folder.count.get("pdf", 0) < 3:
        return pdfs
    text = place.tree.start(join_path(place.path, jats), TEXT_BYTES)
    # attributes' and elements' values without their folders: a file's name, or that and no ending
    values = {each.strip() for each in re.split(rb"[\"'<>/]", text)}
    names = {
        each: (each.encode("utf-8", "replace"), stem(each).encode("utf-8", "replace"))
        for each in pdfs
    }
    return [each for each in pdfs if values.isdisjoint(names[each])]


def _pdf(place: Place, own: str) -> list[str]:
    """The PDF that is the whole article: of the same stem, of a usual name, or the only one."""
    names = [each.name for each in place.entries("pdf")]
    same = _named_pdf(place, own)
    if not same and len(names) == 1 and not belongs(names[0], own):
        return names
    return same[:1]


def _named_pdf(place: Place, own: str) -> list[str]:
    names = [each.name for each in place.entries("pdf")]
    same = [each for each in names if stem(each) == own]
    return same or [each for each in names if stem(each).lower() in MAIN_NAMES]


def _many_pdfs(place: Place, sub: str) -> bool:
    folder = place.inside(sub)
    return folder is not None and folder.count.get("pdf", 0) > MANY_PDFS


def _tells(place: Place, entry: Entry) -> bool:
    """Does an archive beside an article hold articles of its own, rather than supplements?"""
    if entry.kind != "archive":
        return True
    holds, what = place.tree.peek(join_path(place.path, entry.name))
    return holds == "many" or (holds, what) == ("one", "text")
