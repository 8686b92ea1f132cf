"""A folder of many papers: files of one stem are one article."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Literal

from .folders import Entry
from .found import FORMS, Found, Place, belongs, join_path
from .names import MAIN_NAMES, SOURCE_FOLDER, stem

__all__ = ["file_articles", "loose_articles", "why_not"]

MOST_ATTACHED = 2000  # files that begin with a JATS file's stem
MOST_SPARE = 8  # folders without article that each JATS file of a folder gets to see

_NOT_ATTACHED = ("archive", "jats_set", "pdf", "tex", "refused")  # they are spoken of apart

Joined = Mapping[str, tuple[str, Found]]


def loose_articles(place: Place) -> Iterator[Found]:
    """The articles of the folders below, then those of the folder's own files."""
    joined: dict[str, tuple[str, Found]] = {}
    spare: list[str] = []
    seen: list[Counter[str]] = []  # what was ignored in the spare ones
    for sub in place.folder.folders:
        before = Counter(place.tree.ignored)
        found = place.below(sub)
        some = list(islice(found, 2))
        if not some:
            spare.append(sub)
            seen.append(place.tree.ignored - before)
            continue
        key = _same_article(place, sub, some[0]) if len(some) == 1 else ""
        if key and key not in joined:
            joined[key] = (sub, some[0])
            continue
        yield from some
        yield from found
    taken: set[str] = set()
    images = 0
    above: list[str] = []  # JATS stems that the current one begins with
    for key, group in place.folder.groups():
        while above and not key.startswith(above[-1]):
            above.pop()
        kinds = {each.kind for each in group}
        text = kinds & {"jats", "jats_set", "tex"}
        if not text and key not in joined and any(belongs(key, it) for it in above):
            continue  # X-S1.pdf beside X.xml
        if "jats" in kinds:
            above.append(key)
        for each in _group(place, key, group, joined, spare):
            taken.update(each.folders or ())
            if each.kind == "article":
                images += len({*(each.files or ())} - {name for _, name in each.main})
            yield each
    for sub, ignored in zip(spare, seen, strict=True):
        if sub in taken:
            place.tree.ignored.subtract(ignored)
    place.tree.ignored["image"] += max(0, place.folder.count.get("image", 0) - images)
    place.tree.ignored["other"] += place.folder.count.get("other", 0)


def file_articles(place: Place, entries: Sequence[Entry]) -> Iterator[Found]:
    """What some files of a folder are, each on its own."""
    for each in entries:
        yield from _group(place, stem(each.name), [each], {}, [])


def _group(
    place: Place, key: str, group: Sequence[Entry], joined: Joined, spare: Sequence[str]
) -> Iterator[Found]:
    """The article of the files of one stem, and what among them is none of it."""
    main: dict[str, str] = {}
    for each in group:
        if each.kind in FORMS and FORMS[each.kind] not in main:
            main[FORMS[each.kind]] = each.name
        elif each.kind in ("pdf", "tex"):  # x.pdf and x.PDF
            yield _of_file(place, each, "article")
    archives: list[str] = []
    for each in group:
        if each.kind == "archive":
            holds, detail = place.tree.peek(join_path(place.path, each.name))
            if holds == "one":
                archives.append(each.name)
            elif holds == "many":
                yield _of_file(place, each, "archive")
            elif holds != "none" or not main:
                yield _of_file(place, each, "refused", holds, detail)
        elif each.kind == "jats_set":
            yield _of_file(place, each, "archive")
        elif each.kind not in FORMS and (not main or each.kind == "refused"):
            yield _of_file(place, each, "refused", *why_not(each))
    if not main and not archives:
        return
    files = list(main.values())
    folders: list[str] = []
    if "jats" in main:
        files += [each for each in _attached(place, key, group) if each not in files]
        folders = [each for each in spare if belongs(each, key)] or list(spare[:MOST_SPARE])
    article = Found(
        kind="article",
        name=join_path(place.name, key),
        folder=place.path,
        main=tuple(main.items()),
        files=tuple(files),
        folders=tuple(folders),
        archives=tuple(archives),
        shared="jats" in main,
    )
    yield _joined(place, article, *joined[key]) if key in joined else article


def _attached(place: Place, key: str, group: Sequence[Entry]) -> Iterator[str]:
    """The files that begin with a JATS file's stem, and with no longer one's."""
    longer = ""
    for name in islice(place.folder.beginning_with(key), MOST_ATTACHED):
        own = stem(name)
        if own == key:
            if not any(each.name == name and each.kind in _NOT_ATTACHED for each in group):
                yield name
        elif not belongs(name, key) or (longer and belongs(name, longer)):
            continue
        elif any(each.kind in ("jats", "tex") for each in place.folder.group(own)):
            longer = own
        else:
            yield name


def _same_article(place: Place, sub: str, found: Found) -> str:
    """The stem in this folder whose files are the same article as the only one in ``sub``."""
    if found.kind != "article" or not found.folder.startswith(join_path(place.path, sub)):
        return ""
    forms = {form for form, _ in found.main}
    stems = [sub, *(stem(name) for _, name in found.main if name)]
    few = list(islice(place.folder.groups(), 2))
    if len(few) == 1 and SOURCE_FOLDER.fullmatch(sub) and few[0][0].lower() in MAIN_NAMES:
        stems.append(few[0][0])  # paper.pdf and source/
    for key in stems:
        here = {FORMS[each.kind] for each in place.folder.group(key) if each.kind in FORMS}
        if here and not here & forms:
            return key
    return ""


def _joined(place: Place, article: Found, sub: str, found: Found) -> Found:
    """An article's files here and what of it lies in a folder below."""
    start = found.folder[len(place.path) :].lstrip("/")
    few = list(islice(place.folder.groups(), 2))
    alone = len(few) == 1 and len(place.folder.folders) == 1 and place.path
    below = tuple((form, join_path(start, name) if name else "") for form, name in found.main)
    return replace(
        article,
        name=place.name if alone else article.name,
        main=(*below, *article.main),
        folders=(*(article.folders or ()), sub),
        without=tuple(join_path(start, each) for each in found.without),
        archives=(*article.archives, *(join_path(start, each) for each in found.archives)),
    )


def _of_file(
    place: Place,
    entry: Entry,
    kind: Literal["article", "archive", "refused"],
    reason: str = "",
    detail: str = "",
) -> Found:
    if reason == "none":
        reason, detail = "no_article", "The archive holds no JATS, TeX or PDF file."
    return Found(
        kind=kind,
        name=join_path(place.name, stem(entry.name) if kind == "archive" else entry.name),
        folder=place.path,
        main=((FORMS[entry.kind], entry.name),) if kind == "article" else (),
        files=(entry.name,),
        folders=() if kind == "article" else None,
        reason=reason,
        detail=detail,
    )


def why_not(entry: Entry) -> tuple[str, str]:
    """(reason, sentence) of a file that cannot be used."""
    if entry.kind == "refused":
        reason, found, sentence = entry.note.partition(": ")
        if found and reason.isidentifier():
            return reason, sentence
        return "refused_file", f"It is not read: {entry.note}."
    if entry.kind == "xml":
        root = f"its root element is <{entry.note}>" if entry.note else "it has no root element"
        return "not_jats", f"An XML file, but no JATS article: {root}."
    if entry.kind == "unread_archive":
        return "unread_archive", "An archive of a kind that is not read; repack it as zip or tar."
    return "unread_document", "Only JATS, LaTeX and PDF are read; convert it to PDF."
