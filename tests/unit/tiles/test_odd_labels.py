"""Damaged and odd files of labels: each costs itself and no more, and says why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from domainclip.errors import BadInput
from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.labels.boxes import open_boxes
from domainclip.extractors.tiles.reading.scenes import Scene, open_scene
from domainclip.pairs import Pair, Skip
from tests.data.make_rasters import scene_values, write_scene
from tests.data.make_vectors import write_layer


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """64 pixels of 0.01 degrees, from 10 east and 50 north."""
    return open_scene(str(write_scene(tmp_path / "P1.tif", scene_values(64, 64))))


def _run(tiles: Tiles, root: Path) -> tuple[list[Pair], list[Skip]]:
    """Pairs, and what was wrong."""
    found: list[Pair | Skip] = []
    for source in tiles.all_sources([str(root)]):
        try:
            found += tiles.pairs(source)
        except BadInput as error:  # the engine says it so
            found.append(Skip(where=source.name, reason="unreadable", detail=str(error)))
    wrong = [one for one in found if isinstance(one, Skip) and one.quarantine]
    return [one for one in found if isinstance(one, Pair)], wrong


def _coco(path: Path, **sides: object) -> str:
    document = {
        "images": [{"id": 1, "file_name": "P1.tif", **sides}],
        "categories": [{"id": 1, "name": "ship"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [4, 4, 8, 8]}],
    }
    path.write_text(json.dumps(document))
    return str(path)


def _voc(path: Path, width: object, height: object) -> str:
    box = "<xmin>4</xmin><ymin>4</ymin><xmax>12</xmax><ymax>12</ymax>"
    path.write_text(
        f"<annotation><size><width>{width}</width><height>{height}</height></size>"
        f"<object><name>ship</name><bndbox>{box}</bndbox></object></annotation>"
    )
    return str(path)


@pytest.mark.parametrize("kind", ["coco", "voc"])
def test_annotations_of_an_image_of_another_size_are_refused(
    tmp_path: Path, scene: Scene, kind: str
) -> None:
    def boxes(width: object, height: object) -> str:
        if kind == "voc":
            return _voc(tmp_path / "P1.xml", width, height)
        return _coco(tmp_path / "coco.json", width=width, height=height)

    for sides in ((64, 64), (0, 0), ("", "?"), (-5, 64)):  # the last three say nothing
        assert open_boxes(boxes(*sides)).objects(scene)
    with pytest.raises(BadInput, match=r"of 128 x 128 .* has 64 x 64; multiply .* by 0\.5, or"):
        open_boxes(boxes(128, 128)).objects(scene)
    with pytest.raises(BadInput, match=r"of 128 x 64 pixels, and it has 64 x 64; give the image"):
        open_boxes(boxes(128, 64)).objects(scene)
    pairs, (wrong,) = _run(Tiles(boxes=boxes(32, 32), size_px=64), tmp_path / "P1.tif")
    assert not pairs and "32 x 32" in wrong.detail


def test_sides_are_those_of_the_file_whatever_grid_it_is_seen_on(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "P1.tif", scene_values(64, 64))
    boxes = _coco(tmp_path / "coco.json", width=64, height=64)
    pairs, wrong = _run(Tiles(boxes=boxes, size_px=16, crs="EPSG:3857", max_nodata=0.9), path)
    assert pairs and not wrong


def test_a_damaged_file_of_a_folder_of_annotations_costs_itself(
    tmp_path: Path, scene: Scene
) -> None:
    labels = tmp_path / "labels"
    labels.mkdir()
    _voc(labels / "P1.xml", 64, 64)
    (labels / "a.geojson").write_text('{"type": "FeatureCollection", "features": [{"ty')
    (labels / "b.shp").write_bytes(b"\0\0\x27\x0a" + bytes(60))
    (labels / "c.json").write_text("[1, 2")
    (labels / "d.csv").write_bytes(b"image,xmin,ymin,xmax,ymax,label\n\xff\xfe,1,1,2,2,a\n")
    lake = [(shapely.box(10.1, 49.7, 10.3, 49.9), {"kind": 7})]  # of no name
    write_layer(labels / "e.gpkg", lake, driver="GPKG")
    pairs, wrong = _run(Tiles(boxes=str(labels), size_px=64), tmp_path / "P1.tif")
    assert [pair.labels for pair in pairs] == [("ship",)]
    assert {skip.reason for skip in wrong} == {"unreadable_annotations"}
    assert {skip.where.split("#")[0] for skip in wrong} == {
        "a.geojson", "b.shp", "c.json", "d.csv", "e.gpkg",
    }  # fmt: skip
    assert all(str(labels / skip.where.split("#")[0]) in skip.detail for skip in wrong)
    (labels / "P1.xml").unlink()
    with pytest.raises(BadInput, match=r"none of its annotations can be read \(5 files\), e\.g\."):
        open_boxes(labels)


def test_a_damaged_mask_of_a_folder_costs_its_scene(tmp_path: Path) -> None:
    scenes, masks = tmp_path / "scenes", tmp_path / "masks"
    scenes.mkdir()
    masks.mkdir()
    for name in ("P1", "P2"):
        write_scene(scenes / f"{name}.tif", scene_values(64, 64))
        Image.fromarray(np.ones((64, 64), np.uint8)).save(masks / f"{name}.png")
    (masks / "P2.png").write_bytes((masks / "P2.png").read_bytes()[:20])
    tiles = Tiles(masks=str(masks), mask_category="house", size_px=64)
    pairs, (wrong,) = _run(tiles, scenes)
    assert [pair.document for pair in pairs] == ["P1.tif"]
    assert "P2.png" in wrong.detail


def test_a_damaged_layer_of_a_folder_of_vectors_is_named(tmp_path: Path) -> None:
    path = write_scene(tmp_path / "P1.tif", scene_values(64, 64))
    folder = tmp_path / "osm"
    folder.mkdir()
    lake = [(shapely.box(10.1, 49.5, 10.5, 49.9), {"natural": "water"})]
    write_layer(folder / "water.shp", lake, driver="ESRI Shapefile")
    tiles = Tiles(vectors=str(folder), size_px=64)
    assert _run(tiles, path)[0]
    (folder / "bad.shp").write_bytes(b"\0\0\x27\x0a" + bytes(60))
    with pytest.raises(BadInput, match=r"bad\.shp: is damaged"):
        _run(replace(tiles, vectors=f"{folder}/"), path)  # opened anew


def _polygon(*points: tuple[float, float]) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[*points, points[0]]]}


LAKE = _polygon((10.0, 49.3), (10.7, 49.3), (10.7, 50.1), (10.0, 50.1))


def _features(path: Path, *features: tuple[object, object], **more: object) -> str:
    document = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": geometry, "properties": {"label": label}}
            for geometry, label in features
        ],
        **more,
    }
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.parametrize("option", ["labels", "vectors"])
def test_coordinates_without_end_cost_their_feature(
    tmp_path: Path, scene: Scene, option: str
) -> None:
    endless = _polygon((10.1, float("inf")), (10.4, 49.5), (10.4, 49.8))
    text = _features(tmp_path / "v.geojson", (endless, "sea"), (None, "sea"), (LAKE, "lake"))
    given = {option: text, "labels_crs": "scene", "category": "label" * (option == "vectors")}
    pairs, wrong = _run(Tiles(size_px=64, **given), tmp_path / "P1.tif")  # type: ignore[arg-type]
    assert len(pairs) == 1 and not wrong
    assert "lake" in pairs[0].text.lower()


@pytest.mark.parametrize("value", [["a", "b"], None])
def test_a_class_is_one_value(tmp_path: Path, scene: Scene, value: object) -> None:
    path = _features(tmp_path / "v.geojson", (LAKE, value))
    with pytest.raises(BadInput, match="its column label is empty"):
        _run(Tiles(labels=path, size_px=64), tmp_path / "P1.tif")
    pairs, _ = _run(Tiles(vectors=path, category="label", size_px=64), tmp_path / "P1.tif")
    assert "features" not in pairs[0].meta["facts"]
    assert open_boxes(path, category="label").dropped(scene) == {"no_category": 1}


def test_vectors_without_a_geometry_fit_no_scene(tmp_path: Path, scene: Scene) -> None:
    path = _features(tmp_path / "v.geojson", (None, "lake"))
    _, (wrong,) = _run(Tiles(labels=path, size_px=64), tmp_path / "P1.tif")
    assert wrong.reason == "labels_fit_no_scene"


@pytest.mark.parametrize("option", ["labels", "vectors", "boxes"])
def test_no_vector_file_makes_gdal_ask_the_network(
    tmp_path: Path, scene: Scene, option: str
) -> None:
    link = {"type": "link", "properties": {"href": "http://127.0.0.1:9/crs"}}
    path = _features(tmp_path / "v.geojson", (LAKE, "lake"), crs=link)
    with pytest.raises(BadInput, match="its CRS is a link"):
        _run(Tiles(size_px=64, **{option: path}), tmp_path / "P1.tif")  # type: ignore[arg-type]


@pytest.mark.parametrize("option", ["labels", "boxes"])
def test_a_curve_in_a_table_is_told_with_its_line(
    tmp_path: Path, scene: Scene, option: str
) -> None:
    table = tmp_path / "t.csv"
    curve = "CURVEPOLYGON(CIRCULARSTRING(1 4,2 5,3 4,2 3,1 4))"
    table.write_text(f'image,geometry,label\nP1.tif,"{curve}",lake\n')
    with pytest.raises(BadInput, match=r"t\.csv:2: "):
        _run(Tiles(size_px=64, **{option: str(table)}), tmp_path / "P1.tif")  # type: ignore[arg-type]
