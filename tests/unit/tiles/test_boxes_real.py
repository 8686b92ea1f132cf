"""Every object of the real annotations is there, in its place."""

from __future__ import annotations

import csv
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import shapely

from domainclip.extractors.tiles.labels.boxes import open_boxes
from domainclip.extractors.tiles.reading.scenes import open_scene
from tests.data.make_rasters import scene_values, write_scene

REAL = [
    ("deepforest/OSBS_029.tif", "deepforest/OSBS_029.csv"),
    ("deepforest/2019_BLAN_3_751000_4330000_image_crop.jpg",
     "deepforest/2019_BLAN_3_751000_4330000_image_crop_bbox.csv"),
    ("deepforest/2019_BLAN_3_751000_4330000_image_crop.jpg",
     "deepforest/2019_BLAN_3_751000_4330000_image_crop_polygon.csv"),
]  # fmt: skip


@pytest.mark.parametrize(("image", "table"), REAL)
def test_every_line_of_a_real_table_is_an_object(shared_data: Path, image: str, table: str) -> None:
    root = shared_data / "tiles"
    boxes = open_boxes(root / table)
    scene = open_scene(str(root / image))
    with (root / table).open() as file:
        lines = list(csv.DictReader(file))
    found = boxes.objects(scene)
    assert not boxes.dropped(scene)
    assert [found.names[code] for code in found.codes] == [line["label"].lower() for line in lines]
    if "xmin" in lines[0]:
        edges = [[float(line[e]) for e in ("xmin", "ymin", "xmax", "ymax")] for line in lines]
        assert np.array_equal(found.boxes, edges)


@pytest.mark.parametrize(
    "name", ["OSBS_029.xml", "SOAP_061.xml", "2019_YELL_2_541000_4977000_image_crop.xml"]
)
def test_every_object_of_a_real_voc_file_is_there(shared_data: Path, name: str) -> None:
    root = shared_data / "tiles/deepforest"
    document = ElementTree.parse(root / name).getroot()
    scene = open_scene(str(root / str(document.findtext("filename"))))
    found = open_boxes(root / name).objects(scene)
    entries = document.findall("object")
    assert [found.names[code] for code in found.codes] == [
        str(entry.findtext("name")).lower() for entry in entries
    ]
    edges = [
        [float(edge.text or "") for edge in list(entry.find("bndbox") or [])] for entry in entries
    ]
    assert np.array_equal(found.boxes, edges)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_solaris_outlines_in_pixels_are_its_map_outlines(shared_data: Path, tmp_path: Path) -> None:
    root = shared_data / "tiles/solaris"
    scene = open_scene(str(root / "sample_geotiff.tif"))
    boxes = open_boxes(root / "geotiff_labels.geojson", category="building")
    found = boxes.objects(scene)
    _, _, blobs, _ = pyogrio.raw.read(root / "geotiff_labels.geojson", columns=[])
    shapes = shapely.from_wkb(blobs)
    assert len(found.codes) == len(shapes) == 43
    assert np.allclose(found.areas, shapely.area(shapes) / 0.25)
    # the csv has the outlines of an image of that name, in pixels
    name = "Atlanta_nadir10_catid_1030010003CAF100_740801_3728289.tif"
    plain = open_scene(str(write_scene(tmp_path / name, scene_values(900, 900), crs=None)))
    pixels = open_boxes(root / "sample.csv", all_are="building")
    with (root / "sample.csv").open() as file:
        outlines = [shapely.from_wkt(line["PolygonWKT_Pix"]) for line in csv.DictReader(file)]
    there = [shape for shape in outlines if not shape.is_empty]
    assert np.allclose(pixels.objects(plain).areas, [shape.area for shape in there])
    outlines_in_pixels = open_scene(
        str(write_scene(tmp_path / "gdf_from_mask_1.tif", scene_values(900, 900), crs=None))
    )
    found = open_boxes(root / "gdf_from_mask_1.geojson", all_are="building", crs="pixels").objects(
        outlines_in_pixels
    )
    assert len(found.codes) == 43
