"""A worker's place in its chunk, in a file that outlives the worker."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from domainclip.pairs.writer import output_errors

__all__ = ["BETWEEN", "Marker", "Place", "read_place", "stay_with_parent"]

BETWEEN = -1  # no input is being worked on
_LAYOUT = struct.Struct("<qqd")
_parent: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which process works on which input (BETWEEN: on none), since when (monotonic seconds)."""

    process: int
    index: int
    since: float


class Marker:
    """Writes the place: one system call per input.

    The file has its 24 bytes from the start; they are rewritten where they lie, so that a disk
    which fills up meanwhile does not matter.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def enter(self, index: int) -> None:
        """Work begins on input ``index``. A worker whose run is dead ends here."""
        end_if_orphaned()
        self._write(index)

    def leave(self) -> None:
        """No input is being worked on; what follows is the writing of the part."""
        end_if_orphaned()
        self._write(BETWEEN)

    def __enter__(self) -> Self:
        with output_errors(self._path):
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
            self.leave()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def _write(self, index: int) -> None:
        os.pwrite(self._descriptor, _LAYOUT.pack(os.getpid(), index, time.monotonic()), 0)


def stay_with_parent() -> None:
    """From now on, this process ends at the next input once its parent is gone."""
    global _parent
    _parent = os.getppid()


def end_if_orphaned() -> None:
    """End this process at once if the run that it worked for is dead."""
    if _parent is not None and os.getppid() != _parent:
        os._exit(1)


def read_place(path: Path) -> Place | None:
    """What the worker wrote last, or None where it has not begun."""
    try:
        return Place(*_LAYOUT.unpack(path.read_bytes()))
    except (OSError, struct.error):
        return None
