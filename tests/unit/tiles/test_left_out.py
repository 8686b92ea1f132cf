"""What annotations hold and no tile shows is counted: each object once in a run."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from domainclip.errors import UsageError
from domainclip.extraction import run_extraction
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Pair, Skip
from tests.data.make_rasters import scene_values, write_scene
from tests.data.make_vectors import geojson, write_layer

TILES = {"no_objects", "not_annotated"}


def _scenes(folder: Path, *names: str, side: int = 64) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for at, name in enumerate(names):
        write_scene(folder / name, scene_values(side, side), origin=(10.0 + at, 50.0))
    return folder


def _run(tiles: Tiles, *roots: Path) -> tuple[list[Pair], dict[str, int]]:
    """Pairs, and the counts of what is no tile."""
    found = [
        item for source in tiles.all_sources(list(map(str, roots))) for item in tiles.pairs(source)
    ]
    skips = [item for item in found if isinstance(item, Skip)]
    assert not any(skip.quarantine for skip in skips)
    counts = Counter(skip.reason for skip in skips if skip.reason not in TILES)
    return [item for item in found if isinstance(item, Pair)], dict(counts)


def _coco(path: Path) -> Path:
    def box(image: int, *edges: int, **more: int) -> dict[str, object]:
        return {"image_id": image, "category_id": 1, "bbox": list(edges), **more}

    document = {
        "images": [{"id": n, "file_name": f"P{n}.tif"} for n in (1, 2, 3)],
        "categories": [{"id": 1, "name": "ship"}],
        "annotations": [
            box(1, 4, 4, 8, 8),
            box(1, 40, 40, 8, 8),
            box(1, 4, 4, 1, 1),
            box(1, 4, 4, 0, 8),
            box(1, 4, 4, -3, 8),
            box(1, 4, 4, 8, 8, iscrowd=1),
            box(1, 400, 4, 8, 8),
            box(2, 4, 4, 8, 8, iscrowd=1),
            box(9, 4, 4, 8, 8),
        ],
    }
    path.write_text(json.dumps(document))
    return path


def test_objects_are_counted_by_the_first_source_of_their_scene(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif", "P2.tif")
    boxes = _coco(tmp_path / "boxes.json")
    tiles = Tiles(boxes=str(boxes), size_px=16)
    assert len(list(tiles.sources(str(scenes)))) > 3  # several of a scene
    pairs, counts = _run(tiles, scenes)
    assert len(pairs) == 2
    assert counts == {
        "object_crowd": 2,
        "object_outside": 1,
        "object_reversed": 1,
        "object_too_small": 1,
        "object_unknown_image": 1,
        "object_zero_area": 1,
        "annotations_without_scene": 1,
    }
    assert _run(Tiles(boxes=str(boxes), size_px=16, min_side_px=1), scenes)[1] == {
        reason: count for reason, count in counts.items() if reason != "object_too_small"
    }
    with pytest.raises(UsageError, match="--min-side-px"):
        list(Tiles(boxes=str(boxes), min_side_px=-1).sources(str(scenes)))


def test_scenes_of_all_roots_are_looked_for_together(tmp_path: Path) -> None:
    boxes = _coco(tmp_path / "boxes.json")
    tiles = Tiles(boxes=str(boxes), size_px=16)
    one, two = _scenes(tmp_path / "one", "P1.tif"), _scenes(tmp_path / "two", "P2.tif", "P3.tif")
    (tmp_path / "two" / "P3.tif").write_bytes(b"II*\0 damaged")  # named, though it cannot be read
    assert _run(tiles, one)[1]["annotations_without_scene"] == 2
    found = [s for s in tiles.all_sources([str(one), str(two)]) if "left_out" in dict(s.part)]
    assert [dict(source.part)["left_out"] for source in found] == [{"object_unknown_image": 1}]


def test_the_summary_of_a_run_has_the_counts(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif", "P2.tif")
    tiles = Tiles(boxes=str(_coco(tmp_path / "boxes.json")), size_px=16)
    summary = run_extraction(tiles, [str(scenes)], tmp_path / "out", workers=1)
    assert (summary.pairs, summary.failed) == (2, 0)
    assert summary.skipped["object_crowd"] == 2
    assert summary.skipped["annotations_without_scene"] == 1


def test_files_of_a_folder_that_name_no_scene_or_hold_nothing_are_counted(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif")
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classes.txt").write_text("ship\n")
    (labels / "readme.csv").write_text("this is no table of boxes\n")
    for name in ("P1", "P7", "P8"):
        (labels / f"{name}.txt").write_text("0 0.5 0.5 0.25 0.25\n")
    pairs, counts = _run(Tiles(boxes=str(labels), size_px=32), scenes)
    assert len(pairs) == 1
    assert counts == {"annotations_without_scene": 2, "file_without_annotations": 1}
    assert _run(Tiles(boxes=str(labels / "P1.txt"), size_px=32), scenes)[1] == {}


def test_two_pixels_as_rounded_shares_of_a_side_are_two_pixels(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif", side=96)
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "classes.txt").write_text("ship\n")
    share = f"{2 / 96:.6f}"  # 0.020833: 1.999968 pixels
    (labels / "P1.txt").write_text(f"0 0.5 0.5 {share} {share}\n0 0.2 0.2 0.02 0.02\n")
    pairs, counts = _run(Tiles(boxes=str(labels), size_px=96), scenes)
    assert [len(pair.meta["facts"]["objects"]) for pair in pairs] == [1]
    assert counts == {"object_too_small": 1}


def test_polygons_of_a_map_are_lost_once_and_not_where_they_lie_elsewhere(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif", "P2.tif")
    features = [
        (shapely.box(10.1, 49.8, 10.2, 49.9), {"label": "lake"}),
        (shapely.box(11.1, 49.8, 11.101, 49.801), {"label": "pond"}),  # of a tenth of a pixel
        (shapely.box(30, 49.8, 30.2, 49.9), {"label": "lake"}),
        (shapely.Point(10.1, 49.8), {"label": "well"}),
    ]
    polygons = geojson(tmp_path / "lakes.geojson", features)
    pairs, counts = _run(Tiles(boxes=str(polygons), size_px=32), scenes)
    assert {pair.labels for pair in pairs} == {("lake",)}
    assert counts == {"object_not_an_area": 1, "object_too_small": 1}


def test_specks_of_masks_are_counted_with_their_tile(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif")
    masks = tmp_path / "masks"
    masks.mkdir()
    values = np.zeros((64, 64), np.uint8)
    values[2:12, 2:12] = 1
    specks = [(30, 30), (31, 50), (50, 4), (60, 60), (20, 20)]
    for row, column in specks:
        values[row, column] = 1
    for name in ("P1.png", "P5.png"):
        Image.fromarray(values).save(masks / name)
    tiles = Tiles(masks=str(masks), mask_category="house", size_px=16)
    for _ in range(2):  # a count is of one run
        pairs, counts = _run(tiles, scenes)
        assert len(pairs) == 1
        assert counts == {"speck": len(specks), "mask_without_scene": 1}
    first, *_ = (source for source in tiles.sources(str(scenes)))
    broken = tiles.pairs(first)
    next(broken)
    broken.close()  # what it had counted by then is counted again by the source that is whole
    assert _run(tiles, scenes)[1] == counts


@pytest.mark.parametrize("kind", ["geojson", "gpkg"])  # read as a whole, and in parts
def test_features_that_no_tile_can_show_are_counted_once(tmp_path: Path, kind: str) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif", side=200)
    features = [
        (shapely.Point(10.2 + at / 10, 49.9 - at / 10), {"amenity": "post_box", "natural": ""})
        for at in range(12)
    ]
    features.append((shapely.box(10.1, 48.1, 11.9, 49.9), {"amenity": "", "natural": "water"}))
    path = tmp_path / f"osm.{kind}"
    if kind == "geojson":
        geojson(path, features)
    else:
        write_layer(path, features, driver="GPKG")
    tiles = Tiles(vectors=str(path), size_px=20)
    assert len(list(tiles.sources(str(scenes)))) > 2
    pairs, counts = _run(tiles, scenes)
    assert len(pairs) == 100
    assert counts == {"feature_no_visible_kind": 12}


def _voc(path: Path, name: str) -> None:
    path.write_text(
        f"<annotation><filename>{name}</filename><object><name>ship</name><bndbox><xmin>2</xmin>"
        "<ymin>2</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object></annotation>"
    )


@pytest.mark.parametrize("annotations", ["data/images", "data", "."])
def test_annotations_may_lie_beside_the_images_that_they_are_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, annotations: str
) -> None:
    scenes = _scenes(tmp_path / "data" / "images", "P1.tif", "P2.tif")
    _voc(scenes / "P1.xml", "P1.tif")
    roads = tmp_path / "data" / "images" / "roads.gpkg"
    write_layer(roads, [(shapely.box(0, 0, 1, 1), {"type": "x"})], driver="GPKG")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("of what is in it")
    for root in ("data", "data/images"):
        pairs, counts = _run(Tiles(boxes=annotations, size_px=32), Path(root))
        assert [pair.labels for pair in pairs] == [("ship",)]
        assert "annotations_without_scene" not in counts


@pytest.mark.parametrize("option", ["masks", "geotiff"])
def test_rasters_that_are_no_scenes_need_a_folder_of_their_own(tmp_path: Path, option: str) -> None:
    scenes = _scenes(tmp_path / "scenes", "P1.tif")
    more = {"mask_category": "ship"} if option == "masks" else {}
    for folder in (scenes, tmp_path, scenes / ".." / "scenes"):
        with pytest.raises(UsageError, match=f"--{option} .* in a folder of their own"):
            _run(Tiles(**{option: str(folder)}, **more, size_px=32), scenes)


def test_an_image_annotated_twice_is_not_said_to_have_no_place(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "P1.png")
    for name in ("one.csv", "two.csv"):
        (tmp_path / name).write_text("image,xmin,ymin,xmax,ymax,label\nP1.png,2,2,9,9,ship\n")
    tiles = Tiles(boxes=str(tmp_path), size_px=32)
    (source,) = tiles.sources(str(tmp_path))
    part = dict(source.part)
    assert part["refused"] == "labels_unusable"
    assert "one.csv" in part["detail"] and "two.csv" in part["detail"]


def test_a_mask_with_a_place_is_not_said_to_have_none(tmp_path: Path) -> None:
    write_scene(tmp_path / "mask.tif", scene_values(20, 20)[:1])
    Image.new("RGB", (64, 64), "red").save(tmp_path / "plain.png")
    tiles = Tiles(masks=str(tmp_path / "mask.tif"), mask_category="ship", size_px=32)
    source = next(iter(tiles.sources(str(tmp_path / "plain.png"))))
    part = dict(source.part)
    assert part["refused"] == "no_place"
    assert "plain.png: has no place on the ground, and the mask" in part["detail"]
