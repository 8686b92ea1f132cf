"""Where a file says that its pixels lie: a transform, ground control points, RPCs, a world file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rasterio import CRS, Affine
from rasterio.control import GroundControlPoint
from rasterio.env import Env
from rasterio.transform import GCPTransformer, RPCTransformer, from_bounds

from domainclip.errors import BadInput

from ..records import View
from .coordinates import crs_of_coordinates
from .errors import GDAL_ERRORS
from .georeference import is_placed

__all__ = ["Placing", "crs_named", "placing_of"]

# A thin plate spline passes through every point, which is what the dense grids of points in radar
# products are made for; with few points, measured by hand, a polynomial evens out their errors.
SPLINE_POINTS = range(10, 2001)
PRJ_BYTES = 1 << 16


@dataclass(frozen=True)
class Placing:
    """From pixels (column, row) to coordinates in ``crs``.

    transform: of kind "affine". points: (column, row, x, y) of kind "points"; spline: by thin plate
    spline, else by a polynomial. rpcs: of kind "rpc", at height_m above the ellipsoid throughout.
    """

    kind: Literal["affine", "points", "rpc"]
    crs: Any
    transform: Any = None
    points: tuple[tuple[float, float, float, float], ...] = ()
    spline: bool = False
    rpcs: Any = None
    rpc_tags: tuple[tuple[str, str], ...] = ()
    height_m: float = 0.0

    def xy(self, columns: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of points in pixels (corners are whole numbers). Raises GDAL_ERRORS."""
        if self.kind == "affine":
            t = self.transform
            return t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f
        if self.kind == "rpc":
            made: Any = RPCTransformer(self.rpcs, RPC_HEIGHT=self.height_m)
        else:
            made = GCPTransformer(
                [GroundControlPoint(r, c, x, y) for c, r, x, y in self.points], tps=self.spline
            )
        with made as transformer:
            xs, ys = transformer.xy(rows.tolist(), columns.tolist(), offset="ul")
        return np.asarray(xs, float), np.asarray(ys, float)


def placing_of(dataset: Any, path: str, view: View) -> Placing | None:
    """What an open file says, else what stands beside it, else the view's bounds; None: nothing.

    A transform without an inverse or with the corner pixel of a file that has none is no place.
    Raises BadInput for bounds that are none.
    """
    transform = dataset.transform
    if is_placed(transform):
        crs = dataset.crs or _crs_beside(path) or _crs_given(view)
        crs = crs or crs_of_coordinates(dataset, path)
        if crs is not None:
            return Placing("affine", crs, transform)
    points, crs = dataset.gcps
    if crs is not None and len(points) >= 3:
        return _by_points(points, crs)
    if dataset.rpcs:
        tags = tuple(sorted(dataset.tags(ns="RPC").items()))
        return Placing(
            "rpc",
            CRS.from_epsg(4326),
            rpcs=dataset.rpcs,
            rpc_tags=tags,
            height_m=float(dataset.rpcs.height_off),
        )
    if view.bounds and not is_placed(transform):
        return Placing(
            "affine", crs_named(view.bounds_crs or "EPSG:4326"), _from_bounds(view.bounds, dataset)
        )
    return None


def _by_points(points: Sequence[Any], crs: Any) -> Placing | None:
    found = [(float(p.col), float(p.row), float(p.x), float(p.y)) for p in points]
    if not all(math.isfinite(value) for point in found for value in point):
        return None
    if crs.is_geographic:  # points on both sides of the dateline lie beside each other
        first = found[0][2]
        turn = 2 * math.pi / float(crs.units_factor[1])
        found = [(c, r, first + _short_way(x - first, turn), y) for c, r, x, y in found]
    columns, rows = {point[0] for point in found}, {point[1] for point in found}
    if len(columns) < 2 or len(rows) < 2:
        return None
    return Placing("points", crs, points=tuple(found), spline=len(found) in SPLINE_POINTS)


def _short_way(distance: float, turn: float) -> float:
    return (distance + turn / 2) % turn - turn / 2


def _crs_beside(path: str) -> Any:
    """That of a .prj file of the same name, which GDAL leaves unread beside plain images."""
    try:
        file = Path(path).with_suffix(".prj")
        if file == Path(path) or not file.is_file() or file.stat().st_size > PRJ_BYTES:
            return None
        text = file.read_text(encoding="utf-8-sig")
        with Env():  # else GDAL prints what it says
            return CRS.from_wkt(text, morph_from_esri_dialect=True)
    except (OSError, ValueError, *GDAL_ERRORS):
        return None


def _crs_given(view: View) -> Any:
    """The CRS that the user names for world files."""
    if view.bounds or not view.bounds_crs:
        return None
    return crs_named(view.bounds_crs)


def _from_bounds(bounds: tuple[float, ...], dataset: Any) -> Affine:
    if len(bounds) != 4 or not all(map(math.isfinite, bounds)):
        raise BadInput(f"bounds {bounds!r}: four numbers are needed, west south east north.")
    west, south, east, north = bounds
    if not (west < east and south < north):
        raise BadInput(
            f"bounds {bounds!r}: west must be less than east (across the dateline, east is more "
            "than 180), and south less than north."
        )
    return from_bounds(west, south, east, north, dataset.width, dataset.height)


def crs_named(name: str) -> Any:
    """Of a user's words for it. Raises BadInput."""
    try:
        with Env():  # else GDAL prints what it says
            return CRS.from_user_input(name)
    except (ValueError, *GDAL_ERRORS) as error:
        raise BadInput(f"{name!r} is no CRS that PROJ knows, e.g. EPSG:32633.") from error
