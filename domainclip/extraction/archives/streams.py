"""Compressed and partial files as streams whose memory and output are bounded."""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, Protocol

from domainclip.errors import BadInput

__all__ = [
    "Damaged",
    "Inflated",
    "Readable",
    "Span",
    "Started",
    "Whole",
    "pieces",
    "read_all",
    "read_up_to",
]

PIECE = 1 << 16
# Text packs to 1:20 and deflate can do no better than 1:1032; what still unpacks to more than
# RATIO times its size when RATIO_FROM bytes are out was made to fill a memory.
RATIO = 250
RATIO_FROM = 256 << 20
_XZ_MEMORY = 128 << 20  # what a stream's dictionary may ask for

_MAGIC = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\0", "xz"))


class Damaged(BadInput):
    """An archive that ends or breaks in its middle; what stands before that can be used."""


class Readable(Protocol):
    """The one method of a file that streams here need."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; b"" at the end."""
        ...


class Span:
    """Bytes ``start`` to ``start + size`` of a seekable file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self.size = file, start, size
        self._at = 0

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self.size - self._at)
        size = left if size < 0 else min(size, left)
        self._file.seek(self._start + self._at)
        data = self._file.read(size)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, (0, self._at, self.size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at


class Whole:
    """A span as a stream that must be there to its end: raises Damaged where it is cut."""

    def __init__(self, span: Span, name: str) -> None:
        self._span, self._left, self._name = span, span.size, name

    def read(self, size: int, /) -> bytes:
        data = self._span.read(size)
        self._left -= len(data)
        if size > 0 and not data and self._left > 0:
            raise Damaged(f"{self._name}: its archive ends before it does.")
        return data


class Started:
    """A stream of which the start has been read already."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start, self._rest = start, rest

    def read(self, size: int, /) -> bytes:
        if self._start:
            data, self._start = self._start[:size], self._start[size:]
            return data
        return self._rest.read(size)


class Inflated:
    """What a gz, bz2 or xz file holds, read forwards; several such files end to end are one.

    Raises Damaged where the data is cut or broken, BadInput where it unpacks out of all proportion.
    """

    def __init__(self, file: Readable, name: str) -> None:
        self._file, self._name = file, name
        self._fed = self._given = 0
        self._rest = b""  # read, and not yet taken by the decompressor
        self._codec = ""
        self._decompressor: Any = None
        self._ended = False
        self._failure: BadInput | None = None

    def read(self, size: int, /) -> bytes:
        """``size`` bytes, fewer only at the end."""
        if self._failure is not None:
            raise self._failure
        parts: list[bytes] = []
        while size > 0 and not self._ended:
            try:
                part = self._some(min(size, PIECE * 16))
            except BadInput as error:
                if not parts:
                    raise
                self._failure = error  # what stands before the cut is given first
                break
            parts.append(part)
            size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, most: int) -> bytes:
        if self._decompressor is None and not self._begin():
            self._ended = True
            return b""
        decompressor = self._decompressor
        try:
            if self._codec == "gz":
                data: bytes = decompressor.decompress(self._fill(), most)
                self._rest = decompressor.unused_data or decompressor.unconsumed_tail
            else:
                data = decompressor.decompress(
                    self._fill() if decompressor.needs_input else b"", most
                )
                self._rest = decompressor.unused_data
        except (zlib.error, OSError, EOFError, lzma.LZMAError, ValueError) as error:
            raise Damaged(f"{self._name}: its compressed data is broken ({error}).") from error
        if decompressor.eof:
            self._decompressor = None
        self._given += len(data)
        if self._given > RATIO_FROM and self._given > RATIO * self._fed:
            raise BadInput(
                f"{self._name}: unpacks to more than {RATIO} times its size, as only a made-up "
                "archive does; unpack it by hand if you trust it."
            )
        return data

    def _fill(self) -> bytes:
        if not self._rest:
            self._rest = self._file.read(PIECE)
            self._fed += len(self._rest)
        if not self._rest:
            raise Damaged(f"{self._name}: ends in the middle; it was not copied whole.")
        data, self._rest = self._rest, b""
        return data

    def _begin(self) -> bool:
        while len(self._rest) < 6:
            more = self._file.read(PIECE)
            if not more:
                break
            self._rest += more
            self._fed += len(more)
        for magic, codec in _MAGIC:
            if self._rest.startswith(magic):
                self._codec = codec
                self._decompressor = _decompressor(codec)
                return True
        # padding, or whatever else stands behind the data, as gzip takes it
        return False


def pieces(file: Readable, *, limit: int, name: str) -> Iterator[bytes]:
    """The file, piece by piece. Raises BadInput past ``limit`` bytes."""
    total = 0
    while data := file.read(PIECE):
        total += len(data)
        if total > limit:
            raise BadInput(f"{name}: holds more than {limit >> 20} MB, which is the limit.")
        yield data


def read_all(file: Readable, *, limit: int, name: str) -> bytes:
    """All of the file. Raises BadInput past ``limit`` bytes."""
    return b"".join(pieces(file, limit=limit, name=name))


def read_up_to(file: Readable, most: int) -> bytes:
    """``most`` bytes, fewer only at the end."""
    parts: list[bytes] = []
    while most > 0 and (part := file.read(most)):
        parts.append(part)
        most -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _decompressor(codec: str) -> Any:
    if codec == "gz":
        return zlib.decompressobj(wbits=31)
    if codec == "bz2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)
