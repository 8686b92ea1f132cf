"""What gives tiles their facts: one interface for classes, boxes, masks, vectors and land cover."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ..reading.scenes import Scene
from ..records import Facts

__all__ = ["Labels"]


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
