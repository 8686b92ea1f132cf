"""GeoParquet 1.1: one row for each tile, with its footprint, for a GIS or a dataframe.

No images: a table of what was cut where, with labels and splits. Geometry is WKB in OGC:CRS84, cut
at the antimeridian, with a bounding-box column beside it that readers filter by.
Specification: https://geoparquet.org/releases/v1.1.0/
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from domainclip.errors import BadInput, OutputInUse
from domainclip.pairs._files import output_errors, sync_directory, temporary_beside
from domainclip.pairs._outlines import nothing_placed, placed, sentences
from domainclip.pairs.formats._shared import ExportReport, Progress
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import PAIR_SCHEMA, Pair

__all__ = ["write"]

LOST = (
    "Images are not in it, nor texts beside the first, sources, licences, hashes and meta; key is "
    "how to find them.",
    "Quarantined inputs (_errors.parquet) have no footprint.",
)
ROWS = 4096  # of a row group, held in memory at a time
COLUMNS = [name for name in PAIR_SCHEMA.names if name not in ("image", "texts", "meta")]

_BOX = pa.struct([(name, pa.float64()) for name in ("xmin", "ymin", "xmax", "ymax")])
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("labels", pa.list_(pa.string())),
        ("text", pa.string()),
        ("split", pa.string()),
        ("document", pa.string()),
        ("group", pa.string()),
        ("scene", pa.string()),
        ("gsd_m", pa.float64()),
        ("acquired", pa.string()),  # as it is known: a date alone is no moment
        ("sensor", pa.string()),
        ("cloud_percent", pa.float64()),
        ("crs", pa.string()),
        ("window", pa.list_(pa.int64())),
        ("bbox", _BOX),
        ("geometry", pa.binary()),
    ]
)


def write(
    pairs: Pairs, out: Path, *, split: str | None = None, progress: Progress | None = None
) -> ExportReport:
    """Write the file ``out``: pairs in their order, those without a place on the Earth left out and
    counted in the report's ``lost``.

    Raises OutputInUse where ``out`` exists, BadInput where no pair has a place.
    """
    if out.exists():
        raise OutputInUse(f"{out}: exists already; choose another output or remove it first.")
    left_out: Counter[str] = Counter()
    count = seen = 0
    west = south = math.inf
    east = north = -math.inf
    kinds: set[str] = set()
    rows = pairs.rows(COLUMNS, split=split)
    with output_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(out)
        try:
            with pq.ParquetWriter(temporary, SCHEMA, compression="zstd") as writer:
                while batch := list(islice(rows, ROWS)):
                    seen += len(batch)
                    held, shapes = placed(batch, left_out)
                    if held:
                        boxes = shapely.bounds(shapes)
                        writer.write_table(_table(held, shapes, boxes))
                        count += len(held)
                        kinds.update(shape.geom_type for shape in shapes)
                        west, south = np.minimum((west, south), boxes[:, :2].min(axis=0))
                        east, north = np.maximum((east, north), boxes[:, 2:].max(axis=0))
                    if progress is not None:
                        progress(seen, len(pairs))
                if not count:
                    raise BadInput(nothing_placed(pairs.path, left_out))
                box = [float(each) for each in (west, south, east, north)]
                writer.add_key_value_metadata({"geo": json.dumps(_geo(box, sorted(kinds)))})
            temporary.replace(out)
            sync_directory(out.absolute().parent)
        finally:
            temporary.unlink(missing_ok=True)
    return ExportReport("geoparquet", out, count, 1, (*LOST, *sentences(left_out)))


def _table(rows: Sequence[Pair], shapes: Sequence[Any], boxes: np.ndarray) -> pa.Table:
    wheres = [pair.where for pair in rows]
    columns: dict[str, Any] = {
        name: [getattr(pair, name) for pair in rows]
        for name in ("key", "text", "split", "document", "group")
    }
    columns["labels"] = [list(pair.labels) for pair in rows]
    for name in ("scene", "acquired", "sensor", "crs"):
        columns[name] = [_kept(where.get(name), str) for where in wheres]
    for name in ("gsd_m", "cloud_percent"):
        columns[name] = [_kept(where.get(name), int | float) for where in wheres]
    columns["window"] = [_window(where.get("window")) for where in wheres]
    columns["bbox"] = pa.StructArray.from_arrays(
        [pa.array(side) for side in boxes.T], fields=list(_BOX)
    )
    columns["geometry"] = shapely.to_wkb(np.array(shapes, object), byte_order=1).tolist()
    arrays = [
        value if isinstance(value, pa.Array) else pa.array(value, SCHEMA.field(name).type)
        for name, value in ((field.name, columns[field.name]) for field in SCHEMA)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def _kept(value: Any, kind: Any) -> Any:
    """``where`` is free JSON: what is of another type is absent."""
    return value if isinstance(value, kind) and not isinstance(value, bool) else None


def _window(value: Any) -> list[int] | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    whole = all(isinstance(each, int | float) and each == int(each) for each in value)
    return [int(each) for each in value] if whole else None


def _geo(box: list[float], kinds: list[str]) -> dict[str, Any]:
    """The file's metadata; no ``crs`` means OGC:CRS84, and edges are straight in degrees."""
    return {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": kinds,
                "orientation": "counterclockwise",
                "bbox": box,
                "covering": {"bbox": {field.name: ["bbox", field.name] for field in _BOX}},
            }
        },
    }
