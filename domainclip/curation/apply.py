"""Apply filters to pairs: a new directory, or a mask that says what to keep; images stay bytes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from domainclip.curation._protocol import Decision, Filter
from domainclip.errors import OutputInUse
from domainclip.pairs import PAIR_SCHEMA, Pairs, PairWriter
from domainclip.pairs._output import new_directory
from domainclip.pairs._parts import Group
from domainclip.pairs.writer import GROUP_BYTES, GROUP_ROWS, output_errors

__all__ = ["DROPPED_FILE", "CurationReport", "curate"]

DROPPED_FILE = "_dropped.parquet"
_ROWS_AT_ONCE = 8192  # rows decided together; their narrow columns are a few MB
_IMAGES_AT_ONCE = 128  # the same where a filter reads the images

_MASK = pa.schema([("key", pa.string()), ("keep", pa.bool_()), ("reason", pa.string())])


@dataclass(frozen=True, slots=True)
class CurationReport:
    """What stayed. seen, dropped: rows that each filter was asked about and left out, in order.

    A row is left out by the first filter that refuses it; the filters after it never see it.
    ``kept + sum(dropped.values()) == pairs``.
    """

    out: Path
    pairs: int
    kept: int
    seen: Mapping[str, int]
    dropped: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The fields as plain values, for ``--json``."""
        return {
            "out": str(self.out),
            "pairs": self.pairs,
            "kept": self.kept,
            "filters": [
                {"name": name, "seen": self.seen[name], "dropped": self.dropped[name]}
                for name in self.seen
            ],
        }

    def __str__(self) -> str:
        share = 100 * self.kept / self.pairs if self.pairs else 100.0
        width = max(map(len, self.seen), default=0)
        return "\n".join(
            [
                f"kept {self.kept:,} of {self.pairs:,} pairs ({share:.1f} %) in {self.out}",
                *(
                    f"  {name:<{width}}  dropped {self.dropped[name]:,} of {seen:,}"
                    for name, seen in self.seen.items()
                ),
            ]
        )


def curate(
    pairs: Pairs,
    filters: Mapping[str, Filter],
    out: Path | str,
    *,
    mask: bool = False,
    made: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> CurationReport:
    """Apply the filters, in their order, each to what those before it have kept.

    filters: by the name under which they are counted. out: a new pairs directory, with the rows
    that were left out and why in ``_dropped.parquet``; with ``mask`` a Parquet file of a row per
    pair: key, keep, reason (the filter that refused it, or empty). Only the columns that the
    filters name are read for the decisions; the images of a kept row are copied as they lie.
    progress: called with rows done and rows in all.

    Raises OutputInUse where ``out`` exists, OutputError, BadInput for a damaged part.
    """
    path = Path(out)
    decisions = {name: (chosen.columns, chosen.start()) for name, chosen in filters.items()}
    counts = _Counts(decisions)
    if mask:
        if path.exists():
            raise OutputInUse(f"{path}: exists already; choose another output or remove it first.")
        with _Table(path) as table:
            for _, keys, keep, reasons in _decided(pairs, counts, progress):
                table.add(keys, keep, reasons)
    else:
        with (
            new_directory(path) as directory,
            PairWriter(directory, made=made, title=path.name, errors=pairs.errors()) as writer,
            _Table(directory / DROPPED_FILE) as table,
        ):
            kept = _Regrouped(writer)
            for groups, keys, keep, reasons in _decided(pairs, counts, progress):
                table.add(keys.filter(pa.array(~keep)), keep[~keep], reasons[~keep])
                _copy(pairs, groups, keep, kept)
            kept.flush()
    return CurationReport(
        out=path,
        pairs=len(pairs),
        kept=len(pairs) - counts.dropped.total(),
        seen={name: counts.seen[name] for name in filters},
        dropped={name: counts.dropped[name] for name in filters},
    )


class _Counts:
    """The filters' decisions, joined and counted."""

    def __init__(self, decisions: Mapping[str, tuple[Sequence[str], Decision]]) -> None:
        self.seen: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._decisions = decisions
        self.columns = list(
            dict.fromkeys(["key", *(c for columns, _ in decisions.values() for c in columns)])
        )

    def decide(self, table: pa.Table) -> tuple[NDArray[np.bool_], NDArray[np.object_]]:
        """Which rows stay, (n,) bool, and who refused the others, (n,) names or ""."""
        alive = np.arange(len(table))
        reasons = np.full(len(table), "", dtype=object)
        for name, (columns, decision) in self._decisions.items():
            keep = decision(table.select(list(columns)).take(pa.array(alive)))
            self.seen[name] += len(alive)
            self.dropped[name] += int((~keep).sum())
            reasons[alive[~keep]] = name
            alive = alive[keep]
        return reasons == "", reasons


def _decided(
    pairs: Pairs, counts: _Counts, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[list[Group], pa.ChunkedArray, NDArray[np.bool_], NDArray[np.object_]]]:
    """Some row groups after the other: their keys, which rows stay, who refused the others."""
    rows = _IMAGES_AT_ONCE if "image" in counts.columns else _ROWS_AT_ONCE
    for groups in _batches(pairs.groups, rows):
        table = pa.concat_tables([pairs.read_group(group, counts.columns) for group in groups])
        keep, reasons = counts.decide(table)
        yield groups, table.column("key"), keep, reasons
        if progress is not None:
            progress(groups[-1].start + groups[-1].rows, len(pairs))


def _batches(groups: Iterable[Group], rows: int) -> Iterator[list[Group]]:
    batch: list[Group] = []
    for group in groups:
        batch.append(group)
        if sum(member.rows for member in batch) >= rows:
            yield batch
            batch = []
    if batch:
        yield batch


def _copy(pairs: Pairs, groups: list[Group], keep: NDArray[np.bool_], kept: _Regrouped) -> None:
    for group in groups:
        start = group.start - groups[0].start
        rows = keep[start : start + group.rows]
        if rows.any():
            table = pairs.read_group(group, PAIR_SCHEMA.names)
            kept.add(table if rows.all() else table.filter(pa.array(rows)))


class _Regrouped:
    """Collects what is left of thinned row groups into whole ones."""

    def __init__(self, writer: PairWriter) -> None:
        self._writer = writer
        self._tables: list[pa.Table] = []
        self._rows = self._bytes = 0

    def add(self, table: pa.Table) -> None:
        if self._rows and (
            self._rows + len(table) > GROUP_ROWS or self._bytes + table.nbytes > GROUP_BYTES
        ):
            self.flush()
        self._tables.append(table)
        self._rows += len(table)
        self._bytes += table.nbytes

    def flush(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables).combine_chunks())
        self._tables, self._rows, self._bytes = [], 0, 0


class _Table:
    """Writes rows of _MASK to a file that has its name only when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.writing")

    def add(
        self, keys: pa.ChunkedArray, keep: NDArray[np.bool_], reasons: NDArray[np.object_]
    ) -> None:
        table = pa.table(
            [keys.cast(pa.string()), pa.array(keep, pa.bool_()), pa.array(reasons, pa.string())],
            schema=_MASK,
        )
        with output_errors(self._path):
            self._writer.write_table(table)

    def __enter__(self) -> Self:
        with output_errors(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._temporary, _MASK, compression="zstd")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            with output_errors(self._path):
                self._writer.close()
                if kind is None:
                    self._temporary.replace(self._path)
        finally:
            self._temporary.unlink(missing_ok=True)
