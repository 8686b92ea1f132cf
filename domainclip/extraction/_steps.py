"""An extractor's items one by one, within a time limit, with every way to fail made into one."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from domainclip.errors import DomainclipError, MissingExtra, OutputError
from domainclip.extraction.protocol import Extractor, Source
from domainclip.pairs.schema import Pair, Skip

__all__ = ["Failure", "Steps"]

_END = object()


class Failure(Exception):
    """An input gave nothing that may be kept. reason: its class; again: worth a second try."""

    def __init__(self, reason: str, detail: str, *, again: bool = False) -> None:
        super().__init__(detail)
        self.reason, self.again = reason, again


class _Overtime(BaseException):
    # not an Exception: an extractor that catches those must not swallow it
    pass


class Steps:
    """Runs extractors in this process's main thread, each source for at most ``timeout_s``.

    The alarm is set only while the extractor's code runs, so it never cuts a write in two. Native
    code that does not come back is not reached by it; the backend ends such a worker from outside.
    """

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._armed = False
        signal.signal(signal.SIGALRM, self._ring)

    def of(self, extractor: Extractor, source: Source) -> Iterator[Pair | Skip]:
        """The source's items. Raises Failure for whatever goes wrong in the extractor."""
        left = self._timeout_s
        items: Iterator[Any] | None = None
        while True:
            started = time.monotonic()
            try:
                try:
                    self._armed = True
                    signal.setitimer(signal.ITIMER_REAL, max(left, 1e-3))
                    if items is None:
                        items = iter(extractor.pairs(source))
                    item = next(items, _END)
                finally:
                    self._armed = False
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except _Overtime:
                raise Failure(
                    "timed_out", f"Took more than {self._timeout_s:g} s.", again=True
                ) from None
            except (Exception, SystemExit) as error:
                raise _failure(error) from error
            left -= time.monotonic() - started
            if item is _END:
                return
            if not isinstance(item, Pair | Skip):
                raise Failure("bad_item", f"The extractor gave a {type(item).__name__}.")
            yield item

    def _ring(self, number: int, frame: FrameType | None) -> None:
        if self._armed:
            self._armed = False
            raise _Overtime


def _failure(error: BaseException) -> Failure:
    """The failure an exception stands for; raises those that would befall every input alike."""
    if isinstance(error, MissingExtra | OutputError):
        raise error
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = f"{os.fspath(error.filename)}: " if error.filename else ""
        raise OutputError(
            f"{where}the disk is full; free some space and run the same command again."
        ) from error
    if isinstance(error, DomainclipError):
        return Failure(type(error).__name__, str(error))
    if isinstance(error, MemoryError):
        return Failure("out_of_memory", "An allocation was refused.", again=True)
    # others' messages are cut: they may quote what they choked on, down to a patient's record
    detail = " ".join(str(error).split())[:200]
    return Failure(type(error).__name__, detail)
