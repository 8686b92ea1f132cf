"""The local engine's pool: processes that may crash, hang and swell, one input's worth each.

Workers are forked from a clean server process that has the imports done: no thread of the caller's
is copied, and replacing a dead worker takes milliseconds. The pool is pebble's, because a worker's
death fails one task there and not the pool. Time and memory are watched from outside, since native
code may hold the interpreter: the worker keeps its place in a file, and one that is over a limit is
killed. (An address-space limit would be cheaper and wrong: libraries reserve far more than they
use.) Memory is read from /proc: without that, on macOS, only the time limit holds.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver, get_context
from pathlib import Path
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from domainclip.errors import UsageError
from domainclip.extraction._marker import BETWEEN, Place, read_place
from domainclip.extraction._worker import (
    GROWN,
    alive,
    begin_worker,
    one_thread_each,
    resident_bytes,
    work,
)

__all__ = ["Death", "Job", "LocalPool"]

GRACE_S = 2.0  # the worker's own alarm is given this long before the worker is killed
_WATCH_S = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A call to make in a worker. marker: the file where the worker keeps its place, if it does."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    marker: Path | None = None


@dataclass(frozen=True, slots=True)
class Death:
    """A worker died on a job. index: the input it was at, or BETWEEN. from_outside: maybe of a
    SIGKILL that this pool did not send."""

    index: int
    reason: str
    detail: str
    from_outside: bool = False


class LocalPool:
    """Runs jobs on ``workers`` processes; a context manager that leaves no process behind."""

    def __init__(
        self,
        *,
        workers: int,
        timeout_s: float,
        memory_bytes: int,
        preload: Sequence[str] = (),
    ) -> None:
        self.workers = workers
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._preload = ["__main__", "domainclip.extraction.task", *preload]
        self._jobs: dict[Future[Any], Job] = {}
        self._killed: dict[Job, tuple[str, str]] = {}
        self._gone: dict[Job, float] = {}
        self._watched = 0.0
        self._broken = 0  # times in a row, without an input to blame
        self._worked = False
        self._pool: ProcessPool | None = None

    def __len__(self) -> int:
        return len(self._jobs)

    def submit(self, job: Job) -> None:
        """Queue a job."""
        try:
            if self._pool is None:
                self._pool = self._start()
            # what a worker still holds beyond this between two tasks was leaked: it is replaced
            grown_bytes = self._memory_bytes // 2
            future = self._pool.schedule(work, args=(job.function, job.arguments, grown_bytes))
        except (BrokenProcessPool, RuntimeError) as error:
            # it would not start, or broke since the last look at it; finished() mends it
            future = Future()
            future.set_exception(BrokenProcessPool(str(error)))
        self._jobs[future] = job

    def finished(self) -> Iterator[tuple[Job, Any]]:
        """Jobs that came to an end, with what they returned or a Death; waits a moment for one.

        Raises UsageError where no worker can be started, or all die at once time and again.
        """
        done, _ = wait(self._jobs, timeout=_WATCH_S, return_when=FIRST_COMPLETED)
        broken = any(isinstance(future.exception(), BrokenProcessPool) for future in done)
        # a task that pebble had not taken in when its pool broke is not told of it, ever
        if broken or (self._pool is not None and not self._pool.active):
            yield from self._restart()
            return
        for future in done:
            job = self._jobs.pop(future)
            error = future.exception()
            if isinstance(error, ProcessExpired):
                death = self._death(job, error.exitcode)
                if death is None:
                    self.submit(job)
                else:
                    yield self._forget(job), death
            elif error is not None:
                raise error
            else:
                self._broken, self._worked = 0, True
                yield self._forget(job), future.result()
        if time.monotonic() - self._watched > _WATCH_S:
            self._watched = time.monotonic()
            yield from self._watch()

    def places(self) -> Iterator[tuple[Job, Place]]:
        """Where each job under way is, for those that say so."""
        for job in self._jobs.values():
            place = read_place(job.marker) if job.marker else None
            if place is not None and place.index != BETWEEN:
                yield job, place

    def stop(self) -> None:
        """End every worker; what is under way is lost."""
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> ProcessPool:
        context = get_context("forkserver")
        context.set_forkserver_preload(self._preload)
        with one_thread_each():
            forkserver.ensure_running()
        return ProcessPool(
            max_workers=self.workers,
            context=context,
            initializer=begin_worker,
        )

    def _restart(self) -> Iterator[tuple[Job, Any]]:
        # A worker that dies within its first instant on a task, or idle, breaks the whole pool.
        places = {job: read_place(job.marker) for job in self._jobs.values() if job.marker}
        dead = [job for job, at in places.items() if at and not alive(at.process)]
        jobs = list(self._jobs.values())
        self._jobs.clear()
        self.stop()
        self._broken = 0 if dead else self._broken + 1
        if self._broken > (20 if self._worked else 5):
            raise UsageError(_NO_WORKERS)
        time.sleep(min(0.1 * 2**self._broken, 1.0))  # whatever dies may be dying still
        for job in jobs:
            death = self._death(job, 0) if job in dead else None
            self._forget(job)
            if death is None:
                self.submit(job)
            else:
                yield job, death

    def _watch(self) -> Iterator[tuple[Job, Any]]:
        now = time.monotonic()
        for job, place in list(self.places()):
            if now - place.since > self._timeout_s + GRACE_S:
                self._kill(job, place, "timed_out", f"Took more than {self._timeout_s:g} s.")
            elif self._memory_bytes and resident_bytes(place.process) > self._memory_bytes:
                size = self._memory_bytes >> 20
                self._kill(job, place, "out_of_memory", f"Needed more than {size:,} MB.")
            elif not alive(place.process) and now - self._gone.setdefault(job, now) > GRACE_S:
                # pebble missed the death: it saw the worker gone before it saw it take the task
                future = next(future for future, other in self._jobs.items() if other is job)
                del self._jobs[future]
                death = self._death(job, 0)
                assert death is not None
                yield self._forget(job), death

    def _kill(self, job: Job, place: Place, reason: str, detail: str) -> None:
        # Only inside an input: a worker killed while it takes a task would hold the pool's lock.
        if job.marker is not None and read_place(job.marker) == place:
            self._killed[job] = (reason, detail)
            with suppress(ProcessLookupError):
                os.kill(place.process, signal.SIGKILL)

    def _death(self, job: Job, exit_code: int) -> Death | None:
        """What the worker died of and where, or None where it only handed its task back."""
        if exit_code == GROWN:
            return None
        place = read_place(job.marker) if job.marker else None
        index = place.index if place is not None else BETWEEN
        if job in self._killed:
            return Death(index, *self._killed[job])
        if exit_code == -signal.SIGKILL:
            how = "was killed (SIGKILL), most often because the machine was out of memory"
        elif exit_code < 0:
            how = f"died of {signal.Signals(-exit_code).name}"
        else:
            how = f"ended by itself (exit code {exit_code})" if exit_code else "died"
        detail = f"The process {how}, also with this input alone."
        # 0 as well: that is what is known where the pool broke
        return Death(index, "crashed", detail, from_outside=exit_code in (0, -signal.SIGKILL))

    def _forget(self, job: Job) -> Job:
        self._killed.pop(job, None)
        self._gone.pop(job, None)
        if job.marker is not None:
            job.marker.unlink(missing_ok=True)
        return job


_NO_WORKERS = (
    "The worker processes cannot be started, or die at once. A script that extracts needs its call "
    'under `if __name__ == "__main__":`, since every worker imports the script.'
)
