"""An article found in a tree of folders, and the folder on the way in which it is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from domainclip.errors import BadInput

from .folders import Entry, Folder, Tree

__all__ = [
    "DEEPEST",
    "FORMS",
    "Found",
    "Place",
    "belongs",
    "has_text",
    "is_bucket_name",
    "join_path",
    "last_part",
]

DEEPEST = 48  # folders below each other
FORMS = {"jats": "jats", "pdf": "pdf", "tex": "latex"}  # kind of file -> form that it tells
_BUCKET = re.compile(r"PMC\d+\.\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One article, or something that is none, in a tree.

    kind: article; bucket (a PMC folder); archive (of many articles, to be listed); refused.
    folder: its place; all other names are relative to it. main: (form, name) pairs; an empty name
    of latex: to be chosen among the files. files: its own, None for all of the folder's. folders:
    that are its as a whole, None for all but ``without``. archives: to be unpacked into it.
    shared: the folder's images may be its too. reason, detail: of what is refused.
    """

    kind: Literal["article", "bucket", "archive", "refused"]
    name: str
    folder: str
    main: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] | None = None
    folders: tuple[str, ...] | None = None
    without: tuple[str, ...] = ()
    archives: tuple[str, ...] = ()
    shared: bool = False
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of a tree while it is looked through. name: of what is found in it begins so.

    below: what a folder in it holds.
    """

    tree: Tree
    path: str
    name: str
    folder: Folder
    below: Callable[[str], Iterator[Found]]

    @property
    def base(self) -> str:
        """The folder's own name."""
        return last_part(self.path or self.tree.title)

    def entries(self, *kinds: str) -> Iterator[Entry]:
        """The files of some kinds, sorted by stem."""
        return (e for _, group in self.folder.groups() for e in group if e.kind in kinds)

    def inside(self, sub: str) -> Folder | None:
        """A folder in it; None where that cannot be listed, which ``below`` reports."""
        try:
            return self.tree.folder(join_path(self.path, sub))
        except BadInput:
            return None


def is_bucket_name(name: str) -> bool:
    """Is it a folder's name in PMC's bucket: PMC7301234.1?"""
    return bool(_BUCKET.fullmatch(name))


def has_text(place: Place, sub: str, depth: int = 0) -> bool:
    """Is there any JATS or TeX in a folder or below it?"""
    if depth > DEEPEST or is_bucket_name(last_part(sub)):
        return True
    folder = place.inside(sub)
    if folder is None:
        return False
    if any(folder.count.get(kind) for kind in ("jats", "jats_set", "tex")):
        return True
    return any(has_text(place, join_path(sub, each), depth + 1) for each in folder.folders)


def belongs(name: str, key: str) -> bool:
    """Does a name begin with a stem, and not with a longer word or number?"""
    return name.startswith(key) and not name[len(key) : len(key) + 1].isalnum()


def join_path(folder: str, name: str) -> str:
    """A path in a tree, where "" is the root."""
    return f"{folder}/{name}" if folder and name else folder or name


def last_part(path: str) -> str:
    """The last name of a path."""
    return path.rsplit("/", 1)[-1]
