"""Means, intervals, harmonic means and averages over data sets of a benchmark's rows."""

from __future__ import annotations

import math
import re
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from scipy.stats import t

from domainclip.evaluation._benchmark_page import headline, markdown, shown
from domainclip.evaluation._benchmark_plots import write_plots
from domainclip.evaluation._benchmark_table import (
    AVERAGE,
    Row,
    Summary,
    harmonic_mean,
    interval_over_seeds,
    summarised,
    write_table,
)


def row(value: float | None, **given: Any) -> Row:
    common: dict[str, Any] = {
        "dataset": "a", "protocol": "few-shot", "part": "test", "method": "gda", "shots": 4,
        "seed": 1, "sampler": "tip", "paper_mode": False, "options": "{}", "backbone": "tiny",
        "metric": "accuracy", "value": value, "n": 10, "fit_seconds": 2.0, "parameters": 30,
    }  # fmt: skip
    return Row(**(common | given))


def one(found: list[Summary], **wanted: Any) -> Summary:
    (only,) = [r for r in found if all(getattr(r, k) == v for k, v in wanted.items())]
    return only


def test_interval_is_student_s() -> None:
    values = [0.5, 0.6, 0.8]
    middle, low, high = interval_over_seeds(values)
    half = t.ppf(0.975, 2) * stdev(values) / math.sqrt(3)
    assert middle == pytest.approx(mean(values))
    assert (low, high) == pytest.approx((middle - half, middle + half), rel=1e-6)
    assert interval_over_seeds([0.5]) == (0.5, None, None)


def test_both_harmonic_means_are_named_and_differ() -> None:
    halves = {"a": (0.9, 0.3), "b": (0.4, 0.8)}
    rows = [
        row(value, dataset=name, protocol="base-to-new", part=part)
        for name, pair in halves.items()
        for part, value in zip(("base", "new"), pair, strict=True)
    ]
    rows += [
        row(harmonic_mean(*pair), dataset=name, protocol="base-to-new", part="both",
            metric="harmonic_mean")
        for name, pair in halves.items()
    ]  # fmt: skip
    found = summarised(rows)
    per_set = one(found, dataset=AVERAGE, metric="harmonic_mean").mean
    of_means = one(found, dataset=AVERAGE, metric="harmonic_mean_of_means").mean
    # 2·.9·.3/1.2 = .45, 2·.4·.8/1.2 = .5333; means .65 and .55
    assert per_set == pytest.approx((0.45 + 0.64 / 1.2) / 2)
    assert of_means == pytest.approx(2 * 0.65 * 0.55 / 1.2)
    assert harmonic_mean(0, 0) == 0
    text = markdown(found)
    assert "harmonic mean, of each seed and set, averaged" in text
    assert "harmonic mean of the mean accuracies" in text


def test_average_needs_every_data_set() -> None:
    rows = [row(0.5 + 0.1 * seed, dataset=d, seed=seed) for d in "ab" for seed in (1, 2)]
    rows += [row(0.9, dataset="a", method="knn")]
    rows += [row(None, dataset="b", method="knn", metric="", reason="too few")]
    found = summarised(rows)
    assert one(found, dataset=AVERAGE).method == "gda"
    assert one(found, dataset=AVERAGE).mean == pytest.approx(0.65)
    assert one(found, dataset=AVERAGE).seeds == 2
    assert one(found, method="knn", dataset="b").reason == "too few"
    assert "- b knn test: too few" in markdown(found)


def test_transfer_averages_over_the_foreign_sets() -> None:
    rows = [
        row(v, protocol="cross-dataset", part=p) for p, v in (("a", 1.0), ("b", 0.2), ("c", 0.4))
    ]
    found = summarised(rows)
    assert one(found, part=AVERAGE).mean == pytest.approx(0.3)
    assert {r.part for r in headline(found)} == {"b", "c", AVERAGE}


def test_tables_and_plots_are_written(tmp_path: Path) -> None:
    rows = [row(0.5 + 0.1 * seed, seed=seed, shots=k) for seed in (1, 2) for k in (1, 4)]
    rows += [row(0.4, method="zero_shot", shots=0, parameters=0), row(math.nan, metric="auroc")]
    found = summarised([Row(**r.as_json()) for r in rows])
    write_table(tmp_path / "results", rows, Row)
    write_table(tmp_path / "summary", found, Summary)
    assert pq.read_table(tmp_path / "results.parquet").num_rows == len(rows)
    assert pyarrow.csv.read_csv(tmp_path / "summary.csv").num_rows == len(found)
    assert shown(one(found, shots=4, metric="accuracy")) == "65.0 ± 63.5"
    assert "| zero_shot | 0 | 2.00 | 40.0 | 40.0 |" in markdown(found)
    written = write_plots(found, tmp_path)
    assert [path.name for path in written] == ["accuracy_at_shots.svg", "cost.svg"]
    for path in written:
        assert "gda" in path.read_text()
        assert "seconds to fit" in path.read_text() or path.name != "cost.svg"
    assert write_plots([], tmp_path) == []


def test_the_legend_of_many_methods_lies_inside_the_picture(tmp_path: Path) -> None:
    names = [f"method_{number}" for number in range(30)]
    rows = [row(0.5, method=name, shots=k) for name in names for k in (1, 4)]
    for path in write_plots(summarised(rows), tmp_path):
        text = path.read_text()
        height = float(re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', text)[1])  # type: ignore[index]
        for name in names:
            found = re.search(rf'translate\([\d.]+ ([-\d.]+)\)[^<]*">{name}</text>', text)
            found = found or re.search(rf'y="([-\d.]+)"[^<]*>{name}</text>', text)
            assert found is not None, name
            assert 0 < float(found[1]) < height, (path.name, name)
