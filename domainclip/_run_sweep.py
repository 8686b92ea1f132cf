"""The runs of a sweep put together: means over what only repeats, one row for what differs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy import stats

from domainclip._run_environment import environment, homeless
from domainclip._run_names import method_name
from domainclip._run_report import component_text, duration
from domainclip.evaluation._bootstrap import Value
from domainclip.evaluation._results import ADAPTED, Measured, Method, methods
from domainclip.evaluation.report import Report, RunLink
from domainclip.recipe import Recipe, to_yaml

__all__ = ["Row", "combined", "folders", "mean_of", "sweep_page"]

# sweeping these repeats a measurement; sweeping anything else makes another one
_REPEATS = re.compile(r"(^|,)seed=[^,]*")
_FOLDER = re.compile(r"[^\w=,.+-]+")  # what a folder's name, and so a link, does without


@dataclass(frozen=True)
class Row:
    """A finished run of a sweep. label: its folder under ``runs/``."""

    label: str
    recipe: Recipe
    values: tuple[Measured, ...]

    @property
    def variant(self) -> str:
        """The label without the seeds: runs that share it are repetitions of each other."""
        return _REPEATS.sub("", self.label).strip(",")

    @property
    def title(self) -> str:
        """The variant as a table shows it."""
        parts = self.variant.replace("adapter=", "").replace("head=", "")
        return parts.replace(",", ", ") or method_name(self.recipe)


def folders(runs: Sequence[tuple[str, Recipe]]) -> list[tuple[str, Recipe]]:
    """(folder name, recipe) of each run of a sweep, from its label; no two alike."""
    found: dict[str, Recipe] = {}
    for label, recipe in runs:
        name = _FOLDER.sub("", label)
        while name in found:
            name += "+"
        found[name] = recipe
    return list(found.items())


def combined(rows: Sequence[Row]) -> tuple[list[Measured], list[Method]]:
    """(every value, accuracies by method), as means over repetitions.

    A value of the plain model is one row where all variants measured the same, as they mostly do;
    where their plain models differ (each reads texts in its own way), and after, a row carries the
    variant's name.
    """
    first = {row.variant: row for row in reversed(rows)}
    variants = dict.fromkeys(row.variant for row in rows)
    means = {name: _means([row for row in rows if row.variant == name]) for name in variants}
    found = {name: methods(means[name], method_name(first[name].recipe)) for name in variants}
    own = _differing(
        [(row.evaluator, (row.metric, row.value)) for row in each if row.stage == "before"]
        for each in means.values()
    )
    own_methods = _differing(
        [(method.label, method.value) for method in each if method.kind != "adapted"]
        for each in found.values()
    )
    values: list[Measured] = []
    compared: list[Method] = []
    for name in variants:
        title = first[name].title
        for method in found[name]:
            named = method
            if len(variants) > 1 and (method.kind == "adapted" or method.label in own_methods):
                what = "" if "(this run)" in method.label else f", {method.label}"
                named = replace(method, label=f"{title}{what}")
            if not any(_same(named, other) for other in compared):
                compared.append(named)
        for row in means[name]:
            named_row = row
            if len(variants) > 1 and (row.stage == "after" or row.evaluator in own):
                named_row = replace(row, evaluator=f"{title}/{row.evaluator}")
            if named_row not in values:
                values.append(named_row)
    order = ("untrained", "few", "frozen", "baseline", "adapted")
    return values, sorted(compared, key=lambda method: order.index(method.kind))


def _means(rows: Sequence[Row]) -> list[Measured]:
    """What repetitions of one variant measured, each as their mean."""
    names = dict.fromkeys((v.stage, v.evaluator, v.metric) for row in rows for v in row.values)
    means = []
    for stage, evaluator, metric in names:
        found = [v.value for row in rows for v in row.values
                 if (v.stage, v.evaluator, v.metric) == (stage, evaluator, metric)]  # fmt: skip
        means.append(Measured(stage, evaluator, metric, mean_of(found)))
    return means


def _differing(variants: Iterable[Iterable[tuple[str, Any]]]) -> set[str]:
    """The names under which not all variants that have them have the same."""
    known: dict[str, list[Any]] = {}
    differing: set[str] = set()
    for variant in variants:
        mine: dict[str, list[Any]] = {}
        for name, what in variant:
            mine.setdefault(name, []).append(what)
        differing |= {name for name, what in mine.items() if known.setdefault(name, what) != what}
    return differing


def mean_of(values: Sequence[Value]) -> Value:
    """The mean of repetitions and its 95 % interval, Student's t over them; one gives its own.

    Repetitions on splits of the same pairs overlap, so the true interval is somewhat wider.
    """
    if len(values) == 1:
        return values[0]
    numbers = np.array([value.value for value in values])
    middle, spread = float(numbers.mean()), float(numbers.std(ddof=1))
    half = float(stats.t.ppf(0.975, len(numbers) - 1)) * spread / len(numbers) ** 0.5
    low, high = middle - half, middle + half
    if all(0 <= number <= 1 for number in numbers):
        low, high = max(0.0, low), min(1.0, high)
    return Value(middle, low, high, sum(value.n for value in values), None)


def sweep_page(
    recipe: Recipe, rows: Sequence[Row], compared: Sequence[Method], command: str, seconds: float
) -> Report:
    """The page of a sweep: the methods' means, and the way to each run's own report."""
    repeats = max(sum(r.variant == row.variant for r in rows) for row in rows)
    swept = ", ".join(f"{key} ({len(values)})" for key, values in recipe.sweep.items())
    links = []
    for row in rows:
        accuracy = next((v.value for v in row.values
                         if v.evaluator == ADAPTED and v.metric == "accuracy"), None)  # fmt: skip
        links.append(RunLink(row.label, f"runs/{row.label}/report.html", accuracy))
    over = "of one run each"
    if repeats > 1:
        over = f"means over {repeats} splits or seeds, with Student's t intervals over them"
    facts = [
        ("backbone", homeless(recipe.backbone.name)),
        *_method_facts(recipe),
        ("sweep", swept),
        ("runs", str(len(rows))),
        ("took", duration(seconds)),
    ]
    values, _ = combined(rows)
    return Report(
        title=recipe.name, note=recipe.note, facts=facts, method=method_name(recipe), values=values,
        compared=compared, notes=[f"All numbers are {over}."], runs=links,
        recipe=homeless(to_yaml(recipe)), command=command,
        environment=environment(torch.device("cpu")),
    )  # fmt: skip


def _method_facts(recipe: Recipe) -> list[tuple[str, str]]:
    # a method that is swept is no fact of the whole
    if recipe.adapter is None or any(key.startswith("adapter") for key in recipe.sweep):
        return []
    return [("method", component_text(recipe.adapter, "adapters"))]


def _same(one: Method, other: Method) -> bool:
    return (one.label, one.value) == (other.label, other.value)
