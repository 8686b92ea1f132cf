"""The local engine: chunks on this machine's processes, where one bad input costs itself only.

When a worker dies on an input, its chunk is taken apart: what stood before it, the input alone,
what comes after it. The pieces run on their own and are then joined into one, so no input runs
more than twice. The input that dies again alone is quarantined; a SIGKILL that was not ours says
little about the input (an administrator, another process's hunger), so it takes ten of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from domainclip.errors import OutputError
from domainclip.extraction._chunks import Chunk
from domainclip.extraction._local import Death, Job, LocalPool
from domainclip.extraction._marker import BETWEEN
from domainclip.extraction._record import ErrorRow, Record
from domainclip.extraction.task import Packed, Piece, Stop, Task, extract_chunk, join_pieces
from domainclip.pairs.schema import Skip

__all__ = ["LocalEngine"]

_OUTSIDE_DEATHS = 10  # so often may a worker die that no input can be blamed for


@dataclass(slots=True, eq=False)
class _Part:
    """Sources ``start`` to ``stop`` of a chunk that was taken apart."""

    start: int
    stop: int
    alone: bool = False
    deaths: int = 0
    done: Piece | None = None


@dataclass(slots=True, eq=False)
class _UnderWay:
    """A chunk under way: whole as long as it has no parts."""

    chunk: Chunk
    parts: list[_Part] = field(default_factory=list)
    deaths: int = 0


class LocalEngine:
    """Runs chunks on a pool; as a context manager it stops the pool at the end.

    work: where pieces are written, to be taken away from there; markers: where workers keep their
    places, on this machine for choice.
    """

    def __init__(
        self, extractor: Packed, pool: LocalPool, *, work: Path, markers: Path, timeout_s: float
    ) -> None:
        self._extractor = extractor
        self._pool = pool
        self._work, self._markers = work, markers
        self._timeout_s = timeout_s
        self._jobs: dict[Job, tuple[_UnderWay, _Part | None]] = {}

    def __len__(self) -> int:
        return len(self._pool)

    @property
    def room(self) -> int:
        """So many chunks at once keep every worker busy."""
        return 2 * self._pool.workers

    def submit(self, chunk: Chunk) -> None:
        """Give a chunk to a worker."""
        self._extract(_UnderWay(chunk), None)

    def finished(self) -> Iterator[tuple[Chunk, Piece]]:
        """Wait a moment; the chunks that came to an end. Raises what must end the whole run."""
        for job, outcome in self._pool.finished():
            under_way, part = self._jobs.pop(job)
            if isinstance(outcome, Stop):
                raise outcome.error()
            if isinstance(outcome, Death):
                self._died(job, under_way, part, outcome)
            elif part is not None:
                part.done = outcome
                self._join(under_way)
            else:
                for each in under_way.parts:
                    if each.done is not None and each.done.part is not None:
                        each.done.part.unlink(missing_ok=True)
                yield under_way.chunk, outcome

    def progress(self) -> int:
        """Inputs done in the chunks under way."""
        return sum(place.index for job, place in self._pool.places() if self._jobs[job][1] is None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.stop()

    def _extract(self, under_way: _UnderWay, part: _Part | None) -> None:
        name, sources = under_way.chunk.name, under_way.chunk.sources
        if part is not None:
            name += f"-{part.start}-{part.stop}" + ("-alone" if part.alone else "")
            sources = sources[part.start : part.stop]
        task = Task(
            name=name,
            sources=sources,
            extractor=self._extractor,
            directory=self._work,
            marker=self._markers / name,
            timeout_s=self._timeout_s,
        )
        self._submit(Job(extract_chunk, (task,), task.marker), under_way, part)

    def _submit(self, job: Job, under_way: _UnderWay, part: _Part | None) -> None:
        self._jobs[job] = (under_way, part)
        self._pool.submit(job)

    def _died(self, job: Job, under_way: _UnderWay, part: _Part | None, death: Death) -> None:
        if death.index == BETWEEN:
            under_way.deaths += 1
            if under_way.deaths > _OUTSIDE_DEATHS:
                raise OutputError(
                    f"{self._work}: worker processes keep dying while they write; is the machine "
                    "out of memory? Run the same command again with fewer workers."
                )
            self._submit(job, under_way, part)
            return
        if part is not None and part.alone:
            part.deaths += 1
            if death.from_outside and part.deaths < _OUTSIDE_DEATHS:
                self._submit(job, under_way, part)
                return
            name = under_way.chunk.sources[part.start].name
            skip = Skip(where=name, reason=death.reason, detail=death.detail)
            record = Record(names=[name], failed=1, errors=[ErrorRow.of(skip)])
            part.done = Piece(record, None)
            self._join(under_way)
            return
        self._take_apart(under_way, part, death.index)

    def _take_apart(self, under_way: _UnderWay, part: _Part | None, index: int) -> None:
        """The input alone, and what stands before and after it."""
        first = part or _Part(0, len(under_way.chunk.sources))
        at = first.start + index
        pieces = [
            _Part(first.start, at),
            _Part(at, at + 1, alone=True),
            _Part(at + 1, first.stop),
        ]
        pieces = [piece for piece in pieces if piece.start < piece.stop]
        where = under_way.parts.index(part) if part is not None else 0
        under_way.parts[where : where + 1] = pieces
        for piece in pieces:
            self._extract(under_way, piece)

    def _join(self, under_way: _UnderWay) -> None:
        pieces = [part.done for part in under_way.parts if part.done is not None]
        if len(pieces) == len(under_way.parts):
            arguments = (under_way.chunk.name, self._work, tuple(pieces))
            self._submit(Job(join_pieces, arguments), under_way, None)
