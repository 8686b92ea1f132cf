"""``_errors.parquet``: every input that gave no pair, with the reason."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domainclip.pairs._files import output_errors, temporary_beside
from domainclip.pairs.schema import ERROR_SCHEMA, Skip

__all__ = ["ERRORS_FILE", "error_row", "write_errors"]

ERRORS_FILE = "_errors.parquet"


def error_row(skip: Skip) -> dict[str, Any]:
    """The skip as a row of ERROR_SCHEMA, stamped now."""
    return {
        "input": _storable(skip.where),
        "stage": _storable(skip.stage),
        "error": _storable(skip.reason),
        "message": _storable(skip.detail),
        "time": datetime.now(UTC),
    }


def write_errors(directory: Path | str, rows: list[dict[str, Any]] | pa.Table) -> Path:
    """Write ``_errors.parquet`` (rows of ERROR_SCHEMA), atomically; empty is a result too."""
    path = Path(directory) / ERRORS_FILE
    table = rows if isinstance(rows, pa.Table) else pa.Table.from_pylist(rows, schema=ERROR_SCHEMA)
    temporary = temporary_beside(path)
    with output_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                pq.write_table(table.cast(ERROR_SCHEMA), file, compression="zstd")
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path


def _storable(text: str) -> str:
    # names from file systems and archives may hold bytes that are no UTF-8
    return text.encode("utf-8", "backslashreplace").decode()
