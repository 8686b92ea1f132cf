"""Where papers come from: what a path or URL is, told by its content, and each article in it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from domainclip.errors import BadInput, UsageError, nearest
from domainclip.extraction import Source
from domainclip.extraction.archives.members import HEAD_BYTES, PEEK_BYTES
from domainclip.extraction.archives.names import shown

from .articles import articles
from .bulk import archive_sources, refused_source, set_sources
from .folders import Tree, entry_of, matters
from .found import FORMS, Found, is_bucket_name
from .kinds import root_name
from .lists import is_list, listed_sources
from .loose_folder import why_not
from .names import extension, last_name, stem
from .places import is_url, join
from .pmc import BUCKET, bucket_source, inventory_sources, is_manifest
from .registers import Registers
from .trees import LARGE_PACKED_BYTES, DiskTree, RemoteTree, peeked

__all__ = ["find_sources"]

_LISTS = ("txt", "csv", "tsv")


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
    finder = _Finder(since, bucket, Counter() if ignored is None else ignored)
    if is_url(root):
        yield from finder.url(root)
        return
    if not os.path.lexists(root):
        raise BadInput(f"{root!r}: there is no such file or folder.{_near(root)}")
    is_folder = Path(root).is_dir()
    registers = Registers.beside(root if is_folder else str(Path(root).parent))
    found = finder.folder(root) if is_folder else finder.file(root, _own_name(root))
    for source in found:
        yield registers.told(source)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Looks at one thing after another. in_list: a list named it."""

    since: str
    bucket: str
    ignored: Counter[str]
    in_list: bool = False

    def folder(self, root: str, above: str = "") -> Iterator[Source]:
        """The articles of a folder on disk, named below ``above``."""
        self._check_since(root)
        name = _own_name(root)
        if is_bucket_name(name):
            yield Source(name, root.rstrip("/"), (("form", "pmc"),))
            return
        tree = DiskTree(root, self.ignored)
        for found in articles(tree, "", above):
            yield from self._sources(found, tree, root, name)

    def file(self, path: str, name: str) -> Iterator[Source]:
        """What one file on disk is."""
        try:
            with Path(path).open("rb") as file:
                head = file.read(HEAD_BYTES)
        except OSError as error:
            detail = f"It cannot be read ({error.strerror})."
            reason = "unreadable_file"
            if Path(path).is_symlink() and not Path(path).exists():
                reason, detail = "dangling_link", "It is a link to nothing; give its target."
            yield refused_source(shown(name), path, reason, detail)
            return
        if is_manifest(head):
            yield from inventory_sources(path, since=self.since)
            return
        self._check_since(path)
        if extension(path) in (*_LISTS, "") and is_list(path, head):
            yield from self._listed(path, name)
        else:
            yield from self._entry(path, name, head)

    def url(self, url: str) -> Iterator[Source]:
        """What a URL is: by its name and start, and of folders by what the server lists."""
        from .remote import check_scheme, open_remote, pages_of_prefix

        check_scheme(url)
        base = url.rstrip("/")
        last = last_name(base)
        last = unquote(last) if base.startswith("http") else last
        if is_bucket_name(last):
            self._check_since(url)
            yield bucket_source(base.rpartition("/")[0], last)
            return
        if not url.endswith("/") and (extension(last) or url.startswith("http")):
            with open_remote(url) as file:
                head = file.read(HEAD_BYTES)
            if is_manifest(head):
                yield from inventory_sources(url, since=self.since)
                return
            self._check_since(url)
            if extension(last) in _LISTS and is_list(url, head):
                yield from self._listed(url, last)
                return
            if extension(last) or root_name(head).lower() != "html":  # else a list of files
                yield from self._entry(url, last, head)
                return
        self._check_since(url)
        if url.startswith("s3://"):
            # a bucket of millions of articles is never listed whole
            names = pages_of_prefix(f"{base}/")
            first = list(islice(names, 1000))
            if any(is_bucket_name(each) for each in first):
                versions = (each for each in chain(first, names) if is_bucket_name(each))
                yield from (bucket_source(base, each) for each in versions)
                return
        tree = RemoteTree(base, self.ignored)
        for found in articles(tree, "", ""):
            yield from self._sources(found, tree, base, last)

    def _check_since(self, root: str) -> None:
        if self.since:
            raise UsageError(
                f"since={self.since!r} goes with an inventory's manifest.json, and {root} is none; "
                "leave it out, and a run that is repeated takes what is new."
            )

    def _sources(self, found: Found, tree: Tree, root: str, root_name: str) -> Iterator[Source]:
        # the root's own article has no name below the root
        name = unquote(found.name) if root.startswith(("http://", "https://")) else found.name
        name = shown(name) or shown(root_name)
        folder = join(root, found.folder) if found.folder else root
        if found.kind == "refused":
            yield refused_source(name, folder, found.reason, found.detail)
        elif found.kind == "bucket":
            yield Source(last_name(folder), folder, (("form", "pmc"),))
        elif found.kind == "archive":
            assert found.files is not None
            yield from self._expanded(join(folder, found.files[0]), name)
        else:
            yield _article(found, name, folder)

    def _entry(self, path: str, name: str, head: bytes) -> Iterator[Source]:
        """What a file is that has a name of its own, not one in a folder."""
        entry = entry_of(last_name(path), head)
        title = shown(_without_ending(name))
        if entry.kind == "archive" and _is_package(path):
            yield Source(title, path, (("form", "archive"),))
        elif entry.kind in ("archive", "jats_set"):
            yield from self._expanded(path, title)
        elif entry.kind in FORMS:
            folder, _, last = path.rpartition("/")
            yield _article(
                Found(
                    kind="article",
                    name="",
                    folder="",
                    main=((FORMS[entry.kind], last),),
                    files=None if entry.kind == "tex" else (last,),  # TeX needs what is beside it
                    shared=entry.kind == "jats",
                ),
                title,
                folder or ".",
            )
        elif entry.kind == "refused":
            yield refused_source(shown(name), path, *why_not(entry))
        elif matters(entry):
            detail = "Only JATS, LaTeX and PDF, and archives and lists of them, are read."
            yield refused_source(shown(name), path, f"unread_{entry.kind}", detail)
        else:
            self.ignored[entry.kind] += 1

    def _expanded(self, path: str, name: str) -> Iterator[Source]:
        """The articles of an archive or of an XML file with several."""
        if extension(path) in ("xml", "nxml", "jats") and not is_url(path):
            yield from set_sources(path, (), name, Path(path).stat().st_size)
        else:
            yield from archive_sources(path, (), name, self.ignored)

    def _listed(self, path: str, name: str) -> Iterator[Source]:
        if self.in_list:
            detail = "A list that another list names is not followed; give it itself."
            yield refused_source(shown(name), path, "nested_list", detail)
            return
        finder = replace(self, in_list=True)
        for each in listed_sources(path, self.bucket):
            if isinstance(each, Source):
                yield each
            elif is_url(each[0]):
                yield from finder.url(each[0])
            elif Path(each[0]).is_dir():
                yield from finder.folder(each[0], each[1].strip("/"))
            else:
                yield from finder.file(*each)


def _article(found: Found, name: str, folder: str) -> Source:
    if not found.main and len(found.archives) == 1 and not found.folders:
        return Source(name, join(folder, found.archives[0]), (("form", "archive"),))
    plain: dict[str, Any] = {
        "form": "folder",
        "main": [list(each) for each in found.main],
        "files": None if found.files is None else list(found.files),
        "folders": None if found.folders is None else list(found.folders),
        "without": list(found.without),
        "archives": list(found.archives),
        "shared": found.shared,
    }
    part = {k: v for k, v in plain.items() if v or (v == [] and k in ("files", "folders"))}
    return Source(name, folder, tuple(part.items()))


def _is_package(path: str) -> bool:
    """Is an archive one article's? One that is named itself is looked through, not only at its
    start."""
    size = 0 if is_url(path) else Path(path).stat().st_size
    look = PEEK_BYTES if is_url(path) else LARGE_PACKED_BYTES
    return peeked(path, (), path.rsplit("/", 1)[-1], size, look)[0] == "one"


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
