"""Lists of papers: PubMed Central numbers, paths or URLs, a line each; PMC's old file lists."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from pathlib import Path

from domainclip.errors import BadInput
from domainclip.extraction import Source

from .bulk import refused_source
from .places import is_url, join, open_place
from .pmc import bucket_source

__all__ = ["LEGACY_LIST", "Licences", "is_list", "listed_sources"]

LEGACY_LIST = "oa_file_list.csv"
_PMCID = re.compile(r"PMC\d+(?:\.\d+)?")
_PATH_COLUMNS = ("file", "path", "filename", "file_path", "url", "key", "xml_url", "pdf_url")
_ID_COLUMNS = ("pmcid", "accession id", "accessionid", "aiid", "pmc", "pmc_id", "pmcaid")
_LONGEST_LINE = 1 << 16


def is_list(path: str, head: bytes) -> bool:
    """Is it a text file whose first line could name a paper or a column of them?"""
    if b"\0" in head:
        return False
    lines = head.decode("utf-8", "replace").lstrip("\ufeff").split("\n")
    first = next((each.strip() for each in lines if each.strip() and each[0] != "#"), "")
    columns = [each.strip().strip('"').lower() for each in re.split(r"[,\t]", first)]
    if any(each in (*_PATH_COLUMNS, *_ID_COLUMNS) for each in columns):
        return True
    if _PMCID.fullmatch(first) or is_url(first):
        return True
    return bool(first) and len(first) < 1024 and os.path.exists(_beside(path, first))  # noqa: PTH110


def listed_sources(path: str, bucket: str) -> Iterator[tuple[str, str] | Source]:
    """What a list names, one by one: a source, or (path or URL, name) still to be looked at.

    Numbers (PMC123: the newest version; PMC123.1) are taken from ``bucket``. Paths are relative
    to the list. A row with both is its file where that is there, else its number.
    """
    with open_place(path) as file:
        lines = _lines(file)
        first = next((each for each in lines if each.strip() and each[0] != "#"), "")
        columns = [each.strip().lower() for each in _row(first)]
        at = _column(columns, _PATH_COLUMNS)
        id_at = _column(columns, _ID_COLUMNS)
        rows = (_row(line) for line in lines)
        if at < 0 and id_at < 0:
            at = 0
            rows = (row for row in [[first], *([line] for line in lines)])
        for row in rows:
            if not row or row[0].lstrip().startswith("#"):
                continue
            where = row[at].strip() if 0 <= at < len(row) else ""
            number = row[id_at].strip() if 0 <= id_at < len(row) else ""
            if number.isdigit():
                number = f"PMC{number}"
            if _PMCID.fullmatch(where):
                number, where = where, ""
            if where and (is_url(where) or os.path.exists(_beside(path, where))):  # noqa: PTH110
                yield (where if is_url(where) else _beside(path, where)), _name(path, where)
            elif _PMCID.fullmatch(number) and not where:
                yield bucket_source(bucket, number)
            elif where:
                detail = f"The list names {where!r}, which is not there."
                yield refused_source(where, path, "not_there", detail)


class Licences:
    """The licence of each legacy package, from the ``oa_file_list.csv`` beside them.

    Columns: File, Article Citation, Accession ID, Last Updated, PMID, License.
    """

    def __init__(self, path: str) -> None:
        import sqlite3

        self._database = sqlite3.connect("")
        self._database.execute(
            "CREATE TABLE rows (pmcid TEXT PRIMARY KEY, pmid TEXT, license TEXT, retracted TEXT)"
            " WITHOUT ROWID"
        )
        with open_place(path) as file:
            lines = _lines(file)
            columns = [each.strip().lower() for each in _row(next(lines, ""))]
            places = [
                _column(columns, names)
                for names in (_ID_COLUMNS, ("pmid",), ("license",), ("retracted",))
            ]
            if places[0] < 0 or places[2] < 0:
                raise BadInput(f"{path}: has no columns 'Accession ID' and 'License'.")
            rows = (
                tuple(row[at].strip() if 0 <= at < len(row) else "" for at in places)
                for row in map(_row, lines)
            )
            self._database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", rows)

    def meta(self, pmcid: str) -> list[list[str]]:
        """What the list says of an article, as (key, value) in the words of PMC's JSON."""
        query = "SELECT pmid, license, retracted FROM rows WHERE pmcid = ?"
        found = self._database.execute(query, (pmcid,)).fetchone()
        if found is None:
            return []
        pmid, license, retracted = found
        told = [["pmcid", pmcid], ["pmid", pmid], ["license_code", license]]
        if retracted.lower() in ("yes", "true", "1"):
            told.append(["is_retracted", "true"])
        return [each for each in told if each[1]]


def licences_beside(root: str) -> Licences | None:
    """The licences that a file list in a folder, or beside it, gives; None without one."""
    for folder in (root, str(Path(root).parent)):
        path = Path(folder) / LEGACY_LIST
        if path.is_file():
            return Licences(str(path))
    return None


def _name(path: str, where: str) -> str:
    """What to call a file of a list: its path below the list, else its last folder and name."""
    if is_url(where):
        return where.rstrip("/").rsplit("/", 1)[-1]
    below = os.path.relpath(_beside(path, where), os.path.dirname(path) or ".")  # noqa: PTH120
    if not below.startswith(".."):
        return below
    return "/".join(part for part in below.split("/")[-2:] if part != "..")


def _beside(path: str, name: str) -> str:
    if is_url(path):
        return join(path.rpartition("/")[0], name)
    return os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120


def _column(columns: list[str], names: tuple[str, ...]) -> int:
    return next((columns.index(each) for each in names if each in columns), -1)


def _row(line: str) -> list[str]:
    if not line.strip():
        return []
    return next(csv.reader([line], delimiter="\t" if "\t" in line else ","), [])


def _lines(file: object) -> Iterator[str]:
    """Lines of text, cut at 64 kB: a file without any must not fill the memory."""
    read = file.readline  # type: ignore[attr-defined]
    while line := read(_LONGEST_LINE):
        yield line.decode("utf-8", "surrogateescape").lstrip("\ufeff").rstrip("\r\n")
