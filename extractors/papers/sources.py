"""Where papers come from: what a path or URL is, told by its content, and each article in it."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput, nearest
from domainclip.extraction import Source

from .archives import PEEK_BYTES
from .articles import articles
from .bulk import archive_sources, refused_source, set_sources
from .folders import Tree, entry_of, matters
from .found import FORMS, Found, is_bucket_name
from .kinds import HEAD_BYTES, root_name
from .lists import LEGACY_LIST, Licences, is_list, licences_beside, listed_sources
from .names import extension, shown, stem
from .places import is_url, join
from .pmc import BUCKET, bucket_source, inventory_sources, is_manifest
from .trees import LARGE_PACKED_BYTES, DiskTree, RemoteTree, peeked

__all__ = ["find_sources"]

_PMCID = re.compile(r"PMC\d+")


def find_sources(
    root: str, *, since: str = "", bucket: str = BUCKET, ignored: Counter[str] | None = None
) -> Iterator[Source]:
    """A source for every article under a path or URL, one by one.

    root: a folder of any of these, a PDF, a JATS or TeX file, a package (.tar.gz, .gz, .zip), an
    archive of many, a PMC bucket or mirror of it, its inventory's manifest.json, a list of
    numbers or paths (.txt, .csv). since: a day (2026-11-01); of an inventory only what changed on
    or after it. bucket: where a list's PMC numbers are found. ignored: counts files that are
    nobody's concern (images without article, data, checksums) by kind.

    A file that could be a paper and cannot be used is a source too; ``open_package`` gives its
    Skip. Raises BadInput where there is nothing at ``root``; MissingExtra for a URL without fsspec.
    """
    ignored = Counter() if ignored is None else ignored
    if is_url(root):
        yield from _remote(root, since, bucket, ignored)
        return
    if not os.path.lexists(root):
        raise BadInput(f"{root!r}: there is no such file or folder.{_near(root)}")
    if Path(root).is_dir():
        yield from _folder(root, ignored)
    else:
        yield from _file(root, _own_name(root), since, bucket, ignored)


def _folder(root: str, ignored: Counter[str]) -> Iterator[Source]:
    name = _own_name(root)
    if is_bucket_name(name):
        yield Source(name, root.rstrip("/"), (("form", "pmc"),))
        return
    licences = licences_beside(root)
    tree = DiskTree(root, ignored)
    for found in articles(tree, "", ""):
        yield from _of_found(found, tree, root, name, ignored, licences)


def _of_found(
    found: Found,
    tree: Tree,
    root: str,
    root_name: str,
    ignored: Counter[str],
    licences: Licences | None = None,
) -> Iterator[Source]:
    # the root's own article has no name below the root
    name = shown(found.name) or shown(root_name)
    folder = join(root, found.folder) if found.folder else root
    if found.kind == "refused":
        yield refused_source(name, folder, found.reason, found.detail)
        return
    if found.kind == "bucket":
        base, _, last = folder.rstrip("/").rpartition("/")
        yield bucket_source(base or ".", last) if base else Source(last, folder, (("form", "pmc"),))
        return
    if found.kind == "archive":
        assert found.files is not None
        yield from _expanded(join(folder, found.files[0]), name, ignored)
        return
    own = stem(found.archives[0]) if found.archives else stem(found.folder)
    meta = licences.meta(own) if licences is not None and _PMCID.fullmatch(own) else []
    yield _article(found, name, folder, meta)


def _article(found: Found, name: str, folder: str, meta: list[list[str]]) -> Source:
    if not found.main and len(found.archives) == 1 and not found.folders:
        plain: dict[str, Any] = {"form": "archive", "meta": meta}
        folder = join(folder, found.archives[0])
    else:
        plain = {
            "form": "folder",
            "main": [list(each) for each in found.main],
            "files": None if found.files is None else list(found.files),
            "folders": None if found.folders is None else list(found.folders),
            "without": list(found.without),
            "archives": list(found.archives),
            "shared": found.shared,
            "meta": meta,
        }
    part = {k: v for k, v in plain.items() if v or (v == [] and k in ("files", "folders"))}
    return Source(name, folder, tuple(part.items()))


def _expanded(path: str, name: str, ignored: Counter[str]) -> Iterator[Source]:
    """The articles of an archive or of an XML file with several."""
    if extension(path) in ("xml", "nxml", "jats") and not is_url(path):
        yield from set_sources(path, (), name, Path(path).stat().st_size)
    else:
        yield from archive_sources(path, (), name, ignored)


def _file(path: str, name: str, since: str, bucket: str, ignored: Counter[str]) -> Iterator[Source]:
    """What one file on disk is."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        detail = f"It cannot be read ({error.strerror})."
        yield refused_source(shown(name), path, "unreadable_file", detail)
        return
    if is_manifest(head):
        yield from inventory_sources(path, since=since)
        return
    if extension(path) in ("txt", "csv", "tsv", "") and is_list(path, head):
        yield from _listed(path, bucket, ignored)
        return
    yield from _of_entry(path, name, head, ignored)


def _of_entry(path: str, name: str, head: bytes, ignored: Counter[str]) -> Iterator[Source]:
    entry = entry_of(path.rsplit("/", 1)[-1], head)
    folder, _, last = path.rpartition("/")
    folder = folder or "."
    if entry.kind in ("archive", "jats_set"):
        if entry.kind == "archive" and _is_package(path):
            yield Source(shown(_without_ending(name)), path, (("form", "archive"),))
            return
        yield from _expanded(path, shown(_without_ending(name)), ignored)
    elif entry.kind in FORMS:
        # its images lie beside it
        main = ((FORMS[entry.kind], last),)
        shared = entry.kind == "jats"
        files = None if entry.kind == "tex" else (last,)
        article = Found(kind="article", name="", folder="", main=main, files=files, shared=shared)
        yield _article(article, shown(_without_ending(name)), folder, [])
    elif matters(entry):
        detail = "Only JATS, LaTeX and PDF, and archives and lists of them, are read."
        yield refused_source(shown(name), path, f"unread_{entry.kind}", detail)
    else:
        ignored[entry.kind] += 1


def _is_package(path: str) -> bool:
    """Is an archive one article's? One that is named itself is looked through, not only at its
    start."""
    size = 0 if is_url(path) else Path(path).stat().st_size
    look = PEEK_BYTES if is_url(path) else LARGE_PACKED_BYTES
    return peeked(path, (), path.rsplit("/", 1)[-1], size, look)[0] == "one"


def _listed(path: str, bucket: str, ignored: Counter[str]) -> Iterator[Source]:
    licences = None
    if path.rsplit("/", 1)[-1] == LEGACY_LIST:
        licences = Licences(path)
    for each in listed_sources(path, bucket):
        if isinstance(each, Source):
            yield each
            continue
        where, name = each
        if is_url(where):
            yield from _remote(where, "", bucket, ignored)
        elif Path(where).is_dir():
            tree = DiskTree(where, ignored)
            for found in articles(tree, "", name.strip("/")):
                yield from _of_found(found, tree, where, name, ignored)
        else:
            for source in _file(where, name, "", bucket, ignored):
                yield _with_licence(source, licences)


def _with_licence(source: Source, licences: Licences | None) -> Source:
    own = stem(source.path)
    if licences is None or not _PMCID.fullmatch(own):
        return source
    return Source(own, source.path, (*source.part, ("meta", licences.meta(own))))


def _remote(url: str, since: str, bucket: str, ignored: Counter[str]) -> Iterator[Source]:
    """What a URL is: by its name, and for folders by what the server lists."""
    from .remote import open_remote, pages_of_prefix

    last = url.rstrip("/").rsplit("/", 1)[-1]
    if is_bucket_name(last):
        yield bucket_source(url.rstrip("/").rpartition("/")[0], last)
        return
    if not url.endswith("/") and (extension(last) or url.startswith("http")):
        with open_remote(url) as file:
            head = file.read(HEAD_BYTES)
        if is_manifest(head):
            yield from inventory_sources(url, since=since)
            return
        if extension(last) in ("txt", "csv", "tsv") and is_list(url, head):
            yield from _listed(url, bucket, ignored)
            return
        if extension(last) or root_name(head).lower() != "html":  # else a server's list of files
            yield from _of_entry(url, last, head, ignored)
            return
    if url.startswith("s3://"):
        # a bucket of millions of articles is never listed whole
        names = pages_of_prefix(url.rstrip("/") + "/")
        first = list(islice(names, 1000))
        if any(is_bucket_name(each) for each in first):
            for name in chain(first, names):
                if is_bucket_name(name):
                    yield bucket_source(url.rstrip("/"), name)
            return
    tree = RemoteTree(url, ignored)
    for found in articles(tree, "", ""):
        yield from _of_found(found, tree, url.rstrip("/"), last, ignored)


def _own_name(root: str) -> str:
    return Path(os.path.abspath(root)).name or "root"  # noqa: PTH100 - links keep their names


def _without_ending(name: str) -> str:
    folder, slash, last = name.rpartition("/")
    return folder + slash + stem(last)


def _near(root: str) -> str:
    """What a mistyped path may have meant."""
    path = Path(root)
    while path != path.parent and not path.parent.is_dir():
        path = path.parent
    try:
        there = [str(each) for each in islice(path.parent.iterdir(), 10_000)]
    except OSError:
        return ""
    return nearest(str(path), there)
