"""A compressed archive as a copy that can be read from anywhere: unpacked once, for every worker.

Inputs are extracted in the order of their names' hashes, so the members of a tar.gz are asked for
in no order, and each would cost unpacking all that stands before it. The copy is made while the
members are listed: blocks of 256 kB, each packed by zstd on its own, and their offsets at the end.
It lies in the folder for temporary files (TMPDIR), named by the archive's place, size and time, and
goes when the process that made it ends; a worker that finds none (on another machine) makes its
own.

Measured (benchmarks/papers_sources.py, one core of a busy 2-core machine, 49 MB of JATS packed,
229 MB unpacked): listed and copied in 2.0 s; a random article then costs 0.35 ms. An index of
deflate's states instead of a copy, by indexed_gzip (a point every MB) 9.7 ms, by rapidgzip 3.5 ms,
when a parsed article takes 2 ms.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import struct
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing.util import Finalize
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from domainclip.errors import BadInput, OutputError
from domainclip.extraction._worker import alive

from .streams import PIECE, Readable

__all__ = ["Spooled", "Spooling", "spool_path", "spooled"]

BLOCK = 1 << 18
_FOOTER = struct.Struct("<8s3Q")  # magic, blocks, bytes unpacked, bytes of why it is cut
_MAGIC = b"dcspool1"
_ROOM = 1 << 30  # free bytes that are left to others


def spool_path(*identity: object) -> Path:
    """Where the copy of what this identity says lies."""
    digest = hashlib.sha256(repr(identity).encode("utf-8", "backslashreplace")).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"domainclip-spool-{os.getuid()}" / digest


class Spooling:
    """Passes a stream on, and keeps what passed as a copy at ``path`` when ``keep`` is called."""

    def __init__(self, file: Readable, path: Path) -> None:
        self._file, self._path = file, path
        self._codec = pa.Codec("zstd", 1)
        self._held = bytearray()
        self._offsets = [0]
        self._size = 0
        path.parent.mkdir(mode=0o700, exist_ok=True)
        if path.parent.stat().st_uid != os.getuid():
            raise OutputError(f"{path.parent} belongs to somebody else; set TMPDIR to your folder.")
        for left in path.parent.glob(f"{path.name}.[0-9]*"):
            if not alive(int(left.suffix[1:])):  # of a run that was killed
                left.unlink(missing_ok=True)
        # a name of its own: two processes may be at it
        self._part = path.with_suffix(f".{os.getpid()}")
        self._out = self._part.open("wb")

    def __enter__(self) -> Spooling:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.close()
        self._part.unlink(missing_ok=True)

    def read(self, size: int, /) -> bytes:
        data = self._file.read(size)
        self._held += data
        while len(self._held) >= BLOCK:
            self._write(bytes(self._held[:BLOCK]))
            del self._held[:BLOCK]
        return data

    def keep(self, *, cut: str = "") -> None:
        """Finish the copy; until then it is not there. cut: why it ends before its archive does."""
        if self._held:
            self._write(bytes(self._held))
        with self._writing():
            self._out.write(struct.pack(f"<{len(self._offsets)}Q", *self._offsets))
            words = cut.encode("utf-8", "replace")
            self._out.write(words)
            blocks = len(self._offsets) - 1
            self._out.write(_FOOTER.pack(_MAGIC, blocks, self._size, len(words)))
            self._out.close()
            self._part.replace(self._path)

    def _write(self, block: bytes) -> None:
        packed = self._codec.compress(block, asbytes=True)
        if len(self._offsets) % 256 == 1 and shutil.disk_usage(self._path.parent).free < _ROOM:
            raise self._full()
        with self._writing():
            self._out.write(packed)
        self._offsets.append(self._offsets[-1] + len(packed))
        self._size += len(block)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self._full() from error
            raise

    def _full(self) -> OutputError:
        return OutputError(
            f"{self._path.parent}: no room for a copy of a compressed archive that can be read "
            "from anywhere; set TMPDIR to a larger disk, or unpack the archive and give its folder."
        )


class Spooled:
    """A finished copy as a seekable file of the unpacked bytes. cut: why it ends early, or ""."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        end = self._file.seek(0, 2)
        self._file.seek(max(0, end - _FOOTER.size))
        magic, blocks, self.size, words = _FOOTER.unpack(self._file.read(_FOOTER.size))
        if magic != _MAGIC:
            raise OutputError(f"{path} is no copy of an archive; delete it and run again.")
        self._table = end - _FOOTER.size - words - 8 * (blocks + 1)
        self._file.seek(end - _FOOTER.size - words)
        self.cut = self._file.read(words).decode()
        self._codec = pa.Codec("zstd")
        self._at, self._number, self._block = 0, -1, b""

    def read(self, size: int = -1, /) -> bytes:
        left = max(0, self.size - self._at)
        size = left if size < 0 else min(size, left)
        parts: list[bytes] = []
        while size > 0:
            number, inside = divmod(self._at, BLOCK)
            part = self._load(number)[inside : inside + size]
            parts.append(part)
            self._at += len(part)
            size -= len(part)
        return b"".join(parts)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, (0, self._at, self.size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()

    def _load(self, number: int) -> bytes:
        if number != self._number:
            self._file.seek(self._table + 8 * number)
            start, end = struct.unpack("<2Q", self._file.read(16))
            self._file.seek(start)
            plain = min(BLOCK, self.size - number * BLOCK)
            self._block = self._codec.decompress(self._file.read(end - start), plain, asbytes=True)
            self._number = number
        return self._block


def spooled(path: Path, unpacked: Callable[[], Any]) -> None:
    """Make the copy at ``path`` from ``unpacked()`` (a context with a stream) if it is not there;
    one process makes it while others wait."""
    if not path.is_file():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.is_file():
                with unpacked() as stream, Spooling(stream, path) as spooling:
                    cut = ""
                    try:
                        while spooling.read(PIECE * 4):
                            pass
                    except BadInput as error:
                        cut = str(error)
                    spooling.keep(cut=cut)


def remove_at_exit(path: Path) -> None:
    """Remove the copy when this process ends in peace; after a kill the next run finds it."""
    for each in (path, path.with_suffix(".lock")):
        # not atexit, which a worker of a pool does not run
        Finalize(None, each.unlink, kwargs={"missing_ok": True}, exitpriority=0)
