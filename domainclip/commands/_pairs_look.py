"""``pairs show`` and ``pairs check``: what is there, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from domainclip.commands._printing import indented, plain, print_json, print_table, shortened
from domainclip.commands._progress import progress_bar
from domainclip.errors import UsageError

__all__ = ["check", "show"]

_SHOWN_PROBLEMS = 20


def show(arguments: argparse.Namespace) -> int:
    import numpy as np

    from domainclip.pairs import open_pairs
    from domainclip.pairs.card import count_pairs

    pairs = open_pairs(arguments.pairs)
    if arguments.rows is not None and arguments.rows < 0:
        raise UsageError(f"--rows {arguments.rows}: must be 0 or more.")
    if arguments.source and arguments.html is None:
        raise UsageError("--source belongs to a page; say with --html FILE where to write one.")
    if arguments.key is not None:
        return _show_one(pairs, arguments)
    if arguments.html is not None:
        from domainclip.commands._pairs_page import write_page

        return write_page(pairs, arguments)
    counts = count_pairs((part.path for part in pairs.parts), pairs.path / "_errors.parquet")
    summary: dict[str, Any] = {"path": str(pairs.path), "parts": len(pairs.parts)} | plain(counts)
    for name in ("width", "height"):
        values = pairs.table([name]).column(name).to_numpy()
        if len(values):
            low, middle, high = np.quantile(values, [0, 0.5, 1], method="nearest").tolist()
            summary[name] = {"min": low, "median": middle, "max": high}
    columns = ["key", "split", "labels", "text"]
    shown_rows = 3 if arguments.rows is None else arguments.rows
    rows = [pairs[i] for i in range(min(shown_rows, len(pairs)))]
    summary["rows"] = [{name: getattr(row, name) for name in columns} for row in rows]
    if arguments.json:
        print_json(summary)
        return 0
    print(
        f"{pairs.path}: {counts.pairs:,} pairs in {summary['parts']:,} parts, "
        f"{counts.bytes / 1e6:,.1f} MB, quarantined inputs: {counts.errors.total():,}"
    )
    for name in ("width", "height"):
        if name in summary:
            print("{}: {min} to {max} pixels, median {median}".format(name, **summary[name]))
    for title in ("splits", "sources", "licenses", "labels", "errors"):
        counted: Mapping[str, int] = summary[title]
        shown = sorted(counted.items(), key=lambda item: -item[1])[:20]
        if shown:
            more = [("...", f"{len(counted) - 20:,} more")] if len(counted) > 20 else []
            print_table([title, "count"], [(n or "(none)", f"{c:,}") for n, c in shown] + more)
    if rows:
        print_table(
            columns, [(r.key, r.split, ", ".join(r.labels), shortened(r.text)) for r in rows]
        )
    return 0


def _show_one(pairs: Any, arguments: argparse.Namespace) -> int:
    from domainclip.pairs.formats._shared import fields_of

    keys = pairs.table(["key"]).column("key")
    at = keys.index(arguments.key).as_py()
    if at < 0:
        raise UsageError(f"{pairs.path}: no pair has the key {arguments.key!r}.")
    pair = pairs[at]
    fields = fields_of(pair) | {"image": f"{len(pair.image):,} bytes"}
    if arguments.json:
        print_json(fields)
    else:
        for name, value in fields.items():
            shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            print(f"{name}: {shown}")
    return 0


def check(arguments: argparse.Namespace) -> int:
    from domainclip.pairs.check import check_pairs

    with progress_bar("checking") as progress:
        report = check_pairs(
            arguments.pairs,
            decode=not arguments.no_decode,
            workers=arguments.workers,
            progress=progress,
        )
    if arguments.json:
        print_json(plain(report) | {"path": str(report.path), "sound": report.sound})
        return 0 if report.sound else 1
    print(f"{report.path}: {report.pairs:,} pairs in {report.parts:,} parts")
    if report.repeated_images:
        print(
            f"Note: {report.repeated_images:,} pairs repeat the image of an earlier pair of their "
            "split; `domainclip curate --filter exact_duplicates` keeps one of each."
        )
    if report.sound:
        decoded = "not decoded" if arguments.no_decode else "decoded"
        print(f"No problem found (images {decoded}).")
        return 0
    print_table(["problem", "count"], [(k, f"{n:,}") for k, n in report.counts.most_common()])
    shown = report.problems[:_SHOWN_PROBLEMS]
    for problem in shown:
        place = " ".join(word for word in (problem.part, shortened(problem.key)) if word)
        print(f"{problem.kind}: {place}")
        # not in a table: sentences in cells make it hundreds of columns wide
        print(indented(problem.detail))
    if report.counts.total() > len(shown):
        print(
            f"... {report.counts.total() - len(shown):,} more; --json lists the first 100 of each."
        )
    return 1
