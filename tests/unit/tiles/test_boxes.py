"""Annotations of every format become the objects of a scene, and what is wrong is counted."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from rasterio import Affine

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles.labels.boxes import open_boxes
from domainclip.extractors.tiles.labels.boxes.categories import Categories
from domainclip.extractors.tiles.labels.boxes.drawn import Drawing
from domainclip.extractors.tiles.labels.boxes.laid import FileGrid, grid_of_file, to_objects
from domainclip.extractors.tiles.labels.boxes.rle import rle_extent
from domainclip.extractors.tiles.reading.placing import Placing
from domainclip.extractors.tiles.reading.scenes import FileShape, Scene, open_scene
from domainclip.extractors.tiles.records import Facts, View
from tests.data.make_rasters import scene_values, write_scene

SIDE = 100


def make_scene(folder: Path, name: str = "P1.tif", **place: Any) -> Scene:
    folder.mkdir(parents=True, exist_ok=True)
    return open_scene(str(write_scene(folder / name, scene_values(SIDE, SIDE), **place)))


def rows_of(boxes: Any, scene: Scene, size: int) -> list[Facts | str]:
    columns = np.arange(0, scene.width, size)
    return [
        fact
        for row in range(0, scene.height, size)
        for fact in boxes.of_row(scene, row, columns, size)
    ]


def written(objects: Any) -> list[tuple[str, tuple[float, ...]]]:
    return [
        (objects.names[code], tuple(np.round(box, 6).tolist()))
        for code, box in zip(objects.codes, objects.boxes, strict=True)
    ]


# two objects as every format can say them
SHIP, PLANE = (10.0, 20.0, 30.0, 40.0), (50.0, 60.0, 80.0, 70.0)


def as_coco(folder: Path) -> Path:
    document = {
        "images": [{"id": 1, "file_name": "train/P1.tif"}, {"id": 2, "file_name": "P2.tif"}],
        "categories": [{"id": 3, "name": "Ship"}, {"id": 4, "name": "plane"}],
        "annotations": [
            {"image_id": 1, "category_id": 3, "bbox": [10, 20, 20, 20]},
            {"image_id": 1, "category_id": 4, "bbox": [50, 60, 30, 10]},
        ],
    }
    path = folder / "instances.json"
    path.write_text(json.dumps(document))
    return path


def as_voc(folder: Path) -> Path:
    objects = "".join(
        f"<object><name>{name}</name><bndbox>"
        + "".join(
            f"<{edge}>{value}</{edge}>"
            for edge, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True)
        )
        + "</bndbox></object>\n"
        for name, box in (("ship", SHIP), ("plane", PLANE))
    )
    path = folder / "P1.xml"
    path.write_text(f"<annotation>\n<filename>P1.tif</filename>\n{objects}</annotation>")
    return path


def as_dota(folder: Path) -> Path:
    lines = ["imagesource:GoogleEarth", "gsd:0.5"]
    for name, (x0, y0, x1, y1) in (("ship", SHIP), ("plane", PLANE)):
        lines.append(f"{x0} {y0} {x1} {y0} {x1} {y1} {x0} {y1} {name} 0")
    path = folder / "P1.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


def as_yolo(folder: Path) -> Path:
    (folder / "classes.txt").write_text("plane\nship\n")
    path = folder / "P1.txt"
    path.write_text("1 0.2 0.3 0.2 0.2\n0 0.65 0.65 0.3 0.1\n")
    return path


def as_yolo_corners(folder: Path) -> Path:
    (folder / "data.yaml").write_text("names: {0: plane, 1: ship}\n")
    path = folder / "P1.txt"
    path.write_text("1 0.1 0.2 0.3 0.2 0.3 0.4 0.1 0.4\n0 0.5 0.6 0.8 0.6 0.8 0.7 0.5 0.7 0.9\n")
    return path


def as_visdrone(folder: Path) -> Path:
    (folder / "map.csv").write_text("from,to\ncar,ship\nvan,plane\n")
    path = folder / "P1.txt"
    path.write_text("10,20,20,20,1,4,0,0\n50,60,30,10,1,5,0,0\n1,1,9,9,0,0,0,0\n")
    return path


def as_edges(folder: Path) -> Path:
    path = folder / "boxes.csv"
    path.write_text(
        "image_path,xmin,ymin,xmax,ymax,label\nP1.tif,10,20,30,40,ship\nP1.tif,50,60,80,70,plane\n"
    )
    return path


def as_sizes(folder: Path) -> Path:
    path = folder / "boxes.tsv"
    path.write_text(
        "filename\tclass\tx\ty\tw\th\nP1\tship\t10\t20\t20\t20\nP1\tplane\t50\t60\t30\t10\n"
    )
    return path


def as_outlines(folder: Path) -> Path:
    path = folder / "outlines.csv"
    lines = [
        f'P1.tif,{name},"{shapely.box(*box).wkt}"'
        for name, box in (("ship", SHIP), ("plane", PLANE))
    ]
    path.write_text("image_path,label,geometry\n" + "\n".join(lines))
    return path


def as_xview(folder: Path) -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {
                "bounds_imcoords": ",".join(f"{edge:g}" for edge in box),
                "type_id": kind,
                "image_id": "P1.tif",
            },
            "geometry": {"type": "Point", "coordinates": [0, 0]},
        }
        for kind, box in ((73, SHIP), (19, PLANE))
    ]
    path = folder / "xView_train.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def as_vectors(folder: Path, ending: str = "gpkg") -> Path:
    # the scene's corner is (10, 50) and a pixel 0.01 degrees
    shapes = [
        shapely.box(10 + x0 / 100, 50 - y1 / 100, 10 + x1 / 100, 50 - y0 / 100)
        for x0, y0, x1, y1 in (SHIP, PLANE)
    ]
    path = folder / f"ships.{ending}"
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes)),
        [np.array(["ship", "plane"], object)],
        ["category"],
        geometry_type="Polygon",
        crs="EPSG:4326",
    )
    return path


FORMATS = [
    as_coco, as_voc, as_dota, as_yolo, as_yolo_corners, as_edges, as_sizes, as_outlines, as_vectors,
]  # fmt: skip


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_says_the_same(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    scene = make_scene(tmp_path / "scenes")
    found = open_boxes(write(tmp_path)).objects(scene)
    assert written(found) == [("ship", SHIP), ("plane", PLANE)]
    assert np.allclose(found.areas, [400, 300])


@pytest.mark.parametrize("ending", ["geojson", "shp", "fgb", "gpkg"])
def test_vector_files_lie_on_the_map(tmp_path: Path, ending: str) -> None:
    scene = make_scene(tmp_path / "scenes")
    found = open_boxes(as_vectors(tmp_path, ending)).objects(scene)
    # FlatGeobuf keeps features in an order of its own
    assert sorted(written(found)) == [("plane", PLANE), ("ship", SHIP)]


def test_xview_boxes_are_in_pixels_and_its_types_have_names(tmp_path: Path) -> None:
    found = open_boxes(as_xview(tmp_path)).objects(make_scene(tmp_path / "scenes"))
    assert written(found) == [("building", SHIP), ("bus", PLANE)]


def test_visdrone_has_names_of_its_own_and_regions_to_ignore(tmp_path: Path) -> None:
    boxes = open_boxes(as_visdrone(tmp_path), category_map=tmp_path / "map.csv")
    scene = make_scene(tmp_path / "scenes")
    assert written(boxes.objects(scene)) == [("ship", SHIP), ("plane", PLANE)]
    assert boxes.dropped(scene) == {"ignored": 1}


def test_shares_of_yolo_are_not_pixels(tmp_path: Path) -> None:
    as_yolo(tmp_path)
    (tmp_path / "P1.txt").write_text("1 20 30 20 20\n")
    with pytest.raises(BadInput, match=r"P1\.txt:1: 30 is no share"):
        open_boxes(tmp_path / "P1.txt").objects(make_scene(tmp_path / "scenes"))


@pytest.mark.parametrize(
    "crs",
    [
        '"crs": {"type": "link", "properties": {"href": "http://127.0.0.1:9/"}}',
        '"CRS": {"type": "URL", "properties": {"url": "http://127.0.0.1:9/"}}',
        '"\\u0063rs": {"type": "l\\u0069nk", "properties": {"href": "http://127.0.0.1:9/"}}',
        '"crs" /* */: {"type": "link", "properties": {"href": "http://127.0.0.1:9/"}}',
        "'crs': {'type': 'link', 'properties': {'href': 'http://127.0.0.1:9/'}}",
    ],
)
def test_a_crs_that_would_be_fetched_is_refused(tmp_path: Path, crs: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(f'{{"type": "FeatureCollection", {crs}, "features": []}}')
    with pytest.raises(BadInput, match="CRS is a link"):
        open_boxes(path, all_are="ship")


def test_a_property_called_crs_is_none_of_it(tmp_path: Path) -> None:
    path = as_vectors(tmp_path, "geojson")
    path.write_text(path.read_text().replace('"category"', '"crs"', 1).replace("plane", "crs"))
    assert open_boxes(path, all_are="ship").objects(make_scene(tmp_path / "scenes")) is not None


def test_a_folder_of_files_for_one_image_each(tmp_path: Path) -> None:
    labels = tmp_path / "labelTxt"
    labels.mkdir()
    as_dota(labels)
    (labels / "P2.txt").write_text("imagesource:GoogleEarth\ngsd:null\n")
    (labels / "readme.csv").write_text("a,b\n1,2\n")
    boxes = open_boxes(labels, keep_empty=1.0)
    assert boxes.unread == ("readme.csv",)
    one, two, three = (make_scene(tmp_path / "images", f"P{n}.tif") for n in (1, 2, 3))
    assert len(boxes.objects(one).codes) == 2
    assert rows_of(boxes, two, SIDE) == [
        Facts(SIDE, two.place.gsd_m(np.array([0]), 0, SIDE)[0], looked=True)
    ]
    assert rows_of(boxes, three, SIDE) == ["not_annotated"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_the_resolution_that_dota_states_is_that_of_a_scene_without_a_place(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scenes", crs=None)
    facts = rows_of(open_boxes(as_dota(tmp_path)), scene, SIDE)
    assert isinstance(facts[0], Facts)
    assert facts[0].gsd_m == 0.5


def test_what_makes_no_sense_is_counted_and_costs_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    lines = ["image_path,xmin,ymin,xmax,ymax,label,score"]
    lines += ["P1.tif,10,20,30,40,ship,0.9", "P1.tif,10,20,10,40,ship,0.9"]
    lines += ["P1.tif,30,20,10,40,ship,0.9", "P1.tif,nan,20,10,40,ship,0.9"]
    lines += ["P1.tif,500,20,510,40,ship,0.9", "P1.tif,10,20,30,40,ship,0.1"]
    lines += ["P1.tif,10,20,30,40,,0.9", "P1.tif,10,20,11,21,ship,0.9", "P1.tif,,,,,,"]
    lines += ["P1.tif,inf,20,30,40,ship,0.9", "P1.tif,10,20,30,40,rock,"]
    path.write_text("\n".join(lines))
    (tmp_path / "map.csv").write_text("from,to\nrock,\n")
    scene = make_scene(tmp_path / "scenes")
    boxes = open_boxes(path, min_score=0.5, category_map=tmp_path / "map.csv")
    assert written(boxes.objects(scene)) == [("ship", SHIP)]
    assert boxes.dropped(scene) == {
        "zero_area": 1,
        "reversed": 1,
        "not_a_number": 2,
        "outside": 1,
        "low_score": 1,
        "no_category": 1,
        "left_out_category": 1,
        "too_small": 1,
    }


def test_crowds_and_strangers_of_coco_are_counted(tmp_path: Path) -> None:
    path = as_coco(tmp_path)
    document = json.loads(path.read_text())
    rle = {"size": [100, 100], "counts": [0, 10000]}
    document["annotations"] += [
        {"image_id": 1, "category_id": 3, "iscrowd": 1, "segmentation": rle, "bbox": [0, 0, 9, 9]},
        {"image_id": 9, "category_id": 3, "bbox": [0, 0, 9, 9]},
        {"image_id": 1, "category_id": 9, "bbox": [0, 0, 9, 9]},
        {"image_id": 1, "category_id": 3, "bbox": [], "segmentation": []},
    ]
    path.write_text(json.dumps(document))
    boxes = open_boxes(path)
    scene = make_scene(tmp_path / "scenes")
    assert boxes.dropped(scene) == {"crowd": 1, "no_category": 1, "no_box": 1}
    assert boxes.lost["unknown_image"] == 1


def test_outlines_say_the_area_and_boxes_stay(tmp_path: Path) -> None:
    path = as_coco(tmp_path)
    document = json.loads(path.read_text())
    triangle = [10, 20, 30, 20, 10, 40]
    document["annotations"][0]["segmentation"] = [triangle]
    two_parts = [[50, 60, 60, 60, 60, 70, 50, 70], [70, 60, 80, 60, 80, 70, 70, 70]]
    document["annotations"][1]["segmentation"] = two_parts
    path.write_text(json.dumps(document))
    found = open_boxes(path).objects(make_scene(tmp_path / "scenes"))
    assert written(found) == [("ship", SHIP), ("plane", PLANE)]
    assert found.areas.tolist() == [200, 200]


def test_an_outline_that_crosses_itself_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "P1.csv"
    path.write_text('label,geometry\nship,"POLYGON ((10 10, 30 30, 30 10, 10 30, 10 10))"\n')
    found = open_boxes(path).objects(make_scene(tmp_path / "scenes"))
    assert found.areas.tolist() == [200]


@pytest.mark.parametrize("seed", range(5))
def test_run_lengths_say_the_box_and_area_of_the_mask(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.zeros((31, 47), bool)
    mask[5:29, 7:40] = rng.random((24, 33)) < 0.3
    mask[:, 20] = seed % 2
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    if counts[-1] == 0:
        counts.pop()
    ys, xs = np.nonzero(mask)
    expected = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1), mask.sum()
    for form in (counts, packed_text(counts)):
        assert rle_extent({"size": [31, 47], "counts": form}) == expected


def test_run_lengths_as_pycocotools_packs_them() -> None:
    # pycocotools.mask.encode of a 4 x 4 mask whose middle 2 x 2 is set: counts 5 2 2 2 5
    assert packed_text([5, 2, 2, 2, 5]) == "52203"
    assert rle_extent({"size": [4, 4], "counts": "52203"}) == ((1, 1, 3, 3), 4)
    assert rle_extent({"size": [4, 4], "counts": [16]}) is None
    with pytest.raises(ValueError, match="add up"):
        rle_extent({"size": [4, 4], "counts": "5220"})
    with pytest.raises(ValueError, match="damaged"):
        rle_extent({"size": [4, 4], "counts": "5220o"})


def packed_text(counts: list[int]) -> str:
    """The text form, by maskApi.c's description."""
    text = ""
    for at, count in enumerate(counts):
        value = count - counts[at - 2] if at > 2 else count
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != -1 if bits & 0x10 else value != 0
            text += chr((bits | 0x20 if more else bits) + 48)
    return text


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", '{"images": [\n{"id": }]}', "line 2"),
        ("a.json", "[" * 100_000, "nested|damaged"),
        ("a.json", '[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', "no COCO file"),
        ("a.xml", "<annotation>\n<object>\n</annotation>", "a.xml:3: damaged XML"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]>\n<annotation>&b;</annotation>', "DOCTYPE"),
        ("a.csv", "image_path,xmin,ymin,xmax,ymax,label\nP1,1,2,x,4,a\n", "a.csv:2"),
        ("a.csv", "image_path,xmin,ymin,xmax,ymax,label\nP1,1,2\n", "a.csv:2"),
        ("a.csv", "image_path,label,geometry\nP1,a,POLYGON ((1 2\n", "a.csv:2"),
        ("a.csv", "image_path,xmin,ymin,xmax,ymax\nP1,1,2,3,4\n", "no field names the category"),
        ("a.csv", "image_path,xmin,ymin,xmax,ymax,label\nP1,1,2,3,4,7\n", "--category-map"),
        ("P1.txt", "1 2 3 4 5 6 7 8 ship 0\n1 2 3 4 five 6 7 8 ship 0\n", "P1.txt:2"),
        ("P1.txt", "0 0.5 0.5 0.1 0.1\n", "class 0 has no name"),
        ("P1.txt", "1,2,3,4,1,4,0,0\n1,2,3,4,1,99,0,0\n", "P1.txt:2"),
        ("P1.txt", "hello world\n", "no annotations of a known format"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [{]}', "GDAL|damaged"),
    ],
)
def test_a_damaged_file_is_named_with_its_place(
    tmp_path: Path, name: str, text: str, says: str
) -> None:
    (tmp_path / name).write_text(text)
    scene = make_scene(tmp_path / "scenes")
    with pytest.raises(BadInput, match=says):
        open_boxes(tmp_path / name).objects(scene)


PIECES = [
    b"", b'"', b"{", b"}", b"[", b"]", b"<", b">", b",", b"nan", b"1e400", b"-1", b"\0", b"\xff",
    b"null", b"9" * 30, b"\n", b"\r", b"POLYGON", b"[]",
]  # fmt: skip


@pytest.mark.parametrize("write", [*FORMATS, as_visdrone, as_xview])
def test_damaged_bytes_are_read_or_named_and_never_a_crash(
    tmp_path: Path, write: Callable[[Path], Path]
) -> None:
    rng = random.Random(write.__name__)
    scene = make_scene(tmp_path / "scenes")
    path = write(tmp_path)
    whole = path.read_bytes()
    named = 0
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 1, 3])):
            at = rng.randrange(len(data))
            data[at : at + rng.choice([0, 1, 8])] = rng.choice(PIECES)
        path.write_bytes(data)
        try:
            rows_of(open_boxes(path), scene, 50)
        except BadInput as error:
            named += 1
            assert path.name in str(error) or "category" in str(error)
    assert named > 0


def test_images_are_found_by_name_and_folder(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(
        "image_path,xmin,ymin,xmax,ymax,label\n"
        "train/P1.tif,1,1,9,9,ship\nval\\P1.png,1,1,9,9,plane\nb.c.tif,1,1,9,9,bus\n"
    )
    boxes = open_boxes(path)
    assert boxes.objects(make_scene(tmp_path / "train/images")).names == ("ship",)
    assert boxes.objects(make_scene(tmp_path / "val")).names == ("plane",)
    assert boxes.objects(make_scene(tmp_path, "b.c.tif")).names == ("bus",)
    assert boxes.objects(make_scene(tmp_path, "b.tif")) is None
    other = make_scene(tmp_path / "test", "P1.jp2.tif")
    assert boxes.objects(other) is None
    path.write_text(path.read_text().replace("train/P1.tif", "a/P1.png").replace("val\\", "b/"))
    with pytest.raises(BadInput, match=r"a/P1\.png.*b/P1\.png"):
        open_boxes(path).objects(make_scene(tmp_path / "test"))


def test_an_image_that_two_files_annotate_is_refused(tmp_path: Path) -> None:
    as_voc(tmp_path)
    (tmp_path / "P1.csv").write_text("xmin,ymin,xmax,ymax,label\n1,2,8,9,ship\n")
    with pytest.raises(BadInput, match="would count twice"):
        open_boxes(tmp_path).objects(make_scene(tmp_path / "scenes"))


def test_a_damaged_file_of_a_folder_costs_its_image_alone(tmp_path: Path) -> None:
    as_voc(tmp_path)
    (tmp_path / "P2.xml").write_text("<annotation>")
    boxes = open_boxes(tmp_path)
    one, two = (make_scene(tmp_path / "scenes", f"P{n}.tif") for n in (1, 2))
    with pytest.raises(BadInput, match=r"P2\.xml:1"):
        boxes.objects(two)
    assert len(boxes.objects(one).codes) == 2


def test_tiles_beyond_a_layer_are_not_said_to_be_empty(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scenes")
    facts = rows_of(open_boxes(as_vectors(tmp_path), keep_empty=1.0), scene, 20)
    # the layer reaches from (10, 20) to (80, 70)
    centres = [(x + 10, y + 10) for y in range(0, SIDE, 20) for x in range(0, SIDE, 20)]
    for fact, (x, y) in zip(facts, centres, strict=True):
        assert (fact == "not_annotated") == (not (10 <= x <= 80 and 20 <= y <= 70)), (x, y)


def test_a_layer_named_as_the_scene_speaks_of_all_of_it(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scenes")
    as_vectors(tmp_path).rename(tmp_path / "P1.gpkg")
    facts = rows_of(open_boxes(tmp_path / "P1.gpkg"), scene, 20)
    assert "not_annotated" not in facts
    (tmp_path / "P1.gpkg").unlink()
    (tmp_path / "P1.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    boxes = open_boxes(tmp_path / "P1.geojson", all_are="building")
    assert set(rows_of(boxes, scene, 20)) == {"no_objects"}


def test_empty_tiles_are_kept_by_share_and_seed(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scenes")
    path = as_edges(tmp_path)

    def kept(share: float, seed: int = 0) -> list[bool]:
        facts = rows_of(open_boxes(path, keep_empty=share, seed=seed), scene, 4)
        assert all(fact.looked for fact in facts if isinstance(fact, Facts))
        return [isinstance(fact, Facts) and not fact.objects for fact in facts]

    assert not any(kept(0))
    half = kept(0.5)
    assert 0.4 < sum(half) / sum(kept(1)) < 0.6
    assert half == kept(0.5) != kept(0.5, seed=1)


def test_options_that_cannot_be_are_refused(tmp_path: Path) -> None:
    path = as_edges(tmp_path)
    for wrong in ({"min_visible": 2.0}, {"keep_empty": -1.0}, {"category": "a", "all_are": "b"}):
        with pytest.raises(UsageError):
            open_boxes(path, **wrong)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="no such file"):
        open_boxes(tmp_path / "none")


def test_a_field_that_says_yes_is_the_category(tmp_path: Path) -> None:
    pyogrio.raw.write(
        tmp_path / "osm.gpkg",
        shapely.to_wkb(np.array([shapely.box(10.1, 49.1, 10.3, 49.3)] * 3)),
        [np.array(["yes", "", "church"], object)],
        ["building"],
        geometry_type="Polygon",
        crs="EPSG:4326",
    )
    boxes = open_boxes(tmp_path / "osm.gpkg", category="building")
    scene = make_scene(tmp_path / "scenes")
    found = boxes.objects(scene)
    assert [found.names[code] for code in found.codes] == ["building", "church"]
    assert boxes.dropped(scene) == {"no_category": 1}


def test_a_layer_is_laid_over_scenes_across_the_dateline(tmp_path: Path) -> None:
    shapes = [shapely.box(179.2, -0.4, 179.4, -0.2), shapely.box(-179.8, -0.4, -179.6, -0.2)]
    pyogrio.raw.write(
        tmp_path / "ships.gpkg",
        shapely.to_wkb(np.array(shapes)),
        [np.array(["ship", "plane"], object)],
        ["category"],
        geometry_type="Polygon",
        crs="EPSG:4326",
    )
    scene = make_scene(tmp_path / "scenes", origin=(179.0, 0.0), pixel=0.02)
    found = open_boxes(tmp_path / "ships.gpkg").objects(scene)
    expected = [("ship", (10, 10, 20, 20)), ("plane", (60, 10, 70, 20))]
    assert [(name, tuple(np.round(box).tolist())) for name, box in written(found)] == expected


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_annotations_of_the_file_follow_a_view_of_it(tmp_path: Path) -> None:
    """Pixels of the file -> place -> pixels of the scene, at half the resolution and in UTM."""
    path = as_edges(tmp_path)
    scene = make_scene(tmp_path / "scenes", crs="EPSG:32632", origin=(500000, 5500000), pixel=10)
    half = make_scene(
        tmp_path / "views", crs="EPSG:32632", transform=Affine(20, 0, 500000, 0, -20, 5500000)
    )
    placing = Placing("affine", scene.place.crs, scene.place.transform)
    assert grid_of_file(scene).to_scene is None
    viewed = replace(half, file=FileShape(SIDE, SIDE, placing))
    found = open_boxes(path).objects(viewed)
    expected = [tuple(edge / 2 for edge in box) for box in (SHIP, PLANE)]
    assert [box for _, box in written(found)] == expected
    assert np.allclose(found.areas, [100, 75])
    plain = make_scene(tmp_path / "plain", crs=None)
    scaled = grid_of_file(replace(plain, file=FileShape(200, 50, None)))
    assert scaled.to_scene is not None
    assert scaled.to_scene(np.array([10.0]), np.array([10.0])) == (5.0, 20.0)


def test_pixels_of_the_file_are_not_taken_for_those_of_a_view(tmp_path: Path) -> None:
    """Seen twice as fine, they lie in the right place."""
    path = as_edges(tmp_path)
    made = {"crs": "EPSG:32632", "origin": (500000, 5500000), "pixel": 10}
    make_scene(tmp_path / "scenes", **made)
    viewed = open_scene(str(tmp_path / "scenes/P1.tif"), View(gsd_m=5.0), name="P1.tif")
    found = open_boxes(path).objects(viewed)
    gsd = viewed.place.transform.a
    expected = [tuple(edge * 10 / gsd for edge in box) for box in (SHIP, PLANE)]
    assert np.allclose([box for _, box in written(found)], expected)
    assert found.boxes.max() > 150


def test_oriented_boxes_of_dior_and_rolabelimg(tmp_path: Path) -> None:
    corners = "".join(
        f"<{axis}_{at}>{value}</{axis}_{at}>"
        for at, (x, y) in zip(
            ("left_top", "right_top", "right_bottom", "left_bottom"),
            ((50, 40), (60, 50), (50, 60), (40, 50)),
            strict=True,
        )
        for axis, value in (("x", x), ("y", y))
    )
    turned = "<cx>50</cx><cy>50</cy><w>40</w><h>20</h><angle>1.5707963267948966</angle>"
    (tmp_path / "P1.xml").write_text(
        f"<annotation><object><name>storagetank</name><robndbox>{corners}</robndbox></object>"
        f"<object><name>ship</name><robndbox>{turned}</robndbox></object></annotation>"
    )
    found = open_boxes(tmp_path / "P1.xml").objects(make_scene(tmp_path / "scenes"))
    assert written(found) == [("storage tank", (40, 40, 60, 60)), ("ship", (40, 30, 60, 70))]
    assert np.allclose(found.areas, [200, 800])


def test_objects_of_other_pixels_keep_their_stated_area() -> None:
    drawing = Drawing()
    drawing.add("ship", box=(0, 0, 10, 10), area=50)
    drawn = drawing.done(Categories(), min_score=0, where="here")
    grid = FileGrid(20, 20, lambda x, y: (x * 2, y * 3))
    objects, _ = to_objects(drawn, grid, width=40, height=60, min_side_px=0)
    assert objects.boxes.tolist() == [[0, 0, 20, 30]]
    assert objects.areas.tolist() == [300]
