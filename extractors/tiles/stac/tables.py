"""stac-geoparquet: items as rows of a Parquet file, with their properties as columns.

Specification: https://github.com/radiantearth/stac-geoparquet-spec
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .documents import Refusal

__all__ = ["is_table", "table_items"]

ROWS = 64
# columns that are fields of an item and not of its properties
_FIELDS = ("type", "stac_version", "stac_extensions", "id", "bbox", "links", "assets", "collection")


def is_table(location: str) -> bool:
    """Does a Parquet file hold STAC items?"""
    try:
        with pq.ParquetFile(location) as file:
            return {"id", "assets", "links"} <= set(file.schema_arrow.names)
    except (pa.ArrowException, OSError):
        return False


def table_items(location: str) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file as the JSON of items, without geometry. Raises Refusal."""
    try:
        with pq.ParquetFile(location) as file:
            names = [name for name in file.schema_arrow.names if name != "geometry"]
            for batch in file.iter_batches(ROWS, columns=names, use_threads=False):
                for row in batch.to_pylist():
                    yield _item(row)
    except (pa.ArrowException, OSError) as error:
        said = str(error).strip().partition("\n")[0].rstrip(".")
        raise Refusal("unreadable_document", f"{location}: cannot be read ({said}).") from error


def _item(row: dict[str, Any]) -> dict[str, Any]:
    item = {name: _plain(row[name]) for name in _FIELDS if row.get(name) is not None}
    properties = {
        name: _plain(value)
        for name, value in row.items()
        if name not in _FIELDS and value is not None
    }
    properties.setdefault("datetime", None)
    # rows have a box with a name for each side, and STAC a list
    item.pop("bbox", None)
    return (
        {"type": "Feature", "stac_version": "1.0.0", "geometry": None, "links": []}
        | item
        | {"properties": properties}
    )


def _plain(value: Any) -> Any:
    """As JSON has it: absent fields of structs left out, moments as text."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        # a map of Arrow's is a list of (key, value)
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
