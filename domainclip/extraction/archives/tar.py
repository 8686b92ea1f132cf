"""A tar file's members one by one, in memory that depends on none of its numbers.

The standard library's ``tarfile`` keeps every member and reads a header's extension whole, however
long it says it is. Format: POSIX.1-2001 (pax), GNU tar's long names and large sizes, plain v7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from domainclip.errors import BadInput

from .names import decoded_name
from .streams import PIECE, Damaged, Readable

__all__ = ["TarMember", "is_tar", "tar_members"]

_BLOCK = 512
_LONGEST_NAME = 1 << 16
_LONGEST_PAX = 1 << 20
_SPARSE = "it is a sparse file"
_REFUSED = {b"1": "it is a hard link", b"2": "it is a symbolic link", b"3": "it is a device"}
_REFUSED |= {b"4": "it is a device", b"6": "it is a pipe", b"S": _SPARSE}
_FILES = (b"0", b"\0", b"7")


@dataclass(frozen=True, slots=True)
class TarMember:
    """A member that is no folder. offset: of its data in the tar file, ``size`` bytes.

    refused: why it cannot be read, or "". data: its first bytes, as many as asked for.
    """

    name: str
    offset: int
    size: int
    refused: str
    data: bytes


def tar_members(
    file: Readable, name: str, take: Callable[[str, int], int] = lambda name, size: 0
) -> Iterator[TarMember]:
    """The members in their order. take(name, size): how many bytes of a member's data to read;
    called once for each, right before it is given.

    Raises Damaged, after the members that stand before it, where the file is cut or broken.
    """
    reader = _Reader(file, name)
    longer: dict[str, str] = {}  # name and size that an extended header gives to the next member
    while True:
        header = reader.exactly(_BLOCK, may_end=True)
        if not header.strip(b"\0"):
            return
        if not is_tar(header):
            raise Damaged(
                f"{name}: byte {reader.at - _BLOCK} should begin a member and does not; the "
                "archive is damaged from there on."
            )
        kind, size = header[156:157], _number(header[124:136], name)
        if kind in b"LKxg" and kind:
            _extend(longer, kind, size, reader)
            continue
        member = longer.pop("path", "") or _name(header)
        if "size" in longer:
            size = _decimal(longer.pop("size"), name)
        refused = _SPARSE if longer.pop("sparse", "") else _REFUSED.get(kind, "")
        if kind == b"S":
            extended = header[482:483] != b"\0"
            while extended:  # GNU: further blocks of the map, before the data
                extended = reader.exactly(_BLOCK)[504:505] != b"\0"
        if kind in (b"1", b"2", b"3", b"4", b"6"):
            size = 0
        if kind not in _FILES and not refused:
            reader.skip(size)
            continue
        offset = reader.at
        if kind == b"\0" and member.endswith("/"):  # v7 has no folders of another kind
            reader.skip(size)
            continue
        wanted = min(size, max(0, take(member, size)))
        data = b"" if refused else reader.exactly(wanted)
        # the member is known only once its data is there to its end
        reader.skip(size - len(data))
        yield TarMember(member, offset, size, refused, data)


def is_tar(head: bytes) -> bool:
    """Do these first bytes, at least 512, begin with a tar header whose sum is right?"""
    if len(head) < 512 or head[:1] == b"\0":
        return False
    try:
        said = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return said == sum(head[:148]) + 256 + sum(head[156:512])


class _Reader:
    """Counts what is read from a stream, rounds to blocks, and says where a cut is."""

    def __init__(self, file: Readable, name: str) -> None:
        self._file, self._name, self.at = file, name, 0
        self._seek: Any = getattr(file, "seek", None)
        self._end = self._seek(0, 2) if self._seek else 0
        if self._seek:
            self._seek(0)

    def exactly(self, size: int, *, may_end: bool = False) -> bytes:
        data = self._file.read(size)
        while len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        self.at += len(data)
        if len(data) < size:
            if may_end and not data:
                return bytes(_BLOCK)
            raise self._cut()
        return data

    def skip(self, size: int) -> None:
        """Past ``size`` bytes and to the next block; raises Damaged where fewer are left."""
        wanted = self.at + size
        if self._seek:
            if wanted > self._end:
                raise self._cut()
            self.at = min(-(-wanted // _BLOCK) * _BLOCK, self._end)
            self._seek(self.at)
            return
        while self.at < wanted:
            self.exactly(min(PIECE * 4, wanted - self.at))
        padding = -wanted % _BLOCK
        self.at += len(self._file.read(padding)) if padding else 0

    def _cut(self) -> Damaged:
        return Damaged(
            f"{self._name}: ends in the middle of a member at byte {self.at}; it was not copied "
            "whole."
        )


def _extend(longer: dict[str, str], kind: bytes, size: int, reader: _Reader) -> None:
    if size > (_LONGEST_PAX if kind in b"xg" else _LONGEST_NAME):
        raise BadInput(f"A tar header says it is {size >> 10} kB long, as only a made-up one does.")
    data = reader.exactly(size)
    reader.skip(0)
    if kind == b"L":
        longer["path"] = decoded_name(data.split(b"\0", 1)[0])
    elif kind == b"x":
        for key, value in _pax(data):
            if key == b"path":
                longer["path"] = decoded_name(value)
            elif key == b"size":
                longer["size"] = value.decode("latin-1")
            elif key.startswith(b"GNU.sparse."):
                longer["sparse"] = "yes"


def _pax(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The records ``LENGTH key=value\\n`` of an extended header, as far as they can be read."""
    at = 0
    while at < len(data):
        length, blank, _ = data[at : at + 12].partition(b" ")
        if not blank or not length.isdigit() or int(length) <= len(length) + 1:
            return
        record = data[at + len(length) + 1 : at + int(length) - 1]
        key, equals, value = record.partition(b"=")
        if equals:
            yield key, value
        at += int(length)


def _name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0" and prefix:
        name = prefix + b"/" + name
    return decoded_name(name)


def _number(field: bytes, name: str) -> int:
    """A number of a header: octal digits, or GNU's base 256 where the first bit is set."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not all(48 <= digit <= 55 for digit in digits):
        raise Damaged(f"{name}: a member's size is {digits!r}, which is no number.")
    return int(digits, 8)


def _decimal(text: str, name: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise Damaged(f"{name}: a member's size is {text!r}, which is no number.")
    return int(text)
