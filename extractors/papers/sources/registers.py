"""What lists beside papers say of them: PMC's old file list, arXiv's metadata, an article's JSON.

Kept in a temporary database that spills to disk: the lists have millions of rows.
"""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput
from domainclip.extraction import Source

from .names import arxiv_id, last_name, stem
from .places import open_place

__all__ = ["LEGACY_LIST", "Registers", "id_column", "lines_of", "row_of", "sidecar_meta"]

LEGACY_LIST = "oa_file_list.csv"
_ARXIV_LIST = re.compile(r"arxiv-metadata.*\.jsonl?")
_PMCID = re.compile(r"PMC\d+")
_ID_COLUMNS = ("pmcid", "accession id", "accessionid", "aiid", "pmc", "pmc_id", "pmcaid")
_LONGEST_LINE = 1 << 16
_SIDECAR_BYTES = 1 << 20
_TOLD = ("license", "doi", "title")


class Registers:
    """What is known of articles by their numbers.

    folder: where the lists lie, or beside which. ``oa_file_list.csv``: Accession ID, PMID, License,
    Retracted. ``arxiv-metadata-oai-snapshot.json``: a JSON object a line with id, license, doi,
    title.
    """

    def __init__(self, *lists: Path) -> None:
        self._database: sqlite3.Connection | None = None
        for path in lists:
            if self._database is None:
                self._database = sqlite3.connect("")
                self._database.execute(
                    "CREATE TABLE told (id TEXT PRIMARY KEY, meta TEXT) WITHOUT ROWID"
                )
            rows = _legacy_rows(path) if path.name == LEGACY_LIST else _arxiv_rows(path)
            self._database.executemany("INSERT OR REPLACE INTO told VALUES (?, ?)", rows)

    @classmethod
    def beside(cls, folder: str) -> Registers:
        """Of the lists in a folder, or next to it."""
        found: dict[str, Path] = {}
        for place in (Path(folder), Path(folder).absolute().parent):
            try:
                if (place / LEGACY_LIST).is_file():
                    found.setdefault(LEGACY_LIST, place / LEGACY_LIST)
                for path in place.glob("arxiv-metadata*.json*"):
                    if _ARXIV_LIST.fullmatch(path.name) and path.is_file():
                        found.setdefault(path.name, path)
            except OSError:
                continue  # one that may not be listed holds no list for us
        return cls(*found.values())

    def told(self, source: Source) -> Source:
        """The source with what a list says of its article, as ``meta``."""
        if self._database is None or any(key == "refused" for key, _ in source.part):
            return source
        last = last_name(source.name)
        number = last if _PMCID.fullmatch(last) else arxiv_id(last).partition("v")[0]
        found = None
        if number:
            query = "SELECT meta FROM told WHERE id = ?"
            found = self._database.execute(query, (number,)).fetchone()
        if found is None:
            return source
        return Source(source.name, source.path, (*source.part, ("meta", json.loads(found[0]))))


def sidecar_meta(path: str, name: str) -> Mapping[str, str]:
    """What a JSON file beside an article (``2310.06825.json``) says of its licence; {} without."""
    folder = Path(path)
    beside = [folder / f"{last_name(name)}.json", folder.parent / f"{stem(path)}.json"]
    for place in beside:
        try:
            if not place.is_file() or place.stat().st_size > _SIDECAR_BYTES:
                continue
            told: Any = json.loads(place.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue  # no metadata: somebody's own JSON of another kind
        if isinstance(told, dict) and isinstance(told.get("license"), str):
            return {key: told[key] for key in _TOLD if isinstance(told.get(key), str)}
    return {}


def id_column(columns: list[str]) -> int:
    """Which column holds PMC numbers, -1 for none. columns: in lower case."""
    return next((columns.index(each) for each in _ID_COLUMNS if each in columns), -1)


def row_of(line: str) -> list[str]:
    """The cells of a line of a CSV or TSV file."""
    if not line.strip():
        return []
    return next(csv.reader([line], delimiter="\t" if "\t" in line else ","), [])


def lines_of(file: Any, longest: int = _LONGEST_LINE) -> Iterator[str]:
    """Lines of text, cut at 64 kB: a file without any must not fill the memory."""
    while line := file.readline(longest):
        yield line.decode("utf-8", "surrogateescape").lstrip("\ufeff").rstrip("\r\n")


def _legacy_rows(path: Path) -> Iterator[tuple[str, str]]:
    with open_place(str(path)) as file:
        lines = lines_of(file)
        columns = [each.strip().lower() for each in row_of(next(lines, ""))]
        id_at = id_column(columns)
        if id_at < 0 or "license" not in columns:
            raise BadInput(f"{path}: has no columns 'Accession ID' and 'License'.")
        for line in lines:
            row = [each.strip() for each in row_of(line)]
            if len(row) != len(columns):
                continue
            cells = dict(zip(columns, row, strict=True))
            told = [["pmcid", row[id_at]], ["pmid", cells.get("pmid", "")]]
            told.append(["license_code", cells["license"]])
            if cells.get("retracted", "").lower() in ("yes", "true", "1"):
                told.append(["is_retracted", "true"])
            yield row[id_at], json.dumps([each for each in told if each[1]])


def _arxiv_rows(path: Path) -> Iterator[tuple[str, str]]:
    with open_place(str(path)) as file:
        for line in lines_of(file):
            try:
                told: Any = json.loads(line)
            except (ValueError, RecursionError):
                continue  # one line of millions
            if isinstance(told, dict) and isinstance(told.get("id"), str):
                values = [[key, told[key]] for key in _TOLD if isinstance(told.get(key), str)]
                yield told["id"].replace("/", ""), json.dumps([["arxiv", told["id"]], *values])
