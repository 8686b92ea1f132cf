"""A folder's files by kind, and a tree of folders: on disk, on a server or in an archive."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, Protocol

from .kinds import ARTICLES, Kind, document_class, kind_of, root_name
from .names import ARCHIVE_ENDINGS, extension, stem

__all__ = ["Entry", "Folder", "FolderInMemory", "Tree", "entry_of", "matters"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that may tell an article, or that a user must hear of.

    note: a LaTeX file's document class, an XML file's root, why a file is refused: a
    part of a sentence, or "reason: A sentence."
    """

    name: str
    kind: Kind | Literal["refused"]
    note: str = ""


class Folder(Protocol):
    """The files right in one folder. count: how many of each kind. folders: the folders in it."""

    count: Mapping[str, int]
    folders: Sequence[str]

    def groups(self) -> Iterator[tuple[str, list[Entry]]]:
        """The entries that matter, together where their stems are the same, sorted by these."""
        ...

    def group(self, stem: str) -> list[Entry]:
        """The entries of one stem."""
        ...

    def beginning_with(self, start: str) -> Iterator[str]:
        """The names of all files that begin so, sorted."""
        ...


class Tree(Protocol):
    """Folders by their path from the root, which is "".

    title: the root's own name. packed: is it an archive's? ignored: counts the files that are
    nobody's concern, by kind.
    """

    title: str
    packed: bool
    ignored: Counter[str]

    def folder(self, path: str) -> Folder:
        """Raises BadInput where it cannot be listed."""
        ...

    def start(self, path: str, size: int) -> bytes:
        """A file's first bytes; b"" where it cannot be read."""
        ...

    def peek(self, path: str) -> tuple[str, str]:
        """What an archive holds: ("one", "text" or ""), ("many", ""), ("none", ""),
        (reason, detail)."""
        ...


class FolderInMemory:
    """A folder whose names fit in memory."""

    def __init__(self, names: list[str], entries: list[Entry], folders: list[str]) -> None:
        self._names = sorted(names)
        # by name too: stems alone would leave a group's order to the file system
        self._entries = sorted(
            ((stem(each.name), each.name, each) for each in entries if matters(each)),
            key=lambda each: each[:2],
        )
        self.folders: Sequence[str] = sorted(folders)
        self.count: Mapping[str, int] = Counter(each.kind for each in entries)

    def groups(self) -> Iterator[tuple[str, list[Entry]]]:
        for key, members in groupby(self._entries, key=lambda each: each[0]):
            yield key, [each[2] for each in members]

    def group(self, stem: str) -> list[Entry]:
        found = []
        for at in range(bisect_left(self._entries, (stem,)), len(self._entries)):
            if self._entries[at][0] != stem:
                break
            found.append(self._entries[at][2])
        return found

    def beginning_with(self, start: str) -> Iterator[str]:
        for at in range(bisect_left(self._names, start), len(self._names)):
            if not self._names[at].startswith(start):
                return
            yield self._names[at]


def entry_of(name: str, head: bytes) -> Entry:
    """The entry of a file from its name and its first bytes."""
    kind = kind_of(name, head)
    note = ""
    if kind == "other" and extension(name) in ARCHIVE_ENDINGS:  # called one, and none
        if head:
            detail = "Its name is an archive's, its bytes are not; fetch it again."
            return Entry(name, "refused", f"damaged_archive: {detail}")
        return Entry(name, "refused", "empty_file: It is empty; fetch it again.")
    if kind == "tex":
        note = document_class(head)
    elif kind == "xml":
        note = root_name(head)
    return Entry(name, kind, note)


def matters(entry: Entry) -> bool:
    """Is it something to speak of, rather than an image or data beside an article?"""
    return entry.kind in ARTICLES or entry.kind in ("document", "unread_archive", "xml", "refused")
