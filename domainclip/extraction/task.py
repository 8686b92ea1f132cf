"""One chunk, from sources to a part: the function that every engine runs, here or elsewhere.

``extract_chunk(task)`` and its argument pickle; it needs nothing but the file system. It never
raises: what must end the whole run comes back as a ``Stop``. The worker's place in the chunk is
kept in the file ``task.marker``, so that a death in native code can be laid to one input. The part
lies where the run works, until the run itself, which alone holds the output, gives it its place.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import pyarrow.parquet as pq

from domainclip.errors import BadInput, DomainclipError, OutputError, UsageError
from domainclip.extraction._marker import Marker
from domainclip.extraction._record import Record
from domainclip.extraction._steps import Failure, Steps
from domainclip.extraction.protocol import Extractor, Source
from domainclip.pairs.schema import Pair, Skip
from domainclip.pairs.writer import PartWriter

__all__ = ["Packed", "Piece", "Stop", "Task", "extract_chunk", "join_pieces"]

# An input's pairs wait in memory until it has come to its end, so that one which fails leaves none
# behind. Past this many image bytes they are written, and a failure then costs the chunk anew.
HELD_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """An extractor as bytes, with the file of a class that no import by name can find."""

    pickled: bytes
    module: str = ""
    file: str = ""

    @classmethod
    def of(cls, extractor: Extractor) -> Packed:
        """Pack it. Raises UsageError where it cannot be sent to another process."""
        module = type(extractor).__module__
        file = ""
        if module.startswith("domainclip_user_"):  # catalogue: loaded from ./mine.py
            file = str(getattr(sys.modules[module], "__file__", ""))
        try:
            return cls(pickle.dumps(extractor), module, file)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise UsageError(
                f"{type(extractor).__name__} cannot be sent to a worker process ({error}); define "
                "it at the top of a module, with options that pickle."
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A chunk's sources, or some. directory, name: where their part goes. marker: where the worker
    keeps its place."""

    name: str
    sources: tuple[Source, ...]
    extractor: Packed
    directory: Path
    marker: Path
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Piece:
    """A finished chunk, or a piece of one that was taken apart. part: None where it has no rows."""

    record: Record
    part: Path | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the whole run must end: the output, the installation, or a fault of our own."""

    kind: Literal["output", "usage", "bug"]
    message: str

    @classmethod
    def of(cls, error: Exception) -> Stop:
        """What an exception in a worker means for the run."""
        if isinstance(error, OutputError):
            return cls("output", str(error))
        if isinstance(error, DomainclipError):
            return cls("usage", str(error))
        return cls("bug", "".join(traceback.format_exception(error)))

    def error(self) -> Exception:
        """The exception that the run raises for it."""
        if self.kind == "output":
            return OutputError(self.message)
        if self.kind == "usage":
            return DomainclipError(self.message)
        return RuntimeError(f"a worker's own code failed:\n{self.message}")


def extract_chunk(task: Task) -> Piece | Stop:
    """Extract a task's sources into a part, with the record of how each of them ended."""
    try:
        extractor = _unpacked(task.extractor)
        with Marker(task.marker) as marker:
            record, writer = _filled(task, extractor, marker)
            marker.leave()
            return Piece(record, writer.close())
    except Exception as error:
        return Stop.of(error)


def join_pieces(name: str, directory: Path, pieces: tuple[Piece, ...]) -> Piece | Stop:
    """Join the pieces of one chunk, in their order."""
    try:
        with PartWriter(directory, name) as writer:
            for piece in pieces:
                if piece.part is None:
                    continue
                with pq.ParquetFile(piece.part) as file:
                    for group in range(file.num_row_groups):
                        writer.add_table(file.read_row_group(group))
        return Piece(Record.joined(piece.record for piece in pieces), writer.path)
    except Exception as error:
        return Stop.of(error)


class _Spoiled(Exception):
    """An input failed after some of its pairs were written."""

    def __init__(self, index: int, failure: Failure) -> None:
        self.index, self.failure = index, failure


def _filled(task: Task, extractor: Extractor, marker: Marker) -> tuple[Record, PartWriter]:
    failures: dict[int, Failure] = {}
    while True:
        writer = PartWriter(task.directory, task.name)
        try:
            return _extract_all(task, extractor, marker, writer, failures), writer
        except _Spoiled as spoiled:
            # a new one: the old one's traceback holds the pairs that were given up
            reason, detail = spoiled.failure.reason, str(spoiled.failure)
            failures[spoiled.index] = Failure(reason, detail)
            writer.abort()
        except BaseException:
            writer.abort()
            raise


def _extract_all(
    task: Task,
    extractor: Extractor,
    marker: Marker,
    writer: PartWriter,
    failures: dict[int, Failure],
) -> Record:
    record = Record()
    steps = Steps(task.timeout_s)
    waiting = deque(enumerate(task.sources))
    retried: set[int] = set()
    while waiting:
        index, source = waiting.popleft()
        failure = failures.get(index)
        if failure is None:
            marker.enter(index)
            try:
                pairs, skips = _extract_one(index, extractor, source, steps, writer)
            except Failure as raised:
                if raised.again and index not in retried:
                    # over time or memory: once more, when its neighbours are out of the way
                    retried.add(index)
                    waiting.append((index, source))
                    continue
                failure = raised
        if failure is not None:
            pairs, skips = 0, [Skip(where=source.name, reason=failure.reason, detail=str(failure))]
        record.count(source.name, pairs, skips)
    return record


def _extract_one(
    index: int, extractor: Extractor, source: Source, steps: Steps, writer: PartWriter
) -> tuple[int, list[Skip]]:
    held: list[Pair] = []
    size = pairs = 0
    skips: list[Skip] = []
    try:
        for item in steps.of(extractor, source):
            if isinstance(item, Skip):
                skips.append(item)
                continue
            held.append(item)
            size += len(item.image)
            if size >= HELD_BYTES:
                for _ in _written(held, writer):
                    pairs += 1
                held, size = [], 0
        for _ in _written(held, writer):
            pairs += 1
    except Failure as failure:
        if pairs:
            raise _Spoiled(index, failure) from failure
        raise
    return pairs, skips


def _written(pairs: list[Pair], writer: PartWriter) -> Iterator[None]:
    for pair in pairs:
        try:
            writer.add(pair)
        except BadInput as error:
            raise Failure("bad_pair", str(error)) from error
        yield


@lru_cache(maxsize=4)
def _unpacked(packed: Packed) -> Extractor:
    if packed.file and packed.module not in sys.modules:
        spec = importlib.util.spec_from_file_location(packed.module, packed.file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[packed.module] = module  # pickle looks the class up here
        spec.loader.exec_module(module)
    extractor: Extractor = pickle.loads(packed.pickled)
    return extractor
