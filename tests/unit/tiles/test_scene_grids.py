"""A scene on another grid is what GDAL's own warper makes of it; on its own grid it is the file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from PIL import Image
from rasterio import CRS, Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_bounds, rowcol
from rasterio.warp import reproject, transform

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.reading.rows import Rows
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.extractors.tiles.records import View
from tests.data.make_rasters import scene_values, write_scene

MARS = (
    'PROJCS["Mars",GEOGCS["Mars",DATUM["D_Mars",SPHEROID["Mars",3396190,0]],'
    'PRIMEM["Reference_Meridian",0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Equirectangular"],PARAMETER["standard_parallel_1",0],'
    'PARAMETER["central_meridian",0],PARAMETER["false_easting",0],PARAMETER["false_northing",0],'
    'UNIT["metre",1]]'
)


def _pixels(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    bands = tuple(
        at for at in scene.dataset.indexes
        if scene.dataset.colorinterp[at - 1] != ColorInterp.alpha
    )  # fmt: skip
    return Rows(scene.name, scene.dataset, bands).at(0, scene.height)


def _smooth(height: int, width: int) -> np.ndarray:
    """(1, h, w) float32 without edges, so that it can be looked up at any point."""
    rows, columns = np.mgrid[:height, :width]
    return (100 + 50 * np.sin(columns / 9) + 40 * np.cos(rows / 7))[None].astype(np.float32)


def _png(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(np.moveaxis(values, 0, -1)).save(path)
    return path


def _looked_up(scene: Scene, source: Any, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(expected, found) at the scene's valid pixels that lie well inside the source: each pixel's
    centre is brought to the source's CRS, and the value there interpolated."""
    found, valid = _pixels(scene)
    rows, columns = np.nonzero(valid)
    x, y = scene.place.point(columns + 0.5, rows + 0.5)
    xs, ys = transform(scene.place.crs, source.crs, x, y)
    at_rows, at_columns = rowcol(source.transform, xs, ys, op=lambda value: value)
    r, c = np.asarray(at_rows) - 0.5, np.asarray(at_columns) - 0.5
    inside = (r > 2) & (c > 2) & (r < values.shape[1] - 3) & (c < values.shape[2] - 3)
    assert inside.mean() > 0.8
    r, c = r[inside], c[inside]
    r0, c0 = np.floor(r).astype(int), np.floor(c).astype(int)
    fr, fc, band = r - r0, c - c0, values[0]
    expected = (
        band[r0, c0] * (1 - fr) * (1 - fc) + band[r0, c0 + 1] * (1 - fr) * fc
        + band[r0 + 1, c0] * fr * (1 - fc) + band[r0 + 1, c0 + 1] * fr * fc
    )  # fmt: skip
    return expected, found[0][rows[inside], columns[inside]]


@pytest.mark.parametrize("view", [View(), View(crs="EPSG:32633"), View(gsd_m=10.0)])
def test_a_view_that_changes_nothing_reads_the_file_bit_for_bit(tmp_path: Path, view: View) -> None:
    values = scene_values(50, 40)
    path = write_scene(tmp_path / "s.tif", values, crs="EPSG:32633", origin=(5e5, 5e6), pixel=10)
    scene = open_scene(str(path), view)
    assert scene.dataset.driver == "GTiff"
    assert np.array_equal(_pixels(scene)[0], values)


@pytest.mark.parametrize("turned", [0, 30, 180])
@pytest.mark.parametrize(
    "view",
    [
        View(crs="EPSG:3035"),
        View(crs="utm", gsd_m=7.0),
        View(crs="EPSG:4326"),
        View(crs="EPSG:3857", gsd_m=12.0),
        View(crs="EPSG:2180"),  # whose axes are northing and easting
        View(gsd_m=8.0),
    ],
)
def test_every_pixel_is_that_of_its_place(tmp_path: Path, view: View, turned: int) -> None:
    values = _smooth(120, 160)
    place = Affine.translation(6.2e5, 5.7e6) @ Affine.rotation(turned) @ Affine.scale(10, -10)
    path = write_scene(tmp_path / "s.tif", values, crs="EPSG:32633", transform=place)
    scene = open_scene(str(path), view)
    with rasterio.open(path) as source:
        expected, found = _looked_up(scene, source, values)
    assert np.abs(expected - found).max() < 2
    assert scene.gsd_m == pytest.approx(view.gsd_m or 10, rel=2e-3)
    if view.crs and (turned or scene.place.crs != CRS.from_epsg(32633)):
        t = scene.place.transform
        assert (t.b, t.d, t.a) == (0, 0, -t.e)
        assert t.c / t.a == pytest.approx(round(t.c / t.a), abs=1e-6)
    assert scene.dataset.crs == scene.place.crs
    assert scene.dataset.transform.almost_equals(scene.place.transform, 1e-9)


def test_a_coarser_grid_keeps_the_exact_ratio_and_the_mean(tmp_path: Path) -> None:
    values = scene_values(90, 60)
    path = write_scene(tmp_path / "s.tif", values, crs="EPSG:32633", origin=(5e5, 5e6), pixel=10)
    scene = open_scene(str(path), View(gsd_m=30.0))
    assert scene.place.transform == Affine(30, 0, 5e5, 0, -30, 5e6)
    means = values.reshape(3, 30, 3, 20, 3).mean(axis=(2, 4))
    assert np.abs(_pixels(scene)[0] - means).max() <= 0.5 + 1e-6
    odd = open_scene(str(path), View(gsd_m=7.7))
    assert odd.place.transform.a == pytest.approx(7.7, rel=1e-12)
    assert (odd.width, odd.height) == (round(600 / 7.7), round(900 / 7.7))


def test_a_geographic_scene_follows_metres_at_its_centre(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "s.tif", scene_values(100, 100), origin=(20, 60), pixel=0.001)
    own = open_scene(str(path)).gsd_m
    assert own is not None
    scene = open_scene(str(path), View(gsd_m=2 * own))
    assert scene.place.transform == Affine(0.002, 0, 20, 0, -0.002, 60)
    assert scene.place.crs == CRS.from_epsg(4326)


def test_overviews_are_read_where_the_resolution_allows(tmp_path: Path) -> None:
    path = write_scene(
        tmp_path / "s.tif", scene_values(512, 512), crs="EPSG:32633", origin=(5e5, 5e6), pixel=10,
        tiled=True, blockxsize=64, blockysize=64,
    )  # fmt: skip
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], Resampling.average)
    with rasterio.open(path, overview_level=1) as overview:
        marked = overview.read()
    # what is not read may be broken: the full resolution is
    whole = bytearray(path.read_bytes())
    with rasterio.open(path) as dataset:
        first = int(dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1))
    whole[first : first + 64 * 64 * 3 * 64] = bytes(64 * 64 * 3 * 64)
    path.write_bytes(whole)
    same = open_scene(str(path), View(gsd_m=40.0))
    assert np.array_equal(_pixels(same)[0], marked)
    coarser = open_scene(str(path), View(gsd_m=60.0, crs="EPSG:3035"))
    found, valid = _pixels(coarser)
    assert found[:, valid].min() > 60
    finer = open_scene(str(path), View(gsd_m=25.0))
    with rasterio.open(path, overview_level=0) as overview:
        assert abs(_pixels(finer)[0].mean() - overview.read().mean()) < 1


@pytest.mark.parametrize(
    ("kind", "nodata", "bands"),
    [("uint8", None, 2), ("uint16", None, 2), ("uint8", None, 3), ("uint16", None, 1),
     ("int16", None, 2), ("float32", None, 2),
     ("complex64", None, 2), ("int32", 7, 2), ("uint16", 0, 2), ("float64", -9999, 2),
     ("int8", None, 2), ("uint32", None, 2)],
)  # fmt: skip
def test_only_what_lies_beyond_the_scene_is_without_data(
    tmp_path: Path, kind: str, nodata: float | None, bands: int
) -> None:
    values = (scene_values(60, 60, bands) % 100 + 10).astype(kind)
    values[0, 20:30, 20:30] = 0  # dark in one band, and no hole
    place = Affine.translation(5e5, 5e6) @ Affine.rotation(45) @ Affine.scale(10, -10)
    path = write_scene(tmp_path / "s.tif", values, crs="EPSG:32633", transform=place, nodata=nodata)
    scene = open_scene(str(path), View(crs="utm", resampling="nearest"))
    found, valid = _pixels(scene)
    assert valid.mean() == pytest.approx(0.5, abs=0.04)  # a square on its corner
    assert {values.dtype} == {found.dtype}
    shown, kept = found[0][valid], values[0]
    # where the least value stands for no data, zeros may have made way for it
    assert set(np.unique(shown)) <= set(np.unique(kept)) | {1}
    assert (np.abs(shown) <= 1).mean() == pytest.approx(100 / 3600, abs=0.01)


def test_alpha_masks_nan_and_palettes_go_along(tmp_path: Path) -> None:
    values = np.full((4, 40, 40), 200, np.uint8)
    values[3, :20] = 0
    rgba = write_scene(
        tmp_path / "a.tif", values, crs="EPSG:32633", origin=(5e5, 5e6), pixel=10,
        photometric="rgb", alpha="yes",
    )  # fmt: skip
    scene = open_scene(str(rgba), View(gsd_m=20.0))
    assert not _pixels(scene)[1][:9].any()
    assert _pixels(scene)[1][11:].all()
    masked = write_scene(
        tmp_path / "m.tif", values[:3], crs="EPSG:32633", origin=(5e5, 5e6), pixel=10
    )
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(masked, "r+") as dataset:
        dataset.write_mask(values[3] > 0)
    assert not _pixels(open_scene(str(masked), View(gsd_m=20.0)))[1][:9].any()
    holes = _smooth(40, 40)
    holes[:, :20] = np.nan
    nan = write_scene(tmp_path / "n.tif", holes, crs="EPSG:32633", origin=(5e5, 5e6), pixel=10)
    found, valid = _pixels(open_scene(str(nan), View(gsd_m=20.0)))
    assert np.isfinite(found[:, 10:]).all()
    assert valid[10:].all()
    assert not valid[:10].any()
    index = write_scene(
        tmp_path / "p.tif", scene_values(40, 40, 1) % 2 * 9, crs="EPSG:32633", origin=(5e5, 5e6),
        pixel=10, photometric="palette",
    )  # fmt: skip
    with rasterio.open(index, "r+") as dataset:
        dataset.write_colormap(1, {0: (10, 20, 30, 255), 9: (200, 100, 0, 255)})
    found, _ = _pixels(open_scene(str(index), View(gsd_m=20.0)))
    assert {tuple(each) for each in found.reshape(3, -1).T.tolist()} == {
        (10, 20, 30), (200, 100, 0)
    }  # fmt: skip


@pytest.mark.parametrize("count", [4, 25])
def test_ground_control_points_give_a_grid(tmp_path: Path, count: int) -> None:
    values = _smooth(100, 100)
    side = int(count**0.5)
    steps = np.linspace(0, 100, side)
    points = [
        GroundControlPoint(row, column, *(_bent(column, row))) for row in steps for column in steps
    ]
    path = tmp_path / "g.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=100, height=100, count=1, dtype="float32",
        gcps=points, crs="EPSG:4326",
    ) as dataset:  # fmt: skip
        dataset.write(values)
    scene = open_scene(str(path))
    assert scene.place.crs == CRS.from_epsg(32631)  # metres, so that pixels are square
    found, valid = _pixels(scene)
    assert 0.5 < valid.mean() < 1
    tps = {"SRC_METHOD": "GCP_TPS"} if count >= 10 else {}
    expected = np.full((1, scene.height, scene.width), np.nan, np.float32)
    reproject(
        values, expected, gcps=points, src_crs="EPSG:4326", dst_crs=scene.place.crs,
        dst_transform=scene.place.transform, resampling=Resampling.cubic, src_nodata=math.nan,
        dst_nodata=math.nan, tolerance=0.001, **tps,
    )  # fmt: skip
    both = valid & np.isfinite(expected[0])
    assert both.sum() > 0.98 * valid.sum()
    assert np.abs(found - expected)[0][both].max() < 3


def _bent(column: float, row: float) -> tuple[float, float]:
    return 3 + 0.001 * column + 2e-6 * row**2, 45 - 0.0008 * row + 1e-4 * column


def test_rational_polynomials_are_read_at_their_mean_height(shared_data: Path) -> None:
    path = shared_data / "tiles" / "rasterio" / "RGB.byte.rpc.vrt"
    scene = open_scene(str(path))
    found, valid = _pixels(scene)
    with rasterio.open(path) as source:
        expected = np.zeros((3, scene.height, scene.width), np.uint8)
        reproject(
            source.read(), expected, rpcs=source.rpcs, src_crs="EPSG:4326",
            dst_crs=scene.place.crs, dst_transform=scene.place.transform, src_nodata=0,
            dst_nodata=0, resampling=Resampling.cubic, RPC_HEIGHT=source.rpcs.height_off,
        )  # fmt: skip
    assert valid.mean() > 0.4
    apart = np.abs(found.astype(int) - expected)[:, valid]
    assert np.median(apart) == 0
    assert np.mean(apart) < 2


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857"])
def test_a_scene_across_the_dateline_is_no_strip_around_the_globe(tmp_path: Path, crs: str) -> None:
    values = _smooth(100, 120)
    (west,), (north,) = transform("EPSG:4326", "EPSG:32760", [179.8], [-16.9])
    path = write_scene(
        tmp_path / "s.tif", values, crs="EPSG:32760", origin=(west, north), pixel=500
    )
    scene = open_scene(str(path), View(crs=crs))
    assert scene.width < 200
    assert _pixels(scene)[1].mean() > 0.9
    x, _ = scene.place.point(np.array([0, scene.width]), 0)
    assert x[0] < math.copysign(180 if crs == "EPSG:4326" else 20037508.35, x[0]) < x[1]
    (left, right), _ = scene.place.lonlats(np.array([0, scene.width]), np.zeros(2))
    assert left > 179
    assert right < -179


@pytest.mark.parametrize("origin", [179.5, -180.5, 539.5])
def test_a_geographic_scene_across_the_dateline_is_whole_in_utm(
    tmp_path: Path, origin: float
) -> None:
    values = _smooth(100, 100)
    path = write_scene(tmp_path / "s.tif", values, origin=(origin, 10), pixel=0.01)
    scene = open_scene(str(path), View(crs="utm"))
    assert scene.place.crs.to_epsg() in (32601, 32660)
    assert max(scene.width, scene.height) < 120
    found, valid = _pixels(scene)
    assert valid.mean() > 0.95
    # both halves are there: the values vary as in the source
    assert abs(np.nanstd(found[0][valid]) - values.std()) < 2
    assert open_scene(str(path)).place.bounds(0, 0, 100)[0] == pytest.approx(origin)


def test_control_points_on_both_sides_of_the_dateline(tmp_path: Path) -> None:
    points = [
        GroundControlPoint(row, column, (179.5 + column / 100 + 180) % 360 - 180, 10 - row / 100)
        for row in (0, 50, 100) for column in (0, 25, 50, 75, 100)
    ]  # fmt: skip
    path = tmp_path / "g.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=100, height=100, count=1, dtype="float32",
        gcps=points, crs="EPSG:4326",
    ) as dataset:  # fmt: skip
        dataset.write(_smooth(100, 100))
    scene = open_scene(str(path))
    assert max(scene.width, scene.height) < 120
    assert _pixels(scene)[1].mean() > 0.95


@pytest.mark.parametrize(
    ("lat", "code"), [(86.0, 5041), (-85.0, 5042), (70.0, 32632), (-70.0, 32732)]
)
def test_utm_by_zone_and_polar_stereographic_beyond(tmp_path: Path, lat: float, code: int) -> None:
    path = write_scene(tmp_path / "s.tif", _smooth(40, 40), origin=(9.0, lat), pixel=0.01)
    scene = open_scene(str(path), View(crs="utm"))
    assert scene.place.crs == CRS.from_epsg(code)
    assert _pixels(scene)[1].mean() > 0.25  # degrees of longitude are short there


def test_another_planet_keeps_its_crs_and_follows_the_resolution(tmp_path: Path) -> None:
    path = write_scene(
        tmp_path / "s.tif", scene_values(60, 60), crs=MARS, origin=(1e5, 2e4), pixel=100
    )
    for crs in ("utm", "EPSG:3857", ""):
        scene = open_scene(str(path), View(crs=crs, gsd_m=200.0))
        assert scene.gsd_m == pytest.approx(200, rel=1e-6)
        assert scene.place.transform == Affine(200, 0, 1e5, 0, -200, 2e4)
    assert np.isnan(scene.place.lonlats(np.zeros(1), np.zeros(1), 10)).all()


def test_an_image_without_a_place_takes_bounds_or_a_world_file(tmp_path: Path) -> None:
    values = scene_values(50, 100)
    path = _png(tmp_path / "s.png", values)
    bare = open_scene(str(path))
    assert bare.georeference is None
    assert bare.gsd_m is None
    assert np.array_equal(_pixels(bare)[0], values)
    given = open_scene(str(path), View(bounds=(10.0, 40.0, 11.0, 40.5)))
    assert given.place.transform.almost_equals(from_bounds(10, 40, 11, 40.5, 100, 50))
    assert np.array_equal(_pixels(given)[0], values)
    assert open_scene(
        str(path), View(bounds=(10.0, 40.0, 11.0, 40.5), crs="utm")
    ).place.crs == CRS.from_epsg(32632)
    (tmp_path / "s.pgw").write_text("2\n0\n0\n-2\n500001\n4999999\n")
    assert open_scene(str(path), View(pixel_m=1.0)).georeference is None  # a transform of no CRS
    named = open_scene(str(path), View(bounds_crs="EPSG:32633"))
    assert named.place.transform == Affine(2, 0, 500000, 0, -2, 5000000)
    (tmp_path / "s.prj").write_text(CRS.from_epsg(32631).to_wkt(morph_to_esri_dialect=True))
    beside = open_scene(str(path), View(pixel_m=3.0))
    assert beside.place.crs.to_epsg(confidence_threshold=20) == 32631
    assert beside.gsd_m == 2
    for bounds in ((11.0, 40.0, 10.0, 41.0), (0.0, 0.0, 1.0), (0.0, 0.0, math.nan, 1.0)):
        with pytest.raises(BadInput, match="bounds"):
            open_scene(str(_png(tmp_path / "t.png", values)), View(bounds=bounds))


def test_an_image_of_known_pixels_is_resampled_without_a_place(tmp_path: Path) -> None:
    values = scene_values(60, 90)
    path = _png(tmp_path / "s.png", values)
    scene = open_scene(str(path), View(pixel_m=0.3, gsd_m=0.9))
    assert (scene.georeference, scene.gsd_m) == (None, 0.9)
    means = values.reshape(3, 20, 3, 30, 3).mean(axis=(2, 4))
    assert np.abs(_pixels(scene)[0] - means).max() <= 0.5 + 1e-6


def test_a_view_that_cannot_be_says_so(tmp_path: Path) -> None:
    path = str(write_scene(tmp_path / "s.tif", scene_values(20, 20)))
    with pytest.raises(BadInput, match="no CRS that PROJ knows"):
        open_scene(path, View(crs="EPSG:1"))
    with pytest.raises(UsageError, match="Did you mean 'bilinear'"):
        open_scene(path, View(gsd_m=5000.0, resampling="bilineal"))
    with pytest.raises(BadInput, match=r"s\.tif"):
        open_scene(path, View(crs="+proj=ortho +lat_0=-50 +lon_0=-170"))  # the far side


def test_the_xml_of_a_vrt_and_a_variable_of_a_container_are_brought_to_a_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _smooth(60, 60)
    path = write_scene(tmp_path / "s.tif", values, crs="EPSG:32633", origin=(5e5, 5e6), pixel=10)
    view = View(gsd_m=20.0, crs="EPSG:3035")
    expected, held = _pixels(open_scene(str(path), view))
    vrt = tmp_path / "s.vrt"
    rasterio.shutil.copy(path, vrt, driver="VRT")
    text = vrt.read_text().replace('relativeToVRT="1">s.tif', f'relativeToVRT="0">{path}')
    assert str(path) in text
    rasterio.shutil.copy(path, tmp_path / "s.nc", driver="netCDF")
    monkeypatch.chdir(tmp_path)
    for each in (text, "s.vrt", "netcdf:s.nc:Band1"):
        scene = open_scene(each, view, name="x")
        assert scene.name == "x"
        found, valid = _pixels(scene)
        assert np.array_equal(valid, held)
        assert np.allclose(found[:, valid], expected[:, valid], atol=0.01)


def test_a_moon_is_not_taken_for_a_planet(tmp_path: Path) -> None:
    moon = MARS.replace("3396190", "1737400").replace("Mars", "Moon")
    path = write_scene(tmp_path / "s.tif", scene_values(20, 20), crs=MARS, pixel=100)
    assert open_scene(str(path), View(crs=moon)).place.crs == CRS.from_wkt(MARS)


def test_a_resolution_far_beyond_the_scenes_own_is_a_mistake(tmp_path: Path) -> None:
    scene = write_scene(tmp_path / "s.tif", scene_values(16, 16), crs="EPSG:32631", pixel=10.0)
    assert open_scene(str(scene), View(gsd_m=1.0)).width == 160
    with pytest.raises(BadInput, match="10,000 times finer"):
        open_scene(str(scene), View(gsd_m=0.001))
