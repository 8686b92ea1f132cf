"""The Ray engine: chunks as Ray tasks on any number of machines.

Ray places a task where a core and the memory of one input are free, and repeats it elsewhere when
its worker or its node dies: that costs the chunk's time. All else is in ``_ray_node``. Results come
back as records and as parts on storage that all nodes share; the run moves them into their place.

Connects to the cluster that the script is connected to, that ``RAY_ADDRESS`` names or that
``ray start`` made on this machine; else, and with RAY_ADDRESS=local, starts Ray on this machine for
as long as the run takes.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Self

from domainclip.errors import MissingExtra, OutputError, UsageError
from domainclip.extraction._chunks import Chunk
from domainclip.extraction._ray_node import PROGRESS_S, Site, progress_file, run_chunk
from domainclip.extraction.task import Packed, Piece, Stop

try:
    import ray
except ModuleNotFoundError as error:
    raise MissingExtra("ray", "ray") from error

__all__ = ["RayEngine"]

_RETRIES = 20  # of one chunk; nodes that can be taken away at any time are taken away often
_WAIT_S = 0.1
_LOOK_S = 5.0  # between two looks at the cluster's size
_STORE_BYTES = 80 << 20  # Ray's least object store; nothing large goes through it
_WORKER_BYTES = 200 << 20  # a Ray worker with its pool's server, beside the process of the input
_SHARE = 0.8  # of a node's memory: one that joins later may say that it has a little less
_LEAST_BYTES = 256 << 20  # less than an idle worker needs
_UNKNOWN_SHARE_BYTES = 2 << 30  # while no node with cores is up


class RayEngine:
    """Runs chunks on a Ray cluster, to be used as a context manager.

    workers: chunks at once, None for as many as the cluster has cores; more than that share the
    cores (inputs that come over a network wait most of the time). memory_bytes: what one input may
    take, and with what Ray keeps beside it what a task reserves; 0: no limit and no reservation;
    None: the cluster's memory over its cores or workers. Raises UsageError where there is no
    cluster to be had, or no node of it has the memory.
    """

    def __init__(
        self,
        extractor: Packed,
        *,
        preload: str,
        work: Path,
        workers: int | None,
        timeout_s: float,
        memory_bytes: int | None,
    ) -> None:
        self._extractor, self._preload, self._work = extractor, preload, work
        self._workers = workers
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._chunks: dict[Any, Chunk] = {}  # by the reference to their result
        self._connection = ExitStack()
        self._cores = 0
        self._looked = self._noted = float("-inf")
        self._notes: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self._connection.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # What is under way ends itself when the run's folder is gone. Ray cannot be asked to cancel
        # it: where the task finishes in the same instant that aborts this process (Ray 2.60).
        self._chunks.clear()
        self._connection.close()

    def __len__(self) -> int:
        return len(self._chunks)

    @property
    def room(self) -> int:
        """So many chunks at once keep every core busy, those of nodes that join later as well."""
        if self._workers is not None:
            return self._workers
        now = time.monotonic()
        if now - self._looked > _LOOK_S:
            self._looked = now
            self._cores = int(ray.cluster_resources().get("CPU", 0))
        return 2 * max(1, self._cores)

    def submit(self, chunk: Chunk) -> None:
        """Queue a chunk as a task."""
        self._chunks[self._task.remote(chunk, self._site)] = chunk

    def finished(self) -> Iterator[tuple[Chunk, Piece]]:
        """Wait a moment; the chunks that came to an end. Raises what must end the whole run."""
        done, _ = ray.wait(list(self._chunks), timeout=_WAIT_S)
        for result in done:
            outcome = _outcome(result)
            if isinstance(outcome, Stop):
                raise outcome.error()
            yield self._chunks.pop(result), outcome

    def progress(self) -> int:
        """Inputs done in the chunks under way, as of a few seconds ago."""
        now = time.monotonic()
        if now - self._noted > PROGRESS_S:
            self._noted = now
            self._notes = {one.name: _note(self._work, one) for one in self._chunks.values()}
        return sum(self._notes.get(chunk.name, 0) for chunk in self._chunks.values())

    def _begin(self) -> None:
        if not ray.is_initialized():
            # Ray tells of nodes that died and tasks that it repeats: on stdout, unasked
            self._connection.enter_context(redirect_stdout(sys.stderr))
            _connect(self._workers)
            self._connection.callback(ray.shutdown)
        cores = sum(node["CPU"] for node in _nodes())
        at_once = max(cores, self._workers or 0)
        share = _share_bytes(at_once) if self._memory_bytes is None else self._memory_bytes
        reserved = share + _WORKER_BYTES if share else 0
        _check_fits(reserved)
        self._site = Site.of_this_process(
            self._extractor,
            self._preload,
            work=self._work,
            timeout_s=self._timeout_s,
            memory_bytes=share,
        )
        options = {
            # Ray counts in ten-thousandths: a rounded-up share would leave one task out
            "num_cpus": max(1e-4, int(1e4 * cores / at_once) / 1e4) if cores else 1,
            "memory": reserved or None,
            "max_retries": _RETRIES,
        }
        self._task = ray.remote(run_chunk).options(name="domainclip extract", **options)


def _connect(workers: int | None) -> None:
    address = os.environ.get("RAY_ADDRESS", "")
    if address.startswith("ray://"):
        raise UsageError(
            f"RAY_ADDRESS={address}: a run reads and writes the nodes' shared storage, so start it "
            "on a node of the cluster, without RAY_ADDRESS, or with host:port."
        )
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report home
    # where Ray finds no cluster it starts one here; only that one takes a size from us
    own = {"num_cpus": workers, "object_store_memory": _STORE_BYTES, "include_dashboard": False}
    try:
        try:
            ray.init(**own, **quiet)
        except ValueError:  # there is a cluster, and it has its size
            ray.init(**quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(
            f"No Ray cluster could be reached or started ({' '.join(str(error).split())[:200]}); "
            "see `ray status`, or use --engine local."
        ) from error


def _nodes() -> list[dict[str, float]]:
    """The resources of the nodes that can take a task."""
    alive = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [resources for resources in alive if resources.get("CPU", 0) >= 1]


def _share_bytes(at_once: float) -> int:
    memory = sum(node.get("memory", 0.0) for node in _nodes())
    if not memory:
        return _UNKNOWN_SHARE_BYTES
    return max(_LEAST_BYTES, int(_SHARE * memory / at_once) - _WORKER_BYTES)


def _check_fits(reserved: int) -> None:
    largest = max((node.get("memory", 0.0) for node in _nodes()), default=None)
    if largest is not None and reserved > largest:
        raise UsageError(
            f"An input may take {reserved - _WORKER_BYTES >> 20:,} MB, and no node of the Ray "
            f"cluster has {reserved >> 20:,} MB (the largest: {int(largest) >> 20:,}); give a "
            "lower --memory-mb, or 0 to reserve none."
        )


def _outcome(result: Any) -> Piece | Stop:
    try:
        return ray.get(result)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ImportError):
            raise UsageError(
                f"A node of the Ray cluster cannot import what it needs ({error.cause}); install "
                "the same domainclip on every node."
            ) from error
        raise
    except ray.exceptions.RayError as error:
        raise OutputError(
            f"Ray gave a chunk up after {_RETRIES} tries ({type(error).__name__}); is a node out "
            "of memory? See `ray status`, then run the same command again."
        ) from error


def _note(work: Path, chunk: Chunk) -> int:
    with suppress(OSError, ValueError):
        return int(progress_file(work, chunk).read_text())
    return 0
