"""The map as a picture: matplotlib, longitude and latitude in true proportion at the middle."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from domainclip.errors import MissingExtra
from domainclip.pairs._map_groups import Grouping
from domainclip.pairs._map_tiles import MapTile

__all__ = ["plot_map"]

_INCHES, _DPI = 9.0, 150
_DOT_PX = 3.0  # the least that can be told from dirt, and its colour seen
_MOST_PATHS = 20_000  # beyond that an SVG holds the tiles as a picture


def plot_map(
    kind: str, tiles: tuple[MapTile, ...], groups: Grouping, *, title: str, by: str, middle: float
) -> bytes:
    """The picture as a file of ``kind``, png or svg. middle: longitude of the map's middle.

    Equirectangular, with longitudes shortened by the cosine of the middle latitude. Tiles smaller
    than 3 pixels are dots of that size. Raises MissingExtra without matplotlib.
    """
    try:
        import matplotlib
        from matplotlib.collections import PolyCollection
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D
    except ModuleNotFoundError as error:
        raise MissingExtra("train", "matplotlib") from error
    rings, owners = _shifted(tiles, middle)
    low = np.min([ring.min(axis=0) for ring in rings], axis=0)
    high = np.max([ring.max(axis=0) for ring in rings], axis=0)
    pad = np.maximum(0.04 * (high - low), 1e-4)
    low, high = low - pad, high + pad
    low[1], high[1] = max(low[1], -90.0), min(high[1], 90.0)
    shrink = max(np.cos(np.radians((low[1] + high[1]) / 2)), 0.05)
    wide, tall = (high[0] - low[0]) * shrink, high[1] - low[1]
    scale = min(_INCHES / wide, 0.8 * _INCHES / tall)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "map", "font.size": 8.5}):
        figure = Figure(figsize=(max(3.0, wide * scale), max(2.4, tall * scale)), dpi=_DPI)
        axes = figure.add_subplot()
        size = np.array([np.ptp(ring, axis=0).max() for ring in rings]) * scale * _DPI
        of = np.array(groups.of)[owners]
        for at, colour in enumerate(groups.colours):
            own = np.flatnonzero(of == at)
            large = [rings[number] for number in own if size[number] >= _DOT_PX]
            small = [rings[number].mean(axis=0) for number in own if size[number] < _DOT_PX]
            if large:
                axes.add_collection(
                    PolyCollection(large, facecolors=colour, edgecolors=colour, linewidths=0.4,
                                   alpha=0.7, rasterized=len(rings) > _MOST_PATHS)
                )  # fmt: skip
            if small:
                x, y = np.array(small).T
                axes.scatter(x, y, s=(_DOT_PX * 72 / _DPI) ** 2, c=colour, marker="s", linewidths=0,
                             rasterized=len(rings) > _MOST_PATHS)  # fmt: skip
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        axes.set_aspect(1 / shrink)
        axes.grid(linewidth=0.4, color="#888888", alpha=0.5)
        axes.set_axisbelow(True)
        axes.xaxis.set_major_locator(_degrees(wide / shrink))
        axes.yaxis.set_major_locator(_degrees(tall))
        axes.xaxis.set_major_formatter(lambda value, _: _said((value + 180) % 360 - 180, "EW"))
        axes.yaxis.set_major_formatter(lambda value, _: _said(value, "NS"))
        axes.set_title(_literal(title), fontsize=9.5, loc="left")
        handles = [
            Line2D([], [], linestyle="", marker="s", color=colour, label=_literal(_short(name, n)))
            for name, colour, n in zip(groups.names, groups.colours, groups.counts, strict=True)
        ]
        axes.legend(handles=handles, title=_literal(by), loc="upper left", frameon=False,
                    bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)  # fmt: skip
        date: dict[str, Any] = {"Date": None} if kind == "svg" else {}
        file = io.BytesIO()
        figure.savefig(file, format=kind, bbox_inches="tight", metadata=date)
    return file.getvalue()


def _shifted(tiles: tuple[MapTile, ...], middle: float) -> tuple[list[np.ndarray], np.ndarray]:
    """All outlines, each within half a turn of the middle, and the number of its tile."""
    rings, owners = [], []
    for number, tile in enumerate(tiles):
        for ring in tile.rings:
            centre = (ring[:, 0].min() + ring[:, 0].max()) / 2
            turns = np.floor((middle + 180 - centre) / 360)
            rings.append(ring + np.array([360.0 * turns, 0.0]))
            owners.append(number)
    return rings, np.array(owners, dtype=np.intp)


def _degrees(span: float) -> Any:
    from matplotlib.ticker import MaxNLocator, MultipleLocator

    if span > 60:  # what a graticule has
        return MultipleLocator(next(step for step in (10, 15, 30, 45, 60) if span / step <= 8.1))
    return MaxNLocator(6, steps=[1, 2, 5, 10])


def _said(degrees: float, letters: str) -> str:
    degrees = round(degrees, 6) + 0.0
    letter = "" if degrees % 180 == 0 else letters[0 if degrees > 0 else 1]
    return f"{abs(degrees):.6g}°{letter}"


def _short(name: str, count: int) -> str:
    return f"{name if len(name) <= 40 else name[:39] + '…'} ({count:,})"


def _literal(text: str) -> str:
    # neither mathematics nor control characters
    return "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")
