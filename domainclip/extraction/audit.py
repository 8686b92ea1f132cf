"""What an audit of pairs says: which values of their sources, that should be gone, are in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

__all__ = ["Audit", "AuditRow"]


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

    sources, pairs: how many of each were compared. missing: sources without a row in the output.
    """

    sources: int
    pairs: int
    missing: int
    attributes: tuple[AuditRow, ...]
    texts: tuple[AuditRow, ...]

    @property
    def found(self) -> int:
        """Values of headers that remain."""
        return sum(row.found for row in self.attributes)

    def as_json(self) -> dict[str, Any]:
        """Plain values, for ``--json``."""
        return {**asdict(self), "found": self.found}

    def __str__(self) -> str:
        console = Console(width=100, record=True, file=None, quiet=True)
        with console.capture() as captured:
            console.quiet = False
            console.print(
                f"{self.sources:,} sources compared with {self.pairs:,} pairs; "
                f"{self.missing:,} sources have none."
            )
            console.print(_table("attribute of the headers", "values", self.attributes))
            console.print(_table("texts that may hold", "texts", self.texts))
            remain = f"{self.found:,} values of headers remain" if self.found else "None remains"
            console.print(f"{remain} of {sum(row.values for row in self.attributes):,} looked for.")
        return captured.get().rstrip()


def _table(name: str, values: str, rows: tuple[AuditRow, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(name)
    table.add_column(values, justify="right")
    table.add_column("found", justify="right")
    table.add_column("where")
    for row in rows:
        table.add_row(row.name, f"{row.values:,}", f"{row.found:,}", ", ".join(row.where))
    return table
