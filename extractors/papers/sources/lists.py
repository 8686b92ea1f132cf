"""Lists of papers: PubMed Central numbers, paths or URLs, a line each; PMC's old file lists."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from domainclip.extraction import Source

from .bulk import refused_source
from .places import is_url, join, open_place
from .pmc import bucket_source
from .registers import id_column, lines_of, row_of

__all__ = ["is_list", "listed_sources"]

_PMCID = re.compile(r"PMC\d+(?:\.\d+)?")
_PATH_COLUMNS = ("file", "path", "filename", "file_path", "url", "key", "xml_url", "pdf_url")


def is_list(path: str, head: bytes) -> bool:
    """Is it a text file whose first line could name a paper or a column of them?"""
    if b"\0" in head:
        return False
    text = head.decode("utf-8", "replace").lstrip("\ufeff")
    first = next((each.strip() for each in text.split("\n") if _is_row(each)), "")
    columns = [each.strip().strip('"').lower() for each in re.split(r"[,\t]", first)]
    if id_column(columns) >= 0 or any(each in _PATH_COLUMNS for each in columns):
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
        lines = lines_of(file)
        first = next((each for each in lines if _is_row(each)), "")
        columns = [each.strip().lower() for each in row_of(first)]
        at = _column(columns, _PATH_COLUMNS)
        id_at = id_column(columns)
        rows = (row_of(line) for line in lines)
        if at < 0 and id_at < 0:
            at = 0
            rows = (row for row in [[first], *([line] for line in lines)])
        for row in rows:
            if not row or not _is_row(row[0] or "-"):
                continue
            where = row[at].strip() if 0 <= at < len(row) else ""
            number = row[id_at].strip() if 0 <= id_at < len(row) else ""
            if number.isdigit():
                number = f"PMC{number}"
            if _PMCID.fullmatch(where):
                number, where = where, ""
            place = where if is_url(where) else _beside(path, where)
            if where and (is_url(place) or os.path.exists(place)):  # noqa: PTH110
                yield place, _name(path, where)
            elif _PMCID.fullmatch(number) and not where:
                yield bucket_source(bucket, number)
            elif where:
                detail = f"The list names {where!r}, which is not there."
                yield refused_source(where, path, "not_there", detail)


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _name(path: str, where: str) -> str:
    """What to call a file of a list: its path below the list, else its last folder and name."""
    if is_url(where) or is_url(path):
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
