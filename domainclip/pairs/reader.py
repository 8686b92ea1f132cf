"""Read pairs: as rows, by position, as an Arrow table or dataset; never more than asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pds
import pyarrow.parquet as pq

from domainclip.errors import BadInput, UsageError, nearest
from domainclip.pairs._parts import Group, Groups, OpenParts, Part, read_footer
from domainclip.pairs._rows import pairs_of
from domainclip.pairs.schema import ERROR_SCHEMA, PAIR_SCHEMA, Pair

if TYPE_CHECKING:
    from domainclip.pairs.stream import Keep, PairStream

__all__ = ["Pairs", "checked_columns", "open_pairs"]


def open_pairs(path: Path | str) -> Pairs:
    """The pairs directory at ``path``; reads the footers of its parts and nothing else.

    Raises BadInput where there is none, or where a part is cut short (it is named).
    """
    directory = Path(path)
    if directory.is_file():
        raise BadInput(f"{directory}: a file; give the pairs directory that holds the parts.")
    if not directory.is_dir():
        raise BadInput(f"{directory}: no such directory; make one with `domainclip extract`.")
    files = sorted(directory.glob("part-*.parquet"))
    if not files:
        raise BadInput(
            f"{directory}: holds no part-*.parquet, so it is no pairs directory; other formats "
            "come in with `domainclip pairs import`."
        )
    return Pairs(directory, [read_footer(file) for file in files])


class Pairs:
    """A pairs directory, open for reading; picklable, and safe to use after a fork.

    ``pairs[i]`` and ``len(pairs)`` make it a map-style data set for a torch DataLoader; iterating
    gives every Pair in file order with one row group in memory.
    """

    def __init__(
        self, path: Path, parts: Sequence[Part], splits: pa.StringArray | None = None
    ) -> None:
        self.path = path
        self.parts = tuple(parts)
        self._splits = splits
        self._files = OpenParts(self.parts)
        self.groups = Groups(self.parts)
        self._length = sum(part.rows for part in self.parts)
        self._last: tuple[int, pa.Table] = (-1, PAIR_SCHEMA.empty_table())

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Pair:
        if index < 0:
            index += self._length
        if not 0 <= index < self._length:
            raise IndexError(f"pair {index} of {self._length}")
        at = self.groups.holding(index)
        group = self.groups[at]
        if self._last[0] != at:
            self._last = (at, self.read_group(group, _BESIDE_BYTES))
        row = index - group.start
        return next(self._pairs(group, self._last[1].slice(row, 1), np.array([row])))

    def __iter__(self) -> Iterator[Pair]:
        return self.rows()

    def rows(
        self,
        columns: Sequence[str] | None = None,
        *,
        split: str | None = None,
        where: Callable[[Pair], bool] | None = None,
    ) -> Iterator[Pair]:
        """Pairs in file order. columns: only these are read, the others take Pair's defaults.

        split: only rows of that split. where: keep a pair (with just those columns) if true.
        """
        chosen = checked_columns(columns)
        for group in self.groups:
            rows = np.arange(group.rows)
            if split is not None:
                splits = self.read_group(group, ["split"]).column("split")
                rows = np.flatnonzero(pc.equal(splits, split).to_numpy())
            for pair in self.read_rows(group, chosen, rows):
                if where is None or where(pair):
                    yield pair

    def read_rows(self, group: Group, columns: Sequence[str], rows: np.ndarray) -> Iterator[Pair]:
        """Some rows of a row group, (n,) int within it, as Pairs in that order.

        Of the images only these rows' are read, each as its Pair is made.
        """
        if not len(rows):
            return iter(())
        beside = ["image.path" if name == "image" else name for name in columns]
        table = self.read_group(group, beside).take(pa.array(rows))
        return self._pairs(group, table, rows) if "image" in columns else pairs_of(table)

    def read_group(self, group: Group, columns: Sequence[str]) -> pa.Table:
        """One row group's columns as a table. Raises BadInput for damaged bytes."""
        table = self._files.read(group, columns)
        if self._splits is not None and "split" in columns:
            at = table.schema.get_field_index("split")
            table = table.set_column(at, "split", self._splits.slice(group.start, group.rows))
        return table

    def read_parts(self, columns: Sequence[str]) -> Iterator[tuple[pa.Table, np.ndarray]]:
        """Part after part: narrow columns of it, and where its row groups start, (groups,) int."""
        row = 0
        for number, part in enumerate(self.parts):
            if part.rows:
                table = self._files.read_part(number, columns)
                if self._splits is not None and "split" in columns:
                    at = table.schema.get_field_index("split")
                    table = table.set_column(at, "split", self._splits.slice(row, part.rows))
                sizes = [rows for rows in part.groups if rows]
                yield table, np.cumsum([0, *sizes[:-1]])
            row += part.rows

    def table(self, columns: Sequence[str], *, split: str | None = None) -> pa.Table:
        """Whole columns as an Arrow table, in file order. Images only if ``image`` is named."""
        chosen = checked_columns(columns)
        wanted = chosen if split is None or "split" in chosen else [*chosen, "split"]
        empty = pa.schema([PAIR_SCHEMA.field(name) for name in wanted]).empty_table()
        tables = [table for table, _ in self.read_parts(wanted)]
        table = pa.concat_tables(tables, promote_options="permissive") if tables else empty
        if split is not None:
            table = table.filter(pc.equal(table.column("split"), split))
        return table.select(chosen)

    def dataset(self) -> pds.Dataset:
        """The parts as a pyarrow dataset, for filters, SQL engines and dataframes.

        It shows the files as they lie: splits laid over them by ``with_splits`` are not in it.
        """
        return pds.dataset([str(part.path) for part in self.parts], format="parquet")

    def errors(self) -> pa.Table:
        """``_errors.parquet``: the inputs that gave no pair (ERROR_SCHEMA); empty where none."""
        path = self.path / "_errors.parquet"
        if not path.is_file():
            return ERROR_SCHEMA.empty_table()
        try:
            return pq.read_table(path, schema=ERROR_SCHEMA)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"{path}: cannot be read ({error}); delete it to go on.") from error

    def with_splits(self, splits: Sequence[str] | pa.Array) -> Pairs:
        """The same pairs under other splits, one per row in file order; no file is touched."""
        array = splits if isinstance(splits, pa.Array) else pa.array(splits, pa.string())
        if len(array) != self._length:
            raise UsageError(f"{len(array)} splits for the {self._length} pairs of {self.path}.")
        return Pairs(self.path, self.parts, array)

    def stream(
        self,
        *,
        split: str | None = "train",
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        batch: int = 1,
        window: int = 64,
        columns: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        keep: Keep | None = None,
        last: Literal["keep", "drop", "pad"] = "keep",
        shuffle: bool = True,
    ) -> PairStream:
        """The training stream of a split: shuffled, striped, resumable; see PairStream.

        ``stream.shard(...)`` then gives each worker of each rank its part.
        """
        from domainclip.pairs.stream import PairStream

        return PairStream(
            self,
            split=split,
            seed=seed,
            rank=rank,
            world_size=world_size,
            batch=batch,
            window=window,
            columns=columns,
            weights=weights,
            keep=keep,
            last=last,
            shuffle=shuffle,
        )

    def count_splits(self) -> Mapping[str, int]:
        """Rows per split, in order of their names."""
        counted = pc.value_counts(self.table(["split"]).column("split")).to_pylist()
        return {e["values"] or "": e["counts"] for e in sorted(counted, key=lambda e: e["values"])}

    def _pairs(self, group: Group, table: pa.Table, rows: np.ndarray) -> Iterator[Pair]:
        images = self._files.images(group, rows)
        if images is None:  # another writer's layout, which only Arrow reads
            column = self._files.read(group, ["image.bytes"]).column("image")
            chosen = pc.struct_field(column.take(pa.array(rows)), "bytes").to_pylist()
            images = iter([image or b"" for image in chosen])
        return pairs_of(table, images)

    def __repr__(self) -> str:
        return f"<Pairs {self.path}: {self._length} pairs in {len(self.parts)} parts>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Pairs, (self.path, self.parts, self._splits)


# everything that Arrow reads for a single Pair; the bytes come by ``OpenParts.images``
_BESIDE_BYTES = ["image.path" if name == "image" else name for name in PAIR_SCHEMA.names]


def checked_columns(columns: Sequence[str] | None) -> list[str]:
    if columns is None:
        return list(PAIR_SCHEMA.names)
    for column in columns:
        if column not in PAIR_SCHEMA.names:
            raise UsageError(
                f"{column!r} is no column of pairs.{nearest(column, PAIR_SCHEMA.names)} "
                f"Known: {', '.join(PAIR_SCHEMA.names)}."
            )
    if not columns:
        raise UsageError("columns is empty; name at least one, or None for all of them.")
    return list(columns)
