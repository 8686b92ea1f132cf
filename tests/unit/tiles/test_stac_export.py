"""Pairs as a static STAC catalogue, read back by pystac and checked against the standard."""

from __future__ import annotations

import json
from pathlib import Path

import pystac
import pytest
import rasterio
import shapely
from affine import Affine
from pystac.validation import validate_dict

from domainclip.errors import BadInput, OutputInUse
from domainclip.extractors.tiles.records import Listed
from domainclip.extractors.tiles.stac.items import scenes_of_stac
from domainclip.pairs.formats import stac
from tests.data.make_pairs import make_pair
from tests.data.placed_pairs import placed_pair, placed_pairs


def read(out: Path) -> tuple[pystac.Collection, list[pystac.Item]]:
    collection = pystac.Collection.from_file(str(out / "collection.json"))
    return collection, list(collection.get_items(recursive=True))


def test_pystac_reads_every_tile_with_its_place_and_image(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", *(placed_pair(number) for number in range(5)))
    report = stac.write(pairs, tmp_path / "out")
    _, items = read(tmp_path / "out")
    assert (report.pairs, len(items)) == (5, 5)
    assert report.files == sum(path.is_file() for path in (tmp_path / "out").rglob("*"))
    for pair, item in zip(pairs, items, strict=True):
        image = Path(item.assets["image"].get_absolute_href())
        assert image.read_bytes() == pair.image
        assert item.assets["image"].media_type == "image/png"
        assert item.properties["domainclip:key"] == pair.key
        assert item.properties["domainclip:labels"] == list(pair.labels)
        assert item.properties["proj:code"] == "EPSG:32618"
        assert item.properties["proj:transform"] == pair.where["transform"]
        assert item.properties["proj:shape"] == [224, 224]
        assert item.properties["eo:cloud_cover"] == 12.5
        assert item.properties["gsd"] == 10.0
        assert item.properties["datetime"] == "2019-07-14T10:32:11Z"
        assert item.bbox == list(shapely.geometry.shape(item.geometry).bounds)
        assert item.collection_id == "out"


def test_every_file_is_valid_stac(tmp_path: Path) -> None:
    across = Affine(0.01, 0, 179, 0, -0.01, 10)
    pairs = placed_pairs(
        tmp_path / "pairs",
        placed_pair(0),
        placed_pair(1, acquired="2019-07"),
        placed_pair(2, crs="EPSG:4326", transform=across, gsd_m=None, cloud_percent=None),
    )
    stac.write(pairs, tmp_path / "out")
    files = sorted((tmp_path / "out").rglob("*.json"))
    kinds = []
    for path in files:
        value = json.loads(path.read_text())
        kinds.append(value["type"])
        # the schemas of the standard itself come with pystac; those of extensions do not
        assert validate_dict(value, extensions=[])
    assert sorted(kinds) == ["Catalog", "Collection", "Feature", "Feature", "Feature"]


def test_a_footprint_across_the_antimeridian_has_a_box_that_crosses_it(tmp_path: Path) -> None:
    across = Affine(0.01, 0, 179, 0, -0.01, 10)
    pair = placed_pair(0, crs="EPSG:4326", transform=across)
    stac.write(placed_pairs(tmp_path / "pairs", pair), tmp_path / "out")
    _, (item,) = read(tmp_path / "out")
    assert item.geometry["type"] == "MultiPolygon"
    assert item.bbox == pytest.approx([179, 7.76, -178.76, 10])


@pytest.mark.parametrize(
    ("acquired", "times"),
    [
        ("2019-07-14T10:32:11Z", ("2019-07-14T10:32:11Z", None, None)),
        ("2019-07-14T10:32:11.5+02:00", ("2019-07-14T08:32:11.500000Z", None, None)),
        ("2019-07-14T10:32:11", ("2019-07-14T10:32:11Z", None, None)),
        ("2019-07-14", (None, "2019-07-14T00:00:00Z", "2019-07-14T23:59:59Z")),
        ("2020-02", (None, "2020-02-01T00:00:00Z", "2020-02-29T23:59:59Z")),
        ("2020", (None, "2020-01-01T00:00:00Z", "2020-12-31T23:59:59Z")),
    ],
)
def test_a_time_is_as_exact_as_it_is_known(tmp_path: Path, acquired: str, times) -> None:
    pairs = placed_pairs(tmp_path / "pairs", placed_pair(0, acquired=acquired))
    stac.write(pairs, tmp_path / "out")
    collection, (item,) = read(tmp_path / "out")
    names = ("datetime", "start_datetime", "end_datetime")
    assert tuple(item.properties.get(name) for name in names) == times
    interval = json.loads((tmp_path / "out" / "collection.json").read_text())["extent"]["temporal"]
    assert interval["interval"] == [[times[0] or times[1], times[0] or times[2]]]
    assert collection.extent.temporal.intervals[0][0] is not None


def test_no_time_is_made_up(tmp_path: Path) -> None:
    timeless = [placed_pair(1, acquired=None), placed_pair(2, acquired="last summer"),
                placed_pair(3, acquired="9999-12-31T23:59:59-23:00")]  # fmt: skip
    pairs = placed_pairs(tmp_path / "pairs", placed_pair(0), *timeless, make_pair(4))
    report = stac.write(pairs, tmp_path / "out")
    assert report.pairs == 1
    assert any("3 pairs have no time of acquisition" in sentence for sentence in report.lost)
    assert any("1 pairs have no place" in sentence for sentence in report.lost)
    with pytest.raises(BadInput, match="no pair says when"):
        stac.write(placed_pairs(tmp_path / "timeless", *timeless), tmp_path / "none")
    assert not (tmp_path / "none").exists()
    with pytest.raises(OutputInUse):
        stac.write(pairs, tmp_path / "out")


def test_folders_hold_no_more_than_their_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stac, "FOLDER_ITEMS", 4)
    pairs = placed_pairs(tmp_path / "pairs", *(placed_pair(number) for number in range(10)))
    stac.write(pairs, tmp_path / "out")
    folders = sorted(path for path in (tmp_path / "out").iterdir() if path.is_dir())
    assert [len(list(folder.glob("*.png"))) for folder in folders] == [4, 4, 2]
    assert len(read(tmp_path / "out")[1]) == 10


def test_no_key_leaves_the_catalogue_or_meets_another(tmp_path: Path) -> None:
    keys = ["../../etc/passwd", "catalog", "a b#?%", "a b?#%", "é" * 300, "Case", ".hidden"]
    pairs = placed_pairs(
        tmp_path / "pairs", *(placed_pair(n, key=key) for n, key in enumerate(keys))
    )
    stac.write(pairs, tmp_path / "out")
    _, items = read(tmp_path / "out")
    assert [item.properties["domainclip:key"] for item in items] == keys
    assert len({item.id for item in items}) == len(keys)
    for item in items:
        assert Path(item.assets["image"].get_absolute_href()).parent == tmp_path / "out" / "00000"


def test_licences_are_spdx_or_other_and_the_words_are_kept(tmp_path: Path) -> None:
    odd = placed_pair(1, acquired="2019")
    pairs = placed_pairs(
        tmp_path / "pairs", placed_pair(0), make_pair(1, where=odd.where, license="by NASA (2004)")
    )
    stac.write(pairs, tmp_path / "out")
    collection, (first, second) = read(tmp_path / "out")
    assert collection.license == "other"
    assert first.properties["license"] == "CC-BY-4.0"
    assert second.properties["license"] == "other"
    assert second.properties["domainclip:license"] == "by NASA (2004)"


def test_a_crs_without_a_code_is_written_out(tmp_path: Path) -> None:
    laea = "+proj=laea +lat_0=50 +lon_0=10 +ellps=GRS80 +units=m"
    pair = placed_pair(0, crs=laea, transform=Affine(10, 0, 0, 0, -10, 0))
    stac.write(placed_pairs(tmp_path / "pairs", pair), tmp_path / "out")
    _, (item,) = read(tmp_path / "out")
    assert item.properties["proj:code"] is None
    assert item.properties["proj:wkt2"].startswith("PROJCRS[")


def test_the_same_pairs_give_the_same_files(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", *(placed_pair(number) for number in range(3)))
    for folder in ("a", "b"):
        stac.write(pairs, tmp_path / folder / "out")
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) == 8
    for path in files:
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_what_was_exported_comes_in_again_at_its_place(tmp_path: Path) -> None:
    pairs = placed_pairs(tmp_path / "pairs", *(placed_pair(number) for number in range(3)))
    stac.write(pairs, tmp_path / "out")
    scenes = list(scenes_of_stac(str(tmp_path / "out" / "collection.json")))
    assert len(scenes) == 3
    for pair, scene in zip(pairs, scenes, strict=True):
        assert isinstance(scene, Listed)
        assert scene.facts.acquired == pair.where["acquired"]
        assert scene.facts.cloud_percent == pair.where["cloud_percent"]
        assert scene.facts.gsd_m == pair.where["gsd_m"]
        assert scene.facts.license == pair.license
        with rasterio.open(scene.path) as dataset:
            assert dataset.crs == pair.where["crs"]
            assert list(dataset.transform)[:6] == pair.where["transform"]
