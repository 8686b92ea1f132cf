"""Files by name with a way to read each, from a folder, a server or an archive."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import islice
from typing import Any, BinaryIO

from domainclip.errors import BadInput
from domainclip.extraction.archives.members import MAX_FILE_BYTES, Step, read_step
from domainclip.extraction.archives.names import safe_name, shown

from .archives import opened
from .kinds import named_kind
from .places import is_url, join, read_place
from .pmc import BucketArticle

__all__ = ["Contents", "MissingFile", "folder_contents", "member_contents", "read_known"]

MOST_FILES = 20_000
DEEPEST = 16

Read = Callable[[], bytes]


class MissingFile(BadInput):
    """A file that the listing saw is gone."""


@dataclass(slots=True)
class Contents:
    """name -> (size in bytes or -1, how to read it). problems: (reason, sentence) of what cannot
    be used. main, meta: as of a Package."""

    files: dict[str, tuple[int, Read]]
    main: dict[str, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    places: dict[str, tuple[str, Sequence[Step]]] = field(default_factory=dict)

    def sizes(self) -> dict[str, int]:
        return {name: size for name, (size, _) in self.files.items()}

    def read(self, name: str) -> bytes:
        return self.files[name][1]()

    def taken(self, name: str) -> tuple[str, Sequence[Step]]:
        """Where an archive among the files lies; it is taken out, for its members to come in."""
        if name not in self.places:
            raise MissingFile(f"{name!r} is gone since the run listed it.")
        self.files.pop(name, None)
        return self.places[name]

    def add(self, other: Contents) -> None:
        """Put in another's files; those of one name that are here already stay."""
        self.files = {**other.files, **self.files}
        self.problems += other.problems


def folder_contents(folder: str, part: Mapping[str, Any], about: BucketArticle | None) -> Contents:
    """An article's files in a folder on disk or a server; part: the source's."""
    contents = Contents({})
    own, below = part.get("files"), part.get("folders")
    without = tuple(part.get("without") or ())
    if about is not None and is_url(folder):
        # the JSON tells all files: no request to list them
        for name in about.md5:
            _put(contents, folder, name, -1, about)
        return contents
    if own is not None:
        for name in [*own, *(part.get("archives") or ())]:
            _put(contents, folder, name, _size(join(folder, name)), about)
        if part.get("shared"):
            for name, size in _images(folder, _changed(folder)):
                _put(contents, folder, name, size, about)
    elif below is None:
        _walk(contents, folder, "", without, about)
    if below is not None or own is not None:
        for sub in below or ():
            _walk(contents, folder, sub, without, about)
    if not contents.files:
        raise MissingFile(f"{shown(folder)}: the folder is gone or empty.")
    return contents


def member_contents(
    stack: ExitStack, path: str, inside: Sequence[Step], table: Sequence[Any]
) -> Contents:
    """Files of an archive from their steps, as the listing wrote them down."""
    contents = Contents({})
    keep = _Open(stack, path, inside)
    for name, size, steps in table:
        contents.files[name] = (size, partial(keep.read, steps, name))
        contents.places[name] = (path, [*inside, *steps])
    return contents


class _Open:
    """An archive's containers, each opened once and closed with the package."""

    def __init__(self, stack: ExitStack, path: str, inside: Sequence[Step]) -> None:
        self._stack, self._path, self._inside = stack, path, list(inside)
        self._files: dict[str, BinaryIO] = {}

    def read(self, steps: Sequence[Step], name: str) -> bytes:
        key = repr(steps[:-1])
        if key not in self._files:
            context = opened(self._path, [*self._inside, *steps[:-1]])
            self._files[key] = self._stack.enter_context(context)
        return read_known(self._files[key], steps[-1], name)


def read_known(file: BinaryIO, step: Step, name: str) -> bytes:
    """A member of an open archive, within the limit of a file. Raises BadInput."""
    return read_step(file, step, limit=MAX_FILE_BYTES, name=name)


def _put(
    contents: Contents, folder: str, name: str, size: int, about: BucketArticle | None
) -> None:
    clean, refused = safe_name(name)
    if refused:
        contents.problems.append(("refused_file", f"{shown(name)} is not read: {refused}."))
        return
    if clean in contents.files or (size < 0 and not is_url(folder)):
        return
    place = join(folder, name)
    if not is_url(place) and os.path.islink(place):  # noqa: PTH114
        real = os.path.realpath(folder)
        if not os.path.realpath(place).startswith(f"{real}/"):
            return  # a link that leads out of the article's folder: anything of the user's

    def read() -> bytes:
        data = read_place(place, limit=MAX_FILE_BYTES)
        return data if about is None else about.check(name, data)

    contents.files[clean] = (size, read)
    contents.places[clean] = (place, ())


def _walk(
    contents: Contents,
    folder: str,
    sub: str,
    without: tuple[str, ...],
    about: BucketArticle | None,
) -> None:
    """Put in all files of a folder and below, but for those in the folders ``without``."""
    waiting = [sub]
    while waiting and len(contents.files) < MOST_FILES:
        at = waiting.pop()
        for name, is_folder, size in _listed(join(folder, at) if at else folder):
            below = f"{at}/{name}" if at else name
            if not is_folder:
                _put(contents, folder, below, size, about)
            elif below not in without and below.count("/") < DEEPEST:
                waiting.append(below)


def _listed(folder: str) -> Iterator[tuple[str, bool, int]]:
    """(name, is a folder, size) in a folder, sorted; links only to files below it."""
    if is_url(folder):
        from .remote import list_remote

        yield from list_remote(folder)
        return
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda each: each.name)
    except OSError as error:
        raise BadInput(f"{shown(folder)}: cannot be listed ({error.strerror}).") from error
    for each in entries:
        if each.is_symlink():
            target, real = os.path.realpath(each.path), os.path.realpath(folder)
            if not target.startswith(f"{real}/") or not os.path.isfile(target):  # noqa: PTH113
                continue
        elif not each.is_file() and not each.is_dir():
            continue
        try:
            yield each.name, each.is_dir(follow_symlinks=False), each.stat().st_size
        except OSError:
            continue  # gone this moment; the article does without it or says that it is missing


def _size(place: str) -> int:
    if is_url(place):
        return -1
    try:
        return os.stat(place).st_size  # noqa: PTH116
    except OSError as error:
        raise MissingFile(f"{shown(place)} is gone since the run listed it.") from error


def _changed(folder: str) -> int:
    return 0 if is_url(folder) else os.stat(folder).st_mtime_ns  # noqa: PTH116


@lru_cache(maxsize=4)
def _images(folder: str, changed: int) -> tuple[tuple[str, int], ...]:
    """The images of a folder of many articles, kept while its articles are read."""
    found = ((name, size) for name, is_folder, size in _listed(folder) if not is_folder)
    some = tuple(islice((each for each in found if named_kind(each[0]) == "image"), 5001))
    return some if len(some) <= 5000 else ()
