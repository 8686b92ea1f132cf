"""Parts of a pairs directory as the reader sees them: open files, row groups, image bytes."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domainclip.errors import BadInput
from domainclip.pairs._spans import RawFile, image_spans
from domainclip.pairs.schema import PAIR_SCHEMA

__all__ = ["TO_LIST", "Group", "Groups", "OpenParts", "Part", "open_part", "read_footer"]

TO_LIST = "run `domainclip pairs check` to list every bad part, then "
_REMEDY = f"{TO_LIST}make it again or delete it"


@dataclass(frozen=True, slots=True)
class Part:
    """One part file. groups: rows of each of its row groups."""

    path: Path
    groups: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Rows of the whole part."""
        return sum(self.groups)


@dataclass(frozen=True, slots=True)
class Group:
    """A row group's address: which part, which group in it, its first row's global position."""

    part: int
    group: int
    rows: int
    start: int


def read_footer(path: Path) -> Part:
    """The part's row groups, from its footer. Raises BadInput where it is cut short or foreign."""
    with open_part(path) as file:
        metadata = file.metadata
        return Part(
            path, tuple(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups))
        )


def open_part(path: Path) -> pq.ParquetFile:
    """The part as a ParquetFile; raises BadInput naming it where that is impossible."""
    try:
        file = pq.ParquetFile(pa.OSFile(str(path)), pre_buffer=False)
    except FileNotFoundError as error:
        raise BadInput(f"{path}: the part is gone; was the directory rewritten meanwhile?") from (
            error
        )
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(
            f"{path}: cut short or not a Parquet file ({_first_line(error)}); {_REMEDY}."
        ) from error
    schema = file.schema_arrow
    for field in PAIR_SCHEMA:
        found = schema.field(field.name).type if field.name in schema.names else None
        if found is None or not _compatible(found, field.type):
            is_what = "is absent" if found is None else f"has type {found}"
            raise BadInput(
                f"{path}: column {field.name!r} {is_what}, so this is no part of a pairs "
                f"directory; bring other Parquet in with `domainclip pairs import`."
            )
    return file


def damaged(path: Path, error: BaseException) -> BadInput:
    """The error for bytes that turn out to be unreadable behind a sound footer."""
    return BadInput(f"{path}: its data is damaged ({_first_line(error)}); {_REMEDY}.")


class Groups:
    """All row groups that hold rows, as a few bytes each: a sequence of Group."""

    def __init__(self, parts: Sequence[Part]) -> None:
        sizes = [np.asarray(part.groups, dtype=np.int64) for part in parts]
        rows = np.concatenate(sizes) if sizes else np.zeros(0, np.int64)
        part = np.repeat(np.arange(len(sizes)), [len(each) for each in sizes])
        group = np.concatenate([np.arange(len(each)) for each in sizes]) if sizes else rows
        held = rows > 0
        self.part, self.group, self.rows = part[held], group[held], rows[held]
        self.start = np.cumsum(self.rows) - self.rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> Group:
        return Group(*(int(a[at]) for a in (self.part, self.group, self.rows, self.start)))

    def __iter__(self) -> Iterator[Group]:
        return (self[at] for at in range(len(self)))

    def holding(self, row: int) -> int:
        """The number of the row group that holds a global row."""
        return int(np.searchsorted(self.start, row, side="right")) - 1


class OpenParts:
    """The most recently used parts, kept open; each process opens its own after a fork."""

    def __init__(self, parts: Sequence[Part], limit: int = 64) -> None:
        self._parts = parts
        self._limit = limit
        self._open: OrderedDict[int, tuple[pq.ParquetFile, RawFile]] = OrderedDict()
        self._process = os.getpid()

    def read(self, group: Group, columns: Sequence[str]) -> pa.Table:
        """One row group's columns; raises BadInput where the bytes are damaged."""
        file = self.file(group.part)
        try:
            return file.read_row_group(group.group, columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise damaged(self._parts[group.part].path, error) from error

    def read_part(self, part: int, columns: Sequence[str]) -> pa.Table:
        """Narrow columns of a whole part; raises BadInput where the bytes are damaged."""
        try:
            return self.file(part).read(columns=list(columns), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise damaged(self._parts[part].path, error) from error

    def images(self, group: Group, rows: np.ndarray) -> Iterator[bytes] | None:
        """The image bytes of some rows of a row group, each read when asked for.

        None where they are stored in a way that only Arrow reads, or damaged. Raises BadInput,
        here or later, where the file cannot be read.
        """
        path = self._parts[group.part].path
        parquet, raw = self._file(group.part)
        column = _image_chunk(parquet.metadata.row_group(group.group))
        try:
            spans = image_spans(raw, column)
        except OSError as error:
            raise damaged(path, error) from error
        if spans is None:
            return None
        if 8 * len(rows) >= group.rows:
            raw.announce(column.data_page_offset, column.total_compressed_size)
        return _read_spans(raw, path, spans[rows].tolist())

    def file(self, part: int) -> pq.ParquetFile:
        """The open part."""
        return self._file(part)[0]

    def _file(self, part: int) -> tuple[pq.ParquetFile, RawFile]:
        if self._process != os.getpid():
            self._open, self._process = OrderedDict(), os.getpid()
        if part in self._open:
            self._open.move_to_end(part)
            return self._open[part]
        while len(self._open) >= self._limit:
            self._open.popitem(last=False)[1][0].close(force=True)
        path = self._parts[part].path
        self._open[part] = (open_part(path), RawFile(path))
        return self._open[part]

    def __reduce__(self) -> tuple[Any, ...]:
        return OpenParts, (self._parts, self._limit)


def _image_chunk(group: pq.RowGroupMetaData) -> pq.ColumnChunkMetaData:
    chunks = (group.column(at) for at in range(group.num_columns))
    return next(chunk for chunk in chunks if chunk.path_in_schema == "image.bytes")


def _read_spans(raw: RawFile, path: Path, spans: list[list[int]]) -> Iterator[bytes]:
    for offset, size in spans:
        try:
            data = raw.read(offset, size)
        except (EOFError, OSError) as error:
            raise damaged(path, error) from error
        yield data


def _compatible(found: pa.DataType, wanted: pa.DataType) -> bool:
    if found.equals(wanted):
        return True
    # other writers (polars, datasets) store the same columns with 64-bit offsets
    return bool(_narrow(found).equals(wanted))


def _narrow(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(_narrow(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _narrow(field.type)) for field in kind])
    return kind


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")
