"""A benchmark's results as a tidy table, and their means with 95 % intervals over seeds.

Interval: mean ± t(0.975, n - 1) s / sqrt(n) over the n seeds' values, Student's since n is small;
none for one seed. It covers the chance of the draw, not that of the test set.

Harmonic mean of base and new accuracy, 2 b n / (b + n), has two readings in the literature, and
both are given: ``harmonic_mean`` takes it of every seed's and data set's pair and averages those;
``harmonic_mean_of_means`` averages base and new first. They differ by points: see BiomedCoOp's
78.60/73.90, printed with 74.04 where the means' would be 76.2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from scipy.special import stdtrit

__all__ = [
    "AVERAGE", "Row", "Summary", "harmonic_mean", "interval_over_seeds", "summarised",
    "write_table",
]  # fmt: skip

AVERAGE = "average"


@dataclass(frozen=True, slots=True)
class Row:
    """One number, or the reason why there is none (then metric is empty and value None).

    part: what was tested on: test, base, new, both, or a data set's name. shots: 0 for the text
    alone. n: test images. value: 0 to 1. fit_seconds: of the fit; a head's without the pass over
    the images that all heads share. parameters: values that the method adds to the backbone.
    selected_on: what chose hyperparameters: val, support, or test in paper mode. options: JSON.
    data: the data set's digest.
    """

    dataset: str
    protocol: str
    part: str
    method: str
    shots: int
    seed: int
    sampler: str
    paper_mode: bool
    options: str
    data: str = ""
    backbone: str = ""
    metric: str = ""
    value: float | None = None
    n: int = 0
    fit_seconds: float | None = None
    test_seconds: float | None = None
    parameters: int | None = None
    selected_on: str = ""
    note: str = ""
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is not a number is null."""
        value = self.value
        finite = value is not None and math.isfinite(value)
        return asdict(self) | {"value": value if finite else None}


@dataclass(frozen=True, slots=True)
class Summary:
    """A number over seeds. low, high: its interval, None for one seed. failed: cells without it.
    note: what a reader must know of the draws, as a class with fewer images than shots."""

    dataset: str
    protocol: str
    part: str
    method: str
    shots: int
    sampler: str
    paper_mode: bool
    options: str
    backbone: str
    metric: str
    mean: float | None
    low: float | None
    high: float | None
    seeds: int
    fit_seconds: float | None
    parameters: int | None
    failed: int = 0
    reason: str = ""
    note: str = ""


_GROUP = ("dataset", "protocol", "part", "method", "shots", "sampler", "paper_mode", "options",
          "backbone", "metric")  # fmt: skip
_POOLED = ("few-shot", "base-to-new")  # the others average over the sets that are tested on


def harmonic_mean(base: float | None, new: float | None) -> float:
    """2 b n / (b + n); 0 where both are."""
    b, n = base or 0.0, new or 0.0
    return 2 * b * n / (b + n) if b + n else 0.0


def interval_over_seeds(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """The mean of n values and the ends of its 95 % interval, None for n = 1."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return mean, None, None
    half = float(stdtrit(n - 1, 0.975)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return mean, mean - half, mean + half


def summarised(rows: Sequence[Row]) -> list[Summary]:
    """Every group of seeds, the averages over data sets, and both harmonic means."""
    rows = [*rows, *_averages(rows)]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(getattr(row, name) for name in _GROUP), []).append(row)
    found: list[Summary] = []
    for key, group in groups.items():
        named = dict(zip(_GROUP, key, strict=True))
        values = [row.value for row in group if row.value is not None]
        mean, low, high = interval_over_seeds(values) if values else (None, None, None)
        found.append(
            Summary(
                **named, mean=mean, low=low, high=high, seeds=len(values),
                fit_seconds=_mean(row.fit_seconds for row in group),
                parameters=next((r.parameters for r in group if r.parameters is not None), None),
                failed=len(group) - len(values),
                reason=next((row.reason for row in group if row.reason), ""),
                note=next((row.note for row in group if row.note), ""),
            )
        )  # fmt: skip
    return found + _of_means(found)


def write_table(path: Path, rows: Sequence[Row] | Sequence[Summary], kind: type[Any]) -> None:
    """``path`` .parquet and .csv with the same columns."""
    types = {"str": pa.string(), "int": pa.int64(), "bool": pa.bool_(), "float": pa.float64()}
    schema = pa.schema([(f.name, types[str(f.type).removesuffix(" | None")]) for f in fields(kind)])
    table = pa.Table.from_pylist(
        [dict(zip(schema.names, astuple(row), strict=True)) for row in rows], schema=schema
    )
    pq.write_table(table, path.with_suffix(".parquet"))
    pyarrow.csv.write_csv(table, path.with_suffix(".csv"))


def _averages(rows: Sequence[Row]) -> list[Row]:
    """Per seed, the mean over data sets (over the foreign ones where one is trained on).

    Only of what was measured on every one of them: a mean over fewer would flatter.
    """
    found: list[Row] = []
    protocols = {row.protocol for row in rows}
    for protocol in protocols:
        mine = [row for row in rows if row.protocol == protocol]
        if protocol in _POOLED:
            sets, across = {row.dataset for row in mine}, "dataset"
        else:
            mine = [row for row in mine if row.part != row.dataset]
            sets, across = {row.part for row in mine if row.part}, "part"
        if len(sets) < 2:
            continue
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in mine:
            if row.metric:
                key = tuple(getattr(row, n) for n in (*_GROUP, "seed") if n != across)
                groups.setdefault(key, []).append(row)
        for group in groups.values():
            values = [row.value for row in group if row.value is not None]
            if {getattr(row, across) for row in group} == sets and len(values) == len(sets):
                pooled: dict[str, Any] = {across: AVERAGE}
                found.append(
                    replace(
                        group[0], **pooled, value=float(np.mean(values)), note="",
                        n=sum(row.n for row in group),
                        parameters=_whole_mean(row.parameters for row in group),
                        fit_seconds=_mean(row.fit_seconds for row in group),
                    )
                )  # fmt: skip
    return found


def _of_means(found: Sequence[Summary]) -> list[Summary]:
    halves: dict[tuple[Any, ...], dict[str, Summary]] = {}
    for row in found:
        if row.protocol == "base-to-new" and row.metric == "accuracy":
            key = tuple(getattr(row, name) for name in _GROUP if name != "part")
            halves.setdefault(key, {})[row.part] = row
    return [
        replace(
            both["base"], part="both", metric="harmonic_mean_of_means", low=None, high=None,
            mean=harmonic_mean(both["base"].mean, both["new"].mean), reason="",
        )
        for both in halves.values()
        if {"base", "new"} <= set(both)
    ]  # fmt: skip


def _whole_mean(values: Iterable[int | None]) -> int | None:
    mean = _mean(values)
    return None if mean is None else round(mean)


def _mean(values: Iterable[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return float(np.mean(told)) if told else None
