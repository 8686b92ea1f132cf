"""Data sets as they lie on disk, by name and by path; what cannot be right is said."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from domainclip.data.datasets import named, open_dataset
from domainclip.data.few_shot import draw_shots
from domainclip.data.labelled import LabelledImages, Part, read_image
from domainclip.errors import BadInput, DomainclipError, UnknownName
from domainclip.pairs import Pair, PairWriter


def picture(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (level % 256, 40, 90)).save(path)
    return path


def tree(folder: Path, classes: dict[str, int]) -> Path:
    for number, (name, count) in enumerate(classes.items()):
        for i in range(count):
            picture(folder / name / f"{i:02d}.png", 10 * number + i)
    return folder


def counts(data: LabelledImages) -> list[list[int]]:
    return [
        [Counter(part.labels)[label] for label in range(len(data.classnames))]
        for part in (data.train, data.val, data.test)
    ]


def test_class_folders_are_split_by_a_seed_and_stratified(tmp_path: Path) -> None:
    data = open_dataset(str(tree(tmp_path / "land", {"b": 10, "a": 20})))
    assert (data.name, data.classnames) == ("land", ("a", "b"))
    assert counts(data) == [[10, 5], [4, 2], [6, 3]]
    assert data.note == "no published split: 50/20/30 by seed 1"
    assert open_dataset(str(tmp_path / "land")) == data
    thirds = open_dataset(str(tmp_path / "land"), fractions=(0.8, 0.2))
    assert counts(thirds) == [[16, 8], [0, 0], [4, 2]]


def test_a_train_and_a_test_level_are_the_split(tmp_path: Path) -> None:
    tree(tmp_path / "train", {"a": 3, "b": 2})
    tree(tmp_path / "valid", {"a": 1, "b": 1})
    tree(tmp_path / "test", {"a": 2, "b": 4})
    data = open_dataset(str(tmp_path))
    assert counts(data) == [[3, 2], [1, 1], [2, 4]]
    assert data.note == ""


@pytest.fixture
def eurosat(tmp_path: Path) -> Path:
    """EuroSAT in its published layout, with CoOp's split file, three classes of it."""
    rows: dict[str, list[list[object]]] = {"train": [], "val": [], "test": []}
    names = {"AnnualCrop": "Annual Crop Land", "Forest": "Forest", "River": "River"}
    for label, (folder, name) in enumerate(names.items()):
        for i in range(4):
            path = f"{folder}/{folder}_{i}.png"
            picture(tmp_path / "eurosat" / "2750" / path, label)
            rows[("train", "train", "val", "test")[i]].append([path, label, name])
    rows["train"].reverse()
    (tmp_path / "eurosat" / "split_zhou_EuroSAT.json").write_text(json.dumps(rows))
    return tmp_path


def test_split_zhou_is_read_as_it_is(eurosat: Path) -> None:
    data = open_dataset("eurosat", root=eurosat)
    assert data.classnames == ("Annual Crop Land", "Forest", "River")
    assert data.templates == ("a centered satellite photo of {}.",)
    assert data.train.labels == (2, 2, 1, 1, 0, 0)  # the file's order: draws depend on it
    assert all(Path(str(image)).is_file() for image in data.train.images)
    by_path = open_dataset(str(eurosat / "eurosat" / "split_zhou_EuroSAT.json"))
    assert by_path.train == data.train
    assert by_path.name == "zhou_EuroSAT"
    own = open_dataset("eurosat", root=eurosat, templates=["{}"])
    assert own.templates == ("{}",)


def test_without_its_split_file_a_named_set_is_split_by_folders(eurosat: Path) -> None:
    (eurosat / "eurosat" / "split_zhou_EuroSAT.json").unlink()
    tree(eurosat / "eurosat" / "2750", {"AnnualCrop": 8, "Forest": 8, "River": 8})
    for name in named()["eurosat"].classnames or {}:
        if name not in ("AnnualCrop", "Forest", "River"):
            tree(eurosat / "eurosat" / "2750", {name: 8})
    data = open_dataset("eurosat", root=eurosat)
    assert data.classnames == tuple((named()["eurosat"].classnames or {}).values())
    assert "no published split" in data.note


@pytest.mark.parametrize(
    "name, folder", [("btmri", "BTMRI"), ("lc25000", "LungColon"), ("covid_19", "COVID_19")]
)
def test_biomedical_split_files_name_their_classes(name: str, folder: str, tmp_path: Path) -> None:
    rows = [["glioma_tumor/a.png", 0, "glioma tumor"], ["normal_brain/b.png", 1, "normal brain"]]
    (tmp_path / folder / folder).mkdir(parents=True)
    split = tmp_path / folder / f"split_{folder}.json"
    split.write_text(json.dumps({"train": rows, "val": rows, "test": rows}))
    data = open_dataset(name, root=tmp_path)
    assert data.classnames == ("glioma tumor", "normal brain")
    assert data.train.images[0] == tmp_path / folder / folder / "glioma_tumor/a.png"


def test_named_sets_hold_what_is_published() -> None:
    told = named()
    sizes = {name: len(each.classnames or ()) for name, each in told.items() if each.classnames}
    assert {
        "eurosat": 10,
        "resisc45": 45,
        "aid": 30,
        "ucm": 21,
        "rsscn7": 7,
    }.items() <= sizes.items()
    biomedical = {
        "btmri", "busi", "chmnist", "covid_19", "ctkidney", "dermamnist", "kneexray", "kvasir",
        "lc25000", "octmnist", "retina",
    }  # fmt: skip
    assert biomedical <= set(told)
    for name, each in told.items():
        assert each.about and each.reference and each.folders, name
        assert each.templates and all("{}" in template for template in each.templates), name
        words = list((each.classnames or {}).values())
        assert len(set(words)) == len(words) or name == "medpix_plane"
    assert told["eurosat"].classnames == {
        "AnnualCrop": "Annual Crop Land", "Forest": "Forest",
        "HerbaceousVegetation": "Herbaceous Vegetation Land", "Highway": "Highway or Road",
        "Industrial": "Industrial Buildings", "Pasture": "Pasture Land",
        "PermanentCrop": "Permanent Crop Land", "Residential": "Residential Buildings",
        "River": "River", "SeaLake": "Sea or Lake",
    }  # fmt: skip
    assert len(told["resisc45"].templates) == 18


def test_tables_have_columns_splits_and_groups(tmp_path: Path) -> None:
    lines = ["path,label,split"]
    for i in range(6):
        picture(tmp_path / f"{i}.png", i)
        lines.append(f"{i}.png,{'wet' if i % 2 else 'dry'},{'train' if i < 4 else 'test'}")
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    data = open_dataset(str(tmp_path / "rows.csv"))
    assert (data.classnames, counts(data)) == (("dry", "wet"), [[2, 2], [0, 0], [1, 1]])
    records = [
        {"id": f"{i}", "patient": f"p{i // 2}", "seen": {"plane": "xy"[i // 2 % 2]}}
        for i in range(24)
    ]
    for i in range(24):
        picture(tmp_path / "mine" / "pictures" / f"{i}.png", i)
    (tmp_path / "mine" / "rows.json").write_text(json.dumps(records))
    description = {
        "folders": ["mine"], "table": "rows.json", "image": "pictures/{id}.png",
        "label": "seen.plane", "group": "patient", "classnames": {"x": "axial", "y": "sagittal"},
    }  # fmt: skip
    (tmp_path / "planes.json").write_text(json.dumps(description))
    data = open_dataset(str(tmp_path / "planes.json"))
    assert (data.name, data.classnames) == ("planes", ("axial", "sagittal"))
    patients = [
        {int(Path(str(image)).stem) // 2 for image in part.images}
        for part in (data.train, data.val, data.test)
    ]
    assert sum(map(len, patients)) == len(set.union(*patients)) == 12


@pytest.mark.parametrize(
    "name, folder, classes, images",
    [
        ("rsscn7", "tiles", 7, 210),
        ("chest_xray_sample", "medical", 3, 60),
        ("medpix_modality", "medical", 2, 150),
        ("medpix_plane", "medical", 3, 144),
        ("medpix_location", "medical", 5, 150),
    ],
)
def test_shared_data_are_named_sets(
    shared_data: Path, name: str, folder: str, classes: int, images: int
) -> None:
    data = open_dataset(name, root=shared_data / folder)
    assert len(data.classnames) == classes
    assert sum(map(len, (data.train, data.val, data.test))) == images
    assert all(0 not in split for split in counts(data))


def test_a_pairs_directory_is_a_data_set(tmp_path: Path) -> None:
    content = picture(tmp_path / "one.png").read_bytes()
    with PairWriter(tmp_path / "pairs") as writer:
        for i in range(8):
            writer.write(
                Pair(
                    key=f"k{i}", image=content, width=8, height=8, text="t", labels=("ab"[i % 2],),
                    split=("train", "test")[i // 4],
                )
            )  # fmt: skip
    data = open_dataset(str(tmp_path / "pairs"))
    assert counts(data) == [[2, 2], [0, 0], [2, 2]]
    assert read_image(data.test.images[0]) == content


def test_halves_are_relabelled_in_the_order_of_labels() -> None:
    images = tuple(Path(f"{i}.png") for i in range(5))
    part = Part(images, (4, 3, 2, 1, 0))
    data = LabelledImages("five", tuple("vwxyz"), part, Part(), part)
    base, new = data.half("base"), data.half("new")
    assert (base.classnames, new.classnames) == (("v", "w", "x"), ("y", "z"))
    assert (base.test.labels, new.test.labels) == ((2, 1, 0), (1, 0))
    assert new.test.images == images[:2]
    three = LabelledImages("three", tuple("xyz"), Part(), Part(), Part())
    with pytest.raises(BadInput, match="its new half has one class of 3"):
        three.half("new")


def test_domain_variants_name_classes_of_the_source() -> None:
    data = LabelledImages("five", ("sea_lake", "river", "forest"), Part(), Part(), Part())
    assert data.only(("Forest", "sea lake")) == (2, 0)
    with pytest.raises(BadInput, match=r"no class 'forrest'. Did you mean 'forest'"):
        data.only(("forrest",))


def test_both_samplers_keep_their_recorded_draws() -> None:
    train = [label for label in (0, 1, 2) for _ in range(20)]
    val = [label for label in (2, 0, 1) for _ in range(5)]
    coop = draw_shots(train, val, shots=2, seed=1, sampler="coop")
    tip = draw_shots(train, val, shots=2, seed=1, sampler="tip")
    assert coop.train != tip.train  # the same seed, other images
    # a stream of one's own, in the published order
    stream = Random(1)
    rows = [range(20), range(20, 40), range(40, 60)]
    assert coop.train == tuple(row for mine in rows for row in stream.sample(list(mine), 2))
    stream = Random(1)
    held = [range(5), range(5, 10), range(10, 15)]
    assert tip.val == tuple(row for mine in held for row in stream.sample(list(mine), 2))
    assert tip.train == tuple(row for mine in rows for row in stream.sample(list(mine), 2))
    assert (coop.train, tip.train) == RECORDED


# these draws must never change
RECORDED = ((4, 18, 22, 28, 43, 55), (15, 12, 26, 23, 55, 40))


def test_short_classes_repeat_only_when_asked() -> None:
    train = [0, 0, 0, 0, 1, 1]
    for sampler in ("coop", "tip"):
        drawn = draw_shots(train, [], shots=4, seed=1, sampler=sampler)
        assert sorted(drawn.train) == list(range(6))
        assert drawn.short == ((1, 2),)
        filled = draw_shots(train, [], shots=4, seed=1, sampler=sampler, repeats=True)
        assert len(filled.train) == 8
        assert filled.short == ((1, 2),)
    assert draw_shots(train, [], shots=2, seed=1).short == ()


@pytest.mark.parametrize(
    "split, words",
    [
        ({"train": [["a.png", 0, "x"]], "test": [["b.png", 0, "x"]]}, "1 class"),
        ({"train": [["a.png", 0, "x"], ["b.png", 1, "x"]], "test": []}, "'x' stands for 2 classes"),
        ({"train": [["a.png", 0, "x"], ["b.png", 2, "y"]], "test": []}, "they must be 0 to 1"),
        ({"train": [["a.png", 0, "x"], ["b.png", 0, "y"]], "test": []}, "calls label 0 'y'"),
        ({"train": [["a.png", 0]], "test": []}, "not .path, label, name."),
        ({"train": [["c.png", 0, "x"]], "test": []}, "'c.png' lies neither in"),
        ({"train": []}, "no split file"),
    ],
)
def test_wrong_split_files_are_named(tmp_path: Path, split: object, words: str) -> None:
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    path = tmp_path / "split_x.json"
    path.write_text(json.dumps(split))
    with pytest.raises(BadInput, match=words):
        open_dataset(str(path))


def test_what_is_no_data_set_is_said(tmp_path: Path) -> None:
    part = Part((Path("a.png"),), (7,))
    with pytest.raises(BadInput, match=r"label 7 of .*a.png \(train\) is outside the 2 classes"):
        LabelledImages("x", ("a", "b"), part, Part(), Part())
    with pytest.raises(UnknownName, match="Did you mean 'eurosat'"):
        open_dataset("eurosatt")
    with pytest.raises(BadInput, match=r"holds no folder 'eurosat' or .* by --root"):
        open_dataset("eurosat", root=tmp_path)
    with pytest.raises(BadInput, match="no such file or folder"):
        open_dataset(str(tmp_path / "none"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="neither class folders"):
        open_dataset(str(tmp_path / "empty"))
    tree(tmp_path / "one", {"a": 2, "b": 0})
    (tmp_path / "one" / "b").mkdir()
    with pytest.raises(BadInput, match="a class folder without an image"):
        open_dataset(str(tmp_path / "one"))
    (tmp_path / "rows.csv").write_text("path,lable\na.png,x\n")
    with pytest.raises(BadInput, match=r"'label'. Did you mean 'lable'"):
        open_dataset(str(tmp_path / "rows.csv"))
    (tmp_path / "mine.json").write_text('{"folder": "x"}')
    with pytest.raises(BadInput, match=r"unknown key 'folder'. Did you mean 'folders'"):
        open_dataset(str(tmp_path / "mine.json"))
    with pytest.raises(DomainclipError, match="train, val and test"):
        open_dataset(str(tmp_path / "one"), fractions=(1.0,))
