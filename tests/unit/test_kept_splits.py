"""Splits that pairs have and splits that a recipe makes: which count, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from domainclip._run_data import pairs_of
from domainclip.data.settings import DataSettings, SplitSettings
from domainclip.errors import BadInput
from domainclip.pairs import Pair, plan_splits
from domainclip.pairs.rewrite import apply_splits
from domainclip.recipe import load_recipe
from tests.data.make_pairs import make_pair, write_pairs

HALVES = {"train": 0.5, "test": 0.5}


def _row(count: int, **fields: Any) -> list[Pair]:
    """Tiles of 100 m side by side."""
    return [
        make_pair(
            at,
            **{
                "group": "scene",
                "where": {
                    "bounds": [500_000 + 100 * at, 0, 500_100 + 100 * at, 100],
                    "crs": "EPSG:32633",
                },
            }
            | fields,
        )
        for at in range(count)
    ]


def _split_by(folder: Path, made: Sequence[Pair], split: SplitSettings | None) -> tuple[Any, str]:
    """The splits of the rows, and the line that says where they are from."""
    write_pairs(folder, list(made))
    said: list[str] = []
    pairs, line = pairs_of(DataSettings(pairs=str(folder), split=split), said.append)
    assert said == []
    return pairs.table(["split"]).column("split").to_pylist(), line


def test_without_a_unit_the_splits_of_pairs_are_kept_and_others_split(tmp_path: Path) -> None:
    names = ["test", "", "train", "train", "val", "train"]
    made = [make_pair(at, split=name, group=f"g{at}") for at, name in enumerate(names)]
    asked = SplitSettings(by=None, fractions=HALVES)
    kept, said = _split_by(tmp_path / "a", made, asked)
    assert kept == names
    assert said == (
        "split: test 1, train 3, val 1; kept as the pairs have it, whatever else data.split says "
        "(data.split.by=group, cell, ... splits anew); 1 in no split"
    )
    bare = [make_pair(at, group=f"g{at}", split="") for at in range(6)]
    anew, said = _split_by(tmp_path / "b", bare, asked)
    assert sorted(anew) == ["test"] * 3 + ["train"] * 3
    assert said.startswith("split: train 3, test 3; made anew by group")


def test_a_unit_that_is_named_splits_anew_and_no_split_at_all_keeps(tmp_path: Path) -> None:
    names = ["test", "", "train", "train", "val", "train"]
    made = [make_pair(at, split=name, group=f"g{at}") for at, name in enumerate(names)]
    anew, said = _split_by(tmp_path / "a", made, SplitSettings(by="group", fractions=HALVES))
    assert sorted(anew) == ["test"] * 3 + ["train"] * 3 and "made anew by group" in said
    kept, said = _split_by(tmp_path / "b", made, None)
    assert kept == names and said.endswith("kept as the pairs have it; 1 in no split")


@pytest.mark.parametrize("name", ["captions", "boxes", "class_folders"])
def test_recipes_for_scenes_keep_a_split_unless_told(name: str) -> None:
    recipe = f"remote_sensing/{name}"
    split = load_recipe(recipe, ["data.pairs=x"]).data.split
    assert split is not None and split.by is None
    told = load_recipe(recipe, ["data.pairs=x", "data.split.by=document"]).data.split
    assert told is not None and told.by == "document"


def test_blocks_and_buffers_of_pairs_split_reach_a_run(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", _row(60, split=""))
    plan = plan_splits(pairs, HALVES, by="cell", cell_m=1_000)
    assert plan.buffered
    apply_splits(pairs, plan.splits, tmp_path / "split", units=plan.units)
    data = load_recipe("remote_sensing/captions", [f"data.pairs={tmp_path / 'split'}"]).data
    assert pairs_of(data)[0].table(["split"]).column("split").to_pylist() == plan.splits


def test_a_scene_of_one_group_is_told_to_split_by_cells(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "placed", _row(12))
    with pytest.raises(BadInput, match=r"1 group cannot fill 2 splits \(train, test\).*--cell-m"):
        plan_splits(pairs, HALVES)
    with pytest.raises(BadInput, match=r"1 cell cannot fill 2 splits.*a smaller side"):
        plan_splits(pairs, HALVES, by="cell", cell_m=100_000)
    nowhere = write_pairs(tmp_path / "nowhere", _row(12, where={}))
    with pytest.raises(BadInput, match=r"data\.split\.by=key") as caught:
        plan_splits(nowhere, HALVES)
    assert "cell" not in str(caught.value)
    with pytest.raises(BadInput, match=r"no where\.bounds, as 12 of 12 rows.*another column"):
        plan_splits(nowhere, HALVES, by="cell", cell_m=100)
    one = write_pairs(tmp_path / "one", _row(1))
    with pytest.raises(BadInput, match=r"1 key cannot fill 2 splits.*more pairs"):
        plan_splits(one, HALVES, by="key")


def test_a_split_that_its_buffer_empties_is_refused(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "all", _row(12))
    with pytest.raises(BadInput, match=r"'train' is left empty: all its 6 rows lie within 5000 m"):
        plan_splits(pairs, HALVES, by="cell", cell_m=300, buffer_m=5_000)
    two = write_pairs(tmp_path / "two", _row(2))
    with pytest.raises(BadInput, match=r"rows touch the ground of another split"):
        plan_splits(two, HALVES, by="key", buffer=0)
    assert min(plan_splits(pairs, HALVES, by="cell", cell_m=600).rows.values()) > 0


def test_shares_that_the_buffer_moves_far_are_said_in_one_line(tmp_path: Path) -> None:
    shares = {"train": 0.8, "test": 0.2}
    pairs = write_pairs(tmp_path / "all", _row(100, split=""))
    assert plan_splits(pairs, shares, by="key").warning() == ""
    assert plan_splits(pairs, shares, by="cell", cell_m=2_000).warning() == ""
    plan = plan_splits(pairs, shares, by="cell", cell_m=1_000, buffer_m=3_500)
    asked = plan.rows["test"] / sum(plan.rows.values())
    assert asked > 0.3 and plan.skewed == {"test"} | ({"train"} if asked > 0.6 else set())
    assert plan.warning().count("\n") == 0
    assert f"test {asked:.1%} (asked 20%)" in plan.warning()
    split = SplitSettings(by="cell", cell_m=1_000, buffer_m=3_500, fractions=shares)
    _, said = _split_by(tmp_path / "run", _row(100, split=""), split)
    assert said.endswith(plan.warning().rstrip("."))


def test_a_split_by_time_says_how_many_have_no_date(tmp_path: Path) -> None:
    def taken(days: Sequence[str]) -> list[Pair]:
        return [make_pair(at, where={"acquired": day}) for at, day in enumerate(days)]

    with pytest.raises(BadInput, match=r"0 days .* cannot fill 2 splits; 3 of 3 rows have no date"):
        plan_splits(write_pairs(tmp_path / "a", taken(["", "", ""])), HALVES, by="time")
    with pytest.raises(
        BadInput, match=r"1 day of acquisition \(where\.acquired\) cannot .* splits\."
    ):
        plan_splits(write_pairs(tmp_path / "b", taken(["2019-07-14"] * 3)), HALVES, by="time")
    split = SplitSettings(by="time", fractions=HALVES)
    found, said = _split_by(tmp_path / "c", taken(["2019-07-14", "", "2018-01-02"]), split)
    assert found == ["test", "", "train"]
    assert "made anew by time; 0 left out by the buffer; 1 left out for want of a date" in said
