"""The place of a tile: what holds for its ground, and not only for its centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..reading.georeference import Georeference
from ..records import Place
from .lookup import places_of
from .towns import EARTH_KM, on_sphere

__all__ = ["places_of_tiles"]

# Points of a tile, as shares of its side, by rows.
_POINTS = tuple((x, y) for y in (0.02, 0.5, 0.98) for x in (0.02, 0.5, 0.98))
_CENTRE = 4
_MOST = 7  # of the nine on the tile: a corner may lie in the sea
_TOWN_REACH_KM = 25.0  # a tile that reaches further is near no town


def places_of_tiles(
    georeference: Georeference, columns: np.ndarray, row: int, size: int
) -> list[Place | None]:
    """The places of the tiles at (columns, row); None where a point of one has none on Earth.

    Of nine points spread over a tile, the country and the region must be those of seven; open sea
    must be all of them. The nearest town is told of tiles that reach no further than 25 km.
    lon, lat are the centre's. Raises MissingExtra without the extra ``places``.
    """
    across, down = (np.array(each) * size for each in zip(*_POINTS, strict=True))
    x, y = (columns[:, None] + across).ravel(), np.tile(row + down, len(columns))
    lons, lats = (each.reshape(-1, len(_POINTS)) for each in georeference.lonlats(x, y))
    there = np.isfinite(lons).all(axis=1)
    found: list[Place | None] = [None] * len(columns)
    places = places_of(lons[there].ravel(), lats[there].ravel())
    for number, at in enumerate(np.flatnonzero(there).tolist()):
        own = places[number * len(_POINTS) : (number + 1) * len(_POINTS)]
        found[at] = _agreed(own[_CENTRE], own, _reach_km(lons[at], lats[at]))
    return found


def _agreed(centre: Place, points: list[Place], reach_km: float) -> Place:
    def most_say(field: str) -> bool:
        said = getattr(centre, field)
        return bool(said) and sum(getattr(point, field) == said for point in points) >= _MOST

    country, region = most_say("country_code"), most_say("region")
    near = country and reach_km <= _TOWN_REACH_KM
    return replace(
        centre,
        country=centre.country if country else "",
        country_code=centre.country_code if country else "",
        region=centre.region if country and region else "",
        town=centre.town if near else "",
        town_km=centre.town_km if near else None,
        water=centre.water and all(point.water for point in points),
    )


def _reach_km(lons: np.ndarray, lats: np.ndarray) -> float:
    """From the centre to the farthest point."""
    points = on_sphere(lons, lats)
    chords = np.linalg.norm(points - points[_CENTRE], axis=1)
    return float(2 * EARTH_KM * np.arcsin(min(1.0, chords.max() / 2)))
