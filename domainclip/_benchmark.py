"""Measure methods on data sets under one protocol, cell by cell, and go on where it stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from domainclip._benchmark_cells import Cell, Journal, cells_of, measure
from domainclip._benchmark_data import PROTOCOLS, Features, Protocol
from domainclip._benchmark_fit import check_method
from domainclip._run_directory import hold, write_bytes
from domainclip.backbones import Backbone
from domainclip.backbones.cache import cache_folder
from domainclip.data.labelled import LabelledImages
from domainclip.errors import OutputInUse, UsageError
from domainclip.evaluation._benchmark_page import markdown
from domainclip.evaluation._benchmark_plots import write_plots
from domainclip.evaluation._benchmark_table import Row, Summary, summarised, write_table

__all__ = ["Benchmark", "benchmark"]


@dataclass(frozen=True)
class Benchmark:
    """All rows of the folder and their summary; of this call's cells, how many were measured now,
    found done, and got a reason instead of a number; broken: those of the latter that should have
    worked, and are tried again when the call is repeated."""

    folder: Path
    rows: tuple[Row, ...]
    summary: tuple[Summary, ...]
    measured: int
    found: int
    failed: int
    broken: int = 0


def benchmark(
    clip: Backbone, sets: Sequence[LabelledImages], methods: Mapping[str, Mapping[str, Any]],
    output: Path, *, protocol: Protocol = "few-shot", shots: Sequence[int] = (1, 2, 4, 8, 16),
    seeds: Sequence[int] = (1, 2, 3), sampler: Literal["coop", "tip"] = "tip",
    repeats: bool = False, paper_mode: bool = False, command: str = "",
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Benchmark:  # fmt: skip
    """Fit every method on every draw of every data set, and test it; all lies in ``output``.

    methods: name -> options. repeats: fill a class with too few images up. paper_mode: the
    published code's own choices where they differ from sound practice: repeats with the tip
    sampler, and Tip-Adapter-F's selection on the test images.

    Writes cells.jsonl (one line a cell, at once), results and summary (.parquet, .csv), summary.md,
    accuracy_at_shots.svg, cost.svg. Repeating the call measures what is missing or failed before.
    Raises UsageError, UnknownName, BadInput for a call that cannot be right.
    """
    _check(sets, methods, protocol, shots, seeds)
    plain = clip.state_hash()
    if plain != clip.weights_hash():
        raise UsageError("the backbone carries an adapter; eject or merge it before a benchmark.")
    repeats = repeats or (paper_mode and sampler == "tip")
    cells = list(
        cells_of(
            sets, methods, protocol=protocol, shots=shots, seeds=seeds, sampler=sampler,
            repeats=repeats, paper_mode=paper_mode,
        )
    )  # fmt: skip
    lock = hold(output / ".lock", output)
    try:
        journal = Journal(output / "cells.jsonl")
        _refuse_mixture(output, journal.rows(), sets)
        features = Features(clip, cache_folder() / "features")
        keys = {cell.key(clip): cell for cell in cells}
        open_cells = {key: cell for key, cell in keys.items() if not journal.has(key)}
        failed = broken = 0
        try:
            for at, (key, cell) in enumerate(open_cells.items()):
                progress(len(keys) - len(open_cells) + at, len(keys))
                rows, final = measure(cell, clip, features)
                journal.put(key, rows, final)
                if clip.state_hash() != plain:
                    raise UsageError(
                        f"{cell.method}: eject has not put the backbone back, so no later number "
                        "could be trusted; load the backbone anew, and mend the adapter."
                    )
                failed += any(row.reason for row in rows)
                broken += not final
                for row in rows:
                    if row.reason:
                        say(": ".join(filter(None, (_title(cell), row.part, row.reason))))
        finally:  # also after an interrupt: the tables of what there is
            rows, summary = _write(output, journal.rows(), command)
    finally:
        os.close(lock)
    return Benchmark(
        output,
        tuple(rows),
        tuple(summary),
        len(open_cells),
        len(keys) - len(open_cells),
        failed,
        broken,
    )


def _write(folder: Path, rows: list[Row], command: str) -> tuple[list[Row], list[Summary]]:
    summary = summarised(rows)
    write_table(folder / "results", rows, Row)
    write_table(folder / "summary", summary, Summary)
    write_bytes(folder / "summary.md", markdown(summary, command).encode())
    write_plots(summary, folder)
    return rows, summary


def _refuse_mixture(folder: Path, rows: Sequence[Row], sets: Sequence[LabelledImages]) -> None:
    mine = {data.name: data.digest for data in sets}
    for row in rows:
        if mine.get(row.dataset, row.data) != row.data:
            raise OutputInUse(
                f"{folder}: holds results on other images, splits or prompts of {row.dataset!r}; "
                "choose another folder with -o."
            )


def _check(
    sets: Sequence[LabelledImages], methods: Mapping[str, Mapping[str, Any]], protocol: str,
    shots: Sequence[int], seeds: Sequence[int],
) -> None:  # fmt: skip
    if protocol not in PROTOCOLS:
        raise UsageError(f"protocol={protocol!r}: one of {', '.join(PROTOCOLS)}.")
    if not sets or not methods or not shots or not seeds:
        raise UsageError("give at least one data set, method, number of shots and seed.")
    if min(shots) < 1:
        raise UsageError(f"shots={min(shots)}: give 1 or more; the method zero_shot takes none.")
    names = [data.name for data in sets]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two data sets are called {name!r}; name each once.")
    if protocol in ("cross-dataset", "domain") and len(sets) < 2:
        raise UsageError(f"{protocol}: give the data set to train on, then those to test on.")
    if protocol == "domain":
        for other in sets[1:]:
            sets[0].only(other.classnames)
    for method, options in methods.items():
        check_method(method, options)


def _title(cell: Cell) -> str:
    shots = f"{cell.shots} shot" if cell.shots == 1 else f"{cell.shots} shots"
    draw = f", {shots}, seed {cell.seed}" if cell.shots else ""
    return f"{cell.data.name}, {cell.method}{draw}"
