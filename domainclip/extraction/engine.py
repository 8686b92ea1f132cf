"""Run an extractor over its sources: chunk by chunk, resumable, one bad input costing itself only.

The sources are listed once, put in the order of their names' hashes and cut into chunks: each is
one task and one part file. Why so: the cut does not depend on workers, timing or the order in which
a file system lists; every part is a fair sample, so the time left is well predicted; and when
inputs are added later, the finished ones keep their parts and only the new ones are cut.
A chunk's name begins with its first source's hash, so the parts' names keep that order.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from domainclip.errors import BadInput, UsageError
from domainclip.extraction._chunks import Chunk, chunks
from domainclip.extraction._directory import Directory
from domainclip.extraction._identity import extractor_name, options_of
from domainclip.extraction._listing import Listing
from domainclip.extraction._local import LocalPool
from domainclip.extraction._local_engine import LocalEngine
from domainclip.extraction._progress import Progress
from domainclip.extraction.protocol import Extractor, Source
from domainclip.extraction.summary import Summary
from domainclip.extraction.task import Packed

if TYPE_CHECKING:
    from domainclip.extraction._ray_engine import RayEngine

__all__ = ["ENGINES", "run_extraction"]

ENGINES = ("local", "ray")
CHUNK_SOURCES = 256  # at most; a chunk under way is what a kill costs
CHUNKS_WANTED = 64  # at least, so that few sources still keep many workers busy
SMALLEST_LIMIT = 256 << 20  # bytes; less than a worker needs to hold its libraries


def run_extraction(
    extractor: Extractor,
    roots: Sequence[str],
    out: Path | str,
    *,
    workers: int | None = None,
    engine: str = "local",
    limit: int | None = None,
    timeout_s: float = 300.0,
    memory_bytes: int | None = None,
    chunk_size: int | None = None,
    progress: bool | None = None,
) -> Summary:
    """Extract every source under ``roots`` into the pairs directory ``out``; returns the summary.

    Calling it again goes on where it ended, and takes in what was added under ``roots`` since.
    engine: ``local``, this machine; ``ray``, a Ray cluster, whose nodes all see ``out``. workers:
    processes (default: the cores this process may use, or the cluster's). limit: only the first so
    many sources. timeout_s, memory_bytes: what one input may take (default memory: the machine's,
    shared among the workers, or a core's share of the cluster's; 0: no limit). chunk_size: sources
    a part. progress: a bar on stderr (default: if it is a terminal).

    Raises OutputInUse (another run holds ``out``, or it was made with other options), OutputError
    (a full disk, no permission), BadInput (nothing found), MissingExtra (no Ray), UsageError.
    """
    started = time.monotonic()
    if engine not in ENGINES:
        raise UsageError(f"engine={engine!r}: choose one of {', '.join(ENGINES)}.")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", str(out)):
        raise UsageError(
            f"{out}: pairs are made in a folder (a part appears by being renamed, which object "
            "storage has not); choose one, with --engine ray one that all nodes share, and upload "
            "it when it is done."
        )
    _check(
        workers=workers,
        timeout_s=timeout_s,
        limit=limit,
        chunk_size=chunk_size,
        memory_bytes=memory_bytes,
    )
    packed = Packed.of(extractor)
    with Directory(Path(out), extractor) as directory:
        listing = directory.listing()
        running = _engine(
            engine,
            packed,
            preload=type(extractor).__module__,
            work=directory.work,
            workers=workers,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
        )
        with running, Progress(extractor_name(extractor), shown=progress) as bar:
            for source in islice(_sources(extractor, roots), limit):
                listing.add(source)
                bar.listed(listing.listed)
            size = chunk_size or max(1, min(CHUNK_SOURCES, listing.listed // CHUNKS_WANTED))
            _run(chunks(listing, size), running, directory, listing, bar)
        return directory.finish(
            listing, made=_made(extractor, roots), seconds=time.monotonic() - started
        )


def _engine(
    name: str,
    extractor: Packed,
    *,
    preload: str,
    work: Path,
    workers: int | None,
    timeout_s: float,
    memory_bytes: int | None,
) -> LocalEngine | RayEngine:
    if name == "ray":
        from domainclip.extraction._ray_engine import RayEngine

        return RayEngine(
            extractor,
            preload=preload,
            work=work,
            workers=workers,
            timeout_s=timeout_s,
            memory_bytes=memory_bytes,
        )
    workers = _default_workers() if workers is None else workers
    if memory_bytes is None:
        memory_bytes = max(SMALLEST_LIMIT, int(0.8 * _machine_bytes()) // workers)
    pool = LocalPool(
        workers=workers, timeout_s=timeout_s, memory_bytes=memory_bytes, preload=[preload]
    )
    return LocalEngine(extractor, pool, work=work, markers=work, timeout_s=timeout_s)


def _run(
    todo: Iterator[Chunk],
    engine: LocalEngine | RayEngine,
    directory: Directory,
    listing: Listing,
    bar: Progress,
) -> None:
    done = failed = 0

    def settle(most: int) -> None:
        nonlocal done, failed
        while len(engine) > most:
            for chunk, piece in engine.finished():
                directory.commit(chunk.name, piece)
                done += len(piece.record.names)
                failed += piece.record.failed
            if bar.shown:
                before = listing.resumed + listing.repeated + listing.clashes
                bar.at(listing.listed, before + done + engine.progress(), failed)

    for chunk in todo:
        engine.submit(chunk)
        settle(engine.room - 1)
    settle(0)


def _sources(extractor: Extractor, roots: Sequence[str]) -> Iterator[Source]:
    together: Callable[[Sequence[str]], Iterator[Source]] | None
    together = getattr(extractor, "all_sources", None)
    if together is not None:
        yield from together(roots)
        return
    for root in roots:
        found = False
        for source in extractor.sources(root):
            found = True
            yield source
        if not found:  # a mistyped root among others must not pass for an empty one
            raise BadInput(f"No inputs found under {root!r}.")


def _check(
    *,
    workers: int | None,
    timeout_s: float,
    limit: int | None,
    chunk_size: int | None,
    memory_bytes: int | None,
) -> None:
    for name, value in (("workers", workers), ("limit", limit), ("chunk_size", chunk_size)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value}: must be at least 1.")
    if not timeout_s > 0:
        raise UsageError(f"timeout_s={timeout_s:g}: must be more than 0 seconds.")
    if memory_bytes is not None and 0 != memory_bytes < SMALLEST_LIMIT:
        raise UsageError(
            f"A memory limit of {memory_bytes >> 20} MB is less than an idle worker needs; give at "
            f"least {SMALLEST_LIMIT >> 20} MB, or 0 for none."
        )


def _made(extractor: Extractor, roots: Sequence[str]) -> str:
    # only the last word of a path: where a user keeps data is nobody's business
    named = not hasattr(extractor, "hidden")  # a folder may be called like a patient
    where = " ".join(Path(root).name or root for root in roots) if named else "SOURCE"
    options = ", ".join(f"{name}={value!r}" for name, value in options_of(extractor).items())
    name = extractor_name(extractor)
    return f"domainclip extract {name} {where}\n\n    {name} {extractor.version}: {options}"


def _default_workers() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _machine_bytes() -> int:
    """The memory this process may use: the machine's, or its container's where that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        limit = "max"
    return min(total, int(limit)) if limit.isdecimal() else total
