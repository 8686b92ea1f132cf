"""The chunks under way, and what becomes of them when workers die.

When a worker dies on an input, its chunk is taken apart: what stood before it, the input alone,
what comes after it. The pieces run on their own and are then joined into the chunk's part, so no
input runs more than twice. The input that dies again alone is quarantined.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from domainclip.errors import DomainclipError, OutputError
from domainclip.extraction._directory import Directory
from domainclip.extraction._listing import name_hash
from domainclip.extraction._local import Death, Job, LocalPool
from domainclip.extraction._marker import BETWEEN
from domainclip.extraction._record import ErrorRow, Record
from domainclip.extraction.protocol import Source
from domainclip.extraction.task import Packed, Piece, Stop, Task, extract_chunk, join_pieces
from domainclip.pairs.schema import Skip
from domainclip.pairs.writer import output_errors

__all__ = ["Chunk", "Run", "chunks"]

_OUTSIDE_DEATHS = 3  # a worker that dies while it writes is given so many more tries


@dataclass(slots=True, eq=False)
class _Part:
    """Sources ``start`` to ``stop`` of a chunk that was taken apart."""

    start: int
    stop: int
    alone: bool = False
    done: Piece | None = None


@dataclass(slots=True, eq=False)
class Chunk:
    """A chunk under way: whole as long as it has no parts."""

    name: str
    sources: tuple[Source, ...]
    parts: list[_Part] = field(default_factory=list)
    outside_deaths: int = 0


class Run:
    """The chunks under way and what becomes of them."""

    def __init__(
        self,
        directory: Directory,
        extractor: Packed,
        pool: LocalPool,
        timeout_s: float,
    ) -> None:
        self.failed = 0
        self._sources_done = 0
        self._directory = directory
        self._extractor = extractor
        self._pool = pool
        self._timeout_s = timeout_s
        self._jobs: dict[Job, tuple[Chunk, _Part | None]] = {}
        with output_errors(directory.path):
            directory.running.mkdir(exist_ok=True)

    def begin(self, chunk: Chunk) -> None:
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

    def _extract(self, chunk: Chunk, part: _Part | None) -> None:
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

    def _submit(self, job: Job, chunk: Chunk, part: _Part | None) -> None:
        self._jobs[job] = (chunk, part)
        self._pool.submit(job)

    def _died(self, job: Job, chunk: Chunk, part: _Part | None, death: Death) -> None:
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

    def _join(self, chunk: Chunk) -> None:
        pieces = [part.done for part in chunk.parts if part.done is not None]
        if len(pieces) == len(chunk.parts):
            path = self._record_path(chunk)
            arguments = (chunk.name, self._directory.path, path, tuple(pieces))
            self._submit(Job(join_pieces, arguments), chunk, None)

    def _finish(self, chunk: Chunk, record: Record) -> None:
        self._sources_done += len(record.names)
        self.failed += record.failed
        for part in chunk.parts:
            self._piece_path(chunk, part).unlink(missing_ok=True)

    def _record_path(self, chunk: Chunk) -> Path:
        return self._directory.chunks / f"{chunk.name}.json"

    def _piece_path(self, chunk: Chunk, part: _Part) -> Path:
        return self._directory.pieces / f"part-{_piece_name(chunk, part)}.parquet"


def _piece_name(chunk: Chunk, part: _Part) -> str:
    return f"{chunk.name}-{part.start}-{part.stop}" + ("-alone" if part.alone else "")


def chunks(sources: Iterable[Source], size: int) -> Iterator[Chunk]:
    rest = iter(sources)
    while members := tuple(islice(rest, size)):
        names = hashlib.blake2b(digest_size=4)
        for source in members:
            names.update(name_hash(source.name))
        yield Chunk(name_hash(members[0].name)[:4].hex() + names.hexdigest(), members)


def _error(stop: Stop) -> Exception:
    if stop.kind == "output":
        return OutputError(stop.message)
    if stop.kind == "usage":
        return DomainclipError(stop.message)
    return RuntimeError(f"a worker's own code failed:\n{stop.message}")
