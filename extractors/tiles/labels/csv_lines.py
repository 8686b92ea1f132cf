"""CSV whose first line names its columns, as the tables of classes and categories are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from domainclip.errors import BadInput

__all__ = ["delimiter_of", "lines_of", "lines_of_two", "long_rows", "read_text"]

MOST_BYTES = 1 << 30
LONGEST = 1 << 28  # of a field; Python's own limit is an outline of 4,000 points
Row = TypeVar("Row")


def read_text(path: str | Path, what: str) -> str:
    """The text of a file. what: it is, for the error. Raises BadInput."""
    with _readable(path, what):
        if Path(path).stat().st_size > MOST_BYTES:
            raise BadInput(f"{path}: {what} has more than {MOST_BYTES >> 20} MiB; split it.")
        return Path(path).read_text(encoding="utf-8-sig")


def lines_of(
    text: str, place: str | Path, what: str
) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]]]:
    """-> the columns, and each line behind them with its number: column -> text, None where the
    line is too short. Fields end with a comma, semicolon or tab. place, what: where the text is
    from and what it is, for the error. Raises BadInput, also while the lines are read."""
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
    with _readable(place, what):
        columns = [name.strip() for name in reader.fieldnames or ()]
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise BadInput(f"{place}: {what} has the column {min(twice)} more than once; keep one.")
    reader.fieldnames = columns

    def lines() -> Iterator[tuple[int, dict[str, Any]]]:
        with _readable(place, what):
            for line in long_rows(reader):
                yield reader.line_num, line

    return columns, lines()


def lines_of_two(
    text: str, place: str | Path, what: str, *, option: str, names: tuple[str, str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The lines as lines_of gives them, of a table that needs two columns. option: that names it,
    for the error. Raises BadInput where one is missing."""
    columns, lines = lines_of(text, place, what)
    if not set(names) <= set(columns):
        raise BadInput(
            f"{place}: {option} needs the columns {' and '.join(names)}; it has "
            f"{', '.join(columns[:12]) or 'none'}."
        )
    return lines


def delimiter_of(text: str) -> str:
    """What parts the columns' names in the first line: a comma, semicolon or tab."""
    first = text[: text.find("\n")] if "\n" in text else text
    return max(",\t;", key=first.count)


def long_rows(reader: Iterator[Row]) -> Iterator[Row]:
    """Rows of a reader of CSV with fields as long as outlines are. Raises csv.Error."""
    while True:
        limit = csv.field_size_limit(LONGEST)
        try:
            row = next(reader, None)
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        yield row


@contextmanager
def _readable(place: str | Path, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{place}: {what} cannot be read ({error}).") from error
