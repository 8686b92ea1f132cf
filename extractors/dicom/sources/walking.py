"""Every file below a folder or in an archive, each with a window onto its first bytes.

Folders are read with a stack of open listings, archives in a stream, archives in archives up to
three deep. Links are not followed: what they lead to below the root is found there, and what lies
outside was not given.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput
from domainclip.extraction.archives.members import (
    MAX_FILE_BYTES,
    Member,
    is_packed,
    listed_members,
    members,
    opened,
)
from domainclip.extraction.archives.streams import Damaged, Inflated, read_up_to
from domainclip.extraction.archives.tar import is_tar

from ..records import Place, Refused
from .header import FIRST_BYTES, Window, referenced_files
from .places import open_place
from .withheld import withheld

__all__ = ["Seen", "archive_magic", "walk"]

MEMBER_BYTES = 1 << 15  # of each member of an archive, which are at hand when it is listed
DEEPEST_ARCHIVE = 3
DEEPEST_FOLDER = 256
# Of formats that are zip or gz files and hold no studies, by their endings.
_NO_ARCHIVES = (
    *(".docx", ".xlsx", ".pptx", ".odt", ".ods", ".epub", ".jar", ".nii.gz", ".npz"),
    *(".whl", ".mgz", ".svgz", ".key", ".numbers", ".pages"),
)


@dataclass(frozen=True, slots=True)
class Seen:
    """A file. name: below the root, with forward slashes; of a root that is a file its own name.
    window: None where it cannot be read, and ``refused`` says why."""

    place: Place
    name: str
    size: int
    window: Window | None
    refused: Refused | None = None


def walk(root: str) -> Iterator[Seen]:
    """The files of a folder, an archive, a DICOMDIR, or the one file that ``root`` is.

    A window may be used until the next file is asked for. Raises BadInput where there is nothing.
    """
    real = os.path.realpath(root)
    if not os.path.lexists(root):
        raise BadInput("There is no file or folder at the path that is given as the source.")
    if Path(real).is_dir():
        yield from _folder(real)
    elif Path(root).name.upper().startswith("DICOMDIR"):
        yield from _directory(real)
    else:
        yield from _file(real, Path(root).name, top=True)


def archive_magic(head: bytes) -> bool:
    """Are these the first bytes of a zip, tar, gz, bz2 or xz file?"""
    return head.startswith(
        (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
    ) or is_tar(head)


def _folder(root: str) -> Iterator[Seen]:
    waiting: list[tuple[str, str, int]] = [(root, "", 0)]
    while waiting:
        path, name, depth = waiting.pop()
        try:
            listing = os.scandir(path)
        except OSError as error:
            yield _refused(path, name, "unreadable_folder", _why("folder", error))
            continue
        with listing:
            while True:
                try:
                    each = next(listing, None)
                except OSError as error:
                    yield _refused(path, name, "unreadable_folder", _why("folder", error))
                    break
                if each is None:
                    break
                inner = f"{name}/{each.name}" if name else each.name
                if each.is_symlink():
                    yield from _link(each.path, inner, root)
                elif each.is_dir(follow_symlinks=False):
                    if depth == DEEPEST_FOLDER:
                        detail = f"Folders are read {DEEPEST_FOLDER} deep; give this one itself."
                        yield _refused(each.path, inner, "deep_folder", detail)
                    elif not each.name.startswith(".") and each.name != "__MACOSX":
                        waiting.append((each.path, inner, depth + 1))
                elif each.is_file(follow_symlinks=False):  # a pipe could wait for ever
                    yield from _file(each.path, inner)


def _link(path: str, name: str, root: str) -> Iterator[Seen]:
    target = os.path.realpath(path)
    if not Path(target).exists():
        detail = "It is a link to nothing; fetch its target, or remove the link."
        yield _refused(path, name, "dangling_link", detail)
    elif target != root and not target.startswith(f"{root.rstrip('/')}/"):
        detail = "It is a link that leads out of the folder; give its target as a source."
        yield _refused(path, name, "linked_outside", detail)


def _file(path: str, name: str, *, top: bool = False) -> Iterator[Seen]:
    # os.open: a third of the time of Path.open, and a scan opens every file
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        yield _refused(path, name, "unreadable_file", _why("file", error))
        return
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode):
            return
        try:
            first = os.read(file, FIRST_BYTES)
        except OSError as error:
            yield _refused(path, name, "unreadable_file", _why("file", error))
            return
        if first[128:132] != b"DICM" and archive_magic(first) and not _is_none(name):
            inside = "" if top else f"{_without_endings(name)}/"
            yield from _archive(path, (), inside, name, 1)
            return
        window = Window(first, about.st_size, lambda at, count: os.pread(file, count, at))
        yield Seen(Place(path), name, about.st_size, window)
    finally:
        os.close(file)


def _archive(
    path: str, inside: tuple[tuple[Any, ...], ...], above: str, name: str, depth: int
) -> Iterator[Seen]:
    """The members of an archive. above: what stands before their names."""
    try:
        for member in _members(path, inside, name):
            steps = (*inside, *(tuple(step) for step in member.steps))
            place = Place(path, steps)
            inner = f"{above}{member.name}"
            if member.refused:
                if not member.name.startswith("__MACOSX/"):
                    yield _unread(place, inner, "archive", withheld(member.refused))
            elif archive_magic(member.head) and member.head[128:132] != b"DICM":
                if _is_none(inner):
                    continue
                if depth == DEEPEST_ARCHIVE:
                    detail = (
                        f"It lies too deep: archives in archives are read {DEEPEST_ARCHIVE} deep; "
                        "give it as a source itself."
                    )
                    yield _unread(place, inner, "deep_archive", detail)
                    continue
                yield from _archive(path, steps, f"{_without_endings(inner)}/", inner, depth + 1)
            else:
                yield Seen(place, inner, member.size, _member_window(place, member))
    except Damaged:
        detail = "The archive ends or breaks before its end; what stands before that is used."
        yield _unread(Place(path, inside), name, "damaged_archive", detail)
    except BadInput:
        detail = "It is no archive that is read within bounds; unpack it by hand if you trust it."
        yield _unread(Place(path, inside), name, "unsafe_archive", detail)


def _members(path: str, inside: Sequence[Sequence[Any]], name: str) -> Iterator[Member]:
    with opened(path, inside) as file:
        if not is_packed(file):
            yield from members(file, "an archive", _take)
            return
        stream = Inflated(file, "an archive")
        head = read_up_to(stream, 512)
        if not is_tar(head):
            head += read_up_to(stream, MEMBER_BYTES - 512)
            last = _without_endings(name.rsplit("/", 1)[-1])
            size = len(head)
            while size < MAX_FILE_BYTES and (more := stream.read(1 << 18)):
                size += len(more)
            yield Member(last, size, (("unpack",),), "", head)
            return
    # a copy first: a member whose header is longer than its start is then read from there
    with suppress(Damaged):
        for _ in listed_members(path, inside, "an archive", take=_nothing):
            pass
    yield from listed_members(path, inside, "an archive", take=_take)


def _take(name: str, size: int) -> int:
    return MEMBER_BYTES


def _nothing(name: str, size: int) -> int:
    return 0


def _member_window(place: Place, member: Member) -> Window:
    def more(at: int, count: int) -> bytes:
        try:
            with open_place(place) as file:
                file.seek(at)
                return file.read(count)
        except BadInput:
            return b""

    return Window(member.head, member.size, more)


def _directory(path: str) -> Iterator[Seen]:
    """What a DICOMDIR refers to, in its folder and below."""
    folder = str(Path(path).parent)
    with Path(path).open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)

        def more(at: int, count: int) -> bytes:
            file.seek(at)
            return file.read(count)

        named = referenced_files(Window(file.read(FIRST_BYTES), size, more))
    if named is None:
        yield from _file(path, Path(path).name, top=True)
        return
    for each in dict.fromkeys(named):
        parts = each.replace("/", "\\").split("\\")
        place = os.path.join(folder, *parts) if not each.startswith("\\") else each  # noqa: PTH118
        name = "/".join(parts)
        if ".." in parts or not all(parts) or ":" in each:
            detail = "A DICOMDIR leads out of its folder, and is not followed there."
            yield _refused(place, name, "linked_outside", detail)
            continue
        found = _below(folder, parts)
        if found is None:
            detail = "A DICOMDIR refers to it, and it is not there; copy the whole medium."
            yield _refused(place, name, "missing_file", detail)
        elif not os.path.realpath(found).startswith(f"{folder.rstrip('/')}/"):
            detail = "It is a link that leads out of the folder; give its target as a source."
            yield _refused(place, name, "linked_outside", detail)
        else:
            yield from _file(found, name)


def _below(folder: str, parts: Sequence[str]) -> str | None:
    """The file of a DICOMDIR's upper-case names, whichever case and version its medium gave it."""
    at = folder
    for part in parts:
        exact = os.path.join(at, part)  # noqa: PTH118
        if not os.path.lexists(exact):
            try:
                there = sorted(each.name for each in Path(at).iterdir())
            except OSError:
                return None
            wanted = part.casefold()
            same = [each for each in there if each.casefold().split(";")[0].rstrip(".") == wanted]
            if not same:
                return None
            exact = os.path.join(at, same[0])  # noqa: PTH118
        at = exact
    return at if Path(at).is_file() else None


def _is_none(name: str) -> bool:
    return name.lower().endswith(_NO_ARCHIVES)


def _without_endings(name: str) -> str:
    """Of ``a/b.tar.gz`` it is ``a/b``."""
    for ending in (".gz", ".bz2", ".xz", ".tar", ".zip", ".tgz", ".tbz2", ".tbz", ".txz"):
        if name.lower().endswith(ending) and len(name.rsplit("/", 1)[-1]) > len(ending):
            name = name[: -len(ending)]
    return name


def _refused(path: str, name: str, reason: str, detail: str) -> Seen:
    return _unread(Place(path), name, reason, detail)


def _unread(place: Place, name: str, reason: str, detail: str) -> Seen:
    return Seen(place, name, 0, None, Refused(place, reason, detail))


def _why(what: str, error: OSError) -> str:
    return f"The {what} cannot be read ({error.strerror})."
