"""Leakage: what two splits share is found and counted, and splits that share nothing pass."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from domainclip.commands._pairs_leakage import add_leakage_arguments
from domainclip.commands._pairs_leakage import leakage as command
from domainclip.errors import BadInput, UsageError
from domainclip.pairs import Pairs, plan_splits
from domainclip.pairs._footprints import read_footprints
from domainclip.pairs._ground import Ground
from domainclip.pairs._leak_nearest import nearest_rows
from domainclip.pairs.leakage import leakage
from tests.data.make_pairs import make_pair, write_pairs

RNG = np.random.default_rng(0)
HASHES = [int(h) for h in RNG.integers(1 << 62, 1 << 63, 200, dtype=np.uint64)]


def _pairs(path: Path, rows: list[dict[str, Any]]) -> Pairs:
    """Pairs that share nothing but what the rows say."""
    own = [
        {"key": f"k{n}", "group": f"g{n}", "document": f"d{n}", "text": f"text {n}", "where": {},
         "phash": HASHES[n], "sha256": f"{n:064x}"} | row
        for n, row in enumerate(rows)
    ]  # fmt: skip
    return write_pairs(path, [make_pair(n, **row) for n, row in enumerate(own)])


def _box(west: float, south: float, side: float = 0.01, **more: Any) -> dict[str, Any]:
    return {"crs": "EPSG:4326", "bounds": [west, south, west + side, south + side], **more}


def test_splits_that_share_nothing_are_clean_without_any_place(tmp_path: Path) -> None:
    report = leakage(_pairs(tmp_path, [{"split": s} for s in ("train", "train", "test", "")]))
    (one,) = report.splits
    assert report.clean
    assert (one.reference, one.against, one.pairs, one.placed) == ("train", "test", (2, 1), (0, 0))
    assert one.distance_m is None
    assert one.leaks == ()
    assert one.groups.rows == one.documents.rows == one.texts.rows == one.copies.rows == 0


def test_every_kind_of_sharing_is_counted_with_an_example(tmp_path: Path) -> None:
    rows = [
        {"split": "train", "group": "a", "document": "scene", "text": "Some  Text"},
        {"split": "train", "sha256": "f" * 64, "phash": HASHES[0]},
        {"split": "train", "phash": HASHES[1]},
        {"split": "test", "group": "a"},
        {"split": "test", "group": "a", "document": "scene"},
        {"split": "test", "sha256": "f" * 64, "phash": HASHES[0]},
        {"split": "test", "phash": HASHES[1] ^ 0b1011},
        {"split": "test", "phash": HASHES[1] ^ 0b11111, "text": " some  text "},
        {"split": "", "group": "a", "sha256": "f" * 64},
    ]
    pairs = _pairs(tmp_path, rows)
    (one,) = leakage(pairs).splits
    assert (one.groups.rows, one.groups.example) == (2, ("a",))
    assert one.groups.share == pytest.approx(0.4)
    assert (one.documents.rows, one.documents.example) == (1, ("scene",))
    assert (one.copies.rows, one.copies.example) == (1, ("k1", "k5"))
    # the copy is none of the near ones, and five bits are too many
    assert (one.near_copies.rows, one.near_copies.example) == (1, ("k2", "k6"))
    assert (one.texts.rows, one.texts.example) == (1, ("some  text",))
    assert one.leaks == ("groups", "copies", "near_copies")
    (wider,) = leakage(pairs, distance=5).splits
    assert wider.near_copies.rows == 2
    (none,) = leakage(pairs, distance=2).splits
    assert none.near_copies.rows == 0


def test_empty_names_and_flat_hashes_are_no_sharing(tmp_path: Path) -> None:
    empty = {"group": "", "document": "", "text": "", "phash": 0}
    flat = {"phash": 0b111}
    rows = [{"split": s} | more for s in ("train", "test") for more in (empty, flat)]
    report = leakage(_pairs(tmp_path, rows))
    assert report.clean
    assert report.splits[0].texts.rows == report.splits[0].documents.rows == 0


def test_mirrored_copies_are_found_when_asked_for(tmp_path: Path) -> None:
    from domainclip.images.phash import dihedral

    turned = int(dihedral(np.array([HASHES[0]], dtype=np.uint64))[0, 4])  # transposed: exact
    rows = [{"split": "train", "phash": HASHES[0]}, {"split": "test", "phash": turned}]
    pairs = _pairs(tmp_path, rows)
    assert leakage(pairs).clean
    (one,) = leakage(pairs, rotations=True).splits
    assert one.near_copies.rows == 1


def test_ground_is_compared_across_maps(tmp_path: Path) -> None:
    warp = pytest.importorskip("rasterio.warp")
    (x,), (y,) = warp.transform("EPSG:4326", "EPSG:32633", [12.0], [50.0])
    utm = {"crs": "EPSG:32633", "bounds": [x, y, x + 700, y + 700], "acquired": "2020-05-01T09:00Z"}
    rows = [
        {"split": "train", "where": _box(12.0, 50.0, acquired="2020-05-01")},
        {"split": "train", "where": _box(40.0, 10.0)},
        {"split": "test", "where": utm},
        {"split": "test", "where": _box(30.0, 10.0)},
        {"split": "val", "where": _box(40.02, 10.0, acquired="2020-05-01")},
        {"split": "val"},
    ]
    report = leakage(_pairs(tmp_path, rows))
    by = {(one.reference, one.against): one for one in report.splits}
    assert list(by) == [("train", "val"), ("train", "test"), ("val", "test")]
    test = by["train", "test"]
    assert test.overlapping.rows == 1
    assert test.overlapping.example == ("k0", "k2")
    assert test.distance_m == 0
    assert test.same_place_and_day.rows == 1
    assert test.same_place_and_day.example == ("2020-05-01",)
    # 700 m square of about 0.5 km², and a degree tile of 0.8 km² at the same place
    assert 0.2 < test.covered < 0.35
    assert test.leaks == ("overlapping",)
    val = by["train", "val"]
    assert val.placed == (2, 1)
    assert val.overlapping.rows == 0
    assert val.distance_m == pytest.approx(0.01 * 111_320 * np.cos(np.radians(10)), rel=0.01)
    assert val.nearest == ("k1", "k4")
    assert val.leaks == ()


def _sphere(radius: float) -> str:
    return f'GEOGCS["B",DATUM["D",SPHEROID["S",{radius},0]],PRIMEM["R",0],UNIT["Degree",0.0174533]]'


def test_ground_of_other_planets_is_compared_and_that_of_two_never_meets(tmp_path: Path) -> None:
    pytest.importorskip("rasterio")
    mars, moon = _sphere(3396190.0), _sphere(1737400.0)
    rows = [
        {"split": split, "where": {"crs": crs, "bounds": [west, 0, west + 1, 1]}}
        for split, crs, west in [("train", mars, 0), ("test", mars, 3), ("val", moon, 0)]
    ]
    by = {one.against: one for one in leakage(_pairs(tmp_path, rows), reference=["train"]).splits}
    # two degrees at one degree of latitude
    true = np.radians(2) * 3396190 * np.cos(np.radians(1))
    assert 0.99 * true < (by["test"].distance_m or 0) <= true
    assert (by["val"].placed, by["val"].distance_m, by["val"].overlapping.rows) == ((1, 1), None, 0)


def test_what_was_not_compared_on_the_ground_is_in_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rasterio")
    local = 'LOCAL_CS["site",UNIT["metre",1]]'
    where = {"crs": local, "bounds": [0, 0, 1, 1]}
    rows = [{"split": "train", "where": where}, {"split": "test", "where": where}]
    report = leakage(_pairs(tmp_path, rows))
    assert report.splits[0].placed == (0, 0)
    assert list(report.unplaced) == [local]
    parser = argparse.ArgumentParser()
    add_leakage_arguments(parser)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--json", action="store_true")
    assert command(parser.parse_args([str(tmp_path)])) == 0
    out = capsys.readouterr().out
    assert "Not compared on the ground: where.crs 'site': bound to no planet" in out
    assert "nothing leaks of what was compared (documents, groups, copies)." in out


@pytest.mark.parametrize(("apart", "count"), [(0.0, 40), (3.0, 40), (90.0, 400), (170.0, 400)])
def test_the_nearest_two_are_those_of_all_against_all(apart: float, count: int) -> None:
    rng = np.random.default_rng(count)
    where = []
    for shift in (0.0, apart):
        lon, lat = rng.uniform(-5, 5, count) - 175 + shift, rng.uniform(-80, 80, count)
        where += [_box(x, y, 0.2) for x, y in zip(lon.tolist(), lat.tolist(), strict=True)]
    ground = Ground(read_footprints(where))
    here, there = np.arange(count), np.arange(count, 2 * count)
    found, rows = nearest_rows(ground, here, there)
    slow = ground.gaps(np.repeat(here, count), np.tile(there, count))
    assert found == slow.min()
    assert ground.gaps(np.array(rows[:1]), np.array(rows[1:]))[0] == found


def test_a_split_by_cell_is_clean_where_one_at_random_is_not(tmp_path: Path) -> None:
    rows = [
        {"where": _box(10 + 0.005 * (n % 14), 50 + 0.005 * (n // 14)), "split": "x"}
        for n in range(196)
    ]
    pairs = _pairs(tmp_path, rows)
    fractions = {"train": 0.7, "test": 0.3}
    random = plan_splits(pairs, fractions, by="key")
    cells = plan_splits(pairs, fractions, by="cell", cell_m=2_000, buffer_m=300)
    (bad,) = leakage(pairs.with_splits(random.splits)).splits
    (good,) = leakage(pairs.with_splits(cells.splits)).splits
    assert bad.overlapping.share > 0.9
    assert bad.covered > 0.4
    assert good.overlapping.rows == 0
    assert good.distance_m is not None
    assert good.distance_m > 300


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "a", [{"split": "train"}, {"split": "test"}])
    for options, said in [
        ({"distance": 9}, "from 0 to 8"),
        ({"reference": ["tran"]}, "Did you mean 'train'"),
        ({"reference": ["train"], "against": ["train"]}, "different ones"),
    ]:
        with pytest.raises(UsageError, match=said):
            leakage(pairs, **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="between splits"):
        leakage(_pairs(tmp_path / "b", [{"split": "train"}]))
    bad = {"crs": "EPSG:4326", "bounds": [1, 2]}
    with pytest.raises(BadInput, match="'k1': where"):
        leakage(_pairs(tmp_path / "c", [{"split": "train"}, {"split": "test", "where": bad}]))


def _run(path: Path, *words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--json", action="store_true")
    add_leakage_arguments(parser)
    return command(parser.parse_args([str(path), *words]))


def test_the_command_says_what_leaks_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"split": "train", "where": _box(12.0, 50.0)},
        {"split": "test", "where": _box(12.005, 50.0)},
        {"split": "val", "where": _box(13.0, 50.0)},
    ]
    _pairs(tmp_path, rows)
    assert _run(tmp_path) == 1
    out = capsys.readouterr().out
    assert "test against train: LEAKS, up to 100.0% of its pairs (tiles on ground of both)" in out
    assert "'k0' and 'k1'" in out
    assert "--by cell --cell-m" in " ".join(out.split())
    assert "val against train: nothing leaks, 71 km apart." in out
    assert len(out.splitlines()) < 40
    assert _run(tmp_path, "--reference", "train", "--against", "val") == 0
    capsys.readouterr()
    assert _run(tmp_path, "--json", "--against", "test,val") == 1
    found = json.loads(capsys.readouterr().out)
    assert [one["against"] for one in found["splits"]] == ["test", "val"]
    assert found["splits"][0]["leaks"] == ["overlapping"]
    assert found["splits"][0]["overlapping"]["rows"] == 1
    assert found["clean"] is False
