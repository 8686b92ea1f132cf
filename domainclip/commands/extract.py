"""Turn an archive into pairs: papers, DICOM studies, satellite tiles, or a source of your own.

usage: domainclip extract NAME SOURCE... -o PAIRS [option ...]

NAME is an extractor that `domainclip list extractors` shows, ./mine.py, ./mine.py:Class, or
package.module:Class; `python -m pydoc domainclip.extraction.protocol` shows how one is written.
`domainclip extract NAME --help` shows its own options. An interrupted run goes on when the same
command is given again; so does a finished one after inputs were added.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domainclip._recipe_options import Option, description_of, options_of
from domainclip.catalogue import entries, load
from domainclip.commands._options import add_fields, build, described, parse_checked
from domainclip.commands._printing import explain_exit, explain_nothing
from domainclip.errors import BadInput, MissingExtra, UsageError
from domainclip.pairs._files import output_errors, temporary_beside

__all__ = ["add_arguments", "run"]

USAGE = "domainclip extract {} SOURCE... -o PAIRS [option ...]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    # Which options there are depends on NAME. So this parser takes every word as it is (nothing
    # begins with its prefix), and run() reads them with a parser made for that extractor.
    parser.prefix_chars = "\0"
    parser.add_argument("words", nargs="*")


def run(arguments: argparse.Namespace) -> int:
    words: Sequence[str] = arguments.words
    name = _name(words)
    if name is None:
        _parser("NAME", None).print_help()
        return 0
    options = parse_checked(_parser(name, _described(name)), words)
    if options.names:
        return _write_names(build(load("extractors", name), options), options)
    if not options.output:
        raise UsageError("-o names no directory; give the pairs directory to make as -o PAIRS.")
    if options.audit:
        return _print_audit(build(load("extractors", name), options), options)
    if not 0 <= options.max_errors <= 100:
        raise UsageError(f"--max-errors {options.max_errors:g}: must be a percentage, 0 to 100.")
    extractor_class = load("extractors", name)
    from domainclip.extraction import run_extraction

    summary = run_extraction(
        build(extractor_class, options),
        options.sources,
        options.output,
        workers=options.workers,
        engine=options.engine,
        limit=options.limit,
        timeout_s=options.timeout,
        memory_bytes=None if options.memory_mb is None else options.memory_mb << 20,
    )
    print(json.dumps(summary.as_json(), ensure_ascii=False) if options.json else summary)
    if summary.error_percent <= options.max_errors:
        return 0
    if not summary.with_pairs:
        explain_nothing(summary.failed, options.output)
    explain_exit(summary.explained(), options.max_errors, options.output)
    return 1


def _print_audit(extractor: Any, options: argparse.Namespace) -> int:
    if not hasattr(extractor, "audit"):
        raise UsageError(f"--audit: {options.name} removes nothing, so there is nothing to audit.")
    audit = extractor.audit(options.sources, Path(options.output))
    print(json.dumps(audit.as_json(), ensure_ascii=False) if options.json else audit)
    return 0 if audit.clean else 1


def _write_names(extractor: Any, options: argparse.Namespace) -> int:
    if not hasattr(extractor, "names"):
        raise UsageError(f"--names: {options.name} keeps the names of its inputs.")
    path = Path(options.names)
    if os.path.lexists(path):
        raise UsageError(f"{path} exists; name a new file.")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it, or name another.")
    temporary = temporary_beside(path)
    count = 0
    try:
        with output_errors(path):
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # a file name need not be UTF-8: its bytes are written as they are
        with os.fdopen(handle, "w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file)
            writer.writerow(("name", "file"))
            for row in extractor.names(options.sources):
                with output_errors(path):
                    writer.writerow(row)
                count += 1
        with output_errors(path):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    print(f"{path}: {count:,} names with their files; it says who is who, so keep it to yourself.")
    return 0


def _name(words: Sequence[str]) -> str | None:
    """The extractor's name: the first word that is neither an option nor an option's value."""
    shell = argparse.ArgumentParser(
        prog="domainclip extract", usage=USAGE.format("NAME"), add_help=False, allow_abbrev=False
    )
    _add_common(shell)
    shell.add_argument("rest", nargs="*")
    found, _ = shell.parse_known_args(list(words))
    asked = "-h" in words or "--help" in words
    if not found.rest and not asked:
        raise UsageError(
            "usage: domainclip extract NAME SOURCE... -o PAIRS; NAME is one of: "
            f"{', '.join(entry.name for entry in entries('extractors'))}."
        )
    return found.rest[0] if found.rest else None


def _described(name: str) -> tuple[Sequence[Option], str]:
    """The options of an extractor and their words, for which no library of its need be there."""
    if all(name != entry.name for entry in entries("extractors")):
        try:  # a class of the user's own may have its fields from anywhere
            return described(load("extractors", name))
        except (BadInput, MissingExtra):
            pass  # what it lacks is told when it is to run
    return list(options_of("extractors", name).values()), description_of("extractors", name)


def _parser(name: str, extractor: tuple[Sequence[Option], str] | None) -> argparse.ArgumentParser:
    doc = __doc__ or "" if extractor is None else extractor[1]
    known = "\n".join(f"  {entry.name:<10} {entry.summary}" for entry in entries("extractors"))
    parser = argparse.ArgumentParser(
        prog=f"domainclip extract {name}" if extractor else "domainclip extract",
        usage=USAGE.format(name),
        description=textwrap.dedent(doc).strip().partition("\n\n")[0]
        if extractor
        else doc.partition("usage:")[0] + doc.partition("NAME is")[1] + doc.partition("NAME is")[2],
        epilog=None if extractor else f"extractors:\n{known}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("name", metavar=name, help=argparse.SUPPRESS)
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="where the inputs are")
    _add_common(parser)
    if extractor is not None:
        add_fields(parser.add_argument_group(f"options of {name}"), *extractor)
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-o", "--output", metavar="PAIRS", help="the pairs directory to make")
    add("--workers", type=int, metavar="N", help="inputs at once [default: one per core]")
    add(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="where the work is done: on this machine, or on a Ray cluster whose nodes all see the "
        "inputs and PAIRS [default: local]",
    )
    add("--limit", type=int, metavar="N", help="only the first N inputs")
    add(
        "--timeout",
        type=float,
        default=300.0,
        metavar="S",
        help="seconds that one input may take [default: 300]",
    )
    add(
        "--memory-mb",
        type=int,
        metavar="M",
        help="memory that one input may take; 0: no limit [default: the machine's, shared]",
    )
    add(
        "--max-errors",
        type=float,
        default=5.0,
        metavar="P",
        help="exit with 1 when more than P percent were quarantined [default: 5]",
    )
    add("--json", action="store_true", help="print the summary as a JSON object")
    add(
        "--audit",
        action="store_true",
        help="extract nothing: look in PAIRS, and in the folders of --copies and --volumes, for "
        "what of the sources should not be there (dicom)",
    )
    add(
        "--names",
        metavar="FILE",
        help="extract nothing: write which name in PAIRS is which file, for your eyes only (dicom)",
    )
