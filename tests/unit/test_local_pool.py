"""The local pool where pebble alone would wait for ever, or give up on the whole pool."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
from pebble.pool.base_pool import Task
from pebble.pool.process import PoolManager

from domainclip.errors import UsageError
from domainclip.extraction import _local
from domainclip.extraction._local import Death, Job, LocalPool
from domainclip.extraction._marker import BETWEEN, Marker, read_place


@pytest.fixture
def pool() -> LocalPool:
    return LocalPool(workers=1, timeout_s=60, memory_bytes=1 << 30)


def marked(path: Path, process: int, index: int) -> Path:
    """A marker as another process would have written it."""
    with Marker(path) as marker:
        marker.enter(index)
    content = bytearray(path.read_bytes())
    content[:8] = process.to_bytes(8, "little")
    path.write_bytes(content)
    return path


@pytest.fixture
def dead() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_death_that_pebble_missed_is_found(
    pool: LocalPool, tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_local, "GRACE_S", 0.05)
    job = Job(print, (), marked(tmp_path / "place", dead, 7))
    pool._jobs[Future()] = job
    assert list(pool._watch()) == []  # it may be on its way
    time.sleep(0.06)
    [(found, death)] = pool._watch()
    assert (found, death.index, death.reason) == (job, 7, "crashed")
    assert len(pool) == 0
    assert not (tmp_path / "place").exists()


def test_a_broken_pool_is_mended_and_only_the_dead_job_fails(
    pool: LocalPool, tmp_path: Path, dead: int
) -> None:
    died = Job(print, (), marked(tmp_path / "died", dead, 3))
    alive = Job(os.path.basename, ("a/lived",), marked(tmp_path / "alive", os.getpid(), 1))
    waiting = Job(os.path.basename, ("a/waited",), tmp_path / "not begun")
    with pool:
        for job in (died, alive, waiting):
            future: Future[str] = Future()
            future.set_exception(BrokenProcessPool())
            pool._jobs[future] = job
        outcomes = {}
        while len(pool) or not outcomes:
            outcomes.update(pool.finished())
    assert isinstance(outcomes[died], Death)
    assert outcomes[died].index == 3
    assert (outcomes[alive], outcomes[waiting]) == ("lived", "waited")


def test_a_job_that_a_broken_pool_never_took_in_is_done(
    pool: LocalPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken_in = PoolManager.schedule
    seen: list[Task] = []

    def breaks_once(manager: PoolManager, task: Task) -> None:
        seen.append(task)
        if len(seen) == 1:
            raise BrokenProcessPool("All workers expired")
        taken_in(manager, task)

    monkeypatch.setattr(PoolManager, "schedule", breaks_once)
    job = Job(os.path.basename, ("a/lost",))
    with pool:
        pool.submit(job)
        outcomes: dict[Job, str] = {}
        until = time.monotonic() + 60
        while not outcomes and time.monotonic() < until:
            outcomes.update(pool.finished())
    assert outcomes == {job: "lost"}


def test_a_pool_that_breaks_for_ever_is_given_up(
    pool: LocalPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(job: Job) -> None:
        future: Future[None] = Future()
        future.set_exception(BrokenProcessPool())
        pool._jobs[future] = job

    monkeypatch.setattr(pool, "submit", broken)
    pool.submit(Job(print, ()))
    with pytest.raises(UsageError, match="die at once"):
        for _ in range(10):
            assert list(pool.finished()) == []


def test_a_job_submitted_to_a_broken_pool_is_not_lost(pool: LocalPool) -> None:
    with pool:
        pool.submit(Job(os.path.basename, ("a/first",)))
        while len(pool):
            list(pool.finished())
        pool._pool._pool_manager.handle_broken_pool(BrokenProcessPool())
        pool.submit(Job(os.path.basename, ("a/second",)))
        found = []
        while len(pool):
            found += [outcome for _, outcome in pool.finished()]
    assert found == ["second"]


def test_a_worker_that_leaked_hands_its_task_back() -> None:
    with LocalPool(workers=1, timeout_s=60, memory_bytes=200 << 20) as pool:
        pids = []
        for size in (0, 150 << 20, 0, 0):
            pool.submit(Job(leak, (size,)))
            while len(pool):
                pids += [outcome for _, outcome in pool.finished()]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_a_place_is_read_back(tmp_path: Path) -> None:
    assert read_place(tmp_path / "none") is None
    with Marker(tmp_path / "place") as marker:
        assert read_place(tmp_path / "place").index == BETWEEN
        before = time.monotonic()
        marker.enter(5)
        place = read_place(tmp_path / "place")
    assert (place.process, place.index) == (os.getpid(), 5)
    assert before <= place.since <= time.monotonic()


_leaked = []


def leak(size: int) -> int:
    """Keep so many bytes for ever; the process that did."""
    _leaked.append(bytearray(os.urandom(1 << 20) * (size >> 20)))
    return os.getpid()


def test_signals_are_named_in_the_reason(pool: LocalPool) -> None:
    death = pool._death(Job(print, ()), -signal.SIGSEGV)
    assert "died of SIGSEGV" in death.detail
    assert not death.from_outside
    killed = pool._death(Job(print, ()), -signal.SIGKILL)
    assert "out of memory" in killed.detail
    assert killed.from_outside
