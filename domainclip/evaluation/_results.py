"""Measured values as records: what a run stores, prints and reports."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from domainclip.evaluation._bootstrap import Value

__all__ = [
    "ADAPTED",
    "BASELINE",
    "Measured",
    "Method",
    "against_baseline",
    "find",
    "methods",
    "number",
    "with_interval",
]

Stage = Literal["before", "after"]
ADAPTED = "adapted"  # the evaluator's name of what the run itself made
BASELINE = "colour_histogram"
LOWER_IS_BETTER = ("ece",)


@dataclass(frozen=True, slots=True)
class Measured:
    """One value: when it was measured, by which evaluator (its label in the run), of what."""

    stage: Stage
    evaluator: str
    metric: str
    value: Value

    def as_json(self) -> dict[str, Any]:
        """Plain values; what is not a number is null."""
        value = self.value
        return {
            "stage": self.stage, "evaluator": self.evaluator, "metric": self.metric,
            "value": _finite(value.value), "low": _finite(value.low), "high": _finite(value.high),
            "n": value.n, "groups": value.groups,
        }  # fmt: skip

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Measured:
        """What ``as_json`` gave."""
        value = math.nan if row["value"] is None else row["value"]
        return cls(
            row["stage"], row["evaluator"], row["metric"],
            Value(value, row["low"], row["high"], row["n"], row["groups"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """One way of classifying the test split, with its accuracy.

    kind: ``untrained``, ``few``, ``frozen``, ``baseline`` or ``adapted``. below: its accuracy lies
    under the colour baseline's.
    """

    label: str
    kind: str
    value: Value
    below: bool = False


def methods(values: Sequence[Measured], adapted: str) -> list[Method]:
    """Every accuracy on the test split, in the order of a table. adapted: the method's name."""
    baseline = find(values, "before", BASELINE, "accuracy")
    found: list[Method] = []
    for row in values:
        label = row.evaluator.replace("_", " ")
        if row.evaluator == ADAPTED and row.metric == "accuracy":
            # a row of its own even where zero_shot measured the same
            found.append(Method(f"{adapted} (this run)", "adapted", row.value))
        elif row.evaluator.startswith("few_shot") and row.metric.startswith("accuracy@"):
            shots = row.metric.partition("@")[2]
            found.append(Method(f"{label}, {shots} a class", "few", row.value))
        elif row.metric != "accuracy" or row.evaluator == ADAPTED:
            continue
        elif row.evaluator.startswith(BASELINE):
            found.append(Method("colour histogram (no network)", "baseline", row.value))
        elif row.stage == "before":
            kind = "untrained" if row.evaluator.startswith("zero_shot") else "frozen"
            where = "" if kind == "untrained" else ", frozen features"
            found.append(Method(f"{label}{where}", kind, row.value))
        elif not row.evaluator.startswith("zero_shot"):
            found.append(Method(f"{label}, adapted features", "adapted", row.value))
    order = ("untrained", "few", "frozen", "baseline", "adapted")
    found.sort(key=lambda method: order.index(method.kind))
    if baseline is None:
        return found
    return [
        Method(m.label, m.kind, m.value, m.kind != "baseline" and m.value.value < baseline.value)
        for m in found
    ]


def against_baseline(values: Sequence[Measured]) -> list[str]:
    """What the adapted model's lead over the colour baseline is worth, in a sentence or none."""
    ours, theirs = (
        {row.metric: row.value for row in values if (row.stage, row.evaluator) == place}
        for place in (("after", ADAPTED), ("before", BASELINE))
    )
    mine, colour = ours.get("accuracy"), theirs.get("accuracy")
    if mine is None or colour is None or mine.value < colour.value:
        return []  # a method below it is named as such
    said = []
    if mine.low is not None and mine.low <= colour.value:
        said.append(
            f"its accuracy ({number(mine.value)}) leads by less than its own interval over the "
            f"colour baseline's ({number(colour.value)})"
        )
    worse = [
        f"{metric} ({number(value.value)} against {number(theirs[metric].value)})"
        for metric, value in ours.items()
        if metric in theirs
        and (value.value > theirs[metric].value) == (metric in LOWER_IS_BETTER)
        and number(value.value) != number(theirs[metric].value)
    ]
    if worse:
        said.append(f"it is worse than that baseline in {', '.join(worse)}")
    return [f"Of the adapted model: {'; '.join(said)}."] if said else []


def find(values: Iterable[Measured], stage: Stage, evaluator: str, metric: str) -> Value | None:
    """The value of that name, or None."""
    for row in values:
        if (row.stage, row.evaluator, row.metric) == (stage, evaluator, metric):
            return row.value
    return None


def number(value: float | None, metric: str = "") -> str:
    """``0.855``; ranks without three decimals; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{value:,.1f}".removesuffix(".0") if "rank" in metric else f"{value:.3f}"


def with_interval(value: Value | None, metric: str = "") -> str:
    """``0.855 [0.831, 0.879]``."""
    if value is None:
        return "–"
    shown = number(value.value, metric)
    if value.low is None or value.high is None:
        return shown
    return f"{shown} [{number(value.low, metric)}, {number(value.high, metric)}]"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
