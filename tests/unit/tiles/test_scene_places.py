"""Longitudes and latitudes are PROJ's; a scene without a place opens all the same."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio import CRS, Affine

from domainclip.extractors.tiles.reading.georeference import Georeference, compose, is_placed
from domainclip.extractors.tiles.reading.refusals import refusal
from domainclip.extractors.tiles.reading.rows import Rows, default_bands
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_rasters import scene_values, write_scene

SHEARED = Affine(9, 2, 5e5, 1, -11, 5e6)


@pytest.mark.parametrize("code", [32633, 3857, 3035, 2180, 27700, 4326, 5041, 31370])
def test_longitudes_and_latitudes_are_those_of_proj(code: int) -> None:
    crs = CRS.from_epsg(code)
    proj = Transformer.from_crs(code, 4326, always_xy=True)
    inverse = Transformer.from_crs(4326, code, always_xy=True)
    at = (5.0, 86.0) if code == 5041 else (5.0, 51.0)
    x, y = inverse.transform(*at)
    unit = 1e-4 if code == 4326 else 10
    place = Georeference(crs, Affine(unit, 0, x, 0, -unit, y))
    lon, lat = place.lonlats(np.array([0, 100, 300]), np.array([0, 50, 200]), 32)
    xs, ys = place.point(np.array([16, 116, 316]), np.array([16, 66, 216]))
    assert np.allclose([lon, lat], proj.transform(xs, ys), atol=2e-6)
    corners = np.array([0, 64, 64, 0]), np.array([0, 0, 64, 64])
    assert np.allclose(place.lonlats(*corners), proj.transform(*place.point(*corners)), atol=2e-6)


@settings(max_examples=50, deadline=None)
@given(st.floats(-720, 720), st.floats(-89, 80), st.floats(1e-3, 1))
def test_longitudes_are_in_range(west: float, north: float, pixel: float) -> None:
    place = Georeference(CRS.from_epsg(4326), Affine(pixel, 0, west, 0, -pixel / 100, north))
    (lon,), _ = place.lonlats(np.array([0]), np.array([0]), 64)
    assert -180 <= lon < 180
    assert math.cos(math.radians(lon - west - 32 * pixel)) == pytest.approx(1, abs=1e-9)


def test_the_resolution_is_that_of_the_ground() -> None:
    origin = np.zeros(1)
    utm = Georeference(CRS.from_epsg(32633), Affine(0.5, 0, 5e5, 0, -0.5, 5e6))
    assert utm.gsd_at(0, 0) == pytest.approx(0.5)
    degrees = Georeference(CRS.from_epsg(4326), Affine(1e-3, 0, 0, 0, -1e-3, 60))
    assert degrees.gsd_at(0, 0) == pytest.approx(78.9, rel=0.01)  # 111.4 m by 55.8 m
    local = Georeference(CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]'), SHEARED)
    assert local.gsd_at(0, 0) is None
    assert np.isnan(local.lonlats(origin, origin)).all()


@given(*(st.floats(-100, 100) for _ in range(8)))
def test_composed_transforms_apply_one_after_the_other(
    a: float, b: float, c: float, d: float, e: float, f: float, x: float, y: float
) -> None:
    outer, inner = Affine(a, b, c, d, e, f), Affine(b, e, f, a, c, d)
    both = Georeference(None, compose(outer, inner)).point(x, y)
    one_by_one = Georeference(None, outer).point(*Georeference(None, inner).point(x, y))
    assert both == pytest.approx(one_by_one, abs=1e-6)


@pytest.mark.parametrize(
    "transform",
    [Affine.identity(), Affine(0, 0, 1, 0, 0, 1), Affine(1, 1, 5, 1, 1, 5),
     Affine(math.nan, 0, 1, 0, -1, 1), Affine(1, 0, math.inf, 0, -1, 1)],
)  # fmt: skip
def test_a_transform_without_an_inverse_is_no_place(tmp_path: Path, transform: Affine) -> None:
    assert not is_placed(transform)
    path = write_scene(
        tmp_path / "s.tif", scene_values(8, 8), crs="EPSG:32633", transform=transform
    )
    scene = open_scene(str(path))
    assert scene.georeference is None
    assert np.array_equal(scene.dataset.read(), scene_values(8, 8))


def test_a_sheared_scene_keeps_its_pixels_and_bounds_its_corners(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "s.tif", scene_values(8, 8), crs="EPSG:32633", transform=SHEARED)
    scene = open_scene(str(path))
    assert np.array_equal(scene.dataset.read(), scene_values(8, 8))
    assert scene.place.transform == SHEARED
    assert scene.place.bounds(0, 0, 8) == (5e5, 5e6 - 88, 5e5 + 88, 5e6 + 8)
    assert scene.gsd_m == pytest.approx(math.sqrt(101))


def test_scenes_of_any_type_can_be_read(tmp_path: Path) -> None:
    scene = open_scene(str(write_scene(tmp_path / "s.tif", scene_values(8, 16))))
    assert refusal(scene, 1) is None
    complex_values = write_scene(tmp_path / "c.tif", scene_values(8, 8).astype(np.complex64))
    assert refusal(open_scene(str(complex_values)), 1) is None


def test_every_real_raster_opens_and_gives_the_rows_of_the_file(shared_data: Path) -> None:
    without_place = set()
    for path in sorted((shared_data / "tiles").rglob("*")):
        if path.suffix not in (".tif", ".png", ".jpg") or path.parent.name.startswith(("b", "c")):
            continue
        scene = open_scene(str(path))
        bands = default_bands(scene.dataset)
        assert refusal(scene, bands[0]) is None
        count = min(scene.height, 200)
        found, valid = Rows(scene.name, scene.dataset, bands).at(0, count)
        with rasterio.open(path) as dataset:
            expected = dataset.read(bands, window=((0, count), (0, scene.width)))
            if len(bands) == 3:
                assert np.array_equal(found, expected, equal_nan=found.dtype.kind == "f")
            assert valid.shape == (count, scene.width)
            placed = dataset.crs is not None and not dataset.transform.is_identity
        assert (scene.georeference is not None) == placed
        if not placed:
            without_place.add(path.name)
    assert {"float_nan.tif", "rotated.tif", "sample_c_mask.tif", "SOAP_061.png"} <= without_place
