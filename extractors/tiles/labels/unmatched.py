"""Labels that fit no scene of a run: in one sentence what does not fit, where it lies, what to do.

A file of another place, or a wrong CRS, else gives a run that leaves out every tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from domainclip.errors import BadInput

from ..reading.scenes import Scene
from .extent import SHOWN, Box, Holds, around, some_of
from .protocol import Labels

__all__ = ["Unmatched"]


@dataclass
class Unmatched:
    """The labels of a run, of which scenes take away those that fit them.

    known: (option and file as they were typed, labels).
    """

    known: Sequence[tuple[str, Labels]]
    _waiting: dict[int, _Missed] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._waiting = {at: _Missed() for at in range(len(self.known))}

    def look(self, scene: Scene) -> None:
        """A scene of the run that could be opened."""
        for at in list(self._waiting):
            _, labels = self.known[at]
            try:
                fits = labels.reaches(scene)
            except BadInput:
                fits = bool(labels.holds().names)  # two names are as near, else no planet is shared
            if fits:
                del self._waiting[at]
            else:
                self._waiting[at].add(scene, labels.holds())

    def sentences(self) -> Iterator[tuple[str, str]]:
        """(option and file, sentence) of labels that none of the scenes fits, if there were any
        that could."""
        for at, missed in self._waiting.items():
            typed, labels = self.known[at]
            if missed.scenes:
                yield typed, f"{typed}: {_told(labels.holds(), missed)}."


@dataclass
class _Missed:
    """The scenes that some labels do not fit: how many, the first names, and for each extent the
    box around them in its CRS."""

    scenes: int = 0
    names: list[str] = field(default_factory=list)
    boxes: dict[int, Box | None] = field(default_factory=dict)

    def add(self, scene: Scene, holds: Holds) -> None:
        placed = scene.georeference is not None
        if not placed and holds.extents and not holds.names:
            return  # that labels with coordinates need a place is told by itself
        self.scenes += 1
        if len(self.names) < SHOWN:
            self.names.append(scene.name)
        for at, extent in enumerate(holds.extents if placed else ()):
            before = self.boxes.get(at)
            with suppress(BadInput):
                own = extent.of_scene(scene)
                self.boxes[at] = around(own if before is None else np.vstack([own, before]))


def _told(holds: Holds, missed: _Missed) -> str:
    where = []
    for at, extent in enumerate(holds.extents):
        if extent.bounds is None:
            continue
        crs = "the CRS of the scenes" if extent.crs is None else extent.crs.to_string()[:60]
        scenes = missed.boxes.get(at)
        there = f"within {_numbers(scenes)}" if scenes else "nowhere in that CRS"
        where.append(
            f"the labels lie within {_numbers(extent.bounds)} (west, south, east, north in {crs}), "
            f"and the scenes {there}"
        )
    if holds.names:
        where.append(
            f"they name {some_of(holds.names, len(holds.names))}, and the scenes are "
            f"{some_of(missed.names, missed.scenes)}"
        )
    found = "; ".join(where[:2])
    return f"{holds.said}: {found}; {holds.remedy}" if found else f"{holds.said}; {holds.remedy}"


def _numbers(bounds: Box) -> str:
    return ", ".join(f"{value:.9g}" for value in bounds)
