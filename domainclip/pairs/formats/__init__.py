"""Ways in and out of pairs, one format per file: webdataset, csv, folders, huggingface.

Each file has ``write(pairs, out, ...) -> ExportReport`` and ``read(source, ...) -> Iterator[Pair |
Skip]``; ``import_pairs`` stores what a ``read`` gives.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from domainclip.errors import BadInput
from domainclip.pairs._output import new_directory
from domainclip.pairs.formats._shared import IMAGE_SUFFIXES, ExportReport
from domainclip.pairs.schema import Pair, Skip
from domainclip.pairs.writer import PairWriter

__all__ = ["FORMATS", "ExportReport", "ImportReport", "guess_format", "import_pairs"]

FORMATS = ("webdataset", "csv", "folders", "huggingface")


@dataclass(slots=True)
class ImportReport:
    """What an import did. skipped: inputs that gave no pair, by reason; quarantined: those of them
    that something was wrong with (rows of ``_errors.parquet``)."""

    path: Path
    pairs: int = 0
    quarantined: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def import_pairs(
    found: Iterable[Pair | Skip],
    out: Path | str,
    *,
    license: str = "",
    source: str = "",
    split: str = "",
    made: str = "",
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Store what a format's ``read`` gives in the new pairs directory ``out``.

    license, source, split: for pairs that bring none. A key met a second time is quarantined, as is
    a pair that cannot be stored; only ``out`` as a whole fails (OutputInUse, OutputError).
    """
    out = Path(out)
    report = ImportReport(out)
    seen: set[bytes] = set()
    with (
        new_directory(out) as directory,
        PairWriter(directory, made=made, title=out.name) as writer,
    ):
        for item in found:
            skip = item if isinstance(item, Skip) else None
            if isinstance(item, Pair):
                pair = replace(
                    item,
                    license=item.license or license,
                    source=item.source or source,
                    split=item.split or split,
                )
                skip = _stored(pair, writer, seen)
            if skip is None:
                report.pairs += 1
            else:
                report.skipped[skip.reason] += 1
                report.quarantined += skip.quarantine
                writer.error(skip)
            if progress is not None:
                progress(report.pairs + report.skipped.total())
    return report


def guess_format(path: Path) -> str:
    """The format that a path seems to hold; raises BadInput where nothing says so."""
    if not path.exists():
        raise BadInput(f"{path}: no such file or directory.")
    suffixes = {path.suffix}
    if path.is_dir():
        suffixes = {entry.suffix for entry in path.iterdir() if entry.is_file()}
    for suffix, name in (
        (".tar", "webdataset"),
        (".tsv", "csv"),
        (".csv", "csv"),
        (".parquet", "huggingface"),
        (".arrow", "huggingface"),
    ):
        if suffix in suffixes:
            return name
    if path.is_dir():
        empty = True
        for entry in path.rglob("*"):
            empty &= entry.is_dir()
            if entry.suffix in (".parquet", ".arrow"):
                return "huggingface"
            if entry.suffix.lower() in IMAGE_SUFFIXES:
                return "folders"
        if empty:
            raise BadInput(f"{path}: holds no file, so there is nothing to import.")
    raise BadInput(f"{path}: of no format that is known by its files; name it with --format.")


def _stored(pair: Pair, writer: PairWriter, seen: set[bytes]) -> Skip | None:
    digest = hashlib.blake2b(pair.key.encode(errors="replace"), digest_size=16).digest()
    if digest in seen:
        detail = "this key was met before; keys must be unique"
        return Skip(where=pair.key, reason="duplicate_key", detail=detail, stage="import")
    try:
        writer.write(pair)
    except BadInput as error:
        return Skip(where=repr(pair.key), reason="bad_fields", detail=str(error), stage="import")
    seen.add(digest)
    return None
