"""The report of a run: ``report.html``, one self-contained file, and ``report.md``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from domainclip.evaluation import _plots
from domainclip.evaluation._card import DataCard
from domainclip.evaluation._pictures import Mistake
from domainclip.evaluation._results import (
    ADAPTED,
    Measured,
    Method,
    find,
    methods,
    number,
    with_interval,
)
from domainclip.evaluation._world import Place, class_colours, world_map
from domainclip.evaluation.metrics import Reliability, Value

__all__ = ["Predictions", "Report", "RunLink", "class_rows", "headline", "html", "markdown"]

RECALL = "image_to_text_R@1"
NOTHING = "Nothing was measured: the recipe lists no evaluators."


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities on the labelled rows of the test split.

    before: (n, c) by class prompts of the plain model; after: (n, c) of what the run made, or None.
    labels: (n,) class indices. keys: n.
    """

    before: Any
    after: Any | None
    labels: Any
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunLink:
    """A run of a sweep: its name, where its report lies, its accuracy."""

    label: str
    href: str
    value: Value | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """Everything that a report shows; what is empty or None is left out of it.

    note: a sentence above all else. facts: (name, value) lines under the title. method: what the
    run made, in a word. notes: what a reader must know before believing a number. history: rows of
    training.EpochRow. changes, directions: rows of ``understanding``, those that moved most.
    background: see ``_world.mosaic``. compared: accuracies by method, where they are not those of
    ``values``. runs: of a sweep.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    method: str
    values: Sequence[Measured]
    recipe: str
    command: str
    environment: Mapping[str, str]
    card: DataCard | None = None
    compared: Sequence[Method] | None = None
    runs: Sequence[RunLink] = ()
    note: str = ""
    notes: Sequence[str] = ()
    classnames: tuple[str, ...] = ()
    predictions: Predictions | None = None
    bins: tuple[Sequence[Reliability], Sequence[Reliability]] = ((), ())
    confusion: Any | None = None
    history: Sequence[Any] = ()
    changes: Sequence[Mapping[str, Any]] = ()
    directions: Sequence[Mapping[str, Any]] = ()
    mistakes: Sequence[Mistake] = ()
    places: Sequence[Place] = ()
    background: bytes | None = None


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class on the test split: recall before and after, precision after (None: never said)."""

    name: str
    n: int
    before: float | None
    after: float | None
    precision: float | None
    confused: str


def html(report: Report) -> str:
    """The page. Everything that comes from data or user is escaped; it requests nothing."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["interval"] = with_interval
    compared = _compared(report)
    plots = {
        "methods": Markup(_plots.methods_plot(compared)) if compared else "",
        "curves": Markup(_plots.curves_plot(report.history)) if report.history else "",
        "confusion": "",
        "reliability": "",
        "map": "",
    }
    if report.confusion is not None and len(report.classnames) <= 60:
        plots["confusion"] = Markup(_plots.confusion_plot(report.confusion, report.classnames))
    if any(report.bins):
        plots["reliability"] = Markup(_plots.reliability_plot(*report.bins))
    if report.places:
        drawn = world_map(report.places, report.classnames, report.background)
        plots["map"] = Markup(drawn)
    template = files("domainclip.evaluation").joinpath("report.html.j2").read_text("utf-8")
    return environment.from_string(template).render(
        report=report,
        plots=plots,
        headline=headline(report.values),
        metrics=metric_table(report.values),
        nothing=NOTHING,
        forgotten=forgotten(report.values),
        below=[method for method in compared if method.below],
        baseline=next((m for m in compared if m.kind == "baseline"), None),
        classes=class_rows(report),
        legend=_legend(report),
        wrong=sum(place.said != place.label for place in report.places),
    )


def markdown(report: Report) -> str:
    """The same numbers as a Markdown page."""
    lines = [f"# {report.title}", ""]
    lines += [f"**{report.note}**", ""] if report.note else []
    lines += [f"- {name}: {value}" for name, value in report.facts]
    lines += [f"- Note: {note}" for note in report.notes]
    compared = _compared(report)
    if compared:
        lines += [
            "",
            "## Accuracy on the test split",
            "",
            "| method | accuracy [95 %] | |",
            "|---|---|---|",
        ]
        lines += [
            f"| {_cell(m.label)} | {with_interval(m.value)} | "
            f"{'below the colour baseline' if m.below else ''} |"
            for m in compared
        ]
    if report.values:
        lines += [
            "",
            "## Every metric",
            "",
            "| evaluator | metric | before | after |",
            "|---|---|---|---|",
        ]
        for evaluator, metric, before, after in metric_table(report.values):
            lines.append(
                f"| {_cell(evaluator)} | {_cell(metric)} | {with_interval(before, metric)} | "
                f"{with_interval(after, metric)} |"
            )
        lines += ["", _interval_note(report.values), ""]
    else:
        lines += ["", NOTHING, ""]
    if report.changes:
        lines += ["## What it changed", "", "| weight | change | relative |", "|---|---|---|"]
        lines += [f"| {_cell(r['weight'])} | {r['norm']:.4g} | {number(r['relative'])} |"
                  for r in report.changes] + [""]  # fmt: skip
    if report.directions:
        lines += ["| weight | direction | delta | towards | opposite |", "|---|---|---|---|---|"]
        lines += [f"| {_cell(r['weight'])} | {r['number']} | {r['delta']:+.3g} | "
                  f"{_cell(r['towards'])} | {_cell(r['opposite'])} |"
                  for r in report.directions] + [""]  # fmt: skip
    lines += ["## Reproduce", "", f"    {report.command}", ""]
    lines += ["```yaml", report.recipe.rstrip().replace("```", "'''"), "```", ""]
    return "\n".join(lines)


def _compared(report: Report) -> Sequence[Method]:
    if report.compared is not None:
        return report.compared
    return methods(report.values, report.method)


def headline(values: Sequence[Measured]) -> tuple[str, Value | None, Value | None] | None:
    """(name, before, after) of the main number: accuracy, of a sweep the best; else retrieval's."""
    after, variant = _best(values, ADAPTED, "accuracy")
    before = _before(values, variant, "zero_shot", "accuracy")
    if after is not None or before is not None:
        return "accuracy", before, after
    for row in values:
        if row.metric == RECALL and row.stage == "before":
            evaluator = row.evaluator.rpartition("/")[2]
            after, variant = _best(values, evaluator, RECALL)
            before = _before(values, variant, evaluator, RECALL) or row.value
            return "image to text R@1", before, after
    first = next(iter(values), None)
    if first is None:
        return None
    return first.metric, first.value, find(values, "after", first.evaluator, first.metric)


def _best(values: Sequence[Measured], evaluator: str, metric: str) -> tuple[Value | None, str]:
    """The value after, and its variant: empty of a single run, of a sweep that of the best one."""
    found = [
        (row.value, row.evaluator.rpartition("/")[0])
        for row in values
        if row.stage == "after"
        and row.metric == metric
        and row.evaluator.rpartition("/")[2] == evaluator
    ]
    return max(found, key=lambda each: each[0].value, default=(None, ""))


def _before(values: Sequence[Measured], variant: str, evaluator: str, metric: str) -> Value | None:
    """The value before, that of the variant where variants differ in it."""
    own = find(values, "before", f"{variant}/{evaluator}", metric) if variant else None
    return own or find(values, "before", evaluator, metric)


def metric_table(
    values: Sequence[Measured],
) -> list[tuple[str, str, Value | None, Value | None]]:
    """(evaluator, metric, before, after), in the order measured."""
    names = dict.fromkeys((row.evaluator, row.metric) for row in values)
    return [
        (evaluator, metric, find(values, "before", evaluator, metric),
         find(values, "after", evaluator, metric))
        for evaluator, metric in names
    ]  # fmt: skip


def forgotten(
    values: Sequence[Measured],
) -> list[tuple[str, str, Value, Value]]:
    """(evaluator, metric, before, after) on general tasks that the adaptation never saw."""
    return [
        (evaluator, metric, before, after)
        for evaluator, metric, before, after in metric_table(values)
        if "forgetting" in evaluator and before is not None and after is not None
    ]


def class_rows(report: Report) -> list[ClassRow]:
    """Each class of the test split with what became of it."""
    found = report.predictions
    if found is None:
        return []
    before, labels = np.asarray(found.before).argmax(1), np.asarray(found.labels)
    last = np.asarray(found.after).argmax(1) if found.after is not None else before
    rows = []
    for number_, name in enumerate(report.classnames):
        mine, said = labels == number_, last == number_
        missed = np.bincount(last[mine & ~said], minlength=len(report.classnames))
        after = float(said[mine].mean()) if mine.any() and found.after is not None else None
        rows.append(
            ClassRow(
                name=name,
                n=int(mine.sum()),
                before=float((before[mine] == number_).mean()) if mine.any() else None,
                after=after,
                precision=float(mine[said].mean()) if said.any() else None,
                confused=report.classnames[int(missed.argmax())] if missed.any() else "",
            )
        )
    return rows


def _legend(report: Report) -> list[tuple[str, str, int, int]]:
    """(colour, class, tiles said to be it, of those right) of the map, most frequent first."""
    colours = class_colours(len(report.classnames))
    rows = []
    for at, name in enumerate(report.classnames):
        said = [place for place in report.places if place.said == at]
        if said:
            rows.append((colours[at], name, len(said), sum(p.label == at for p in said)))
    return sorted(rows, key=lambda row: -row[2])


def _interval_note(values: Sequence[Measured]) -> str:
    by_group = any(row.value.groups is not None for row in values)
    unit = "groups (whole map cells, patients or articles)" if by_group else "rows"
    return (
        f"Intervals: 95 % percentile bootstrap over {unit} of the test split. Lower is better for "
        "calibration error (ece) and ranks."
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
