"""Copy a shipped recipe to a file of your own, comments and all."""

from __future__ import annotations

import argparse
from pathlib import Path

from domainclip.errors import OutputError
from domainclip.recipe import recipe_text

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="a name that `domainclip list recipes` shows, or a file")
    parser.add_argument("file", type=Path, help="where to, for example mine.yaml")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it exists")


def run(arguments: argparse.Namespace) -> int:
    text, _ = recipe_text(arguments.recipe)
    path: Path = arguments.file
    if path.is_dir():
        path = path / f"{Path(arguments.recipe).stem}.yaml"
    if path.exists() and not arguments.force:
        raise OutputError(f"{path}: exists already; choose another name or add --force.")
    from domainclip.pairs._files import write_bytes

    write_bytes(path, text.encode())
    print(f"{path}: check it with `domainclip check {path}`, run it with `domainclip run {path}`.")
    return 0
