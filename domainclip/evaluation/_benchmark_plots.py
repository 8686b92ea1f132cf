"""A benchmark's plots: accuracy against shots, and against what a method costs; as SVG files."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from domainclip.evaluation._benchmark_page import headline, short, variant_of
from domainclip.evaluation._benchmark_table import AVERAGE, Summary

__all__ = ["write_plots"]

_STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "benchmark", "font.size": 9.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#999999",
    "legend.frameon": False, "axes.grid": True, "grid.color": "#e4e4e4", "grid.linewidth": 0.7,
}  # fmt: skip
_MARKERS = "osD^vPX*<>"
_LINE = 0.185  # height of a line of the legend, inches
_MANY = 8  # methods from which on intervals are faint, so that the means can be seen


def write_plots(found: Sequence[Summary], folder: Path) -> list[Path]:
    """``accuracy_at_shots.svg`` and ``cost.svg`` in the folder; none where nothing was measured."""
    rows = [row for row in headline(found) if row.mean is not None]
    if not rows:
        return []
    with matplotlib.rc_context(_STYLE):
        figures = {"accuracy_at_shots.svg": _at_shots(rows), "cost.svg": _cost(rows)}
        for name, figure in figures.items():
            figure.savefig(folder / name, metadata={"Date": None, "Creator": None})
    return [folder / name for name in figures]


def _at_shots(rows: Sequence[Summary]) -> Figure:
    places = _places(rows)
    looks = _looks(rows)
    columns = min(3, len(places))
    lines = -(-len(places) // columns)
    size = (3.6 * columns + 1.8, _height(3.0 * lines, looks))
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True).ravel().tolist()
    for panel, place in zip(panels, places, strict=False):
        here = [row for row in rows if _place(row, rows) == place]
        for at, (name, (colour, marker)) in enumerate(looks.items()):
            # so that intervals do not lie on each other, nor on those of other shots
            aside = 2 ** (min(0.05, 0.8 / len(looks)) * (at - len(looks) / 2))
            mine = sorted((r for r in here if variant_of(r) == name), key=lambda r: r.shots)
            if mine and not mine[-1].shots:  # the text alone
                panel.axhline(100 * (mine[0].mean or 0), color=colour, ls=(0, (4, 3)), label=name)
            elif mine:
                mean = [100 * (r.mean or 0) for r in mine]
                half = [100 * ((r.high if r.high is not None else r.mean or 0) - (r.mean or 0))
                        for r in mine]  # fmt: skip
                x = [aside * r.shots for r in mine]
                drawn = panel.errorbar(x, mean, half, color=colour, marker=marker, ms=4.5, lw=1.4,
                                       capsize=2, label=name)  # fmt: skip
                _faint(drawn, looks)
        panel.set_title(place, loc="left", fontsize=9.5)
        shots = sorted({row.shots for row in rows if row.shots})
        if shots:
            panel.set_xscale("log", base=2)
            panel.set_xticks(shots, [str(k) for k in shots])
        low, high = panel.get_ylim()
        panel.set_ylim(max(low, 0), min(high, 102))
        panel.set_xlabel("shots a class")
        panel.set_ylabel(_measured(rows))
    for panel in panels[len(places):]:  # fmt: skip
        panel.set_visible(False)
    _legend(figure, panels)
    return figure


def _cost(rows: Sequence[Summary]) -> Figure:
    """Of the average over data sets where there is one, else of the first; at the most shots."""
    places = _places(rows)
    place = next((place for place in places if AVERAGE in place), places[0])
    here = [row for row in rows if _place(row, rows) == place]
    most = max(row.shots for row in here)
    last = [row for row in here if row.shots in (most, 0)]
    looks = _looks(rows)
    figure = Figure(figsize=(9.0, _height(3.4, looks)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for name, (colour, marker) in looks.items():
        for row in (row for row in last if variant_of(row) == name):
            y = 100 * (row.mean or 0)
            half = 0.0 if row.high is None else 100 * row.high - y
            for panel, x in zip(panels, (row.parameters, row.fit_seconds), strict=True):
                if x is not None:
                    drawn = panel.errorbar([x], [y], [half], color=colour, marker=marker, ms=6,
                                           capsize=2, ls="none", label=name)  # fmt: skip
                    _faint(drawn, looks)
    panels[0].set_xscale("symlog", linthresh=100)
    panels[0].set_xlabel("parameters added")
    panels[1].set_xscale("log")
    panels[1].set_xlabel("seconds to fit")
    panels[0].set_ylabel(_measured(rows))
    panels[0].set_title(f"{place}, {most} shots a class", loc="left", fontsize=9.5)
    _legend(figure, panels)
    return figure


def _height(least: float, looks: Sized) -> float:
    """Inches that the panels need, or the legend."""
    return max(least, _LINE * len(looks) + 0.3)


def _faint(drawn: Any, looks: Sized) -> None:
    """The intervals of one method, behind the means where there are many methods."""
    for part in (*drawn[1], *drawn[2]) if len(looks) > _MANY else ():
        part.set(alpha=0.25, linewidth=0.8, zorder=1)


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    named: dict[str, Any] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(named.values(), named.keys(), loc="outside right upper", fontsize=8.5)


def _looks(rows: Sequence[Summary]) -> dict[str, tuple[str, str]]:
    names = list(dict.fromkeys(variant_of(row) for row in rows))
    palette = matplotlib.colormaps["tab10"].colors  # type: ignore[attr-defined]
    return {
        name: (matplotlib.colors.to_hex(palette[at % 10]), _MARKERS[(at + at // 10) % 10])
        for at, name in enumerate(names)
    }


def _places(rows: Sequence[Summary]) -> list[str]:
    return sorted(
        dict.fromkeys(_place(row, rows) for row in rows), key=lambda place: AVERAGE in place
    )


def _place(row: Summary, rows: Sequence[Summary]) -> str:
    """The data set, with the protocol and the backbone where there are several."""
    pooled = row.protocol in ("few-shot", "base-to-new")
    words = [row.dataset if pooled else f"{row.dataset} → {row.part}"]
    words += [row.protocol] if len({each.protocol for each in rows}) > 1 else []
    words += [short(row.backbone)] if len({each.backbone for each in rows}) > 1 else []
    return ", ".join(words)


def _measured(rows: Sequence[Summary]) -> str:
    harmonic = {row.metric == "harmonic_mean" for row in rows}
    words = {True: "harmonic mean of base and new, %", False: "accuracy, %"}
    return " or ".join(words[each] for each in sorted(harmonic))
