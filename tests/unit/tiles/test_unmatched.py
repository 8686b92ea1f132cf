"""Labels that fit no scene of a run are told: what does not fit, where it lies, what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from domainclip.extraction import run_extraction
from domainclip.extractors.tiles import Tiles
from domainclip.pairs import Pair, Skip
from tests.data.make_rasters import scene_values, write_classes, write_scene
from tests.data.make_vectors import geojson, write_layer

ELSEWHERE = (30.0, 20.0)  # the scenes lie at 10 to 10.64 east, 49.36 to 50 north


def _scenes(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or ("P1.tif", "P2.tif"):
        write_scene(folder / name, scene_values(64, 64), origin=(10.0, 50.0))
    return folder


def _run(tiles: Tiles, root: Path) -> tuple[list[Pair], list[str]]:
    """Pairs, and the sentences on labels that fit no scene."""
    found = [item for source in tiles.all_sources([str(root)]) for item in tiles.pairs(source)]
    told = [one.detail for one in found if isinstance(one, Skip) and one.quarantine]
    assert all(isinstance(one, Pair) or one.reason != "no_place" for one in found)
    return [one for one in found if isinstance(one, Pair)], told


def _text(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def _classes(folder: Path) -> dict[str, object]:
    path = write_classes(folder / "c.tif", np.ones((20, 20)), origin=ELSEWHERE)
    return {"classes": str(path)}


def _mask(folder: Path) -> dict[str, object]:
    path = write_scene(folder / "m.tif", np.ones((1, 20, 20), np.uint8), origin=ELSEWHERE)
    return {"masks": str(path), "mask_category": "house"}


def _vectors(option: str, **properties: str) -> Callable[[Path], dict[str, object]]:
    def made(folder: Path) -> dict[str, object]:
        features = [(shapely.box(30, 19.8, 30.2, 20), dict(properties))]
        return {option: str(write_layer(folder / "v.gpkg", features, driver="GPKG"))}

    return made


def _table(text: str) -> Callable[[Path], dict[str, object]]:
    return lambda folder: {"labels": _text(folder / "t.csv", text)}


def _coco(folder: Path) -> dict[str, object]:
    names = [f"Q{number}.tif" for number in range(12)]
    document = {
        "images": [{"id": name, "file_name": name} for name in names],
        "categories": [],
        "annotations": [],
    }
    return {"boxes": _text(folder / "coco.json", json.dumps(document))}


def _masks(folder: Path) -> dict[str, object]:
    (folder / "masks").mkdir()
    Image.new("L", (64, 64)).save(folder / "masks" / "R1_mask.png")
    return {"masks": str(folder / "masks"), "mask_category": "house"}


BOX = "30,19.8,30.2,20"
POINTS = "label,lon,lat\nmine,30,20\nfarm,30.2,19.8\n"
BOUNDS = r"the labels lie within 30, 19\.8, 30\.2, 20 \(west, south, east, north in EPSG:4326\)"
SCENES = r"the scenes within 10, 49\.36, 10\.64, 50;"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (_table(POINTS), rf"--labels .*t.csv: none of its 2 points .*{BOUNDS}, and {SCENES}"),
        (_table(f"label,west,south,east,north\na,{BOX}\n"), rf"1 boxes .*CRS of.*{SCENES}"),
        (_table('label,geometry\na,"POLYGON ((30 19, 31 20, 30 20, 30 19))"\n'), "1 polygons"),
        (_table("label,key\na,Q.tif_x000000_y000000_224px\n"), "1 keys .*scenes are 'P1.tif', '"),
        (_vectors("labels", label="lake"), rf"none of its polygons .*{BOUNDS}, and {SCENES}"),
        (_vectors("vectors", natural="water"), rf"--vectors .*none of its features .*{BOUNDS}"),
        (_vectors("boxes", label="lake"), rf"--boxes .*none of its 1 polygons .*{BOUNDS}"),
        (_classes, rf"--classes .*the class raster covers no scene: .*{BOUNDS}.*{SCENES}"),
        (_mask, rf"--masks .*the mask covers no scene: .*{BOUNDS}.*{SCENES}"),
        (_masks, r"none of 1 masks is named as a scene: they name 'R1', .* are 'P1\.tif'"),
        (_coco, r"none of the 12 images .*'Q0.tif', 'Q1.tif', 'Q10.tif' and 9 more, and"),
    ],
)  # fmt: skip
def test_labels_of_another_place_are_told_in_one_sentence(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    made: Callable[[Path], dict[str, object]],
    said: str,
) -> None:
    tiles = Tiles(size_px=32, **made(tmp_path))  # type: ignore[arg-type]
    pairs, told = _run(tiles, _scenes(tmp_path / "scenes"))
    assert not pairs
    (sentence,) = told
    assert re.search(said, sentence), sentence
    printed = capsys.readouterr().err  # the run ends with the sentence
    assert f"{sentence.split(':')[0]}: fits no scene.\n" in printed
    assert sentence not in printed


def test_a_run_whose_labels_fit_nothing_is_a_failure(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes")
    tiles = Tiles(labels=_text(tmp_path / "t.csv", POINTS), size_px=32)
    summary = run_extraction(tiles, [str(scenes)], tmp_path / "out", workers=1)
    assert (summary.pairs, summary.error_percent) == (0, 100)
    assert summary.quarantined == {"labels_fit_no_scene": 1}


def test_one_scene_that_fits_is_enough_and_each_kind_of_labels_is_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes = _scenes(tmp_path / "scenes")
    write_scene(scenes / "P3.tif", scene_values(64, 64), origin=(30.0, 20.0))
    labels = _text(tmp_path / "t.csv", POINTS)
    pairs, told = _run(Tiles(labels=labels, size_px=32), scenes)
    assert pairs and not told
    both = Tiles(labels=labels, size_px=32, **_coco(tmp_path))  # type: ignore[arg-type]
    capsys.readouterr()
    pairs, told = _run(both, scenes)
    assert pairs and len(told) == 1 and "coco.json" in told[0]
    assert capsys.readouterr().err.strip() == told[0]


def test_a_wrong_crs_is_seen_by_its_numbers(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes")
    labels = _text(tmp_path / "t.csv", "label,x,y\nmine,10.1,49.9\n")
    assert not _run(Tiles(labels=labels, size_px=32), scenes)[1]
    _, (sentence,) = _run(Tiles(labels=labels, labels_crs="EPSG:32632", size_px=32), scenes)
    assert "within 10.1, 49.9, 10.1, 49.9 (west, south, east, north in EPSG:32632)" in sentence
    assert re.search(r"the scenes within 57\d{4}\.\d+, 5467957", sentence)


def test_scenes_that_cannot_be_opened_or_have_no_place_say_nothing_of_labels(
    tmp_path: Path,
) -> None:
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "bad.tif").write_bytes(b"II*\0 damaged")
    Image.new("RGB", (64, 64)).save(tmp_path / "scenes" / "plain.png")
    tiles = Tiles(labels=_text(tmp_path / "t.csv", POINTS), size_px=32)
    reasons = {dict(one.part)["refused"] for one in tiles.all_sources([str(tmp_path / "scenes")])}
    assert reasons == {"unreadable", "no_place"}


def test_folders_that_name_no_class_are_told(tmp_path: Path) -> None:
    scenes = _scenes(tmp_path / "scenes")
    renamed = _text(tmp_path / "map.csv", "from,to\nscenes,\n")
    tiles = Tiles(classes="folders", category_map=renamed, size_px=32)
    _, (sentence,) = _run(tiles, scenes)
    assert "no scene lies in a folder" in sentence


def test_a_raster_of_0_to_360_degrees_covers_the_west(tmp_path: Path) -> None:
    scenes = tmp_path / "scenes"
    scenes.mkdir()
    write_scene(scenes / "w.tif", scene_values(64, 64), origin=(-10.0, 50.0))
    features = [(shapely.box(350.1, 49.5, 350.2, 49.9), {"label": "lake"})]
    path = geojson(tmp_path / "v.geojson", features)
    assert not _run(Tiles(boxes=str(path), size_px=32), scenes)[1]
