"""A benchmark's summary for people: Markdown tables, and which numbers stand for a protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence

from domainclip.evaluation._benchmark_table import AVERAGE, Summary

__all__ = [
    "cost_of",
    "headline",
    "label_of",
    "markdown",
    "notes_of",
    "short",
    "shown",
    "variant_of",
]

ZERO_SHOT = "zero_shot"
# protocol -> the (part, metric) of its tables; None takes every part
_TABLES: dict[str, tuple[tuple[str | None, str, str], ...]] = {
    "few-shot": (("test", "accuracy", "accuracy"),),
    "base-to-new": (
        ("base", "accuracy", "base accuracy"),
        ("new", "accuracy", "new accuracy"),
        ("both", "harmonic_mean", "harmonic mean, of each seed and set, averaged"),
        ("both", "harmonic_mean_of_means", "harmonic mean of the mean accuracies"),
    ),
    "cross-dataset": ((None, "accuracy", "accuracy"),),
    "domain": ((None, "accuracy", "accuracy"),),
}


def headline(found: Sequence[Summary]) -> list[Summary]:
    """The rows that a plot shows: one number a data set, method and number of shots."""
    kept = []
    for row in found:
        if row.protocol in ("cross-dataset", "domain"):
            if row.metric == "accuracy" and row.part != row.dataset:
                kept.append(row)
        elif (row.part, row.metric) in (("test", "accuracy"), ("both", "harmonic_mean")):
            kept.append(row)
    return kept


def shown(row: Summary | None) -> str:
    """``78.3 ± 2.1`` per cent; without the interval where there is one seed; a dash for none."""
    if row is None or row.mean is None:
        return "–"
    text = f"{100 * row.mean:.1f}"
    return text if row.high is None else f"{text} ± {100 * (row.high - row.mean):.1f}"


def cost_of(row: Summary | None) -> tuple[str, str]:
    """Parameters and seconds to fit, as words."""
    size = None if row is None else row.parameters
    spent = None if row is None else row.fit_seconds
    return "–" if size is None else f"{size:,}", "–" if spent is None else _seconds(spent)


def short(backbone: str) -> str:
    """A backbone's name without the folders or the organisation before it."""
    return backbone.rpartition("/")[2]


def label_of(row: Summary) -> str:
    """The method, with its options where it has some."""
    told = json.loads(row.options or "{}")
    words = ", ".join(f"{name}={value}" for name, value in told.items())
    return f"{row.method} ({words})" if words else row.method


def variant_of(row: Summary) -> str:
    """The label, with the sampler and the mode where they are not the default."""
    paper = " (paper mode)" if row.paper_mode else ""
    return f"{label_of(row)}{paper}" + (f" ({row.sampler})" if row.sampler == "coop" else "")


def markdown(found: Sequence[Summary], command: str = "") -> str:
    """One table a data set: methods in rows, shots in columns, per cent with the half-interval."""
    lines = [f"Made by `{command}`.", ""] if command else []
    lines += [
        "Per cent, mean over seeds ± half of the 95 % interval (Student's t over seeds).",
        "Fit: seconds at the largest number of shots; a head's without encoding the images.", "",
    ]  # fmt: skip
    for protocol, tables in _TABLES.items():
        mine = [row for row in found if row.protocol == protocol]
        for part, metric, title in tables:
            rows = [r for r in mine if r.metric == metric and (part is None or r.part == part)]
            places = list(dict.fromkeys((r.backbone, r.dataset, r.part) for r in rows))
            places.sort(key=lambda place: AVERAGE in place[1:])
            for backbone, dataset, tested in places:
                here = [r for r in rows if (r.backbone, r.dataset, r.part)
                        == (backbone, dataset, tested)]  # fmt: skip
                arrow = f" → {tested}" if part is None and tested != dataset else ""
                lines += [f"### {dataset}{arrow}: {title} ({protocol}, {short(backbone)})", ""]
                lines += [*_table(here), ""]
    if notes := notes_of(found):
        lines += ["### Notes", "", *(f"- {note}" for note in notes), ""]
    reasons = sorted({(r.dataset, label_of(r), r.part, r.reason) for r in found if r.reason})
    if reasons:
        lines += ["### Not measured", ""]
        lines += [f"- {' '.join(filter(None, words[:3]))}: {words[3]}" for words in reasons]
    return "\n".join(lines).rstrip() + "\n"


def notes_of(found: Sequence[Summary]) -> list[str]:
    """What a reader must know of the data sets and their draws, each once."""
    each = {(r.dataset, note): None for r in found for note in r.note.split("; ") if note}
    return [f"{dataset}: {note}" for dataset, note in sorted(each)]


def _seconds(spent: float) -> str:
    return f"{spent:.3f}" if spent < 0.1 else f"{spent:.2f}" if spent < 10 else f"{spent:.0f}"


def _table(rows: Sequence[Summary]) -> list[str]:
    shots = sorted({row.shots for row in rows if row.shots}) or [0]
    names = list(dict.fromkeys(variant_of(row) for row in rows))
    cells = {(variant_of(row), row.shots): row for row in rows}
    heads = " | ".join(f"{k} shot" if k == 1 else f"{k} shots" for k in shots)
    lines = [
        f"| method | parameters | fit, s | {heads} |",
        "|---|---:|---:|" + "---:|" * len(shots),
    ]
    for name in names:
        # the text alone is the same at every number of shots
        of = [cells.get((name, k)) or cells.get((name, 0)) for k in shots]
        last = next((row for row in reversed(of) if row is not None), None)
        size, spent = cost_of(last)
        words = " | ".join(shown(row) for row in of)
        lines.append(f"| {name} | {size} | {spent} | {words} |")
    return lines
