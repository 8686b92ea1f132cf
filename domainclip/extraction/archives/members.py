"""Archives of any kind as members that can be listed in a stream and read one by one.

Nothing is ever unpacked to a place that a member's name decides: a member is its bytes, read into
memory up to a limit. It is found again by its steps, plain numbers that any process can use:
``("tar", offset, size)``, ``("zip", offset, packed, size, method, crc)``, and ``("unpack",)`` for
all that a gz, bz2 or xz file holds. An archive inside archives is reached by several steps.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from domainclip.errors import BadInput

from .names import safe_name
from .places import DISK, Places
from .spool import Spooled, Spooling, remove_at_exit, spool_path, spooled
from .streams import Damaged, Inflated, Readable, Span, Started, Whole, read_all, read_up_to
from .tar import is_tar, tar_members
from .zip import ZipMember, zip_members, zip_span, zip_stream

__all__ = [
    "HEAD_BYTES",
    "MAX_FILE_BYTES",
    "Member",
    "Step",
    "Take",
    "is_packed",
    "listed_members",
    "members",
    "opened",
    "peeked_members",
    "read_step",
]

HEAD_BYTES = 4096  # the first of a file, which tell what it is
MAX_FILE_BYTES = 512 << 20  # of one member, unpacked; the largest PDFs of PMC have about 300 MB
PEEK_BYTES = 1 << 16  # of an archive, packed: what tells one article from many
PEEK_MEMBERS = 2000
SMALL_BYTES = 32 << 20  # up to so much is unpacked to memory rather than copied to disk

Step = Sequence[Any]
Take = Callable[[str, int], int]


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive. name: safe, relative, forward slashes. steps: from the archive to it.

    refused: why it may not be read, or "". head: its first bytes, as many as were asked for.
    """

    name: str
    size: int
    steps: tuple[Step, ...]
    refused: str
    head: bytes


def all_heads(name: str, size: int) -> int:
    """As many first bytes of every member as tell what it is."""
    return HEAD_BYTES


def members(file: BinaryIO, name: str, take: Take = all_heads) -> Iterator[Member]:
    """The members of an open archive. take(name, size): how many bytes of each to read.

    Raises Damaged after the members that stand before a cut; BadInput where it is no archive.
    """
    if is_packed(file):
        yield from _unpacked_members(Inflated(file, name), name, take)
        return
    head = file.read(512)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        yield from _zip_members(file, name, take)
    else:
        yield from _tar_members(file, head, name, take, ())


def listed_members(
    path: str,
    inside: Sequence[Step],
    name: str,
    *,
    take: Take = all_heads,
    places: Places = DISK,
) -> Iterator[Member]:
    """The members of an archive, each with the first bytes that ``take`` asks for.

    path: of a file as ``places`` opens it. inside: the steps from there to the archive; () where it
    is the file. name: for messages. A packed tar is copied on the way, so that its members can be
    read. Raises Damaged after the members that stand before the cut; BadInput.
    """
    with opened(path, inside, places=places) as file:
        if not is_packed(file):
            yield from members(file, name, take)
            return
        target = _copy_path(path, [*inside, ("unpack",)], places)
        if target.is_file():
            copy = Spooled(target)
            try:
                with suppress(*([Damaged] if copy.cut else [])):
                    yield from _unpacked_members(copy, name, take)
                if copy.cut:
                    raise Damaged(copy.cut)
            finally:
                copy.close()
            return
        with Spooling(Inflated(file, name), target) as spooling:
            remove_at_exit(target)
            try:
                yield from _unpacked_members(spooling, name, take)
            except BadInput as error:
                spooling.keep(cut=str(error))  # what stands before a cut is read from here too
                raise
            spooling.keep()


def peeked_members(
    path: str,
    inside: Sequence[Step],
    name: str,
    look: int = PEEK_BYTES,
    *,
    take: Take = all_heads,
    places: Places = DISK,
) -> tuple[list[Member], bool]:
    """The first members of an archive, and whether they are all; of a packed one those in its
    first ``look`` bytes.

    Raises BadInput where it is no archive, or damaged from its start.
    """
    found: list[Member] = []
    with opened(path, inside, places=places) as file:
        packed = is_packed(file)
        start: Any = io.BytesIO(file.read(look)) if packed else file
        whole = not packed or not file.read(1)
        try:
            for member in members(start, name, take):
                found.append(member)
                if len(found) == PEEK_MEMBERS:
                    return found, False
        except Damaged:
            if whole and all(member.refused for member in found):
                raise
            whole = False
    return found, whole


@contextmanager
def opened(path: str, inside: Sequence[Step], *, places: Places = DISK) -> Iterator[BinaryIO]:
    """The file that the steps lead to, open for reading and seeking."""
    with ExitStack() as stack:
        file: Any = stack.enter_context(places.open(path))
        for depth in range(len(inside)):
            file = _inside(stack, file, path, inside[: depth + 1], places)
        yield file


def read_step(file: BinaryIO, step: Step, *, limit: int, name: str) -> bytes:
    """The bytes of one member of an open archive. Raises BadInput (damaged, past ``limit``)."""
    return read_all(_stream(file, step, name), limit=limit, name=name)


def is_packed(file: BinaryIO) -> bool:
    """Is it a gz, bz2 or xz file? Leaves it at its start."""
    file.seek(0)
    head = file.read(6)
    file.seek(0)
    return head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"))


def _inside(
    stack: ExitStack, file: BinaryIO, path: str, steps: Sequence[Step], places: Places
) -> Any:
    """The file that the last of the steps leads to from the one that those before it lead to."""
    step = steps[-1]
    if step[0] == "tar":
        return Span(file, step[1], step[2])
    if step[0] == "zip" and step[4] == 0:
        return zip_span(file, _zip_member(step, path))
    target = _copy_path(path, steps, places)
    if not target.is_file():
        # a damaged one takes the other way: what stands before the cut is copied
        with suppress(Damaged):
            start = read_up_to(_stream(file, step, path), SMALL_BYTES)
            if len(start) < SMALL_BYTES:
                return io.BytesIO(start)

        @contextmanager
        def again() -> Iterator[Readable]:
            with opened(path, steps[:-1], places=places) as outer:
                yield _stream(outer, step, path)

        spooled(target, again)
        remove_at_exit(target)
    copy = Spooled(target)
    stack.callback(copy.close)
    return copy


def _copy_path(path: str, steps: Sequence[Step], places: Places) -> Path:
    # JSON gives the steps back as lists
    return spool_path(*places.identity(path), tuple(tuple(step) for step in steps))


def _stream(file: BinaryIO, step: Step, name: str) -> Readable:
    if step[0] == "tar":
        return Whole(Span(file, step[1], step[2]), name)
    if step[0] == "zip":
        return zip_stream(file, _zip_member(step, name))
    file.seek(0)
    return Inflated(file, name)


def _zip_member(step: Step, name: str) -> ZipMember:
    _, offset, packed, size, method, crc = step
    return ZipMember(name, offset, packed, size, method, crc)


def _zip_members(file: BinaryIO, name: str, take: Take) -> Iterator[Member]:
    for each in zip_members(file, name):
        clean, refused = safe_name(each.name)
        refused = each.refused or refused
        step = ("zip", each.offset, each.packed, each.size, each.method, each.crc)
        data, wanted = b"", 0 if refused else min(each.size, take(clean, each.size))
        if wanted:
            try:
                data = read_up_to(zip_stream(file, each), wanted)
            except BadInput as error:
                refused = str(error)
        yield Member(clean, each.size, (step,), refused, data)


def _unpacked_members(stream: Readable, name: str, take: Take) -> Iterator[Member]:
    """The members of what a packed file holds: a tar, else one file that bears its name."""
    head = read_up_to(stream, 512)
    if is_tar(head) or (len(head) == 512 and not head.strip(b"\0")):
        yield from _tar_members(Started(head, stream), head, name, take, (("unpack",),))
        return
    inner = name.rsplit("/", 1)[-1]
    for ending in (".gz", ".bz2", ".xz"):
        if inner.lower().endswith(ending) and len(inner) > len(ending):
            inner = inner[: -len(ending)]
    whole = Started(head, stream)
    data = read_up_to(whole, max(HEAD_BYTES, take(inner, MAX_FILE_BYTES)))
    size = len(data)
    while more := whole.read(1 << 18):
        size += len(more)
    clean, refused = safe_name(inner)
    yield Member(clean, size, (("unpack",),), refused, data)


def _tar_members(
    file: Any, head: bytes, name: str, take: Take, before: tuple[Step, ...]
) -> Iterator[Member]:
    if head.strip(b"\0") and not is_tar(head):
        raise BadInput(f"{name}: is no tar, zip, gz, bz2 or xz file.")

    clean = refused = ""

    def safely(member: str, size: int) -> int:
        nonlocal clean, refused
        clean, refused = safe_name(member)
        return take(clean, size)

    for each in tar_members(file, name, safely):
        steps = (*before, ("tar", each.offset, each.size))
        yield Member(clean, each.size, steps, each.refused or refused, each.data)
