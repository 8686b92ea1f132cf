"""Outlines cover the ground of their tiles, in degrees, and nothing else."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pyproj
import pytest
import shapely
from affine import Affine

from domainclip.pairs._outlines import outlines
from tests.data.placed_pairs import placed_pair

MOON = (
    'GEOGCS["Moon 2000",DATUM["D_Moon_2000",SPHEROID["Moon_2000",1737400,0]],'
    'PRIMEM["Reference_Meridian",0],UNIT["degree",0.0174532925199433]]'
)


def slow_polygon(crs: str, transform: list[float], size: int, steps: int = 2000) -> shapely.Polygon:
    """The same by pyproj with very many points on each edge; for tiles that cross nothing."""
    to_degrees = pyproj.Transformer.from_crs(crs, "OGC:CRS84", always_xy=True).transform
    corners = [(0, 0), (size, 0), (size, size), (0, size), (0, 0)]
    along = np.linspace(0, 1, steps, endpoint=False)
    pixels = np.concatenate(
        [np.outer(1 - along, start) + np.outer(along, end) for start, end in pairwise(corners)]
    )
    a, b, c, d, e, f = transform
    x, y = pixels.T
    return shapely.Polygon(np.stack(to_degrees(a * x + b * y + c, d * x + e * y + f), axis=-1))


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32618", Affine(10, 0, 500_000, 0, -10, 4_000_000)),
        ("EPSG:32618", Affine(8.4, -5.4, 650_000, -5.4, -8.4, 8_000_000)),
        ("EPSG:32733", Affine(10, 0, 400_000, 0, 10, 6_000_000)),  # south up
        ("EPSG:3857", Affine(5000, 0, 1e6, 0, -5000, 8e6)),
        ("EPSG:3035", Affine(2000, 0, 4.5e6, 0, -2000, 4e6)),
        ("EPSG:4267", Affine(0.001, 0, -100, 0, -0.001, 40)),  # NAD27: another datum
        ("EPSG:4326", Affine(0.07, 0, -60, 0, -0.07, 20)),
    ],
)
def test_a_footprint_is_the_ground_to_a_tenth_of_a_pixel(crs, transform) -> None:
    pair = placed_pair(0, crs=crs, transform=transform)
    (found,) = outlines([pair])
    expected = slow_polygon(crs, pair.where["transform"], 224)
    pixel = math.sqrt(expected.area) / 224
    assert found.is_valid
    assert found.exterior.is_ccw
    assert found.hausdorff_distance(expected) < 0.3 * pixel
    assert found.area == pytest.approx(expected.area, rel=2e-3)


def test_bounds_in_degrees_are_kept_to_the_last_bit() -> None:
    bounds = [10.1, 20.7, 10.1 + 1 / 3, 20.7 + 1 / 7]
    (found,) = outlines(
        [placed_pair(0, crs="EPSG:4326", bounds=bounds, transform=None, window=None)]
    )
    assert list(found.bounds) == bounds


def test_a_rotated_tile_is_its_corners_and_not_its_envelope() -> None:
    turned = Affine(7, -7, 500_000, -7, -7, 4_000_000)
    rotated = placed_pair(0, transform=turned)
    windowless = placed_pair(0, transform=turned, window=None)
    flat = placed_pair(0, transform=None, bounds=rotated.where["bounds"])
    alone, by_size, wide = outlines([rotated, windowless, flat])
    assert alone.equals(by_size)
    assert alone.area == pytest.approx(wide.area / 2, rel=1e-3)


def test_a_tile_that_was_resampled_has_its_own_pixels() -> None:
    pair = placed_pair(0)
    pair.where["window"] = [0, 0, 448, 448]  # of the scene; the tile has 224 of twice the size
    assert outlines([pair])[0].equals(outlines([placed_pair(0)])[0])


@pytest.mark.parametrize("shift", [0, 360, -360])
def test_the_antimeridian_cuts_a_footprint_in_two(shift: int) -> None:
    bounds = [179 + shift, 10, 181.5 + shift, 11]
    pair = placed_pair(0, crs="EPSG:4326", bounds=bounds, transform=None)
    (found,) = outlines([pair])
    assert found.geom_type == "MultiPolygon"
    assert found.is_valid
    expected = shapely.union_all([shapely.box(179, 10, 180, 11), shapely.box(-180, 10, -178.5, 11)])
    assert found.symmetric_difference(expected).area < 1e-9


def test_a_projected_tile_across_the_antimeridian_keeps_its_area() -> None:
    beyond = Affine(500, 0, 600_000, 0, -500, 7_000_000)
    pair = placed_pair(0, crs="EPSG:32660", transform=beyond)
    (found,) = outlines([pair])
    west, east = sorted(part.bounds[0] for part in found.geoms)
    assert west == -180 and east > 170
    geod = pyproj.Geod(ellps="WGS84")
    area = sum(abs(geod.geometry_area_perimeter(part)[0]) for part in found.geoms)
    assert area == pytest.approx((224 * 500) ** 2, rel=0.02)


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3413", 90), ("EPSG:3031", -90)])
def test_a_tile_round_a_pole_holds_it(crs: str, pole: int) -> None:
    around = Affine(10_000, 0, -1.12e6, 0, -10_000, 1e6)
    (found,) = outlines([placed_pair(0, crs=crs, transform=around)])
    assert found.is_valid
    assert found.bounds[0] == -180 and found.bounds[2] == 180
    assert pole in (found.bounds[1], found.bounds[3])
    for lon in range(-179, 180, 20):
        assert found.contains(shapely.Point(lon, pole - math.copysign(1, pole)))


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_the_whole_world_is_one_polygon(crs: str) -> None:
    side = 20037508.342789244
    bounds = [-180, -90, 180, 90] if crs == "EPSG:4326" else [-side, -side, side, side]
    (found,) = outlines([placed_pair(0, crs=crs, bounds=bounds, transform=None)])
    assert found.geom_type == "Polygon"
    assert found.bounds == pytest.approx((-180, found.bounds[1], 180, found.bounds[3]))
    assert found.area == pytest.approx(64_800 if crs == "EPSG:4326" else 61_236.8, rel=1e-5)


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"crs": None}, "no_place"),
        ({"bounds": None}, "no_place"),
        ({"crs": "EPSG:999999"}, "bad_place"),
        ({"crs": "<xml/>"}, "bad_place"),
        ({"crs": 4326}, "bad_place"),
        ({"bounds": [1, 2, 3]}, "bad_place"),
        ({"bounds": [0, 0, 0, 0], "transform": None}, "bad_place"),
        ({"bounds": ["a", 0, 1, 1]}, "bad_place"),
        ({"crs": MOON}, "other_body"),
        ({"crs": "IAU_2015:49900"}, "other_body"),
        ({"crs": 'LOCAL_CS["arbitrary",UNIT["metre",1]]'}, "other_body"),
        ({"crs": "EPSG:4326", "bounds": [0, 80, 1, 99]}, "off_the_earth"),
        ({"crs": "+proj=geos +h=35785831 +lon_0=0", "transform": None,
          "bounds": [-5.5e6, -5.5e6, 5.5e6, 5.5e6]}, "off_the_earth"),
    ],
)  # fmt: skip
def test_what_has_no_place_on_the_earth_says_why_and_spoils_no_neighbour(where, reason) -> None:
    good = placed_pair(0)
    found = outlines([good, placed_pair(1, **where), good])
    assert found[1] == reason
    assert found[0].equals(found[2]) and found[0].area > 0


def test_one_point_without_a_place_costs_its_tile_alone() -> None:
    geos = "+proj=geos +h=35785831 +lon_0=0"
    inside = placed_pair(0, crs=geos, bounds=[0, 0, 1e5, 1e5], transform=None)
    outside = placed_pair(1, crs=geos, bounds=[5.4e6, 5.4e6, 5.5e6, 5.5e6], transform=None)
    found = outlines([inside, outside, inside])
    assert found[1] == "off_the_earth"
    assert found[0].area > 0.5
