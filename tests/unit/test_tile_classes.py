"""The class of a tile is where the raster or table says, whatever its grid and CRS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rasterio import Affine
from rasterio.warp import transform_bounds

from domainclip.errors import BadInput
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Pair
from tests.data.make_rasters import scene_values, write_classes, write_scene


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """40 x 40 pixels of 0.01 degrees; upper left 10 E, 50 N."""
    return write_scene(tmp_path / "s.tif", scene_values(40, 40))


def _labels(scene: Path, classes: Path, **options: object) -> dict[tuple[int, int], str]:
    tiles = Tiles(**{"classes": str(classes), "size_px": 20, "purity": 1.0, **options})  # type: ignore[arg-type]
    found = [p for s in tiles.sources(str(scene)) for p in tiles.pairs(s)]
    return {
        (p.where["window"][0], p.where["window"][1]): p.labels[0]
        for p in found
        if isinstance(p, Pair)
    }


QUARTERS = {(0, 0): "1", (20, 0): "2", (0, 20): "3", (20, 20): "4"}


def test_a_coarser_and_a_finer_class_raster(tmp_path: Path, scene: Path) -> None:
    coarse = np.array([[1, 2], [3, 4]])
    for name, repeat in (("coarse.tif", 1), ("fine.tif", 100)):
        values = coarse.repeat(repeat, 0).repeat(repeat, 1)
        classes = write_classes(tmp_path / name, values, pixel=0.2 / repeat)
        assert _labels(scene, classes) == QUARTERS


def test_a_class_raster_in_another_crs(tmp_path: Path, scene: Path) -> None:
    west, south, east, north = transform_bounds("EPSG:4326", "EPSG:3857", 10, 49.6, 10.4, 50)
    middle = transform_bounds("EPSG:4326", "EPSG:3857", 10.2, 49.8, 10.2, 49.8)
    pixel = (east - west) / 400
    rows = np.arange(int((north - south) / pixel) + 1)
    lower = north - (rows + 0.5) * pixel < middle[1]
    values = 1 + (np.arange(400) >= 200)[None, :] + 2 * lower[:, None]
    classes = write_classes(
        tmp_path / "m.tif", values, crs="EPSG:3857", origin=(west, north), pixel=pixel
    )
    found = _labels(scene, classes, inner_px=18)
    assert found == QUARTERS


def test_turned_and_south_up_scenes_and_class_rasters(tmp_path: Path) -> None:
    coarse = np.array([[1, 2], [3, 4]])
    north_up = write_classes(tmp_path / "c.tif", coarse, pixel=0.2)
    south_up = write_scene(
        tmp_path / "u.tif", coarse[None, ::-1].astype(np.uint8),
        transform=Affine(0.2, 0, 10, 0, 0.2, 49.6),
    )  # fmt: skip
    for classes in (north_up, south_up):
        values = scene_values(40, 40)
        upside_down = write_scene(
            tmp_path / "s.tif", values, transform=Affine(0.01, 0, 10, 0, 0.01, 49.6)
        )
        assert _labels(upside_down, classes) == {
            (0, 0): "3", (20, 0): "4", (0, 20): "1", (20, 20): "2"
        }  # fmt: skip
        # columns go south and rows go east
        turned = write_scene(
            tmp_path / "t.tif", values, transform=Affine(0, 0.01, 10, -0.01, 0, 50)
        )
        assert _labels(turned, classes) == {
            (0, 0): "1", (20, 0): "3", (0, 20): "2", (20, 20): "4"
        }  # fmt: skip


def test_classes_of_another_planet_are_refused(tmp_path: Path, scene: Path) -> None:
    mars = (
        'GEOGCS["Mars",DATUM["D_Mars",SPHEROID["Mars_Sphere",3396190,0]],'
        'PRIMEM["Reference_Meridian",0],UNIT["Degree",0.0174532925199433]]'
    )
    classes = write_classes(tmp_path / "c.tif", np.ones((40, 40)), crs=mars)
    with pytest.raises(BadInput, match=r"cannot be laid over s\.tif"):
        _labels(scene, classes)


def test_outside_the_class_raster_and_in_its_nodata_there_is_no_class(
    tmp_path: Path, scene: Path
) -> None:
    half = write_classes(tmp_path / "half.tif", np.array([[5]]), pixel=0.2)
    assert _labels(scene, half) == {(0, 0): "5"}
    holes = write_classes(tmp_path / "holes.tif", np.array([[1, 0], [3, 0]]), pixel=0.2, nodata=0)
    assert _labels(scene, holes) == {(0, 0): "1", (0, 20): "3"}


def test_only_the_inner_square_is_asked(tmp_path: Path, scene: Path) -> None:
    values = np.full((40, 40), 7)
    values[5:15, 5:15] = 1
    classes = write_classes(tmp_path / "c.tif", values)
    assert _labels(scene, classes, inner_px=10)[0, 0] == "1"
    assert (0, 0) not in _labels(scene, classes, inner_px=12)


def test_boxes_by_their_share_of_the_tile(tmp_path: Path, scene: Path) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text("label,west,south,east,north\nlake,10.0,49.8,10.15,50\nfield,10.2,49,11,51\n")
    assert _labels(scene, table, purity=0.74) == {
        (0, 0): "lake", (20, 0): "field", (20, 20): "field"
    }  # fmt: skip
    assert _labels(scene, table, purity=0.76) == {(20, 0): "field", (20, 20): "field"}


def test_points_by_the_most_of_them(tmp_path: Path, scene: Path) -> None:
    rows = ["mine,10.05,49.95", "mine,10.06,49.94", "farm,10.07,49.93", "farm,10.3,49.7"]
    table = tmp_path / "points.csv"
    table.write_text("label,lon,lat\n" + "\n".join(rows) + "\n")
    assert _labels(scene, table, purity=0.6) == {(0, 0): "mine", (20, 20): "farm"}
    assert _labels(scene, table, purity=0.7) == {(20, 20): "farm"}
    utm = write_scene(
        tmp_path / "utm.tif", scene_values(40, 40), crs="EPSG:32632", origin=(572e3, 5535e3),
        pixel=50,
    )  # fmt: skip
    inside = tmp_path / "inside.csv"  # longitudes and latitudes find their way into the scene's CRS
    inside.write_text("label,lon,lat\nfarm,10.0131,49.9574\n")
    assert list(_labels(utm, inside).values()) == ["farm"]


def test_polygons_by_the_pixels_in_them(tmp_path: Path, scene: Path) -> None:
    table = tmp_path / "polygons.csv"
    table.write_text(
        "label\tgeometry\n"
        "wood\tPOLYGON ((10 49.8, 10.2 49.8, 10.2 50, 10 50, 10 49.8), "
        "(10.05 49.85, 10.05 49.95, 10.15 49.95, 10.15 49.85, 10.05 49.85))\n"
        "town\tMULTIPOLYGON (((10.2 49.6, 10.4 49.6, 10.4 49.8, 10.2 49.8, 10.2 49.6)))\n"
    )
    tsv = table.rename(table.with_suffix(".tsv"))
    assert _labels(scene, tsv) == {(20, 20): "town"}
    assert _labels(scene, tsv, purity=0.75)[0, 0] == "wood"  # the hole is a quarter of it
    assert (0, 0) not in _labels(scene, tsv, purity=0.76)


def test_boxes_and_polygons_in_another_crs(tmp_path: Path, scene: Path) -> None:
    west, south, east, north = transform_bounds("EPSG:4326", "EPSG:3857", 10.2, 49.8, 10.4, 50)
    box = tmp_path / "box.csv"
    box.write_text(f"label,west,south,east,north\nlake,{west},{south},{east},{north}\n")
    ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    polygon = tmp_path / "polygon.csv"
    polygon.write_text(f'label,geometry\nlake,"POLYGON (({ring}))"\n')
    for table in (box, polygon):
        found = _labels(scene, table, labels_crs="EPSG:3857", purity=0.99)
        assert found == {(20, 0): "lake"}
        assert not _labels(scene, table)  # taken for degrees, they lie nowhere near


def test_tiles_by_their_key(tmp_path: Path, scene: Path) -> None:
    table = tmp_path / "keys.csv"
    table.write_text("key,label\ns.tif_x000020_y000000_20px,quarry\n")
    assert _labels(scene, table) == {(20, 0): "quarry"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x,y\n1,2\n", "column label"),
        ("label,a\n1,2\n", "column label"),
        ("label,x,y\n", "empty"),
        ("label,x,y\nfarm,1,2\nfarm,1,north\n", r"\.csv:3: a coordinate"),
        ("label,x,y\nfarm,1,nan\n", "no number"),
        ("label,west,south,east,north\nfarm,2,0,1,1\n", "west < east"),
        ("label,geometry\nfarm,POINT (1 2)\n", "no POLYGON"),
        ('label,geometry\nfarm,"POLYGON ((1 2, 3 4))"\n', "no POLYGON"),
    ],
)
def test_a_table_that_cannot_be_read_names_the_line(
    tmp_path: Path, scene: Path, text: str, words: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(text)
    with pytest.raises(BadInput, match=words):
        _labels(scene, table)
