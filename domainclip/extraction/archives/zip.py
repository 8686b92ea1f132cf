"""A zip file's members one by one, from its directory, in memory that does not grow with it.

The standard library's ``zipfile`` holds every entry and works out each one's place anew in every
process. Here an entry is a few numbers that any process can read it by. Format: PKWARE APPNOTE 6.3
(zip64, UTF-8 names); a file whose directory is cut off is read from its front.
"""

from __future__ import annotations

import bz2
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from domainclip.errors import BadInput

from .streams import PIECE, Damaged, Readable, Span

__all__ = ["ZipMember", "zip_members", "zip_span", "zip_stream"]

_END = struct.Struct("<4s4H2LH")  # end of central directory
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED, _BZIP2 = 0, 8, 12
_SYMLINK = 0o120000


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member that is no folder. offset: of its local header. packed, size: bytes before and
    after unpacking. refused: why it cannot be read, or ""."""

    name: str
    offset: int
    packed: int
    size: int
    method: int
    crc: int
    refused: str = ""


def zip_members(file: BinaryIO, name: str) -> Iterator[ZipMember]:
    """The members in the order of the directory.

    Raises Damaged, after the members that can be read all the same, where the directory is gone.
    """
    file.seek(0, 2)
    length = file.tell()
    found = _directory(file, length)
    if found is None:
        yield from _from_front(file, length)
        raise Damaged(
            f"{name}: the zip file has no directory at its end; it was not copied whole, and only "
            "the members before the cut are read."
        )
    start, size, moved = found
    directory, total = _Buffered(Span(file, start, size)), 0
    while (fixed := directory.take(_ENTRY.size)) and fixed[:4] == b"PK\x01\x02":
        member = _entry(fixed, directory, moved)
        total += member.packed
        if total > length:
            raise BadInput(
                f"{name}: its members overlap, as only a made-up zip file's do; unpack it by hand "
                "if you trust it."
            )
        if not member.name.endswith(("/", "\\")):
            yield member


def zip_stream(file: BinaryIO, member: ZipMember) -> Readable:
    """The member's unpacked bytes as a stream. Raises Damaged."""
    return _Unpacked(zip_span(file, member), member)


def zip_span(file: BinaryIO, member: ZipMember) -> Span:
    """The member's bytes as they lie in the file. Raises Damaged."""
    file.seek(member.offset)
    local = file.read(_LOCAL.size)
    if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
        raise Damaged(f"{member.name}: is not where the zip file's directory says.")
    *_, name_length, extra_length = _LOCAL.unpack(local)
    start = member.offset + _LOCAL.size + name_length + extra_length
    return Span(file, start, member.packed)


class _Unpacked:
    def __init__(self, span: Span, member: ZipMember) -> None:
        self._span, self._member = span, member
        self._rest, self._given, self._crc = b"", 0, 0
        self._codec: Any = None
        if member.method == _DEFLATED:
            self._codec = zlib.decompressobj(-15)
        elif member.method == _BZIP2:
            self._codec = bz2.BZ2Decompressor()

    def read(self, size: int, /) -> bytes:
        parts: list[bytes] = []
        while size > 0 and (part := self._some(min(size, PIECE * 16))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        if self._codec is None:
            return self._checked(self._span.read(most))
        try:
            while not self._codec.eof:
                if self._member.method == _BZIP2:
                    fed = self._span.read(PIECE) if self._codec.needs_input else b""
                    stuck = self._codec.needs_input and not fed
                else:
                    fed = self._rest or self._span.read(PIECE)
                    stuck = not fed
                if stuck:
                    return self._checked(b"")
                data: bytes = self._codec.decompress(fed, most)
                self._rest = getattr(self._codec, "unconsumed_tail", b"")
                if data:
                    return self._checked(data)
        except (zlib.error, OSError, ValueError, EOFError) as error:
            raise Damaged(
                f"{self._member.name}: its compressed data is broken ({error})."
            ) from error
        return self._checked(b"")

    def _checked(self, data: bytes) -> bytes:
        member = self._member
        self._given += len(data)
        self._crc = zlib.crc32(data, self._crc)
        if not data and self._given < member.size:
            raise Damaged(f"{member.name}: ends in the middle; it was not copied whole.")
        whole = self._given == member.size
        if self._given > member.size or (data and whole and self._crc != member.crc):
            raise Damaged(f"{member.name}: its bytes do not match the zip file's checksum.")
        return data


class _Buffered:
    def __init__(self, span: Span) -> None:
        self._span, self._held = span, b""

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes, or b"" where there are not that many."""
        while len(self._held) < size:
            more = self._span.read(PIECE * 4)
            if not more:
                return b""
            self._held += more
        data, self._held = self._held[:size], self._held[size:]
        return data


def _directory(file: BinaryIO, length: int) -> tuple[int, int, int] | None:
    """(start of the central directory, its size, by how much offsets must be moved), or None."""
    tail_size = min(length, _END.size + 0xFFFF)
    file.seek(length - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        return None
    _, _, _, _, _, size, offset, _ = _END.unpack_from(tail, at)
    end = length - tail_size + at
    if size == 0xFFFFFFFF or offset == 0xFFFFFFFF or tail[at + 10 : at + 12] == b"\xff\xff":
        file.seek(max(0, end - _LOCATOR.size))
        locator = file.read(_LOCATOR.size)
        if locator[:4] == b"PK\x06\x07":
            file.seek(max(0, min(_LOCATOR.unpack(locator)[2], length)))
            record = file.read(_END64.size)
            if len(record) == _END64.size and record[:4] == b"PK\x06\x06":
                size, offset = _END64.unpack(record)[8:10]
                end -= _LOCATOR.size + _END64.size
    moved = end - size - offset  # what stands before the first member, as a program that unpacks it
    if moved < 0 or offset + moved < 0 or size > length:
        return None
    return offset + moved, size, moved


def _entry(fixed: bytes, directory: _Buffered, moved: int) -> ZipMember:
    (_, made_by, _, flags, method, _, _, crc, packed, size, names, extras, comments, _, _, mode) = (
        _ENTRY.unpack(fixed)[:16]
    )
    offset = _ENTRY.unpack(fixed)[16]
    raw, extra = directory.take(names), directory.take(extras) if extras else b""
    if comments:
        directory.take(comments)
    wide = _zip64(extra)
    values = []
    for value in (size, packed, offset):
        if value == 0xFFFFFFFF and len(wide) >= 8:
            value, wide = int.from_bytes(wide[:8], "little"), wide[8:]
        values.append(value)
    size, packed, offset = values
    refused = _refusal(flags, method)
    if made_by >> 8 == 3 and (mode >> 16) & 0o170000 == _SYMLINK:
        refused = "it is a symbolic link"
    return ZipMember(_decoded(raw, flags), offset + moved, packed, size, method, crc, refused)


def _from_front(file: BinaryIO, length: int) -> Iterator[ZipMember]:
    """The whole members of a file without its directory, as long as each says how long it is."""
    at = 0
    while True:
        file.seek(at)
        local = file.read(_LOCAL.size)
        if len(local) < _LOCAL.size or local[:4] != b"PK\x03\x04":
            return
        _, _, flags, method, _, _, crc, packed, size, names, extras = _LOCAL.unpack(local)
        raw, extra = file.read(names), file.read(extras)
        wide = _zip64(extra)
        if size == packed == 0xFFFFFFFF and len(wide) >= 16:
            size, packed = struct.unpack("<2Q", wide[:16])
        end = at + _LOCAL.size + names + extras + packed
        if flags & 8 or end > length:  # bit 3: the size stands behind the data
            return
        if not raw.endswith(b"/"):
            yield ZipMember(
                _decoded(raw, flags), at, packed, size, method, crc, _refusal(flags, method)
            )
        at = end


def _refusal(flags: int, method: int) -> str:
    if flags & 1:
        return "it is encrypted"
    if method not in (_STORED, _DEFLATED, _BZIP2):
        return f"it is packed by method {method}, which few programs read"
    return ""


def _zip64(extra: bytes) -> bytes:
    """The zip64 field of a member's extra fields, b"" where there is none."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1:
            return extra[at + 4 : at + 4 + size]
        at += 4 + size
    return b""


def _decoded(raw: bytes, flags: int) -> str:
    """A name: UTF-8 where the entry says so or it is, else the code page 437 of old programs."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1" if flags & 0x800 else "cp437")
