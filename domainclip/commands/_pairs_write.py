"""``pairs split``, ``merge``, ``export`` and ``import``: pairs written again, out and in."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from typing import Any

from domainclip.catalogue import import_optional
from domainclip.commands._printing import (
    explain_exit,
    explain_nothing,
    plain,
    print_json,
    print_table,
)
from domainclip.commands._progress import progress_bar
from domainclip.errors import UsageError

__all__ = ["bring", "export", "merge", "split"]


def split(arguments: argparse.Namespace) -> int:
    from domainclip.pairs import open_pairs, plan_splits
    from domainclip.pairs.rewrite import apply_splits

    pairs = open_pairs(arguments.pairs)
    plan = plan_splits(
        pairs,
        _fractions(arguments.fractions),
        seed=arguments.seed,
        by=arguments.by,
        buffer=arguments.buffer,
        buffer_m=arguments.buffer_m,
        cell=arguments.cell,
        cell_m=arguments.cell_m,
    )
    if arguments.output is not None:
        with progress_bar("writing") as progress:
            apply_splits(
                pairs,
                plan.splits,
                arguments.output,
                units=plan.units if arguments.by in ("document", "cell", "time") else None,
                made=_command(),
                progress=progress,
            )
    if warning := plan.warning():
        print(f"Note: {warning}", file=sys.stderr)
    if arguments.json:
        written = plain(plan)
        del written["splits"], written["units"], written["skewed"]
        out = arguments.output and str(arguments.output)
        print_json(written | {"skewed": sorted(plan.skewed), "output": out})
        return 0
    total = max(sum(plan.rows.values()), 1)
    rows = [
        (name, f"{share:.3f}", f"{plan.rows[name] / total:.3f}", plan.rows[name], plan.groups[name])
        for name, share in plan.fractions.items()
    ]
    print_table(["split", "asked", "got", "pairs", f"{arguments.by}s"], rows)
    if plan.labels:
        labels = sorted(plan.labels.items(), key=lambda item: -sum(item[1].values()))
        print_table(["label", *plan.rows], [(label, *of.values()) for label, of in labels[:40]])
        if len(labels) > 40:
            print(f"... {len(labels) - 40:,} more labels; --json lists all.")
    if plan.labels:
        print(f"Largest deviation of a label's share in a split: {plan.deviation:.3f}")
    if arguments.buffer is not None or arguments.buffer_m is not None:
        print(f"Left out by the buffer: {plan.buffered:,} pairs")
    elif arguments.by == "cell":
        print(f"Left out, since they touch another split: {plan.buffered:,} pairs")
    if plan.untimed:
        print(f"Left out, for want of a date (where.acquired): {plan.untimed:,} pairs")
    print(f"Written to {arguments.output}" if arguments.output else "Nothing written: give -o OUT.")
    return 0


def merge(arguments: argparse.Namespace) -> int:
    from domainclip.pairs import open_pairs
    from domainclip.pairs.rewrite import merge_pairs

    inputs = [open_pairs(path) for path in arguments.pairs]
    with progress_bar("merging") as progress:
        report = merge_pairs(
            inputs,
            arguments.output,
            on_conflict=arguments.on_conflict,
            made=_command(),
            progress=progress,
        )
    if arguments.json:
        print_json(plain(report) | {"output": str(arguments.output)})
        return 0
    print(
        f"{arguments.output}: {report.pairs:,} pairs from {len(inputs)} directories; "
        f"{report.repeated:,} met twice and written once, {report.conflicts:,} key conflicts "
        f"({arguments.on_conflict})"
    )
    return 0


def export(arguments: argparse.Namespace) -> int:
    from domainclip.pairs import open_pairs

    # late and by name: geoparquet and stac need the libraries of an extra
    module = import_optional(f"domainclip.pairs.formats.{arguments.format}")
    options: dict[str, Any] = {}
    if arguments.format == "webdataset":
        options["shard_pairs"] = arguments.shard_pairs
    elif arguments.format == "csv":
        options["separator"] = arguments.separator
    pairs, out = open_pairs(arguments.pairs), arguments.output
    with progress_bar("exporting") as progress:
        report = module.write(pairs, out, split=arguments.split, progress=progress, **options)
    if arguments.json:
        print_json(plain(report) | {"path": str(report.path)})
        return 0
    files = "1 file" if report.files == 1 else f"{report.files:,} files"
    print(f"{report.path}: {report.pairs:,} pairs in {files} ({report.format})")
    print("What this format does not hold:")
    for sentence in report.lost:
        print(f"  - {sentence}")
    return 0


def bring(arguments: argparse.Namespace) -> int:
    from domainclip.pairs.formats import guess_format, import_pairs

    name = arguments.format or guess_format(arguments.source)
    if not arguments.source.exists():
        raise UsageError(f"{arguments.source}: no such file or directory.")
    with progress_bar("importing") as progress:
        report = import_pairs(
            _reading(name, arguments),
            arguments.output,
            license=arguments.license,
            source=f"{name} import",
            split=arguments.split,
            made=_command(),
            progress=progress,
        )
    inputs = report.pairs + report.quarantined
    if arguments.json:
        print_json(plain(report) | {"path": str(report.path), "format": name})
    else:
        print(
            f"{report.path}: {report.pairs:,} pairs from {name}, quarantined inputs: "
            f"{report.quarantined:,} (_errors.parquet)"
        )
        if report.skipped:
            print_table(["skipped", "count"], sorted(report.skipped.items()))
    outside = report.skipped["outside_root"]
    if report.quarantined and not report.pairs:
        explain_nothing(report.quarantined, arguments.output)
    elif outside:
        print(
            f"{outside:,} images lie outside the table's folder; give --root FOLDER, a folder that "
            "holds them all.",
            file=sys.stderr,
        )
    share = report.quarantined / inputs if inputs else 0.0
    if share <= arguments.max_errors:
        return 0
    explain_exit(f"{100 * share:.1f} % of the inputs", 100 * arguments.max_errors, arguments.output)
    return 1


def _reading(name: str, arguments: argparse.Namespace) -> Any:
    from domainclip.pairs.formats import csv, folders, huggingface, webdataset

    columns = {
        "image_column": arguments.image_column,
        "caption_column": arguments.caption_column,
    }
    if name == "webdataset":
        return webdataset.read(arguments.source)
    if name == "folders":
        return folders.read(arguments.source, template=arguments.template)
    if name == "csv":
        return csv.read(arguments.source, root=arguments.root, **columns)
    return huggingface.read(arguments.source, **columns)


def _fractions(words: Sequence[str]) -> dict[str, float]:
    fractions: dict[str, float] = {}
    for word in words:
        name, _, share = word.partition("=")
        try:
            fractions[name] = float(share)
        except ValueError as error:
            raise UsageError(f"--fractions {word!r}: write NAME=SHARE, as in train=0.8.") from error
    return fractions


def _command() -> str:
    return "domainclip " + shlex.join(sys.argv[1:])
