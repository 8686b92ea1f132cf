"""How a scene is sliced into tiles: on a grid, or as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .grid import grid_of
from .reading.scenes import Scene

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["Slicing", "slicing_of"]

SIZE_PX = 224  # what most image towers see


class _Grid(Protocol):
    @property
    def size(self) -> int: ...
    @property
    def rows(self) -> Sequence[int]: ...
    @property
    def columns(self) -> np.ndarray: ...
    @property
    def refused(self) -> tuple[str, str] | None: ...
    def inside(self, row: int, columns: np.ndarray) -> Any: ...


@dataclass(frozen=True)
class Slicing:
    """A scene's tiles, row by row. stride: between rows, at most."""

    grid: _Grid
    stride: int

    @property
    def size(self) -> int:
        """Side of a tile, pixels."""
        return self.grid.size

    @property
    def rows(self) -> Sequence[int]:
        """Upper edges of the tiles, from top to bottom."""
        return self.grid.rows

    @property
    def refused(self) -> tuple[str, str] | None:
        """Why there is no tile: (reason, sentence)."""
        return self.grid.refused

    def columns_in(self, row: int) -> np.ndarray:
        """Left edges of the tiles of a row that are wanted."""
        columns = self.grid.columns
        return np.asarray(columns[self.grid.inside(row, columns)])


@dataclass(frozen=True)
class _Whole:
    """The largest square in a scene's middle."""

    width: int
    height: int
    refused = None

    @property
    def size(self) -> int:
        return min(self.width, self.height)

    @property
    def rows(self) -> Sequence[int]:
        return ((self.height - self.size) // 2,)

    @property
    def columns(self) -> np.ndarray:
        return np.array([(self.width - self.size) // 2], np.int64)

    def inside(self, row: int, columns: np.ndarray) -> Any:
        return np.ones(len(columns), bool)


def slicing_of(tiles: Tiles, scene: Scene) -> Slicing:
    """The tiles that the options want of a scene. Raises BadInput, UsageError."""
    if tiles.whole:
        return Slicing(_Whole(scene.width, scene.height), min(scene.width, scene.height))
    grid = grid_of(
        scene,
        size_px=tiles.size_px or (SIZE_PX if tiles.size_m is None else None),
        size_m=tiles.size_m,
        stride_px=tiles.stride_px,
        stride_m=tiles.stride_m,
        edge=tiles.edge,
        aoi=tiles.aoi,
    )
    return Slicing(grid, grid.stride)
