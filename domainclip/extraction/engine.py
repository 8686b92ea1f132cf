"""Run an extractor over its sources: chunk by chunk, resumable, one bad input costing itself only.

The sources are listed once, put in the order of their names' hashes and cut into chunks: each is
one task and one part file. Why so: the cut does not depend on workers, timing or the order in which
a file system lists; every part is a fair sample, so the time left is well predicted; and when
inputs are added later, the finished ones keep their parts and only the new ones are cut.
A chunk's name begins with its first source's hash, so the parts' names keep that order.

When a worker dies on an input, its chunk is taken apart: what stood before it, the input alone,
what comes after it. The pieces run on their own and are then joined into the chunk's part, so no
input runs more than twice. The input that dies again alone is quarantined.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from domainclip.errors import BadInput, DomainclipError, OutputError, UsageError
from domainclip.extraction._directory import Directory, extractor_name, options_of
from domainclip.extraction._listing import name_hash
from domainclip.extraction._local import Death, Job, LocalPool
from domainclip.extraction._marker import BETWEEN
from domainclip.extraction._progress import Progress
from domainclip.extraction._record import ErrorRow, Record
from domainclip.extraction.protocol import Extractor, Source
from domainclip.extraction.summary import Summary
from domainclip.extraction.task import Packed, Piece, Stop, Task, extract_chunk, join_pieces
from domainclip.pairs.schema import Skip
from domainclip.pairs.writer import output_errors

__all__ = ["ENGINES", "run_extraction"]

ENGINES = ("local", "ray")
CHUNK_SOURCES = 256  # at most; a chunk under way is what a kill costs
CHUNKS_WANTED = 64  # at least, so that few sources still keep many workers busy
_SMALLEST_LIMIT = 256 << 20  # bytes; less than a worker needs to hold its libraries
_OUTSIDE_DEATHS = 3


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
    workers: processes (default: the cores this process may use). limit: only the first so many
    sources. timeout_s, memory_bytes: what one input may take (default memory: the machine's,
    shared among the workers; 0: no limit). chunk_size: sources a part. progress: a bar on stderr
    (default: if it is a terminal).

    Raises OutputInUse (another run holds ``out``, or it was made with other options), OutputError
    (a full disk, no permission), BadInput (nothing found), UsageError.
    """
    started = time.monotonic()
    if engine not in ENGINES:
        raise UsageError(f"engine={engine!r}: choose one of {', '.join(ENGINES)}.")
    if engine == "ray":
        raise UsageError("engine='ray' is not in this version yet; use engine='local'.")
    workers = _default_workers() if workers is None else workers
    if memory_bytes is None:
        memory_bytes = max(_SMALLEST_LIMIT, int(0.8 * _machine_bytes()) // max(1, workers))
    _check(workers=workers, timeout_s=timeout_s, limit=limit, chunk_size=chunk_size)
    if 0 < memory_bytes < _SMALLEST_LIMIT:
        raise UsageError(
            f"A memory limit of {memory_bytes >> 20} MB is less than an idle worker needs; give at "
            f"least {_SMALLEST_LIMIT >> 20} MB, or 0 for none."
        )
    with Directory(Path(out), extractor) as directory:
        listing = directory.listing()
        with Progress(extractor_name(extractor), shown=progress) as bar:
            for source in islice(_sources(extractor, roots), limit):
                listing.add(source)
                bar.listed(listing.listed)
            if not listing.listed:
                raise BadInput(f"No inputs found under {', '.join(map(repr, roots))}.")
            size = chunk_size or max(1, min(CHUNK_SOURCES, listing.listed // CHUNKS_WANTED))
            pool = LocalPool(
                workers=workers,
                timeout_s=timeout_s,
                memory_bytes=memory_bytes,
                lock=directory.lock,
                preload=[type(extractor).__module__],
            )
            with pool:
                run = _Run(directory, Packed.of(extractor), pool, timeout_s, memory_bytes)

                def settle(most: int) -> None:
                    while len(pool) > most:
                        run.settle()
                        if bar.shown:
                            done = listing.resumed + listing.repeated + listing.clashes
                            bar.at(listing.listed, done + run.progress(), run.failed)

                for chunk in _chunks(listing, size):
                    run.begin(chunk)
                    settle(2 * workers - 1)
                settle(0)
        return directory.finish(
            listing, made=_made(extractor, roots), seconds=time.monotonic() - started
        )


@dataclass(slots=True, eq=False)
class _Part:
    """Sources ``start`` to ``stop`` of a chunk that was taken apart."""

    start: int
    stop: int
    alone: bool = False
    done: Piece | None = None


@dataclass(slots=True, eq=False)
class _Chunk:
    """A chunk under way: whole as long as it has no parts."""

    name: str
    sources: tuple[Source, ...]
    parts: list[_Part] = field(default_factory=list)
    outside_deaths: int = 0


class _Run:
    """The chunks under way and what becomes of them."""

    def __init__(
        self,
        directory: Directory,
        extractor: Packed,
        pool: LocalPool,
        timeout_s: float,
        memory_bytes: int,
    ) -> None:
        self.failed = 0
        self._sources_done = 0
        self._directory = directory
        self._extractor = extractor
        self._pool = pool
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._jobs: dict[Job, tuple[_Chunk, _Part | None]] = {}
        with output_errors(directory.path):
            directory.running.mkdir(exist_ok=True)

    def begin(self, chunk: _Chunk) -> None:
        """Give a whole chunk to a worker."""
        self._extract(chunk, None)

    def progress(self) -> int:
        """Sources done in this run, with those in the chunks under way."""
        under_way = sum(
            place.index for job, place in self._pool.places() if self._jobs[job][1] is None
        )
        return self._sources_done + under_way

    def settle(self) -> None:
        """Wait a moment, and take up what came to an end."""
        for job, outcome in self._pool.finished():
            chunk, part = self._jobs.pop(job)
            if isinstance(outcome, Stop):
                raise _error(outcome)
            if isinstance(outcome, Death):
                self._died(job, chunk, part, outcome)
            elif part is None:
                self._finish(chunk, outcome)
            else:
                part.done = Piece(outcome, self._piece_path(chunk, part))
                self._join(chunk)

    def _extract(self, chunk: _Chunk, part: _Part | None) -> None:
        whole = part is None
        name = chunk.name if part is None else _piece_name(chunk, part)
        task = Task(
            name=name,
            sources=chunk.sources if part is None else chunk.sources[part.start : part.stop],
            extractor=self._extractor,
            directory=self._directory.path if whole else self._directory.pieces,
            record=self._record_path(chunk) if whole else None,
            marker=self._directory.running / name,
            timeout_s=self._timeout_s,
        )
        self._submit(Job(extract_chunk, (task,), task.marker), chunk, part)

    def _submit(self, job: Job, chunk: _Chunk, part: _Part | None) -> None:
        self._jobs[job] = (chunk, part)
        self._pool.submit(job)

    def _died(self, job: Job, chunk: _Chunk, part: _Part | None, death: Death) -> None:
        if death.index == BETWEEN:
            chunk.outside_deaths += 1
            if chunk.outside_deaths > _OUTSIDE_DEATHS:
                raise OutputError(
                    f"{self._directory.path}: worker processes keep dying while they write; is the "
                    "machine out of memory? Run the same command again with fewer workers."
                )
            self._submit(job, chunk, part)
            return
        if part is not None and part.alone:
            source = chunk.sources[part.start]
            skip = Skip(where=source.name, reason=death.reason, detail=death.detail)
            part.done = Piece(
                Record(names=[source.name], failed=1, errors=[ErrorRow.of(skip)]), None
            )
            self._join(chunk)
            return
        # the input alone, and what stands before and after it
        first = part or _Part(0, len(chunk.sources))
        at = first.start + death.index
        pieces = [
            _Part(first.start, at),
            _Part(at, at + 1, alone=True),
            _Part(at + 1, first.stop),
        ]
        pieces = [piece for piece in pieces if piece.start < piece.stop]
        where = chunk.parts.index(part) if part is not None else 0
        chunk.parts[where : where + 1] = pieces
        for piece in pieces:
            self._extract(chunk, piece)

    def _join(self, chunk: _Chunk) -> None:
        pieces = [part.done for part in chunk.parts if part.done is not None]
        if len(pieces) == len(chunk.parts):
            path = self._record_path(chunk)
            arguments = (chunk.name, self._directory.path, path, tuple(pieces))
            self._submit(Job(join_pieces, arguments), chunk, None)

    def _finish(self, chunk: _Chunk, record: Record) -> None:
        self._sources_done += len(record.names)
        self.failed += record.failed
        for part in chunk.parts:
            self._piece_path(chunk, part).unlink(missing_ok=True)

    def _record_path(self, chunk: _Chunk) -> Path:
        return self._directory.chunks / f"{chunk.name}.json"

    def _piece_path(self, chunk: _Chunk, part: _Part) -> Path:
        return self._directory.pieces / f"part-{_piece_name(chunk, part)}.parquet"


def _piece_name(chunk: _Chunk, part: _Part) -> str:
    return f"{chunk.name}-{part.start}-{part.stop}" + ("-alone" if part.alone else "")


def _sources(extractor: Extractor, roots: Iterable[str]) -> Iterator[Source]:
    for root in roots:
        yield from extractor.sources(root)


def _chunks(sources: Iterable[Source], size: int) -> Iterator[_Chunk]:
    rest = iter(sources)
    while members := tuple(islice(rest, size)):
        names = hashlib.blake2b(digest_size=4)
        for source in members:
            names.update(name_hash(source.name))
        yield _Chunk(name_hash(members[0].name)[:4].hex() + names.hexdigest(), members)


def _error(stop: Stop) -> Exception:
    if stop.kind == "output":
        return OutputError(stop.message)
    if stop.kind == "usage":
        return DomainclipError(stop.message)
    return RuntimeError(f"a worker's own code failed:\n{stop.message}")


def _check(*, workers: int, timeout_s: float, limit: int | None, chunk_size: int | None) -> None:
    for name, value in (("workers", workers), ("limit", limit), ("chunk_size", chunk_size)):
        if value is not None and value < 1:
            raise UsageError(f"{name}={value}: must be at least 1.")
    if not timeout_s > 0:
        raise UsageError(f"timeout_s={timeout_s:g}: must be more than 0 seconds.")


def _made(extractor: Extractor, roots: Sequence[str]) -> str:
    # only the last word of a path: where a user keeps data is nobody's business
    where = " ".join(Path(root).name or root for root in roots)
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
