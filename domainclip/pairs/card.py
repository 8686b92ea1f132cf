"""The data card of a pairs directory: counts, licences, how it was made; Hugging Face reads it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["Counts", "count_pairs", "write_card"]

# SPDX identifiers that the Hub accepts in a card's header, lower-cased as it wants them
_HUB_LICENSES = {
    *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0"),
    *("cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0"),
    *("cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "mit", "apache-2.0", "odbl", "pddl", "unlicense"),
}
_SHOWN_LABELS = 50


@dataclass(slots=True)
class Counts:
    """What a pairs directory holds, counted over its narrow columns in bounded memory."""

    pairs: int = 0
    bytes: int = 0
    splits: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


def count_pairs(parts: Iterable[Path], errors: Path | None = None) -> Counts:
    """Count pairs by split, source, licence and label, and quarantined inputs by error class."""
    counts = Counts()
    for part in parts:
        counts.bytes += part.stat().st_size
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(
                16384, columns=["split", "source", "license", "labels"], use_threads=False
            ):
                counts.pairs += len(batch)
                _tally(counts.splits, batch.column("split"))
                _tally(counts.sources, batch.column("source"))
                _tally(counts.licenses, batch.column("license"))
                _tally(counts.labels, pc.list_flatten(batch.column("labels")))
    if errors is not None and errors.is_file():
        _tally(counts.errors, pq.read_table(errors, columns=["error"]).column("error"))
    return counts


def write_card(path: Path | str, *, made: str = "", title: str = "") -> Path:
    """Write ``README.md`` of the pairs directory at ``path``; returns its path.

    made: how the pairs were made, in the user's words or as the command line. title: else the
    directory's name. A card that a person wrote (one without our marker) is left alone.
    """
    directory = Path(path)
    card = directory / "README.md"
    if card.is_file() and _MARKER not in card.read_text(encoding="utf-8", errors="replace"):
        return card
    parts = sorted(directory.glob("part-*.parquet"))
    text = _card(
        directory, count_pairs(parts, directory / "_errors.parquet"), len(parts), made, title
    )
    temporary = card.with_name(f".README.md.{os.getpid()}.writing")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(card)
    return card


_MARKER = "<!-- written by domainclip -->"


def _card(directory: Path, counts: Counts, parts: int, made: str, title: str) -> str:
    sections = [
        _header(counts),
        _MARKER,
        f"# {title or directory.resolve().name}",
        f"{counts.pairs:,} pairs of image and text in {parts:,} Parquet part"
        f"{'' if parts == 1 else 's'} ({counts.bytes / 1e6:,.1f} MB).",
        "## How it was made\n\n" + (f"    {made}" if made else "Not recorded."),
        _table("Splits", "split", counts.splits, "(none)"),
        _table("Licences", "licence", counts.licenses, "(not stated)"),
        _table("Sources", "source", counts.sources, "(not stated)"),
    ]
    if counts.labels:
        sections.append(_table("Labels", "label", counts.labels, "(empty)"))
    sections.append(
        _table("Quarantined inputs", "error", counts.errors, "(none)")
        if counts.errors
        else "## Quarantined inputs\n\nNone."
    )
    sections.append(
        "## Reading it\n\n"
        "    import domainclip\n"
        "    for pair in domainclip.open_pairs(PATH): ...\n\n"
        '    datasets.load_dataset("parquet", data_files="PATH/part-*.parquet")\n\n'
        "`group` is the unit that must never cross a split; `text` is the caption; `texts` holds "
        "every text with its role; `where` and `meta` are JSON."
    )
    return "\n\n".join(sections) + "\n"


def _header(counts: Counts) -> str:
    stated = {name.lower() for name in counts.licenses}
    known = sorted(stated & _HUB_LICENSES)
    license_line = known[0] if len(stated) == 1 and known else "other" if stated else "unknown"
    return (
        "---\n"
        f"license: {license_line}\n"
        "task_categories:\n- zero-shot-image-classification\n- image-to-text\n"
        f"size_categories:\n- {_size_category(counts.pairs)}\n"
        "configs:\n- config_name: default\n  data_files:\n"
        "  - split: pairs\n    path: part-*.parquet\n"
        "---"
    )


def _size_category(pairs: int) -> str:
    limits = [(1_000, "1K"), (10_000, "10K"), (100_000, "100K"), (1_000_000, "1M")]
    limits += [(10_000_000, "10M"), (100_000_000, "100M"), (1_000_000_000, "1B")]
    below = "n<1K"
    for (low, low_name), (high, high_name) in pairwise(limits):
        if low <= pairs < high:
            below = f"{low_name}<n<{high_name}"
    return below if pairs < 1_000_000_000 else "n>1B"


def _table(title: str, column: str, counts: Counter[str], empty: str) -> str:
    lines = [f"## {title}", "", f"| {column} | count |", "|---|---|"]
    shown = counts.most_common(_SHOWN_LABELS)
    lines += [f"| {_cell(name) or empty} | {count:,} |" for name, count in sorted(shown)]
    if len(counts) > len(shown):
        lines.append(f"| {len(counts) - len(shown):,} more | |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _tally(counter: Counter[str], column: pa.Array | pa.ChunkedArray) -> None:
    for entry in pc.value_counts(column).to_pylist():
        counter[entry["values"] or ""] += entry["counts"]
