"""List what can be named: recipes, extractors, adapters, heads, objectives, filters, ..."""

from __future__ import annotations

import argparse
import json

from domainclip.catalogue import KINDS, entries, recipes
from domainclip.errors import UnknownName

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", nargs="?", help="one of: " + ", ".join(_kinds()))
    parser.add_argument("--json", action="store_true", help="print a JSON object instead of lines")


def run(arguments: argparse.Namespace) -> int:
    if arguments.kind is not None and arguments.kind not in _kinds():
        raise UnknownName("kind", arguments.kind, _kinds())
    chosen = [arguments.kind] if arguments.kind else _kinds()
    table = {kind: _lines(kind) for kind in chosen}
    if arguments.json:
        print(json.dumps(table, indent=2, ensure_ascii=False))
        return 0
    width = max((len(name) for lines in table.values() for name in lines), default=0)
    for kind, lines in table.items():
        if len(chosen) > 1:
            print(f"{kind}:")
        for name, summary in lines.items():
            print(
                f"  {name:<{width}}  {summary}"
                if len(chosen) > 1
                else f"{name:<{width}}  {summary}"
            )
    return 0


def _kinds() -> list[str]:
    return ["recipes", *KINDS]


def _lines(kind: str) -> dict[str, str]:
    """name -> first line of its docstring, or of a recipe's header comment."""
    if kind != "recipes":
        return {entry.name: entry.summary for entry in entries(kind)}
    return {
        name: file.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for name, file in recipes().items()
    }
