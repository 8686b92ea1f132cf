"""The report's plots: matplotlib figures as inline SVG that takes its colours from the page.

Figures are drawn in stand-in colours, which become CSS variables, so that one drawing serves the
light and the dark page. Text stays text: it is selectable, and small.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from domainclip.evaluation._results import Method, number
from domainclip.evaluation.metrics import Reliability

__all__ = ["confusion_plot", "curves_plot", "methods_plot", "reliability_plot"]

INK, MUTED, LINE, ACCENT, BEFORE = "#010203", "#040506", "#070809", "#0a0b0c", "#0d0e0f"
CARD = "#101112"
_VARIABLES = {
    CARD: "card",
    INK: "ink",
    MUTED: "muted",
    LINE: "line",
    ACCENT: "accent",
    BEFORE: "before",
}
_STYLE = {
    "svg.fonttype": "none", "font.size": 9.5, "text.color": INK, "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED, "xtick.color": MUTED, "ytick.color": MUTED, "axes.spines.top": False,
    "axes.spines.right": False, "axes.linewidth": 1.0, "axes.facecolor": "none",
    "figure.facecolor": "none", "savefig.facecolor": "none", "legend.frameon": False,
    "xtick.major.size": 0, "ytick.major.size": 0,
}  # fmt: skip


def methods_plot(methods: Sequence[Method]) -> str:
    """Accuracies with their intervals, one line each; the colour baseline as a vertical line."""
    with _drawing():
        figure, axes = _figure(4.5, 0.55 + 0.28 * len(methods))
        for at, method in enumerate(reversed(methods)):
            value = method.value
            colour = {"adapted": ACCENT, "baseline": BEFORE}.get(method.kind, MUTED)
            if value.low is not None and value.high is not None:
                axes.plot([value.low, value.high], [at, at], color=colour, lw=2.2, alpha=0.5)
            axes.plot([value.value], [at], "o", color=colour, ms=6)
            right = value.high if value.high is not None else value.value
            weight = "bold" if method.kind == "adapted" else "normal"
            axes.annotate(
                number(value.value), (right, at), (6, 0), textcoords="offset points",
                va="center", color=INK, fontweight=weight,
                bbox={"fc": CARD, "ec": "none", "pad": 0.5},
            )  # fmt: skip
            if method.kind == "baseline":
                axes.axvline(value.value, color=BEFORE, lw=1, ls=(0, (3, 3)), zorder=0)
        axes.set_yticks(range(len(methods)), [_cut(m.label, 34) for m in reversed(methods)])
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(-0.6, len(methods) - 0.4)
        axes.set_xlim(0, 1.09)
        axes.set_xticks(np.linspace(0, 1, 6))
        axes.set_xlabel("accuracy, with 95 % interval")
        axes.grid(axis="x", color=LINE, lw=0.7)
        axes.spines["left"].set_visible(False)
        return _svg(figure, "accuracy of every method")


def curves_plot(history: Sequence[Any]) -> str:
    """Loss and validation accuracy by epoch. history: rows of training.EpochRow."""
    epochs = [row.epoch for row in history]
    scored = [(row.epoch, row.accuracy) for row in history if row.accuracy is not None]
    with _drawing():
        figure = Figure(figsize=(4.6, 2.1), layout="constrained")
        panels = figure.subplots(1, 2 if scored else 1, squeeze=False)[0]
        panels[0].plot(epochs, [row.train_loss for row in history], color=MUTED, label="training",
                       marker="o", ms=3)  # fmt: skip
        held = [(row.epoch, row.val_loss) for row in history if row.val_loss is not None]
        if held:
            panels[0].plot(*zip(*held, strict=True), color=ACCENT, label="validation", marker="o",
                           ms=3)  # fmt: skip
            # above the panel, where no line can run through it
            panels[0].legend(loc="lower right", bbox_to_anchor=(1.04, 0.96), ncols=2, fontsize=8,
                             handlelength=1.2, columnspacing=0.9, labelcolor=INK)  # fmt: skip
        panels[0].set_title("loss", color=INK, fontsize=9.5, loc="left")
        if scored:
            panels[1].plot(*zip(*scored, strict=True), color=ACCENT, marker="o", ms=3)
            panels[1].set_title("validation accuracy", color=INK, fontsize=9.5, loc="left")
        for axes in panels:
            axes.set_xlabel("epoch")
            axes.grid(axis="y", color=LINE, lw=0.7)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        return _svg(figure, "training curves")


def confusion_plot(matrix: Any, names: Sequence[str]) -> str:
    """Rows are labels, shaded by their share; counts where they fit."""
    counts = np.asarray(matrix)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    c = len(names)
    small = c > 20
    with _drawing():
        side = min(8.5, 1.7 + 0.33 * c)
        figure, axes = _figure(side, side - 0.25)
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = ACCENT if row == column else BEFORE
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, fc=colour, lw=0,
                          alpha=float(0.1 + 0.65 * share[row, column]))
            )  # fmt: skip
            if not small:
                axes.text(column, row, f"{counts[row, column]}", ha="center", va="center",
                          color=INK, fontsize=7.5)  # fmt: skip
        size = 8 if c <= 25 else 5
        shown = [_cut(name, 28) for name in names]
        axes.set_xticks(range(c), shown, rotation=55, ha="right", rotation_mode="anchor",
                        fontsize=size)  # fmt: skip
        axes.set_yticks(range(c), shown, fontsize=size)
        axes.tick_params(labelcolor=INK)
        axes.set_xlim(-0.5, c - 0.5)
        axes.set_ylim(c - 0.5, -0.5)
        axes.set_aspect("equal")
        axes.set_xlabel("said")
        axes.set_ylabel("is")
        for spine in axes.spines.values():
            spine.set_visible(False)
        return _svg(figure, "confusion matrix")


def reliability_plot(before: Sequence[Reliability], after: Sequence[Reliability]) -> str:
    """Accuracy against confidence, by bin; the size of a point is the bin's share of rows."""
    with _drawing():
        figure, axes = _figure(3.4, 3.2)
        axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=(0, (3, 3)))
        for bins, colour, label in ((before, BEFORE, "before"), (after, ACCENT, "after")):
            if bins:
                total = sum(each.n for each in bins)
                sizes = [12 + 160 * each.n / total for each in bins]
                x, y = [each.confidence for each in bins], [each.accuracy for each in bins]
                axes.plot(x, y, color=colour, lw=1.2, alpha=0.6)
                axes.scatter(x, y, sizes, color=colour, label=label, lw=0)
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.set_aspect("equal")
        axes.set_xlabel("confidence")
        axes.set_ylabel("accuracy")
        axes.grid(color=LINE, lw=0.7)
        if before and after:
            axes.legend(loc="upper left", labelcolor=INK, markerscale=0.7)
        return _svg(figure, "reliability diagram")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _drawing() -> Any:
    return matplotlib.rc_context(_STYLE)


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _svg(figure: Figure, title: str) -> str:
    """The figure as an <svg> element as wide as its column, in the page's colours."""
    buffer = io.StringIO()
    # a salt a figure: ids of several drawings must not meet in one page, nor change from run to run
    with matplotlib.rc_context({"svg.hashsalt": title}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    for colour, name in _VARIABLES.items():
        text = text.replace(colour, f"var(--{name})")
    width, height = re.findall(r'(?:width|height)="([\d.]+)pt"', text)[:2]
    head = (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}" '
        f'style="max-width:{float(width) * 1.6:.0f}px" '
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    body = re.sub(r"^<svg[^>]*>", "", text, count=1)
    return head + re.sub(r"\n\s*", "\n", body)
