"""Categories of data sets as nouns, and folders as classes."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from domainclip.errors import BadInput, UsageError
from domainclip.extractors.tiles import Tiles
from domainclip.extractors.tiles.labels import csv_lines
from domainclip.extractors.tiles.labels.boxes.categories import (
    XVIEW_TYPES,
    Categories,
    cleaned,
    read_category_map,
)
from domainclip.extractors.tiles.labels.class_names import names_of
from domainclip.extractors.tiles.labels.class_tables import open_class_table
from domainclip.extractors.tiles.labels.folders import class_of_folder, open_folders
from domainclip.extractors.tiles.labels.masks.tables import read_mask_table
from domainclip.extractors.tiles.reading.scenes import open_scene
from domainclip.extractors.tiles.records import Facts
from domainclip.pairs import Pair
from tests.data.make_rasters import scene_values, write_scene

SAID = {
    "small-vehicle": "small vehicle", "Small_Vehicle": "small vehicle",
    "smallvehicle": "small vehicle", "small vehicles": "small vehicle",
    "Expressway-Service-area": "expressway service area", "golffield": "golf course",
    "groundtrackfield": "ground track field", "windmill": "wind turbine", "Tree": "tree",
    "buses": "bus", "bus": "bus", "aircraft": "aircraft", "aircrafts": "aircraft",
    "glass": "glass", "glasses": "glass", "gas": "gas", "planes": "plane", "people": "person",
    "harbor": "harbor", "harbors": "harbor", "storage-tanks": "storage tank", "leaves": "leaf",
    "crossroads": "crossroads", "StorageTank": "storage tank", "A220": "A220", "SUV": "SUV",
    "Boeing737": "Boeing737", "BUILDING": "building", "Truck w/Box": "box truck",
    "Hut/Tent": "hut or tent", "St. Peter's": "st peter's", "Straße": "straße", "campus": "campus",
    "oasis": "oasis", "sheep": "sheep", "ferries": "ferry",
}  # fmt: skip


@pytest.mark.parametrize(("raw", "noun"), SAID.items())
def test_names_are_said_in_the_singular(raw: str, noun: str) -> None:
    assert cleaned(raw) == noun


def test_known_names_and_what_was_said_stay() -> None:
    for noun in (*SAID.values(), *XVIEW_TYPES.values()):
        assert cleaned(noun) == noun, noun


def test_a_map_renames_and_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("from,to\n0,tree\nsmall vehicle,car\nLarge,\n")
    categories = Categories(read_category_map(path))
    raws = ("0", "Small_Vehicle", "Large", "ships")
    assert [categories.of(raw, "here") for raw in raws] == ["tree", "car", None, "ship"]
    with pytest.raises(BadInput, match="'7' has no name"):
        categories.of("7", "here")
    for text, says in (("a,b\n", "columns from and to"), ("from,to\na,b\na,c\n", "twice")):
        path.write_text(text)
        with pytest.raises(BadInput, match=says):
            read_category_map(path)


def test_a_table_with_a_cell_beyond_the_limit_is_no_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"from,to,label,geometry,value,name\na,b,farm,x,1,{'n' * 99}\n")
    before = csv.field_size_limit()
    monkeypatch.setattr(csv_lines, "LONGEST", 90)
    for read in (
        read_category_map,
        lambda path: open_class_table(path, None),
        lambda path: names_of("c.tif", None, str(path)),
        lambda path: read_mask_table(path, Categories()),
    ):
        with pytest.raises(BadInput, match=r"t\.csv: the .* cannot be read \(field larger"):
            read(path)
    assert csv.field_size_limit() == before


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("AnnualCrop", "annual crop"),
        ("SeaLake", "sea lake"),
        ("Forest", "forest"),
        ("tennis_court", "tennis court"),
        ("dense-residential", "dense residential"),
        ("aGrass", "aGrass"),
        ("dRiverLake", "dRiverLake"),
        ("LCZ 3", "LCZ 3"),
    ],
)
def test_folders_are_said_as_classes(folder: str, name: str) -> None:
    assert class_of_folder(folder) == name


def test_tiles_are_of_the_class_of_their_folder(tmp_path: Path) -> None:
    path = tmp_path / "AnnualCrop" / "train" / "a.tif"
    path.parent.mkdir(parents=True)
    scene = open_scene(str(write_scene(path, scene_values(20, 20))))
    columns = np.array([0, 10])
    found = open_folders(level=2).of_row(scene, 0, columns, 10)
    gsds = scene.place.gsd_m(columns, 0, 10)
    assert found == [Facts(10, gsd, label="annual crop") for gsd in gsds]
    (tmp_path / "map.csv").write_text("from,to\ntrain,\nAnnualCrop,cropland\n")
    renamed = {"class_map": tmp_path / "map.csv"}
    assert open_folders(**renamed).of_row(scene, 0, columns, 10) == ["no_class"] * 2
    assert open_folders(level=2, **renamed).label(scene) == "cropland"
    assert open_folders(level=99).of_row(scene, 0, columns, 10) == ["no_class"] * 2
    with pytest.raises(UsageError):
        open_folders(level=0)


def test_a_class_by_itself_is_said_in_the_words_of_captions(tmp_path: Path) -> None:
    for folder, words in (
        ("aGrass", "grassland"),
        ("AnnualCrop", "annual cropland"),
        ("port", "port"),
    ):
        path = tmp_path / folder / "a.tif"
        path.parent.mkdir()
        write_scene(path, scene_values(20, 20))
        tiles = Tiles(classes="folders", whole=True)
        (pair,) = (each for one in tiles.sources(str(path)) for each in tiles.pairs(one))
        assert isinstance(pair, Pair)
        assert pair.labels == (class_of_folder(folder),)
        *captions, label = pair.texts
        assert (label.role, label.text) == ("label", words)
        assert any(words in one.text.lower() for one in captions)


def test_the_seven_classes_of_rsscn7(shared_data: Path) -> None:
    root = shared_data / "tiles/rsscn7"
    folders = open_folders()
    counts: dict[str, int] = {}
    for path in sorted(root.glob("*/*.jpg")):
        label = folders.label(open_scene(str(path)))
        assert label == path.parent.name
        counts[label] = counts.get(label, 0) + 1
    assert len(counts) == 7
