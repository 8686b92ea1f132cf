"""Keep the good pairs: filters over columns, a new directory or a keep mask, images untouched.

domainclip curate PAIRS -o OUT --filter min_size:px=96 --filter exact_duplicates

Filters apply in the order given, each to what those before it have kept; `domainclip list filters`
shows them, `domainclip show NAME` their options. A filter of your own goes by ./mine.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from pathlib import Path
from typing import Any, get_type_hints

from domainclip.catalogue import load
from domainclip.commands._options import convert
from domainclip.commands._progress import progress_bar
from domainclip.errors import UsageError, nearest

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pairs", type=Path, help="the pairs directory to choose from")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        help="the new pairs directory, or with --mask the new Parquet file",
    )
    parser.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="NAME[:KEY=VALUE,...]",
        help="a filter and its options; may be given several times",
    )
    parser.add_argument(
        "--mask",
        action="store_true",
        help="write no pairs, only key, keep and reason of each one",
    )
    parser.add_argument("--json", action="store_true", help="print the counts as a JSON object")


def run(arguments: argparse.Namespace) -> int:
    if not arguments.filter:
        raise UsageError(
            "Nothing to do: give at least one --filter; `domainclip list filters` shows them."
        )
    filters: dict[str, Any] = {}
    for words in arguments.filter:
        chosen = _filter(words)
        name = words.partition(":")[0] if not words.endswith(".py") else Path(words).stem
        # the same filter twice (near_duplicates before and after another) is counted apart
        label = name if name not in filters else words
        if label in filters:
            raise UsageError(f"--filter {words!r} is given twice.")
        filters[label] = chosen
    from domainclip.curation import curate
    from domainclip.pairs import open_pairs

    pairs = open_pairs(arguments.pairs)
    made = " ".join(
        [f"domainclip curate {arguments.pairs.name}", *(f"--filter {f}" for f in arguments.filter)]
    )
    with progress_bar("curate") as progress:
        report = curate(
            pairs,
            filters,
            arguments.output,
            mask=arguments.mask,
            made=made,
            progress=progress,
        )
    print(json.dumps(report.as_json(), ensure_ascii=False) if arguments.json else report)
    return 0


def _filter(words: str) -> Any:
    """The filter of ``name:key=value,...``. Raises UsageError, UnknownName."""
    found = re.fullmatch(r"(?P<name>.+?)(?::(?P<options>\w+=.*))?", words)
    if found is None:
        raise UsageError("--filter '': give NAME or NAME:KEY=VALUE,...")
    cls = load("filters", found["name"])
    hints = get_type_hints(cls)
    known = [field.name for field in dataclasses.fields(cls)]
    values: dict[str, Any] = {}
    for word in (found["options"] or "").split(",") if found["options"] else []:
        key, equals, value = word.partition("=")
        if key not in known:
            raise UsageError(
                f"--filter {words!r}: unknown option {key!r}.{nearest(key, known)} "
                f"Known: {', '.join(known)}."
            )
        if not equals:
            raise UsageError(f"--filter {words!r}: {key!r} has no value; write {key}=VALUE.")
        try:
            values[key] = convert(hints[key], value)
        except ValueError as error:
            raise UsageError(f"--filter {words!r}: {key}: {error}.") from error
    return cls(**values)
