"""How results are printed: tables that a pipe does not break, JSON, short captions."""

from __future__ import annotations

import json
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "explain_exit",
    "explain_nothing",
    "indented",
    "plain",
    "print_json",
    "print_table",
    "shortened",
]


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    numeric = [all(_is_number(row[at]) for row in rows) for at in range(len(columns))]
    for name, right in zip(columns, numeric, strict=True):
        table.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in rows:
        # Text: a caption may hold what rich would take for markup
        table.add_row(*(Text(str(cell)) for cell in row))
    # a pipe has no width: lines are not to be broken there
    Console(width=None if sys.stdout.isatty() else 10_000).print(table)


def _is_number(cell: Any) -> bool:
    return isinstance(cell, int | float) or str(cell).replace(",", "").replace(".", "").isdigit()


def shortened(text: str, limit: int = 100) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def explain_exit(share: str, allowed: float, pairs: Path | str) -> None:
    """The last line, on stderr, of a command that ends with 1 for what it quarantined.

    share: of what, as "7.5 % of the inputs".
    """
    print(
        f"Exit code 1: {share} were quarantined, more than the {allowed:g} % that "
        f"--max-errors allows; {Path(pairs) / '_errors.parquet'} says why for each.",
        file=sys.stderr,
    )


def explain_nothing(failed: int, pairs: Path | str) -> None:
    """On stderr, the commonest reason in the words of one input, where none gave a pair."""
    import pyarrow.parquet as pq

    table = pq.read_table(Path(pairs) / "_errors.parquet", columns=["error", "message"])
    reasons = Counter(table["error"].to_pylist())
    if not reasons:
        return
    (reason, count), *_ = reasons.most_common(1)
    row = table["error"].to_pylist().index(reason)
    of = f"{count:,} of {len(table):,}" if count < len(table) else "all"
    print(
        f"No input gave a pair, and {failed:,} failed; the reason of {of} is {reason}, e.g. "
        f"{shortened(str(table['message'][row].as_py()), 500)}",
        file=sys.stderr,
    )


def indented(text: str) -> str:
    """A sentence below its title, in lines of at most 100 columns; a long path stays whole."""
    return textwrap.fill(
        text, 100, initial_indent="    ", subsequent_indent="    ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def plain(record: Any) -> dict[str, Any]:
    """A dataclass as a dict for JSON (``asdict`` breaks a Counter into pairs)."""
    return {each.name: _plain(getattr(record, each.name)) for each in fields(record)}


def _plain(value: Any) -> Any:
    if isinstance(value, Counter):
        return dict(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return plain(value) if is_dataclass(value) else value
