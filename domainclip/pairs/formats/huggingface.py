"""Hugging Face ``datasets``: Parquet with the Image feature, for ``load_dataset`` and the Hub.

Every field of a pair is a column, so only ``_errors.parquet`` stays behind. Reading takes any
Parquet or Arrow file with an image column, of pairs or not; no code of a data set is ever run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from domainclip.errors import BadInput
from domainclip.pairs._output import new_directory
from domainclip.pairs.formats._shared import (
    REST,
    ExportReport,
    Progress,
    imported,
    not_empty,
    safe_name,
    split_named,
)
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import PAIR_SCHEMA, Pair, Skip
from domainclip.pairs.writer import PART_BYTES, PartWriter, output_errors

__all__ = ["read", "write"]

LOST = (
    "The order of pairs is kept within a split, not between splits.",
    "Quarantined inputs (_errors.parquet) are not part of the data set.",
)
_HUB_NAMES = {"val": "validation", "": REST}
_CAPTION_NAMES = ("text", "caption", "captions", "title", "sentence", "sentences")
_LABEL_NAMES = ("label", "labels", "class")


def write(
    pairs: Pairs, out: Path, *, split: str | None = None, progress: Progress | None = None
) -> ExportReport:
    """Write ``data/part-<split>-00000.parquet`` and a card into the new directory ``out``."""
    writers: dict[str, PartWriter] = {}
    numbers: dict[str, int] = {}
    count = files = 0
    with new_directory(out) as directory:
        for pair in pairs.rows(split=split):
            name = _HUB_NAMES.get(pair.split, safe_name(pair.split).replace("-", "_"))
            writer = writers.get(name)
            if writer is not None and writer.bytes >= PART_BYTES:
                writer.close()
                writer = None
            if writer is None:
                numbers[name] = numbers.get(name, -1) + 1
                writers[name] = writer = PartWriter(
                    directory / "data", f"{name}-{numbers[name]:05d}"
                )
                files += 1
            writer.add(pair)
            count += 1
            if progress is not None:
                progress(count, len(pairs))
        for writer in writers.values():
            writer.close()
        with output_errors(out):
            (directory / "README.md").write_text(_card(out.name, writers), encoding="utf-8")
    return ExportReport("huggingface", out, count, files, LOST)


def read(
    source: Path, *, image_column: str = "", caption_column: str = ""
) -> Iterator[Pair | Skip]:
    """The pairs of a Parquet or Arrow file, or of all those under a directory.

    Columns are found by the Image feature or the usual names where they are not given; a foreign
    row's other plain values go to ``meta``.
    """
    files = [source]
    if source.is_dir():
        found = (*source.rglob("*.parquet"), *source.rglob("*.arrow"))
        files = sorted(p for p in found if not p.name.startswith(("_", ".")))
    if not files:
        raise BadInput(f"{source}: holds no *.parquet or *.arrow.")
    rows = (item for path in files for item in _read_file(path, image_column, caption_column))
    yield from not_empty(source, rows, "holds no row")


def _read_file(path: Path, image_column: str, caption_column: str) -> Iterator[Pair | Skip]:
    number = 0
    try:
        for batch in _batches(path):
            reader = _Reader(path, batch.schema, image_column, caption_column)
            for row in batch.to_pylist():
                yield reader.pair(row, number)
                number += 1
    except (pa.ArrowException, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        detail = f"damaged ({reason}); the {number:,} rows before it were read"
        yield Skip(where=str(path), reason="damaged_file", detail=detail, stage="import")


class _Reader:
    """How the rows of one file become pairs: which column is what."""

    def __init__(self, path: Path, schema: pa.Schema, image: str, caption: str) -> None:
        self.path = path
        self.features = _features(schema)
        self.ours = set(PAIR_SCHEMA.names) <= set(schema.names)
        self.image = image or self._image_column(schema)
        usual = [name for name in _CAPTION_NAMES if name in schema.names]
        self.caption = caption or (usual[0] if usual else "")
        for name, what in ((self.image, "image"), (self.caption, "caption")):
            if name not in schema.names and not (what == "caption" and not name):
                among = f"among {', '.join(schema.names)}" if schema.names else "in it"
                raise BadInput(
                    f"{path}: no {what} column {name!r} {among}; name it with --{what}-column."
                )

    def pair(self, row: dict[str, Any], number: int) -> Pair | Skip:
        where = f"{self.path.name}:{number}"
        image = row[self.image]
        data = image.get("bytes") if isinstance(image, dict) else image
        if not isinstance(data, bytes):
            detail = "the row holds no image bytes, only a path; embed the images first"
            return Skip(where=where, reason="no_image", detail=detail, stage="import")
        try:
            fields = self._own(row) if self.ours else self._foreign(row, number)
        except (ValueError, RecursionError) as error:
            return Skip(where=where, reason="bad_fields", detail=str(error), stage="import")
        if isinstance(image, dict) and isinstance(image.get("path"), str):
            fields["image_path"] = image["path"]
        return imported(where, fields, data)

    def _own(self, row: dict[str, Any]) -> dict[str, Any]:
        json_fields = {name: json.loads(row[name] or "{}") for name in ("where", "meta")}
        return row | json_fields | {"phash": f"{row['phash'] or 0:016x}"}

    def _foreign(self, row: dict[str, Any], number: int) -> dict[str, Any]:
        captions = row.get(self.caption) if self.caption else None
        texts = [t for t in (captions if isinstance(captions, list) else [captions]) if t]
        label = next((name for name in _LABEL_NAMES if row.get(name) is not None), None)
        split = split_named(self.path.stem.partition("-")[0])
        used = {self.image, self.caption, label}
        return {
            "key": f"{self.path.stem}/{number:09d}",
            "text": str(texts[0]) if texts else "",
            "texts": [{"role": "caption", "text": str(t), "lang": ""} for t in texts],
            "labels": self._labels(label, row[label]) if label else [],
            "split": split if split in ("train", "val", "test") else "",
            "meta": {
                name: value for name, value in row.items() if name not in used and _plain(value)
            },
        }

    def _labels(self, column: str, value: Any) -> list[str]:
        feature = self.features.get(column, {})
        names: list[str] = feature.get("names") or feature.get("feature", {}).get("names") or []
        return [
            str(names[each]) if isinstance(each, int) and 0 <= each < len(names) else str(each)
            for each in (value if isinstance(value, list) else [value])
        ]

    def _image_column(self, schema: pa.Schema) -> str:
        for name, feature in self.features.items():
            if feature.get("_type") == "Image" and name in schema.names:
                return name
        for field in schema:
            if pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0:
                return str(field.name)
        return "image"


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    if path.suffix == ".arrow":
        with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
            yield from stream
        return
    with pq.ParquetFile(path, pre_buffer=False) as parquet:
        yield from parquet.iter_batches(64, use_threads=False)


def _features(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    try:
        info = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = info["info"]["features"]
        return {name: each for name, each in features.items() if isinstance(each, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}  # absent or not theirs: the columns speak for themselves


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_plain, value))
    return isinstance(value, str | int | bool) or (isinstance(value, float) and value == value)


def _card(name: str, splits: dict[str, PartWriter]) -> str:
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f"    path: data/part-{split}-*.parquet"]
    return "\n".join([*lines, "---", "", f"# {name}", "", "Pairs of image and text.", ""])
