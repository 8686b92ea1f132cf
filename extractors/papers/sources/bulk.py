"""The articles of an archive that holds many: listed once, each found again without the others."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from domainclip.errors import BadInput
from domainclip.extraction import Source
from domainclip.extraction.archives.members import Step, read_step
from domainclip.extraction.archives.streams import Span

from .archives import listed_members, opened
from .articles import articles
from .folders import Folder, entry_of
from .found import Found
from .index import FilesIndex
from .kinds import named_kind
from .names import arxiv_id, stem
from .sets import article_spans
from .trees import peeked

__all__ = ["archive_sources", "refused_source", "set_sources"]

DEEPEST = 3  # archives inside each other
MOST_FILES = 20_000  # of one article
MOST_SHARED = 64  # images near several articles of an archive, that each gets to know of


def archive_sources(
    path: str, inside: Sequence[Step], name: str, ignored: Counter[str], depth: int = 0
) -> Iterator[Source]:
    """A source for every article in an archive, named below ``name``.

    path, inside: where the archive lies (archives.py). What cannot be used is a refused source; a
    cut is one at the end, after the articles that stand before it.
    """
    if depth >= DEEPEST:
        detail = f"Archives lie in each other more than {DEEPEST} deep; unpack the outer ones."
        yield refused_source(name, path, "nested_too_deep", detail)
        return
    index, cut = FilesIndex(), ""
    try:
        try:
            for member in listed_members(path, inside, name):
                folder, _, file = member.name.rpartition("/")
                entry = entry_of(file, member.head)
                if "__MACOSX/" in member.name:
                    ignored["other"] += 1
                elif not member.refused:
                    index.add(folder, entry, size=member.size, steps=member.steps)
                elif named_kind(file) is None:
                    detail = f"A member of the archive is not read: {member.refused}."
                    yield refused_source(f"{name}/{member.name}", path, "refused_member", detail)
                else:
                    ignored["refused"] += 1
        except BadInput as error:
            cut = str(error)
        tree = _ArchiveTree(index, path, inside, ignored)
        for found in articles(tree, "", name):
            if found.kind == "archive":
                yield from tree.expanded(found, ignored, depth)
            else:
                yield tree.source(found)
    finally:
        index.close()
    if cut:
        yield refused_source(f"{name}#damage", path, "damaged_archive", cut)


def set_sources(path: str, inside: Sequence[Step], name: str, size: int) -> Iterator[Source]:
    """A source for every article of an XML file that wraps several (pmc-articleset, OAI)."""
    with opened(path, inside) as file:
        number = 0
        for start, end, own in article_spans(Span(file, 0, size)):
            number += 1
            part: tuple[tuple[str, object], ...] = (("form", "span"), ("span", [start, end]))
            if inside:
                part = (*part, ("inside", [list(step) for step in inside]))
            yield Source(f"{name}/{own or f'{number:04}'}", path, part)
        if not number:
            detail = "The file wraps no JATS article."
            yield refused_source(name, path, "no_article", detail)


def refused_source(name: str, path: str, reason: str, detail: str) -> Source:
    """A source that says why it gives nothing."""
    return Source(name, path, (("refused", reason), ("detail", detail)))


class _ArchiveTree:
    """An archive's files as folders."""

    packed = True

    def __init__(
        self, index: FilesIndex, path: str, inside: Sequence[Step], ignored: Counter[str]
    ) -> None:
        self._index, self._path, self._inside = index, path, list(inside)
        self.title, self.ignored = "", ignored
        self._shared: tuple[str, set[str]] | None = None  # of the folder asked for last

    def folder(self, path: str) -> Folder:
        return self._index.folder(path)

    def start(self, path: str, size: int) -> bytes:
        steps = self._steps(path)
        try:
            with opened(self._path, [*self._inside, *steps[:-1]]) as file:
                return read_step(file, steps[-1], limit=max(size, 1 << 24), name=path)[:size]
        except BadInput:
            return b""

    def peek(self, path: str) -> tuple[str, str]:
        return peeked(self._path, [*self._inside, *self._steps(path)], path, 0)

    def expanded(self, found: Found, ignored: Counter[str], depth: int) -> Iterator[Source]:
        assert found.files is not None
        path = f"{found.folder}/{found.files[0]}" if found.folder else found.files[0]
        inside = [*self._inside, *self._steps(path)]
        if any(e.kind == "jats_set" for e in self._index.folder(found.folder).group(stem(path))):
            size, _ = self._index.file(path) or (0, "")
            yield from set_sources(self._path, inside, found.name, size)
        else:
            yield from archive_sources(self._path, inside, found.name, ignored, depth + 1)

    def source(self, found: Found) -> Source:
        if found.kind == "refused":
            return refused_source(found.name, self._path, found.reason, found.detail)
        start = f"{found.folder}/" if found.folder else ""
        if not found.main and len(found.archives) == 1:
            own = stem(found.archives[0])
            inside = [*self._inside, *self._steps(start + found.archives[0])]
            part = (("form", "archive"), ("inside", inside), ("file", found.archives[0]))
            return Source(arxiv_id(own) or found.name, self._path, part)
        if found.kind == "bucket":
            files, form = self._own(found), "pmc"
        else:
            files, form = self._own(found), "members"
        members = [[name, size, json.loads(steps)] for name, size, steps in files]
        members = [
            each for each in members if not any(_under(each[0], sub) for sub in found.without)
        ]
        plain = {
            "form": form,
            "inside": self._inside,
            "members": members,
            "main": [list(each) for each in found.main],
            "archives": list(found.archives),
        }
        name = found.name
        if len(members) == 1:
            name = arxiv_id(stem(members[0][0])) or name
        return Source(name, self._path, tuple((k, v) for k, v in plain.items() if v))

    def _own(self, found: Found) -> Iterator[tuple[str, int, str]]:
        """(name, size, steps) of an article's files."""
        if found.files is None:
            yield from islice(self._index.below(found.folder), MOST_FILES)
            return
        start = f"{found.folder}/" if found.folder else ""
        names = {*found.files, *found.archives}
        if found.shared:
            names |= self._images(found.folder)
        for name, size, steps in self._index.files(found.folder, names):
            yield name, size, steps
        for sub in found.folders or ():
            for name, size, steps in islice(self._index.below(start + sub), MOST_FILES):
                yield f"{sub}/{name}", size, steps

    def _images(self, folder: str) -> set[str]:
        if self._shared is None or self._shared[0] != folder:
            images = set(islice(self._index.images(folder), MOST_SHARED + 1))
            self._shared = (folder, images if len(images) <= MOST_SHARED else set())
        return self._shared[1]

    def _steps(self, path: str) -> list[Step]:
        file = self._index.file(path)
        steps: list[Step] = json.loads(file[1]) if file and file[1] else []
        return steps


def _under(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}/")
