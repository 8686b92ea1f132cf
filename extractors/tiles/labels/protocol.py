"""What gives tiles their facts: one interface for classes, boxes, masks, vectors and land cover."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..reading.scenes import Scene
from ..records import Facts
from .extent import Holds

__all__ = ["ClassLabels", "Labels"]


class Labels(Protocol):
    """Says what tiles show; picklable or made once a process from the options."""

    def of_row(self, scene: Scene, row: int, columns: np.ndarray, size: int) -> list[Facts | str]:
        """The tiles of ``size`` pixels whose upper left corners are (columns, row), in pixels of
        the scene -> for each its Facts, or the reason in snake_case why it is left out.

        A window may stick out of the scene to the right and below (edges are padded there): what
        lies outside counts for nothing. Rows are asked for from top to bottom. Raises BadInput
        where the labels cannot be read for this scene.
        """
        ...

    def reaches(self, scene: Scene) -> bool:
        """May they say anything of a scene, by its name or by where it lies? True where that is
        not known without reading them. Raises BadInput where that is in doubt."""
        ...

    def holds(self) -> Holds:
        """What they speak of, for the user whose scenes they do not reach."""
        ...


class ClassLabels(Labels, Protocol):
    """Those that give tiles one class each."""

    def classes_of_row(
        self, scene: Scene, row: int, columns: np.ndarray, size: int
    ) -> Sequence[str | None]:
        """The class of each tile, None where it is left out; as of_row says it, and sooner.
        Raises BadInput."""
        ...
