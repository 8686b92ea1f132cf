"""Write pairs again under other splits, or several directories as one; no image is re-encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pyarrow as pa

from domainclip.errors import BadInput, UsageError
from domainclip.pairs._output import new_directory
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import PAIR_SCHEMA
from domainclip.pairs.writer import PairWriter

__all__ = ["MergeReport", "apply_splits", "merge_pairs"]

Progress = Callable[[int, int], None]
OnConflict = Literal["error", "first", "rename"]


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did: pairs written, the same pair met again, other pairs of a known key."""

    pairs: int
    repeated: int
    conflicts: int


def apply_splits(
    pairs: Pairs,
    splits: Sequence[str],
    out: Path | str,
    *,
    units: Sequence[str] | None = None,
    made: str = "",
    progress: Progress | None = None,
) -> None:
    """Write ``pairs`` to the new directory ``out`` with ``splits`` in place of their own.

    units: what the splits keep together, in place of the groups; None leaves these. Row groups are
    copied one by one, image bytes as they are. Raises OutputInUse, OutputError.
    """
    relabelled = pairs.with_splits(splits)
    with _new_pairs(Path(out), [pairs], made) as writer:
        for group in relabelled.groups:
            table = relabelled.read_group(group, PAIR_SCHEMA.names)
            if units is not None:
                own = pa.array(units[group.start : group.start + group.rows], pa.string())
                table = table.set_column(table.schema.get_field_index("group"), "group", own)
            writer.write_table(table)
            if progress is not None:
                progress(group.start + group.rows, len(pairs))


def merge_pairs(
    inputs: Sequence[Pairs],
    out: Path | str,
    *,
    on_conflict: OnConflict = "error",
    made: str = "",
    progress: Progress | None = None,
) -> MergeReport:
    """Write several directories as one.

    A key met again with the same image and caption is the same pair and is written once. Another
    pair under a known key is a conflict: "error" raises BadInput naming it, "first" keeps the pair
    that came first, "rename" adds ``~2``, ``~3``, ... to the key. Memory: about 200 bytes a pair.
    """
    if on_conflict not in ("error", "first", "rename"):
        raise UsageError(f"on_conflict={on_conflict!r}: one of 'error', 'first', 'rename'.")
    names = _Names(on_conflict)
    done, total = 0, sum(len(pairs) for pairs in inputs)
    with _new_pairs(Path(out), inputs, made) as writer:
        for pairs in inputs:
            for group in pairs.groups:
                table = pairs.read_group(group, PAIR_SCHEMA.names)
                kept = names.resolve_all(table, pairs.path)
                if kept:
                    table = table.take(pa.array(list(kept))) if len(kept) < len(table) else table
                    keys = pa.array(kept.values(), pa.string())
                    writer.write_table(table.set_column(0, "key", keys))
                done += group.rows
                if progress is not None:
                    progress(done, total)
    return MergeReport(pairs=writer.rows, repeated=names.repeated, conflicts=names.conflicts)


@dataclass(slots=True)
class _Names:
    """The keys given out so far, by digest, each with the digest of what it names."""

    on_conflict: OnConflict
    repeated: int = 0
    conflicts: int = 0
    _taken: dict[bytes, bytes] = field(default_factory=dict)

    def resolve_all(self, table: pa.Table, path: Path) -> dict[int, str]:
        """The rows to write, each with the key to write it under."""
        columns = (table.column(name).to_pylist() for name in ("key", "sha256", "text"))
        kept: dict[int, str] = {}
        for row, (key, sha256, text) in enumerate(zip(*columns, strict=True)):
            name = self._resolve(key, _digest(f"{sha256}\n{text}"), path)
            if name is not None:
                kept[row] = name
        return kept

    def _resolve(self, key: str, content: bytes, path: Path) -> str | None:
        name, number = key, 1
        while (held := self._taken.setdefault(_digest(name), content)) != content:
            if self.on_conflict == "error":
                raise BadInput(
                    f"{path}: key {key!r} already names another pair; choose --on-conflict first "
                    "(keep the earlier one) or rename."
                )
            if self.on_conflict == "first":
                self.conflicts += 1
                return None
            number += 1
            name = f"{key}~{number}"
        if held is not content:  # equal, and given out before
            self.repeated += 1
            return None
        self.conflicts += number > 1
        return name


@contextmanager
def _new_pairs(out: Path, inputs: Sequence[Pairs], made: str) -> Iterator[PairWriter]:
    """A writer for ``out``, which appears at the end with the inputs' errors beside the pairs."""
    errors = pa.concat_tables([pairs.errors() for pairs in inputs])
    with (
        new_directory(out) as directory,
        PairWriter(directory, made=made, title=out.name, errors=errors) as writer,
    ):
        yield writer


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
