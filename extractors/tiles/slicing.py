"""How a scene is sliced into tiles: on a grid, around features, or as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

import numpy as np

from .grid import Grid, grid_of
from .reading.scenes import Scene

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["Corners", "Slicing", "slicing_of"]

SIZE_PX = 224  # what most image towers see


class Slicing(Protocol):
    """A scene's tiles, row by row, in its pixels."""

    @property
    def size(self) -> int:
        """Side of a tile."""
        ...

    @property
    def stride(self) -> int:
        """How far rows of tiles lie apart, at most."""
        ...

    @property
    def rows(self) -> Sequence[int]:
        """Upper edges of the tiles, from top to bottom."""
        ...

    @property
    def refused(self) -> tuple[str, str] | None:
        """Why there is no tile: (reason, sentence)."""
        ...

    def columns_in(self, row: int) -> np.ndarray:
        """Left edges of the tiles of a row that are wanted; int64 (tiles,)."""
        ...


def slicing_of(tiles: Tiles, scene: Scene) -> Slicing:
    """The tiles that the options want of a scene. Raises BadInput, UsageError."""
    if tiles.whole:
        return _Whole(scene.width, scene.height)
    grid = grid_of(
        scene,
        size_px=tiles.size_px or (SIZE_PX if tiles.size_m is None else None),
        size_m=tiles.size_m,
        stride_px=tiles.stride_px,
        stride_m=tiles.stride_m,
        edge=tiles.edge,
        aoi=tiles.aoi,
    )
    return _OnGrid(grid)


@dataclass(frozen=True)
class Corners:
    """Tiles at some places. at: (row, its columns), from top to bottom."""

    size: int
    at: tuple[tuple[int, tuple[int, ...]], ...]
    refused = None

    @classmethod
    def of(cls, size: int, corners: Iterable[tuple[int, int]]) -> Corners:
        """From (column, row) in any order."""
        ordered = sorted((row, column) for column, row in corners)
        of_rows = groupby(ordered, key=lambda corner: corner[0])
        return cls(size, tuple((row, tuple(column for _, column in own)) for row, own in of_rows))

    @property
    def stride(self) -> int:
        return self.size

    @property
    def rows(self) -> Sequence[int]:
        return [row for row, _ in self.at]

    def columns_in(self, row: int) -> np.ndarray:
        return np.array(dict(self.at)[row], np.int64)


@dataclass(frozen=True)
class _OnGrid:
    grid: Grid

    @property
    def size(self) -> int:
        return self.grid.size

    @property
    def stride(self) -> int:
        return self.grid.stride

    @property
    def rows(self) -> Sequence[int]:
        return self.grid.rows

    @property
    def refused(self) -> tuple[str, str] | None:
        return self.grid.refused

    def columns_in(self, row: int) -> np.ndarray:
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
    def stride(self) -> int:
        return self.size

    @property
    def rows(self) -> Sequence[int]:
        return ((self.height - self.size) // 2,)

    def columns_in(self, row: int) -> np.ndarray:
        return np.array([(self.width - self.size) // 2], np.int64)
