"""A table with image files: open_clip's other input (``filepath``, ``title``, tab-separated).

One ``<split>.tsv`` per split; paths in it are relative to its directory, so run open_clip there.
Fields that are not text stand in their columns as JSON.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from domainclip.errors import BadInput, UsageError
from domainclip.pairs._output import new_directory
from domainclip.pairs.formats._shared import (
    MAX_TEXT_BYTES,
    REST,
    ExportReport,
    Progress,
    extension,
    fields_of,
    imported,
    not_empty,
    read_bounded,
    safe_name,
    split_named,
)
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import Pair, Skip
from domainclip.pairs.writer import output_errors

__all__ = ["read", "write"]

LOST = (
    "The order of pairs is kept within a split, not between splits.",
    "Quarantined inputs (_errors.parquet) have no place in a table of pairs.",
)

_JSON_FIELDS = ("texts", "labels", "where", "meta")
_SEPARATORS = {"tab": "\t", "comma": ","}
_CAPTION_NAMES = ("title", "caption", "text")
_IMAGE_NAMES = ("filepath", "image", "path", "file", "filename", "file_name")
_TEXT = "texts."  # and a role: the column of a pair's text in that role
_PLAIN_FIELDS = ("key", "group", "document", "source", "license")


def write(
    pairs: Pairs,
    out: Path,
    *,
    split: str | None = None,
    separator: str = "tab",
    progress: Progress | None = None,
) -> ExportReport:
    """Write ``<split>.tsv`` (``.csv`` for separator="comma") and ``images/`` into ``out``."""
    if separator not in _SEPARATORS:
        raise UsageError(f"separator={separator!r}: one of {', '.join(_SEPARATORS)}.")
    count = 0
    files: dict[str, TextIO] = {}
    with new_directory(out) as directory, output_errors(out):
        try:
            for pair in pairs.rows(split=split):
                name = safe_name(pair.split) or REST
                if name not in files:
                    path = directory / f"{name}.{'tsv' if separator == 'tab' else 'csv'}"
                    files[name] = path.open("w", encoding="utf-8", newline="")
                row = _row(pair, count)
                table = csv.writer(files[name], delimiter=_SEPARATORS[separator])
                if files[name].tell() == 0:
                    table.writerow(row)
                table.writerow(row.values())
                image = directory / row["filepath"]
                image.parent.mkdir(parents=True, exist_ok=True)
                image.write_bytes(pair.image)
                count += 1
                if progress is not None:
                    progress(count, len(pairs))
        finally:
            for file in files.values():
                file.close()
    return ExportReport("csv", out, count, len(files) + count, LOST)


def read(
    source: Path, *, image_column: str = "", caption_column: str = "", root: Path | None = None
) -> Iterator[Pair | Skip]:
    """The pairs of a table, or of every ``*.tsv`` and ``*.csv`` in a directory, row by row.

    Column names are found among the usual ones where they are not given; ``texts.findings`` is the
    text in the role findings, and a table with no caption has the first such text as one. key,
    label, labels (JSON), split, group, document, source and license are the pair's own; every
    other column goes to ``meta``. A path starts at the table's directory, or where nothing is
    there at ``root``. An image must lie under ``root`` (default: the table's directory), links
    followed; any other is a Skip.
    """
    tables = [source]
    if source.is_dir():
        tables = sorted(p for p in source.iterdir() if p.suffix in (".tsv", ".csv"))
    if not tables:
        raise BadInput(f"{source}: holds no *.tsv or *.csv.")
    csv.field_size_limit(MAX_TEXT_BYTES)
    rows = (
        item
        for table in tables
        for item in _read_table(table, image_column, caption_column, root or table.parent)
    )
    yield from not_empty(source, rows, "holds a header and no row below it")


def _row(pair: Pair, number: int) -> dict[str, str]:
    path = f"images/{number // 1000:05d}/{number:09d}.{extension(pair.image)}"
    row = {"filepath": path, "title": pair.text}
    for name, value in fields_of(pair).items():
        if name in _JSON_FIELDS:
            row[name] = json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False)
        elif name != "text":
            row[name] = str(value)
    return row


def _read_table(table: Path, image: str, caption: str, root: Path) -> Iterator[Pair | Skip]:
    with table.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        separator = max("\t,;|", key=header.count)
        file.seek(0)
        reader = csv.DictReader(file, delimiter=separator)
        names = reader.fieldnames or ()
        if not names:
            raise BadInput(
                f"{table}: is empty; its first line must name the columns, such as "
                f"{_IMAGE_NAMES[0]} and {_CAPTION_NAMES[0]}."
            )
        image = _column(table, image, _IMAGE_NAMES, names, "image")
        texts = tuple(name for name in names if _role(name))
        caption = _column(table, caption, (*_CAPTION_NAMES, *texts), names, "caption")
        number = 1
        rows = iter(reader)
        while True:
            number += 1
            where = f"{table.name}:{number}"
            try:
                row = next(rows)
            except StopIteration:
                return
            except (csv.Error, UnicodeDecodeError) as error:
                yield _skip(where, "damaged_table", f"{error}; the rows before it were kept")
                return
            yield _pair(where, table, row, image, caption, root)


def _pair(
    where: str, table: Path, row: dict[str, Any], image: str, caption: str, root: Path
) -> Pair | Skip:
    named = row.get(image) or ""
    try:
        path = (table.parent / named).resolve()
        if not path.is_file() and (root / named).is_file():
            path = (root / named).resolve()
        if not path.is_relative_to(root.resolve()):
            return _skip(
                where,
                "outside_root",
                f"{named!r} lies outside {root}; give --root FOLDER, a folder above it",
            )
        data = read_bounded(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        return _skip(where, "unreadable_image", f"{named!r}: {reason}")
    try:
        inside = path.relative_to(root.resolve()).as_posix()
        fields = _fields(row, table, inside if Path(named).is_absolute() else named)
    except (ValueError, RecursionError) as error:
        return _skip(where, "bad_fields", str(error))
    fields["text"] = row.get(caption) or ""
    return imported(where, fields, data)


def _fields(row: dict[str, Any], table: Path, named: str) -> dict[str, Any]:
    if "key" in row and "texts" in row:  # as ``write`` has it
        fields = {name: value for name, value in row.items() if name is not None}
        return fields | {name: json.loads(row[name]) for name in _JSON_FIELDS if row.get(name)}
    split = split_named(row.get("split") or table.stem)
    texts = [(_role(name), text) for name, text in row.items() if _role(name) and text]
    return {
        **{name: row.get(name) or "" for name in _PLAIN_FIELDS},
        "key": row.get("key") or f"{table.stem}/{named}",
        "labels": _labels(row),
        "split": split if split in ("train", "val", "test") else "",
        "texts": [{"role": role, "text": text, "lang": ""} for role, text in texts],
        "meta": {
            str(name): value
            for name, value in row.items()
            if name is not None and name not in (*_PLAIN_FIELDS, "split") and not _role(name)
        },
    }


def _labels(row: dict[str, Any]) -> list[Any]:
    if (row.get("labels") or "").startswith("["):
        found = json.loads(row["labels"])
        return found if isinstance(found, list) else []
    label = row.get("label") or row.get("class") or row.get("labels")
    return [label] if label else []


def _role(column: str | None) -> str:
    """The role whose texts a column holds; empty for any other column."""
    return (column or "").removeprefix(_TEXT) if (column or "").startswith(_TEXT) else ""


def _column(table: Path, given: str, usual: tuple[str, ...], names: Any, what: str) -> str:
    if given and given in names:
        return given
    found = next((name for name in usual if name in names), None)
    if given or found is None:
        raise BadInput(
            f"{table}: no {what} column {given or ' or '.join(usual)!r} among "
            f"{', '.join(map(repr, names))}; name it with --{what}-column."
        )
    return found


def _skip(where: str, reason: str, detail: str) -> Skip:
    return Skip(where=where, reason=reason, detail=detail, stage="import")
