"""Folders on disk and on servers, listed one at a time; what an archive beside papers holds."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from domainclip.errors import BadInput
from domainclip.extraction.archives.members import HEAD_BYTES, PEEK_BYTES, Member, Step
from domainclip.extraction.archives.names import shown
from domainclip.extraction.archives.streams import Damaged

from .archives import peeked_members
from .articles import articles
from .folders import Entry, Folder, FolderInMemory, entry_of, matters
from .index import FilesIndex
from .kinds import named_kind
from .names import ARCHIVE_ENDINGS, extension
from .places import join

__all__ = ["LARGE_PACKED_BYTES", "DiskTree", "RemoteTree", "peeked"]

# A folder with more files is listed through a temporary database instead of memory.
MANY_FILES = 200_000
_LINKED = (
    "linked_folder: A link to a folder is not followed; unless it leads to one that is read, "
    "give its target as a source of its own."
)
_DANGLING = "dangling_link: It is a link to nothing; fetch its target, or remove the link."
_UNSEEN = ("__MACOSX", ".git", ".svn")
LARGE_PACKED_BYTES = 64 << 20  # a larger packed archive is listed whole: it may hold many articles


class DiskTree:
    """Folders below a root folder.

    A link that leads out of the root is refused: an unpacked archive may have brought it. Links to
    folders are not followed, or a folder could hold itself.
    """

    packed = False

    def __init__(self, root: str, ignored: Counter[str]) -> None:
        self.root, self.ignored = root, ignored
        self._real = os.path.realpath(root)
        self.title = os.path.basename(os.path.abspath(root))  # noqa: PTH100, PTH119
        self._last: dict[str, Folder] = {}  # a folder may be looked at before it is looked through

    def folder(self, path: str) -> Folder:
        if path not in self._last:
            if len(self._last) >= 64:
                self._last.clear()
            self._last[path] = self._listed(join(self.root, path) if path else self.root)
        return self._last[path]

    def _listed(self, place: str) -> Folder:
        names: list[str] = []
        entries: list[Entry] = []
        folders: list[str] = []
        index: FilesIndex | None = None
        try:
            with os.scandir(place) as found:
                for each in found:
                    if each.is_dir(follow_symlinks=False):
                        if each.name not in _UNSEEN:
                            folders.append(each.name)
                        continue
                    entry = self._entry(each)
                    if entry is None:
                        continue
                    if index is not None:
                        index.add("", _storable(entry))
                        continue
                    names.append(each.name)
                    entries.append(entry)
                    if len(names) == MANY_FILES:
                        index = FilesIndex()
                        for known in entries:
                            index.add("", _storable(known))
        except OSError as error:
            raise BadInput(
                f"{shown(place)}: the folder cannot be listed ({error.strerror})."
            ) from error
        if index is not None:
            return index.folder("", sorted(folders))
        return FolderInMemory(names, entries, folders)

    def start(self, path: str, size: int) -> bytes:
        return _start(join(self.root, path), size)

    def peek(self, path: str) -> tuple[str, str]:
        place = join(self.root, path)
        try:
            packed = Path(place).stat().st_size
        except OSError as error:
            return "unreadable_archive", f"It cannot be read ({error.strerror})."
        return peeked(place, (), path, packed)

    def _entry(self, found: os.DirEntry[str]) -> Entry | None:
        if found.is_symlink():
            target = os.path.realpath(found.path)
            if Path(target).is_dir():
                return None if found.name in _UNSEEN else Entry(found.name, "refused", _LINKED)
            if not Path(target).exists() and named_kind(found.name) is None:
                return Entry(found.name, "refused", _DANGLING)
            if not Path(target).is_file():
                return None
            if not _is_below(target, self._real):
                if named_kind(found.name) is not None:
                    return None
                note = "it is a link that leads out of the folder; give its target as a source"
                return Entry(found.name, "refused", note)
            if not _is_below(target, os.path.realpath(os.path.dirname(found.path))):  # noqa: PTH120
                return None  # of another folder, where it is found
        elif not found.is_file(follow_symlinks=False):
            return None  # a pipe or a device: opening it could wait for ever
        settled = named_kind(found.name)
        if settled is not None:
            return Entry(found.name, settled)
        head = _start(found.path, HEAD_BYTES)
        if not head and not os.access(found.path, os.R_OK):
            note = "unreadable_file: It cannot be opened; allow reading it."
            return Entry(found.name, "refused", note)
        return entry_of(found.name, head)


class RemoteTree:
    """Folders on a server. Kinds are told by names, since a look inside costs a request each."""

    packed = False

    def __init__(self, root: str, ignored: Counter[str]) -> None:
        self.root, self.ignored = root.rstrip("/"), ignored
        self.title = self.root.rsplit("/", 1)[-1]

    def folder(self, path: str) -> Folder:
        from .remote import list_remote

        names: list[str] = []
        entries: list[Entry] = []
        folders: list[str] = []
        for name, is_folder, _ in list_remote(join(self.root, path) if path else self.root):
            if is_folder:
                folders.append(name)
                continue
            names.append(name)
            entries.append(_named_entry(name))
        return FolderInMemory(names, entries, folders)

    def start(self, path: str, size: int) -> bytes:
        from .remote import open_remote

        try:
            with open_remote(join(self.root, path)) as file:
                return bytes(file.read(size))
        except BadInput:
            return b""

    def peek(self, path: str) -> tuple[str, str]:
        return peeked(join(self.root, path), (), path, 0)


def peeked(
    path: str, inside: Sequence[Step], name: str, packed: int, look: int = PEEK_BYTES
) -> tuple[str, str]:
    """What an archive holds, from its first members; see ``Tree.peek``.

    packed: its size in bytes, 0 where that is not known. look: how many of them to unpack.
    """
    try:
        found, whole = peeked_members(path, inside, shown(name), look)
    except Damaged as error:
        return "damaged_archive", str(error)
    except BadInput as error:
        return "unreadable_archive", str(error)
    return _verdict(found, whole, packed > LARGE_PACKED_BYTES)


def _verdict(found: list[Member], whole: bool, large: bool) -> tuple[str, str]:
    if not found and whole:
        return "none", ""
    index = FilesIndex()
    for member in found:
        if not member.refused:
            folder, _, name = member.name.rpartition("/")
            index.add(folder, entry_of(name, member.head))
    tops = _document_tops(index)
    if len(tops) == 1 and "tex" in next(iter(tops.values())):
        return "one", "text"
    some = [
        each
        for each in islice(articles(_Peeked(index), "", ""), 64)
        if each.kind != "refused" or not whole
    ]
    if whole and not some:
        return "none", ""
    packed = len(some) == 1 and not tops and (some[0].kind == "archive" or bool(some[0].archives))
    if len(some) > 1 or (large and not whole) or packed:  # packed: a package in an archive
        return "many", ""
    return "one", "text" if tops else ""


def _document_tops(index: FilesIndex) -> dict[str, set[str]]:
    """The kinds of text in each of an archive's topmost folders, below those that hold all."""
    found: dict[str, set[str]] = {}
    paths = list(index.texts())
    while paths and all("/" in path for path, _ in paths):
        tops = {path.split("/", 1)[0] for path, _ in paths}
        if len(tops) > 1:
            break
        paths = [(path.split("/", 1)[1], kind) for path, kind in paths]
    for path, kind in paths:
        top = path.split("/", 1)[0] if "/" in path else ""
        found.setdefault(top, set()).add(kind)
    if "tex" in found.get("", ()):
        # TeX at the top: folders below are its parts
        return {"": {"tex"}}
    return found


class _Peeked:
    """The first members of an archive as a tree."""

    packed = True

    def __init__(self, index: FilesIndex) -> None:
        self._index = index
        self.title = ""
        self.ignored: Counter[str] = Counter()

    def folder(self, path: str) -> Folder:
        return self._index.folder(path)

    def start(self, path: str, size: int) -> bytes:
        return b""

    def peek(self, path: str) -> tuple[str, str]:
        return "one", ""


def _named_entry(name: str) -> Entry:
    settled = named_kind(name)
    if settled is not None:
        return Entry(name, settled)
    ending = extension(name)
    if ending in ("nxml", "jats", "xml"):
        return Entry(name, "jats")
    if ending in ("tex", "ltx", "latex"):
        return Entry(name, "tex")
    if ending in ARCHIVE_ENDINGS:
        return Entry(name, "archive")
    return entry_of(name, b"")


def _is_below(path: str, folder: str) -> bool:
    return path.startswith(f"{folder.rstrip('/')}/")


def _storable(entry: Entry) -> Entry:
    if entry.name.isascii() or shown(entry.name) == entry.name:
        return entry
    note = "its name is no text; rename it"
    return Entry(shown(entry.name), "refused" if matters(entry) else entry.kind, note)


def _start(path: str, size: int) -> bytes:
    # os.open: a third of the time of Path.open, and a listing opens every file
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return b""
    try:
        return os.read(file, size) if stat.S_ISREG(os.fstat(file).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(file)
