"""CSV whose first line names its columns, as the tables of classes and categories are."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainclip.errors import BadInput

__all__ = ["lines_of", "read_text"]


def read_text(path: str | Path, what: str) -> str:
    """The text of a file. what: it is, for the error. Raises BadInput."""
    with _readable(path, what):
        return Path(path).read_text(encoding="utf-8-sig")


def lines_of(
    text: str, place: str | Path, what: str, *, delimiter: str = ","
) -> tuple[list[str], Iterator[tuple[int, dict[str, Any]]]]:
    """-> the columns, and each line behind them with its number: column -> text, None where the
    line is too short. place, what: where the text is from and what it is, for the error. Raises
    BadInput, also while the lines are read."""
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter)
    with _readable(place, what):
        columns = list(reader.fieldnames or ())

    def lines() -> Iterator[tuple[int, dict[str, Any]]]:
        with _readable(place, what):
            yield from enumerate(reader, start=2)

    return columns, lines()


@contextmanager
def _readable(place: str | Path, what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{place}: {what} cannot be read ({error}).") from error
