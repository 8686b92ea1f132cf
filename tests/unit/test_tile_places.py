"""A tile's bounds, metres to a pixel and map cell are the closed form's, on any map and planet."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rasterio import CRS, Affine

from domainclip.extractors.tiles.reading.georeference import Georeference, default_cell

MARS = (
    'GEOGCS["Mars",DATUM["D_Mars",SPHEROID["Mars_Sphere",3396190,0]],'
    'PRIMEM["Reference_Meridian",0],UNIT["Degree",0.0174532925199433]]'
)


def _place(crs: str, transform: Affine) -> Georeference:
    return Georeference(CRS.from_user_input(crs), transform)


def _gsd(place: Georeference, column: int, row: int, size: int) -> float:
    (found,) = place.gsd_m(np.array([column]), row, size)
    assert found is not None
    return found


def test_bounds_of_a_north_up_scene() -> None:
    place = _place("EPSG:4326", Affine(0.01, 0, 10, 0, -0.01, 50))
    assert place.bounds(8, 24, 16) == pytest.approx((10.08, 49.6, 10.24, 49.76), abs=1e-9)
    assert place.window_transform(8, 24) == pytest.approx([0.01, 0, 10.08, 0, -0.01, 49.76])


def test_bounds_of_rotated_and_south_up_scenes() -> None:
    turned = _place("EPSG:32632", Affine(0, 2, 5e5, 2, 0, 5e6))  # x and y change places
    assert turned.bounds(10, 20, 4) == (5e5 + 40, 5e6 + 20, 5e5 + 48, 5e6 + 28)
    assert _gsd(turned, 10, 20, 4) == pytest.approx(2.0)
    upside_down = _place("EPSG:32632", Affine(2, 0, 5e5, 0, 2, 5e6))
    assert upside_down.bounds(10, 20, 4) == (5e5 + 20, 5e6 + 40, 5e5 + 28, 5e6 + 48)


def test_degrees_are_measured_on_the_ellipsoid_at_the_tiles_latitude() -> None:
    place = _place("EPSG:4326", Affine(0.001, 0, 10, 0, -0.001, 60.05))
    # WGS 84 at 60° N: a degree of latitude is 111,412 m, of longitude 55,800 m
    assert _gsd(place, 0, 0, 100) == pytest.approx(math.sqrt(111.4122 * 55.7998), rel=1e-5)


def test_degrees_of_another_planet_are_its_own() -> None:
    place = _place(MARS, Affine(0.01, 0, 10, 0, -0.01, 0.08))
    assert _gsd(place, 0, 0, 16) == pytest.approx(0.01 * math.pi / 180 * 3396190, rel=1e-6)


def test_projected_units_are_metres_or_made_so() -> None:
    assert _gsd(_place("EPSG:32632", Affine(10, 0, 3e5, 0, -10, 5e6)), 0, 0, 64) == 10.0
    feet = _place("EPSG:2263", Affine(2, 0, 980000, 0, -2, 200000))  # New York, US survey feet
    assert _gsd(feet, 0, 0, 64) == pytest.approx(2 * 1200 / 3937, rel=1e-9)


def test_web_mercator_is_measured_on_the_ground() -> None:
    y = 6378137 * math.log(math.tan(math.pi / 4 + math.radians(60) / 2))
    place = _place("EPSG:3857", Affine(10, 0, 1e6, 0, -10, y + 320))
    # the sphere's 1/cos is off by up to 0.4 % on the ellipsoid
    assert _gsd(place, 0, 0, 64) == pytest.approx(10 * math.cos(math.radians(60)), rel=4e-3)
    assert _gsd(place, 0, 0, 64) == pytest.approx(5.004, abs=0.01)


def test_no_length_no_resolution() -> None:
    geostationary = "+proj=geos +h=35785831 +lon_0=0 +sweep=y"
    off_the_disk = _place(geostationary, Affine(3000, 0, -5.5e6, 0, -3000, 5.5e6))
    assert off_the_disk.gsd_m(np.array([0, 1824]), 1800, 16)[0] is None
    assert off_the_disk.gsd_m(np.array([1825]), 1825, 16)[0] == pytest.approx(3000, rel=0.01)


def test_a_cell_is_that_of_the_centre() -> None:
    place = _place("EPSG:4326", Affine(0.01, 0, 10, 0, -0.01, 50))
    for column, row in ((0, 0), (37, 5), (100, 80)):
        x, y = 10 + (column + 4) * 0.01, 50 - (row + 4) * 0.01
        expected = f"EPSG:4326/0.25/{math.floor(x / 0.25)}/{math.floor(y / 0.25)}"
        assert place.cell(column, row, 8, 0.25) == expected


def test_cells_go_around_the_world() -> None:
    east = _place("EPSG:4326", Affine(0.5, 0, 185, 0, -0.5, 20))  # longitudes from 0 to 360
    west = _place("EPSG:4326", Affine(0.5, 0, -175, 0, -0.5, 20))
    assert east.cell(0, 0, 8, 10) == west.cell(0, 0, 8, 10) == "EPSG:4326/10/-18/1"


def test_a_crs_without_a_code_makes_a_short_cell_name() -> None:
    place = _place("+proj=laea +lat_0=10 +lon_0=-60", Affine(5, 0, 0, 0, -5, 0))
    other = _place("+proj=laea +lat_0=11 +lon_0=-60", Affine(5, 0, 0, 0, -5, 0))
    assert len(place.cell(0, 0, 8, 100)) < 30
    assert place.cell(0, 0, 8, 100) != other.cell(0, 0, 8, 100)


def test_the_default_cell_is_about_eight_tiles() -> None:
    assert default_cell(_place("EPSG:32632", Affine(10, 0, 0, 0, -10, 0)), 224) == 20000
    assert default_cell(_place("EPSG:4326", Affine(0.0125, 0, 0, 0, -0.0125, 0)), 10) == 1
