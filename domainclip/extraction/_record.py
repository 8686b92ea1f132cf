"""What a finished chunk leaves beside its part: its inputs' names, its counts, its errors."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domainclip.pairs._files import write_bytes
from domainclip.pairs.schema import Skip

__all__ = ["ErrorRow", "Record", "printable", "read_record", "write_record"]


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of ``_errors.parquet``; time is ISO 8601, UTC."""

    input: str
    stage: str
    error: str
    message: str
    time: str

    @classmethod
    def of(cls, skip: Skip) -> ErrorRow:
        """The skip as a row, stamped now."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return cls(
            printable(skip.where),
            printable(skip.stage),
            printable(skip.reason),
            printable(skip.detail),
            now,
        )


@dataclass(slots=True)
class Record:
    """The counts of some inputs: ``len(names) == with_pairs + without_pairs + failed``."""

    names: list[str] = field(default_factory=list)
    pairs: int = 0
    with_pairs: int = 0
    without_pairs: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    errors: list[ErrorRow] = field(default_factory=list)

    def count(self, name: str, pairs: int, skips: Sequence[Skip]) -> None:
        """Enter one input that ran to its end."""
        self.names.append(name)
        self.pairs += pairs
        wrong = [skip for skip in skips if skip.quarantine]
        self.errors += map(ErrorRow.of, wrong)
        self.skipped.update(skip.reason for skip in skips if not skip.quarantine)
        if pairs:
            self.with_pairs += 1
        elif wrong:
            self.failed += 1
        else:
            self.without_pairs += 1
            if not skips:
                self.skipped["nothing_found"] += 1

    def add_counts(self, other: Record) -> None:
        """Add another record's numbers, without its names and errors."""
        self.pairs += other.pairs
        self.with_pairs += other.with_pairs
        self.without_pairs += other.without_pairs
        self.failed += other.failed
        self.skipped += other.skipped

    @classmethod
    def joined(cls, records: Iterable[Record]) -> Record:
        """The sum of several records, in their order."""
        whole = cls()
        for record in records:
            whole.names += record.names
            whole.errors += record.errors
            whole.add_counts(record)
        return whole


def write_record(path: Path, record: Record) -> None:
    """Write the record durably: it must be on disk before its part has its name."""
    fields = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    text = json.dumps(fields | {"errors": [asdict(row) for row in record.errors]})
    write_bytes(path, text.encode("ascii"))


def read_record(path: Path) -> Record:
    """The record at ``path``. Raises ValueError, KeyError or TypeError where it is damaged."""
    fields: dict[str, Any] = json.loads(path.read_bytes())
    fields["skipped"] = Counter(fields["skipped"])
    fields["errors"] = [ErrorRow(**row) for row in fields["errors"]]
    return Record(**fields)


def printable(text: str) -> str:
    """The text with what Arrow cannot store (a file name that is not UTF-8) escaped."""
    return str(text).encode("utf-8", "backslashreplace").decode()
