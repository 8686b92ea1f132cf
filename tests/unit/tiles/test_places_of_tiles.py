"""A tile has a place as far as it holds for its ground, and not only for its centre."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from rasterio import CRS, Affine

pytest.importorskip("tzfpy", reason="the extra `places` is not installed")

from domainclip.extractors.tiles.places.lookup import places_of
from domainclip.extractors.tiles.places.tiles import places_of_tiles
from domainclip.extractors.tiles.reading.georeference import Georeference
from domainclip.extractors.tiles.records import Place


def _of(lon: float, lat: float, side: float) -> Place | None:
    """The place of a square of ``side`` degrees around a point."""
    corner = Affine(side / 100, 0, lon - side / 2, 0, -side / 100, lat + side / 2)
    georeference = Georeference(CRS.from_epsg(4326), corner)
    (place,) = places_of_tiles(georeference, np.array([0]), 0, 100)
    return place


def test_a_small_tile_has_the_place_of_its_centre() -> None:
    place, (centre,) = _of(4.84, 45.76, 0.02), places_of([4.84], [45.76])  # Lyon
    assert place is not None
    assert replace(place, lon=centre.lon, lat=centre.lat) == centre
    assert centre.country == "France" and centre.town.startswith("Lyon")


def test_what_holds_for_the_centre_alone_is_not_told() -> None:
    inland = _of(2.5, 47.0, 2.0)  # within France, and more than 100 km wide
    assert inland is not None
    assert (inland.country, inland.town, inland.town_km) == ("France", "", None)
    of_many = _of(10.0, 47.5, 20.0)  # from Spain to Poland
    assert of_many is not None
    assert (of_many.country, of_many.country_code, of_many.region) == ("", "", "")


def test_open_sea_is_so_at_every_point() -> None:
    atlantic, caspian = _of(-35.0, 30.0, 2.0), _of(50.5, 41.5, 14.0)
    assert atlantic is not None and atlantic.water
    assert places_of([50.5], [41.5])[0].water
    assert caspian is not None and not caspian.water


def test_a_tile_off_the_earth_has_no_place() -> None:
    georeference = Georeference(CRS.from_epsg(32631), Affine(1e7, 0, 5e5, 0, -1e7, 5e7))
    assert places_of_tiles(georeference, np.array([0]), 0, 100) == [None]


def test_points_on_open_sea_count_against_the_country() -> None:
    island, around = _of(-25.4, 37.78, 0.2), _of(-25.4, 37.78, 2.0)  # São Miguel, of the Azores
    assert island is not None and island.country == "Portugal"
    assert around is not None
    assert (around.country, around.region, around.town, around.water) == ("", "", "", False)
    lons, lats = np.meshgrid(12.9 + 0.288 * np.arange(-1, 2), 32.9 + 0.288 * np.arange(-1, 2))
    tripoli = [place.country for place in places_of(lons.ravel(), lats.ravel())]
    assert (tripoli.count("Libya"), tripoli.count("")) == (6, 3)  # a third of it is open sea
    coast = _of(12.9, 32.9, 0.6)
    assert coast is not None and not coast.country
