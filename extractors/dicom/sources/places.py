"""Files of an archive of studies, on disk or inside zip and tar files, opened and read.

No message names a file: paths hold patients' names more often than not.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

from domainclip.errors import BadInput
from domainclip.extraction.archives.members import MAX_FILE_BYTES, opened, read_step
from domainclip.extraction.archives.streams import Damaged

from ..records import Place

__all__ = ["open_place", "read_place"]

_NAME = "an archive's member"


@contextmanager
def open_place(place: Place) -> Iterator[BinaryIO]:
    """The file, open for reading bytes and seeking. Raises BadInput where it cannot be opened.

    A member that is compressed on its own is unpacked to memory, up to 512 MB; a packed tar is read
    from its copy (``domainclip.extraction.archives.spool``).
    """
    with ExitStack() as stack:
        if place.steps and not _seekable(place.steps[-1]):
            yield io.BytesIO(read_place(place, limit=MAX_FILE_BYTES))
            return
        file = _opened(stack, place.path, place.steps)
        yield io.BufferedReader(_Raw(file)) if place.steps else file


def read_place(place: Place, *, limit: int) -> bytes:
    """All bytes of the file. Raises BadInput (gone, unreadable, damaged, past ``limit`` bytes)."""
    with ExitStack() as stack:
        if place.steps:
            outer = _opened(stack, place.path, place.steps[:-1])
            try:
                return read_step(outer, place.steps[-1], limit=limit, name=_NAME)
            except Damaged:
                raise BadInput("The file is damaged in the archive that holds it.") from None
            except BadInput:
                raise _too_large(limit) from None
            except (OSError, ValueError) as error:
                raise _unreadable(error) from None
        file = _opened(stack, place.path, place.steps)
        try:
            data = file.read(limit + 1)
        except (OSError, ValueError, BadInput) as error:
            raise _unreadable(error) from None
    if len(data) > limit:
        raise _too_large(limit)
    return data


class _Raw(io.RawIOBase):
    """A part of an archive with all that a file can do."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _seekable(step: Sequence[Any]) -> bool:
    """Do a member's bytes lie in the archive as they are?"""
    return step[0] == "tar" or (step[0] == "zip" and step[4] == 0)


def _opened(stack: ExitStack, path: str, steps: Sequence[Sequence[Any]]) -> BinaryIO:
    try:
        return stack.enter_context(opened(path, steps))
    except Damaged:
        raise BadInput("The archive that holds the file is damaged.") from None
    except (BadInput, OSError, ValueError) as error:
        raise _unreadable(error) from None


def _unreadable(error: BaseException) -> BadInput:
    cause = error if isinstance(error, OSError) else error.__cause__
    why = cause.strerror if isinstance(cause, OSError) and cause.strerror else "it is not whole"
    return BadInput(f"The file cannot be read ({why}).")


def _too_large(limit: int) -> BadInput:
    return BadInput(f"The file holds more than {limit >> 20} MB, which is the limit.")
