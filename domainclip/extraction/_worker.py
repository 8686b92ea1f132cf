"""What a worker process of the local pool does besides its tasks, and what is known about it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainclip.extraction._marker import stay_with_parent

__all__ = ["GROWN", "alive", "begin_worker", "one_thread_each", "resident_bytes", "work"]

GROWN = 75  # exit code of a worker that hands its task back

_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_born_bytes = 0


def begin_worker() -> None:
    """Tie this process to its run: it dies with it."""
    global _born_bytes
    if sys.platform == "linux":
        # PR_SET_PDEATHSIG: when the server process goes (it goes with the run), so does this one
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    stay_with_parent()
    _born_bytes = resident_bytes(os.getpid())


def work(function: Callable[..., Any], arguments: tuple[Any, ...], grown_bytes: int) -> Any:
    """Call the function, unless this process holds ``grown_bytes`` more than when it began."""
    if grown_bytes and resident_bytes(os.getpid()) > _born_bytes + grown_bytes:
        os._exit(GROWN)
    return function(*arguments)


def resident_bytes(process: int) -> int:
    """The process's resident memory, 0 where that cannot be read."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def alive(process: int) -> bool:
    """Is there a process of that number?"""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Set what numerical libraries read when they load: the processes are the parallelism."""
    absent = [name for name in _THREAD_SETTINGS if name not in os.environ]
    os.environ.update(dict.fromkeys(absent, "1"))
    try:
        yield
    finally:
        for name in absent:
            del os.environ[name]
