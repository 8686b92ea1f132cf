"""Splits: groups stay whole, labels keep their shares, a buffer keeps the map's splits apart."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.errors import BadInput, UsageError
from domainclip.pairs import assign_splits, buffered_splits, plan_splits
from tests.data.make_pairs import make_pair, write_pairs

FRACTIONS = {"train": 0.6, "val": 0.15, "test": 0.25}


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=60),
    seed=st.integers(0, 5),
)
def test_a_group_never_crosses_a_split(groups: list[str], seed: int) -> None:
    if len(set(groups)) < 3:
        with pytest.raises(BadInput, match="cannot fill 3 splits"):
            assign_splits(groups, [()] * len(groups), FRACTIONS, seed)
        return
    labels = [[group, "all"][: 1 + ord(group) % 2] for group in groups]
    splits = assign_splits(groups, labels, FRACTIONS, seed)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))
    assert set(splits) == set(FRACTIONS)
    assert splits == assign_splits(groups, labels, FRACTIONS, seed)


def test_labels_keep_their_shares_and_seeds_differ() -> None:
    rng = np.random.default_rng(0)
    # 300 map cells of 1 to 40 tiles; a cell has a main class, as climate has
    groups, labels = [], []
    for cell in range(300):
        main = int(rng.integers(13))
        for _ in range(int(rng.integers(1, 40))):
            groups.append(f"cell {cell}")
            labels.append([str(main if rng.random() < 0.8 else int(rng.integers(13)))])
    results = [assign_splits(groups, labels, FRACTIONS, seed) for seed in range(2)]
    assert results[0] != results[1]
    for splits in results:
        total = Counter(label for (label,) in labels)
        held = Counter((split, label) for split, (label,) in zip(splits, labels, strict=True))
        for split, share in FRACTIONS.items():
            assert abs(splits.count(split) / len(splits) - share) < 0.01
            for label, count in total.items():
                assert abs(held[split, label] / count - share) < 0.05


def test_rows_without_a_group_stand_alone() -> None:
    splits = assign_splits([""] * 100, [()] * 100, {"train": 0.8, "test": 0.2}, 0)
    assert Counter(splits) == {"train": 80, "test": 20}


def test_names_that_are_not_three_work_too() -> None:
    splits = assign_splits(list("abcdefghij"), [()] * 10, {"a": 0.5, "b": 0.5}, 0)
    assert Counter(splits) == {"a": 5, "b": 5}


@pytest.mark.parametrize("fractions", [{}, {"train": 0.5}, {"a": 1.5, "b": -0.5}, {"": 1.0}])
def test_fractions_that_are_none_are_refused(fractions: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="fractions"):
        assign_splits(["a"], [()], fractions, 0)


def gap(a: list[float], b: list[float], wrap: float | None) -> float:
    """The slow, obvious distance of two boxes."""
    best = np.inf
    for shift in (-wrap, 0.0, wrap) if wrap else (0.0,):
        dx = max(b[0] + shift - a[2], a[0] - b[2] - shift, 0.0)
        dy = max(b[1] - a[3], a[1] - b[3], 0.0)
        best = min(best, float(np.hypot(dx, dy)))
    return best


@settings(max_examples=150, deadline=None)
@given(
    corners=st.lists(
        st.tuples(st.integers(-36, 35), st.integers(-9, 8), st.integers(1, 4)), max_size=40
    ),
    buffer=st.sampled_from([0.0, 5.0, 7.5, 20.0]),
    geographic=st.booleans(),
    names=st.lists(
        st.sampled_from(["train", "val", "test", "extra", ""]), min_size=40, max_size=40
    ),
)
def test_buffer_agrees_with_every_box_against_every_box(
    corners: list[tuple[int, int, int]], buffer: float, geographic: bool, names: list[str]
) -> None:
    boxes = [[x * 5.0, y * 5.0, x * 5.0 + size, y * 5.0 + size] for x, y, size in corners]
    crs = "EPSG:4326" if geographic else "EPSG:32633"
    splits = names[: len(boxes)]
    found = buffered_splits(splits, [{"bounds": b, "crs": crs} for b in boxes], buffer)
    expected = list(splits)
    rank = ["extra", "train", "val", "test"]
    for low in ("val", "train", "extra"):
        higher = [i for i, s in enumerate(expected) if s and rank.index(s) > rank.index(low)]
        for i in range(len(boxes)):
            if expected[i] == low and any(
                gap(boxes[i], boxes[j], 360.0 if geographic else None) <= buffer + 1e-9
                for j in higher
            ):
                expected[i] = ""
    assert found == expected


def test_the_dateline_is_no_border() -> None:
    west, east = [-180.0, 0.0, -179.0, 1.0], [179.0, 0.0, 180.0, 1.0]
    across = [179.5, 0.0, -179.5, 1.0]
    for box in (east, across):
        where = [{"bounds": west, "crs": "EPSG:4326"}, {"bounds": box, "crs": "EPSG:4326"}]
        assert buffered_splits(["train", "test"], where, 0.0) == ["", "test"]


def test_places_that_cannot_be_compared_are_refused() -> None:
    one = {"bounds": [0, 0, 1, 1], "crs": "EPSG:32633"}
    with pytest.raises(BadInput, match=r"where\.crs differs.*data\.split\.buffer_m=METRES"):
        buffered_splits(["train", "test"], [one, one | {"crs": "EPSG:32634"}], 0.0)
    with pytest.raises(BadInput, match=r"row 1: no where\.bounds"):
        buffered_splits(["train", "test"], [json.dumps(one), "{}"], 1.0)
    assert buffered_splits(["train", "test"], [one, "{}"], 0.0) == ["train", "test"]
    with pytest.raises(BadInput, match=r"\[w, s, e, n\]"):
        buffered_splits(["train"], [{"bounds": [2, 0, 1, 1], "crs": "EPSG:32633"}], 0.0)


def test_a_plan_counts_what_it_did(tmp_path: Path) -> None:
    # tiles in a row, ten to a cell: cells of different splits touch
    made = [
        make_pair(
            i,
            group=f"cell {i // 10}",
            where={"bounds": [i, 0, i + 1, 1], "crs": "EPSG:32633"},
        )
        for i in range(400)
    ]
    pairs = write_pairs(tmp_path, made)
    plan = plan_splits(pairs, FRACTIONS, seed=1, buffer=0.0)
    assert sum(plan.rows.values()) + plan.buffered == 400
    assert plan.buffered > 0
    assert sum(plan.groups.values()) == 40
    for at in range(399):
        here, there = plan.splits[at : at + 2]
        assert here == there or "" in (here, there)
    assert plan.deviation < 0.05
    assert plan.labels["even"]["train"] == Counter(plan.splits[::2])["train"]
    with pytest.raises(UsageError, match="Did you mean 'group'"):
        plan_splits(pairs, FRACTIONS, by="grup")
