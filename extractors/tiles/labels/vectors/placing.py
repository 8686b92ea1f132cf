"""From a layer's coordinates into a scene's pixels: boxes to read, repaired and laid shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from rasterio.warp import transform_bounds

from domainclip.errors import BadInput

from ...reading.between import between
from ...reading.errors import Placeless
from ...reading.georeference import Georeference
from ...reading.rows import GDAL_ERRORS
from ...reading.scenes import Scene

__all__ = ["cleaned", "laid", "placed", "regions"]

Box = tuple[float, float, float, float]
_PIECES = 64  # an edge is bent between two CRSs at so many points across the scene


def placed(scene: Scene) -> Georeference:
    """The place of a scene. Raises Placeless where it has none."""
    if scene.georeference is None:
        raise Placeless(
            f"{scene.name}: has no place on the ground, and labels with coordinates need one; give "
            "it with --bounds W,S,E,N, or labels in its pixels."
        )
    return scene.georeference


def regions(scene: Scene, rows: tuple[int, int], source: Any) -> Iterator[tuple[Box, float]]:
    """(box in ``source`` that holds what lies in some rows, how far to the east it then is moved in
    the scene's degrees); two of them where the dateline is crossed. Raises BadInput.
    """
    place = placed(scene)
    corners = [place.point(x, y) for x in (0, scene.width) for y in rows]
    west, east = min(x for x, _ in corners), max(x for x, _ in corners)
    south, north = min(y for _, y in corners), max(y for _, y in corners)
    if not scene.place.crs.is_geographic:
        yield from (
            (box, 0.0) for box in _boxes(scene.place.crs, source, (west, south, east, north))
        )
        return
    # degrees beyond 180 are those of the same meridian, one turn away
    for turn in range(int(np.floor((west + 180) / 360)), int(np.ceil((east + 180) / 360))):
        low, high = max(west, turn * 360 - 180), min(east, turn * 360 + 180)
        part = (low - turn * 360, max(south, -90.0), high - turn * 360, min(north, 90.0))
        yield from ((box, turn * 360.0) for box in _boxes(scene.place.crs, source, part))


def cleaned(shapes: np.ndarray, dropped: Counter[str]) -> tuple[np.ndarray, np.ndarray]:
    """Shapes (n,), None where broken -> valid ones (m,) of one dimension each, multipoints taken
    apart, and for each the number of its feature (m,)."""
    there = np.nonzero(~shapely.is_missing(shapes) & ~shapely.is_empty(shapes))[0]
    dropped["no_geometry"] += len(shapes) - len(there)
    shapes = shapes[there]
    bad = ~shapely.is_valid(shapes)
    if bad.any():
        points, of = shapely.get_coordinates(shapes[bad], return_index=True)
        endless = np.nonzero(bad)[0][np.unique(of[~np.isfinite(points).all(axis=1)])]
        if len(endless):
            dropped["not_a_number"] += len(endless)
            there, shapes, bad = (np.delete(each, endless) for each in (there, shapes, bad))
    if bad.any():
        dropped["repaired_geometry"] += int(bad.sum())
        shapes[bad] = shapely.make_valid(shapes[bad])
    kinds = shapely.get_type_id(shapes)
    for number in np.nonzero(kinds == shapely.GeometryType.GEOMETRYCOLLECTION)[0]:
        shapes[number] = _leading(shapes[number])
    for_points = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT
    if for_points.any():
        points, of = shapely.get_parts(shapes[for_points], return_index=True)
        there = np.concatenate([there[~for_points], there[for_points][of]])
        shapes = np.concatenate([shapes[~for_points], points])
    empty = shapely.is_empty(shapes)
    dropped["no_geometry"] += int(empty.sum())
    return shapes[~empty], there[~empty]


def laid(
    shapes: np.ndarray,
    source: Any,
    box: Box,
    shift: float,
    scene: Scene,
    dropped: Counter[str],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Valid shapes (n,) in ``source`` -> in pixels of the scene (m,), each one's whole area or
    length in pixels (m,), and their numbers (m,).

    What reaches far beyond the box is cut to it and a margin: a country's border costs no more
    than the part at hand, and no point is asked for where the scene's CRS has no place.
    """
    whole = _measured(shapes)
    kept = np.arange(len(shapes))
    if len(shapes):
        west, south, east, north = box
        wide, high = max(east - west, 1e-9), max(north - south, 1e-9)
        near = (west - wide / 2, south - high / 2, east + wide / 2, north + high / 2)
        bounds = shapely.bounds(shapes)
        far = (bounds[:, :2] < near[:2]).any(axis=1) | (bounds[:, 2:] > near[2:]).any(axis=1)
        if far.any():
            shapes = shapes.copy()
            with np.errstate(all="ignore"):
                shapes[far] = shapely.intersection(shapes[far], shapely.box(*near))
        if source != scene.place.crs:
            shapes = shapely.segmentize(shapes, max(wide, high) / _PIECES)
    part = _measured(shapes)
    coordinates = shapely.get_coordinates(shapes)
    x, y = between(source, scene.place.crs, coordinates[:, 0], coordinates[:, 1])
    moved = np.stack(placed(scene).pixels(x + shift, y), axis=-1)
    finite = np.isfinite(moved).all(axis=1)
    counts = shapely.get_num_coordinates(shapes)
    owner = np.repeat(np.arange(len(shapes)), counts)
    good = np.bincount(owner, ~finite, len(shapes)) == 0
    dropped["no_place_in_the_scene"] += int((~good).sum())
    shapes = shapely.set_coordinates(shapes.copy(), np.where(finite[:, None], moved, 0.0))
    good &= ~shapely.is_empty(shapes)
    bad = good & ~shapely.is_valid(shapes)
    if bad.any():  # bent edges may cross
        shapes[bad] = shapely.make_valid(shapes[bad])
    shapes, kept, whole, part = shapes[good], kept[good], whole[good], part[good]
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(part > 0, whole / part, 1.0)
    return shapes, _measured(shapes) * np.maximum(grown, 1.0), kept


def _boxes(target: Any, source: Any, bounds: Box) -> list[Box]:
    if target == source:
        return [bounds]
    try:
        west, south, east, north = transform_bounds(target, source, *bounds, densify_pts=21)
        finite = bool(np.isfinite([west, south, east, north]).all())
    except GDAL_ERRORS:
        finite = False
    if not finite:
        return [_sampled(target, source, bounds)]
    if west > east:  # the dateline lies within
        return [(west, south, 180.0, north), (-180.0, south, east, north)]
    return [(west, south, east, north)]


def _sampled(target: Any, source: Any, bounds: Box) -> Box:
    """Where parts of the bounds have no place in ``source`` (the sky around the Earth's disc): the
    box of those that have, of 33 x 33 points, and one step more. Raises BadInput where none has."""
    for points in (3, 33):  # where there is no way at all, a few are soon asked
        x, y = np.meshgrid(*(np.linspace(bounds[at], bounds[at + 2], points) for at in (0, 1)))
        moved = np.stack(between(target, source, x.ravel(), y.ravel()), axis=1)
        moved = moved[np.isfinite(moved).all(axis=1)]
        if not len(moved):
            break
    if not len(moved):
        raise BadInput(
            f"no way from {source.to_string()[:80]!r} to the CRS of the scene, "
            f"{target.to_string()[:80]!r}; are both of the same planet?"
        )
    low, high = moved.min(axis=0), moved.max(axis=0)
    step = (high - low) / 32
    return (low[0] - step[0], low[1] - step[1], high[0] + step[0], high[1] + step[1])


def _measured(shapes: np.ndarray) -> np.ndarray:
    """Areas, of lines lengths; coordinates may be as large as numbers are."""
    with np.errstate(all="ignore"):
        areas = shapely.get_dimensions(shapes) == 2
        return np.where(areas, shapely.area(shapes), shapely.length(shapes))


def _leading(shape: Any) -> Any:
    """The parts of the highest dimension, as one."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    dimensions = shapely.get_dimensions(parts)
    best = parts[dimensions == dimensions.max()] if len(parts) else parts
    return shapely.union_all(best)
