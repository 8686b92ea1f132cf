"""Write pairs: parts that appear whole or not at all, in memory bounded by one row group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from domainclip.errors import BadInput, OutputInUse
from domainclip.pairs._errors_file import ERRORS_FILE, error_row, write_errors
from domainclip.pairs._files import output_errors, sync_directory, temporary_beside
from domainclip.pairs.card import write_card
from domainclip.pairs.schema import ERROR_SCHEMA, PAIR_SCHEMA, Pair, Skip, to_row

__all__ = [
    "ERRORS_FILE",
    "FILE_SCHEMA",
    "GROUP_BYTES",
    "GROUP_ROWS",
    "PART_BYTES",
    "PairWriter",
    "PartWriter",
    "clear_temporaries",
    "error_row",
    "output_errors",
    "sync_directory",
    "write_errors",
]

# Readers that know Hugging Face's metadata (datasets, the Hub's viewer) show the column as images.
FILE_SCHEMA = PAIR_SCHEMA.with_metadata(
    {"huggingface": '{"info": {"features": {"image": {"_type": "Image"}}}}'}
)

# A row group is what a reader must hold at once. 128 rows of 20 kB read at 100,000 rows/s and
# more (1,000 rows a group: six times slower single rows); the byte limit bounds slides and scenes.
GROUP_ROWS = 128
GROUP_BYTES = 4 << 20
PART_BYTES = 512 << 20

_NO_DICTIONARY = {"key", "image.bytes", "image.path", "text", "sha256", "phash", "where", "meta"}
_STATISTICS = ["key", "document", "group", "split", "source", "license"]
_TEXT_FIELDS = [field.name for field in PAIR_SCHEMA if field.type == pa.string()]


class PartWriter:
    """Writes ``directory/part-<name>.parquet``: hidden until ``close`` has synced and renamed it.

    As a context manager it closes on success and aborts on an exception. Raises BadInput for a pair
    that Parquet cannot hold, OutputError where the file system refuses (full disk, no permission).
    """

    def __init__(self, directory: Path | str, name: str) -> None:
        if not name or name.startswith(".") or "/" in name or "\\" in name:
            raise BadInput(f"{name!r} cannot name a part: use letters, digits, '-' and '_'.")
        self.path = Path(directory) / f"part-{name}.parquet"
        self.rows = 0
        self.bytes = 0
        self._temporary = temporary_beside(self.path)
        self._columns: dict[str, list[Any]] = {name: [] for name in PAIR_SCHEMA.names}
        self._pending = 0
        with output_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self._temporary.open("xb")
            self._parquet = pq.ParquetWriter(self._file, FILE_SCHEMA, **_layout())

    def add(self, pair: Pair) -> None:
        """Append one pair; its row group reaches the disk when it is full."""
        row = _checked_row(pair)
        # image bytes dominate; 200 stands for the rest of a row
        size = len(pair.image) + len(pair.text) + 200
        if self._pending and self._pending + size > GROUP_BYTES:
            self._flush()
        for name, values in self._columns.items():
            values.append(row[name])
        self._pending += size
        self.rows += 1
        self.bytes += size
        if len(self._columns["key"]) >= GROUP_ROWS or self._pending >= GROUP_BYTES:
            self._flush()

    def add_table(self, table: pa.Table) -> None:
        """Append a row group's worth of rows in PAIR_SCHEMA as they are; images are not decoded."""
        self._flush()
        with self._aborting():
            self._parquet.write_table(table.cast(FILE_SCHEMA), row_group_size=max(1, len(table)))
        self.rows += len(table)
        self.bytes += table.nbytes

    def close(self) -> Path:
        """Sync the part, give it its name, sync the directory; returns the path."""
        self.finish()
        with self._aborting():
            self._temporary.replace(self.path)
            sync_directory(self.path.parent)
        return self.path

    def finish(self) -> None:
        """Everything of ``close`` but the name: the part is on disk, and still hidden."""
        if self._file.closed:
            return
        self._flush()
        with self._aborting():
            self._parquet.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def abort(self) -> None:
        """Leave nothing behind; may be called at any time, also twice."""
        with suppress(OSError, pa.ArrowException, ValueError):
            self._parquet.close()  # else its finaliser writes a footer into a closed file
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._temporary.unlink()

    def _flush(self) -> None:
        if not self._columns["key"]:
            return
        arrays = [_array(name, values) for name, values in self._columns.items()]
        with self._aborting():
            # bytes kept in _columns until here are dropped before the next row comes in
            table = pa.Table.from_arrays(arrays, schema=FILE_SCHEMA)
            self._parquet.write_table(table, row_group_size=max(1, len(table)))
        for values in self._columns.values():
            values.clear()
        self._pending = 0

    @contextmanager
    def _aborting(self) -> Iterator[None]:
        try:
            with output_errors(self.path):
                yield
        except BaseException:
            self.abort()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()


class PairWriter:
    """Writes a whole pairs directory: parts of about 512 MB, ``_errors.parquet`` and the card.

        with PairWriter(path) as writer:
            writer.write(pair)
            writer.error(skip)

    Nothing is visible before the end; an exception leaves the directory as it was. Raises
    OutputInUse where ``path`` already holds pairs. chunk: the name of the first part, a number.
    made, title: for the card. errors: rows of ERROR_SCHEMA to keep before the ones written here.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        chunk: str = "000000",
        part_bytes: int = PART_BYTES,
        made: str = "",
        title: str = "",
        errors: pa.Table | None = None,
    ) -> None:
        if not chunk.isdecimal():
            raise BadInput(f"chunk={chunk!r}: parts are counted on from it, so give digits only.")
        self.path = Path(path)
        if self.path.is_dir() and any(self.path.glob("part-*.parquet")):
            raise OutputInUse(f"{self.path}: already holds pairs; choose another directory.")
        self.rows = 0
        self._made, self._title = made, title
        self._errors = ERROR_SCHEMA.empty_table() if errors is None else errors
        self._next, self._digits = int(chunk), len(chunk)
        self._part_bytes = part_bytes
        self._parts: list[PartWriter] = []
        self._skips: list[dict[str, Any]] = []

    def write(self, pair: Pair) -> None:
        """Append one pair."""
        self._part().add(pair)
        self.rows += 1

    def write_table(self, table: pa.Table) -> None:
        """Append rows of PAIR_SCHEMA, at most a row group of them, with no image re-encoded."""
        self._part().add_table(table)
        self.rows += len(table)

    def error(self, skip: Skip) -> None:
        """Record an input that gave no pair; only those marked ``quarantine`` go to the file."""
        if skip.quarantine:
            self._skips.append(error_row(skip))
            if len(self._skips) >= 4096:  # a tenth of the memory as columns
                self._pack_errors()

    def close(self) -> None:
        """Finish every part, then show them all, the errors and the card."""
        for part in self._parts:
            part.finish()
        if not self._parts:
            PartWriter(self.path, f"{self._next:0{self._digits}d}").close()
        for part in self._parts:
            part.close()
        self._pack_errors()
        write_errors(self.path, self._errors)
        with output_errors(self.path):
            write_card(self.path, made=self._made, title=self._title)

    def abort(self) -> None:
        """Leave nothing behind."""
        for part in self._parts:
            part.abort()

    def _pack_errors(self) -> None:
        skips = pa.Table.from_pylist(self._skips, schema=ERROR_SCHEMA)
        self._errors = pa.concat_tables([self._errors, skips])
        self._skips.clear()

    def _part(self) -> PartWriter:
        if self._parts and self._parts[-1].bytes < self._part_bytes:
            return self._parts[-1]
        if self._parts:
            self._parts[-1].finish()
        self._parts.append(PartWriter(self.path, f"{self._next:0{self._digits}d}"))
        self._next += 1
        return self._parts[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise


def clear_temporaries(directory: Path | str) -> int:
    """Delete what killed writers left; only the directory's one owner may. Returns a count."""
    stale = list(Path(directory).glob(".*.writing"))
    for path in stale:
        path.unlink(missing_ok=True)
    return len(stale)


def _checked_row(pair: Pair) -> dict[str, Any]:
    """The row, or BadInput naming the field: an error at flush time would blame another pair."""
    if not pair.key:
        raise BadInput("A pair has an empty key; give every pair a stable, unique one.")
    try:
        row = to_row(pair)
        for name in _TEXT_FIELDS:
            row[name].encode()
        for text in row["texts"]:
            (text["role"] + text["text"] + text["lang"]).encode()
        "".join(row["labels"]).encode()
        row["image"]["path"].encode()
        if not 0 <= pair.phash < 1 << 64:
            raise ValueError(f"phash {pair.phash} is not an unsigned 64-bit number")
        if not (0 <= pair.width < 1 << 31 and 0 <= pair.height < 1 << 31):
            raise ValueError(f"width {pair.width} or height {pair.height} is not a pixel count")
        memoryview(pair.image)
    except (AttributeError, TypeError, ValueError) as error:
        raise BadInput(f"{pair.key!r}: not a pair that can be stored: {error}.") from error
    return row


def _array(name: str, values: list[Any]) -> pa.Array:
    if name != "image":
        return pa.array(values, type=PAIR_SCHEMA.field(name).type)
    fields = [
        pa.array([value["bytes"] for value in values], type=pa.binary()),
        pa.array([value["path"] for value in values], type=pa.string()),
    ]
    return pa.StructArray.from_arrays(fields, names=["bytes", "path"])


@lru_cache(maxsize=1)
def _layout() -> dict[str, Any]:
    # column names as Parquet spells them (texts.list.element.role): asked of an empty file
    empty = BytesIO()
    pq.write_table(PAIR_SCHEMA.empty_table(), empty)
    schema = pq.ParquetFile(empty).schema
    leaves = [schema.column(index).path for index in range(len(schema))]
    return {
        "compression": {leaf: "NONE" if leaf == "image.bytes" else "zstd" for leaf in leaves},
        "use_dictionary": [leaf for leaf in leaves if leaf not in _NO_DICTIONARY],
        "write_statistics": _STATISTICS,
        "write_page_index": True,
        "version": "2.6",
        "data_page_version": "1.0",
    }
