"""Drawn paths as far as they show: cut by the clips they are painted in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

__all__ = ["shown_paths"]

_Rect = tuple[float, float, float, float]


def shown_paths(paths: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], _Rect]]:
    """The painted paths of ``page.get_cdrawings(extended=True)``, each with what shows of its box.

    Left out: what lies outside of its clip and what is painted with no opacity. Plotting programs
    clip whole curves to the axes, and their boxes may reach far into the text.
    """
    clips: list[_Rect | None] = []  # what each level above leaves free; None: everything
    for path in paths:
        kind, level = path["type"], path["level"]
        del clips[level:]
        outer = clips[-1] if clips else None
        clips += [outer] * (level - len(clips))
        if kind == "clip":
            clips.append(path["scissor"])
        elif kind == "group":
            clips.append(outer)
        elif _opaque(path) and (box := _common(path["rect"], outer)):
            yield path, box


def _opaque(path: Mapping[str, Any]) -> bool:
    fill = "f" in path["type"] and path.get("fill_opacity", 1.0) > 0.01
    return fill or ("s" in path["type"] and path.get("stroke_opacity", 1.0) > 0.01)


def _common(box: _Rect, clip: _Rect | None) -> _Rect | None:
    if clip is None:
        return box
    x0, y0 = max(box[0], clip[0]), max(box[1], clip[1])
    x1, y1 = min(box[2], clip[2]), min(box[3], clip[3])
    return (x0, y0, x1, y1) if x0 <= x1 and y0 <= y1 else None
