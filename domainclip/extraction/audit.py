"""What an audit of pairs says: which values of their sources, that should be gone, are in them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from domainclip.extraction._record import read_record

__all__ = ["Audit", "AuditRow", "Made", "made_of"]


@dataclass(frozen=True, slots=True)
class Made:
    """What a directory of pairs notes of the run that made it. options: as JSON values, those that
    are ``hidden`` as a digest. inputs: the names of all sources that were done, whether or not they
    gave pairs."""

    options: dict[str, Any]
    inputs: frozenset[str]


def made_of(pairs: Path, extractor: str) -> Made | None:
    """The notes in ``PAIRS/_state``; None where there are none (pairs that were moved or merged),
    or where they are damaged or another extractor's."""
    try:
        made = json.loads((pairs / "_state" / "extraction.json").read_bytes())
        if made["extractor"] != extractor:
            return None
        names: set[str] = set()
        for path in (pairs / "_state" / "chunks").glob("[!.]*.json"):
            names.update(read_record(path).names)
        return Made(dict(made["options"]), frozenset(names))
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One attribute or kind of text. values: distinct ones looked for, or texts looked through.
    found: those that remain. where: the columns and files they remain in."""

    name: str
    values: int
    found: int
    where: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Audit:
    """attributes: values of headers, looked for everywhere in the output. texts: of each role,
    looked through for what is written like a name, a date, a number. No value is ever in here.

    sources, pairs: how many of each were compared. missing: sources that the output has neither
    rows nor errors of, and that no run noted as done. unread: files of the output that could not be
    looked through. looked: what was looked through beside the pairs. unlooked: what the run made
    beside them and was not.
    """

    sources: int
    pairs: int
    missing: int
    attributes: tuple[AuditRow, ...]
    texts: tuple[AuditRow, ...]
    unread: int = 0
    looked: tuple[str, ...] = ()
    unlooked: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """All sources were compared with all of the output, and nothing remains."""
        return not (self.found or self.missing or self.unread)

    @property
    def found(self) -> int:
        """Values of headers that remain."""
        return sum(row.found for row in self.attributes)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return {**asdict(self), "found": self.found}

    def __str__(self) -> str:
        page = io.StringIO()
        console = Console(file=page, width=100)
        beside = "".join(f" and {each}" for each in self.looked)
        console.print(f"{self.sources:,} sources compared with {self.pairs:,} pairs{beside}.")
        console.print(_table("attribute of the headers", "values", self.attributes))
        console.print(_table("texts that may hold", "texts", self.texts))
        for sentence in self._conclusion():
            console.print(sentence)
        return page.getvalue().rstrip()

    def _conclusion(self) -> Iterator[str]:
        values = f"{sum(row.values for row in self.attributes):,} looked for"
        if self.unlooked:
            yield f"Not looked through: {', '.join(self.unlooked)}; name them to have it done."
        if self.unread:
            yield f"{self.unread:,} files could not be read, so what they hold is not known."
        if self.missing:
            yield (
                f"{self.missing:,} of {self.sources:,} sources have neither pairs nor errors here: "
                "give the sources, the options and the key that these pairs were made with."
            )
        if self.found:
            yield f"{self.found:,} values of headers remain of {values}."
        elif self.clean:
            yield f"None remains of {values}."
        else:
            yield f"None was found of {values}, but not everything could be compared."


def _table(name: str, values: str, rows: tuple[AuditRow, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(name)
    table.add_column(values, justify="right")
    table.add_column("found", justify="right")
    table.add_column("where")
    for row in rows:
        table.add_row(row.name, f"{row.values:,}", f"{row.found:,}", ", ".join(row.where))
    return table
