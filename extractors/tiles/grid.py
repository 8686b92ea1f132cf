"""Where tiles are cut: a regular grid over a scene, its edge, and an area of interest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from domainclip.errors import BadInput, UsageError

from .area import Area, open_area
from .reading.scenes import Scene

__all__ = ["EDGES", "Edge", "Grid", "grid_of"]

Edge = Literal["drop", "pad", "shift"]
MAX_SIZE = 1 << 14  # pixels: a tile of three 8-bit bands takes 805 MB then
EDGES: tuple[Edge, ...] = ("drop", "pad", "shift")


@dataclass(frozen=True)
class Grid:
    """Squares of ``size`` pixels every ``stride`` pixels from the scene's upper left corner on.

    Only whole pixels: a tile's corner is a corner of a pixel. edge: what becomes of a tile that
    starts in the scene and sticks out of it: ``drop`` leaves it out, ``shift`` moves it back until
    it ends at the edge (once: no two are the same), ``pad`` keeps it, as far as it adds pixels
    that no tile before it has. It takes memory for one row and one column of tiles.
    """

    width: int
    height: int
    size: int
    stride: int
    edge: Edge = "drop"
    area: Area | None = None
    georeference: Any = None

    @cached_property
    def rows(self) -> Sequence[int]:
        """Upper edges of the tiles from top to bottom, in pixels; rows that lie wholly above or
        below the area of interest are left out."""
        starts = _starts(self.height, self.size, self.stride, self.edge)
        if not self._columns_of_all:
            return ()
        bounds = self._bounds
        return starts if bounds is None else _within(starts, bounds[1], bounds[3], self.size)

    @cached_property
    def columns(self) -> np.ndarray:
        """Left edges of the tiles of every row, in pixels; int64 (tiles,)."""
        starts = self._columns_of_all
        if not len(_starts(self.height, self.size, self.stride, self.edge)):
            starts = ()
        bounds = self._bounds
        if bounds is not None:
            starts = _within(starts, bounds[0], bounds[2], self.size)
        if isinstance(starts, range):
            return np.arange(starts.start, starts.stop, starts.step, dtype=np.int64)
        return np.asarray(starts, np.int64)

    def inside(self, row: int, columns: np.ndarray) -> np.ndarray:
        """Which tiles at (columns, row) have their centre in the area of interest; bool (tiles,).

        All of them where there is no area. A centre on its boundary is inside; one without a place
        in the area's CRS is not.
        """
        if self.area is None:
            return np.ones(len(columns), bool)
        half = self.size / 2
        x, y = self.georeference.point(
            np.asarray(columns) + half, np.full(len(columns), row + half)
        )
        return self.area.holds(self.georeference.crs, x, y)

    @property
    def refused(self) -> tuple[str, str] | None:
        """Why there is no tile, and what to do: (reason, sentence), or None."""
        if self.edge != "pad" and min(self.width, self.height) < self.size:
            return "smaller_than_a_tile", (
                f"It has {self.width} x {self.height} pixels, and a tile {self.size} x {self.size};"
                " choose a smaller --size-px, or --edge pad."
            )
        if not len(self.rows) or not len(self.columns):
            return "outside_the_area", (
                "No centre of a tile lies in the area of interest; see --aoi."
            )
        return None

    @cached_property
    def _columns_of_all(self) -> Sequence[int]:
        return _starts(self.width, self.size, self.stride, self.edge)

    @cached_property
    def _bounds(self) -> tuple[float, float, float, float] | None:
        """(left, top, right, bottom) pixels that hold all centres in the area; None: no area."""
        if self.area is None:
            return None
        reach = self.size  # a tile that is padded has its centre in or just beyond the scene
        return self.area.pixel_bounds(self.georeference, self.width + reach, self.height + reach)


def grid_of(
    scene: Scene,
    *,
    size_px: int | None = None,
    size_m: float | None = None,
    stride_px: int | None = None,
    stride_m: float | None = None,
    edge: Edge = "drop",
    aoi: str = "",
) -> Grid:
    """The tiles of a scene. The side is given in pixels or in metres, so is the stride, which is
    the side where it is not given.

    Metres are divided by the ground resolution at the scene's centre and rounded to whole pixels,
    at least one; with one side for the whole scene, tiles of a scene whose resolution varies (in
    degrees, in web Mercator) cover different lengths. aoi: ``W,S,E,N`` in degrees, or a vector
    file; see ``open_area``. A tile belongs to it when its centre does.

    Raises UsageError (sizes that cannot be), BadInput (metres in a scene of unknown resolution, an
    area that cannot be read or laid over the scene).
    """
    if (size_px is None) == (size_m is None):
        raise UsageError("tiles: give the side in pixels or in metres: --size-px or --size-m.")
    if stride_px is not None and stride_m is not None:
        raise UsageError("tiles: give the stride either in pixels or in metres, not both.")
    if edge not in EDGES:
        raise UsageError(f"tiles: edge {edge!r} must be one of {', '.join(EDGES)}.")
    size = _pixels(scene, "size", size_px, size_m)
    assert size is not None
    if size > MAX_SIZE:
        raise UsageError(f"tiles: a side of {size:,} pixels is too long; at most {MAX_SIZE:,}.")
    stride = _pixels(scene, "stride", stride_px, stride_m) or size
    area = open_area(aoi) if aoi else None
    if area is not None and scene.georeference is None:
        raise BadInput(
            f"{scene.name}: it has no place, so no area of interest can be laid over it."
        )
    grid = Grid(scene.width, scene.height, size, stride, edge, area, scene.georeference)
    _ = grid.rows  # an area of another planet is told here
    return grid


def _pixels(scene: Scene, what: str, px: int | None, metres: float | None) -> int | None:
    if px is not None:
        if px < 1:
            raise UsageError(f"tiles: --{what}-px {px} must be at least 1.")
        return px
    if metres is None:
        return None
    if not 0 < metres < float("inf"):
        raise UsageError(f"tiles: --{what}-m {metres:g} must be above 0.")
    gsd_m = _gsd_m(scene)
    if gsd_m is None:
        raise BadInput(
            f"{scene.name}: --{what}-m needs its ground resolution, which is not known; give "
            f"--{what}-px."
        )
    return max(1, round(metres / gsd_m))


def _gsd_m(scene: Scene) -> float | None:
    """Metres to a pixel at the scene's centre, else what its provider states."""
    return scene.gsd_m or scene.facts.gsd_m


def _starts(length: int, size: int, stride: int, edge: Edge) -> Sequence[int]:
    """The starts of tiles along one side of a scene."""
    whole = range(0, length - size + 1, stride)
    if edge == "drop":
        return whole
    if edge == "pad":
        before = range(0, length, stride)  # that start in the scene
        needed = len(range(0, max(length - size, 0), stride)) + 1  # until nothing is left over
        return before[:needed]
    if whole and whole[-1] + size < length and whole[-1] + stride < length:
        return (*whole, length - size)
    return whole


def _within(starts: Sequence[int], low: float, high: float, size: int) -> Sequence[int]:
    """Those whose centre lies from low to high."""
    if isinstance(starts, range):
        first = _count_below(starts, low - size / 2, inclusive=False)
        last = _count_below(starts, high - size / 2, inclusive=True)
        return starts[first : max(first, last)]
    return tuple(start for start in starts if low <= start + size / 2 <= high)


def _count_below(starts: range, value: float, *, inclusive: bool) -> int:
    steps = (value - starts.start) / starts.step
    whole = np.floor(steps) + 1 if inclusive else np.ceil(steps)
    return int(np.clip(whole, 0, len(starts)))
