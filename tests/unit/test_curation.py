"""Curation: each filter against a slow obvious version; counts add up; images stay the bytes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.catalogue import entries, load
from domainclip.cli import main
from domainclip.curation import curate
from domainclip.curation._sorted import SortedSet
from domainclip.curation.caption_length import CaptionLength
from domainclip.curation.exact_duplicates import ExactDuplicates
from domainclip.curation.min_size import MinSize
from domainclip.curation.near_duplicates import NearDuplicates, _Asked, _first_of_each
from domainclip.errors import OutputInUse, UsageError
from domainclip.pairs import PAIR_SCHEMA, Pairs, PairWriter, Skip, open_pairs
from tests.data.make_pairs import make_pair

FILTERS = [entry.name for entry in entries("filters")]


@pytest.fixture
def pairs(tmp_path: Path) -> Pairs:
    """400 pairs: some small, some with short captions, some repeated."""
    random = np.random.default_rng(0)
    with PairWriter(tmp_path / "pairs") as writer:
        for number in range(400):
            same = make_pair(number if number % 10 else 0)
            writer.write(
                make_pair(
                    number,
                    image=same.image,
                    sha256=same.sha256,
                    phash=int(random.integers(1 << 63)),
                    width=50 if number % 7 == 0 else 100,
                    height=100,
                    labels=("plot" if number % 3 else "map",),
                    text="short" if number % 13 == 0 else f"caption of pair {number}",
                )
            )
        writer.error(Skip(where="lost.png", reason="corrupt_image"))
    return open_pairs(tmp_path / "pairs")


def test_filters_are_found_by_name() -> None:
    assert FILTERS == [
        "caption_length", "evaluation_duplicates", "exact_duplicates", "figure_kind", "min_size",
        "near_duplicates",
    ]  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_decides_each_row_and_by_default_reads_no_image(name: str, pairs: Pairs) -> None:
    needed = {"against": str(pairs.path)} if name == "evaluation_duplicates" else {}
    chosen = load("filters", name)(**needed)
    assert set(chosen.columns) <= set(PAIR_SCHEMA.names) - {"image"}
    table = pairs.table(list(chosen.columns))
    keep = chosen.start()(table)
    assert keep.shape == (400,)
    assert keep.dtype == bool
    # cutting the rows into other tables changes no decision, and each pass begins afresh
    decide = chosen.start()
    cut = [decide(table.slice(start, 37)) for start in range(0, 400, 37)]
    assert (np.concatenate(cut) == keep).all()
    assert chosen.start()(table.slice(0, 0)).shape == (0,)


def test_min_size_and_aspect() -> None:
    table = pa.table({"width": [64, 63, 1000, 640], "height": [64, 900, 100, 64]})
    assert MinSize(px=64).start()(table).tolist() == [True, False, True, True]
    assert MinSize(px=64, max_aspect=9.5).start()(table).tolist() == [True, False, False, False]
    assert MinSize(px=64, max_aspect=10).start()(table).tolist() == [True, False, True, True]


def test_caption_length_counts_words() -> None:
    table = pa.table({"text": ["", "  two words ", "three of them", "é è ê ë"]})
    assert CaptionLength().start()(table).tolist() == [False, False, True, True]
    assert CaptionLength(1, 3).start()(table).tolist() == [False, True, True, False]


def test_exact_duplicates_keep_the_first() -> None:
    table = pa.table({"sha256": ["a", "b", "a", "", "", "b"], "text": list("xyzwwy")})
    assert ExactDuplicates().start()(table).tolist() == [True, True, False, True, True, False]
    same_text = ExactDuplicates(same_text=True).start()(table)
    assert same_text.tolist() == [True, True, True, True, True, False]


def slow_near(hashes: list[int], distance: int) -> list[bool]:
    kept: list[int] = []
    result = []
    for value in hashes:
        telling = value.bit_count() >= 8
        near = telling and any((value ^ other).bit_count() <= distance for other in kept)
        result.append(not near)
        if telling and not near:
            kept.append(value)
    return result


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4),
    flips=st.lists(st.tuples(st.integers(0, 3), st.sets(st.integers(0, 63), max_size=6))),
    distance=st.integers(0, 8),
    cut=st.integers(1, 50),
)
def test_near_duplicates_equal_comparing_all(
    seeds: list[int], flips: list[tuple[int, set[int]]], distance: int, cut: int
) -> None:
    hashes = [seeds[at % len(seeds)] ^ sum(1 << bit for bit in bits) for at, bits in flips]
    table = pa.table({"phash": pa.array(hashes, pa.uint64())})
    decide = NearDuplicates(distance=distance).start()
    found = [decide(table.slice(start, cut)) for start in range(0, max(1, len(hashes)), cut)]
    assert np.concatenate(found).tolist() == slow_near(hashes, distance)


def test_near_duplicates_many_copies_are_cheap_and_flat_images_stay() -> None:
    hashes = np.full(20_000, 0x0F0F0F0F0F0F0F0F, dtype=np.uint64)
    assert _first_of_each(_Asked(hashes[:, None], None), 3).sum() == 1
    flat = pa.table({"phash": np.zeros(5, dtype=np.uint64)})
    assert NearDuplicates().start()(flat).all()


def test_near_duplicates_forget_beyond_their_window() -> None:
    random = np.random.default_rng(0)
    hashes = random.integers(1 << 63, size=300, dtype=np.uint64)
    decide = NearDuplicates(window=100).start()
    for start in range(0, 300, 50):
        assert decide(pa.table({"phash": hashes[start : start + 50]})).all()
    assert not decide(pa.table({"phash": hashes[-40:]})).any()
    assert decide(pa.table({"phash": hashes[:40]})).all()


def test_sorted_set_remembers_everything() -> None:
    values = np.random.default_rng(1).permutation(5000).astype(np.uint64)
    held = SortedSet(np.dtype(np.uint64))
    for start in range(0, 4000, 70):
        part = values[start : min(start + 70, 4000)]
        assert not held.contains(part).any()
        held.add(part)
    assert held.contains(values[:4000]).all()
    assert not held.contains(values[4000:]).any()
    assert len(held.runs) < 12


def test_curated_pairs_are_the_same_bytes_and_counts_add_up(pairs: Pairs, tmp_path: Path) -> None:
    filters = {
        "min_size": MinSize(px=64),
        "caption_length": CaptionLength(),
        "exact_duplicates": ExactDuplicates(),
    }
    report = curate(pairs, filters, tmp_path / "out", made="by a test")
    kept = {pair.key: pair for pair in open_pairs(tmp_path / "out")}
    before = {pair.key: pair for pair in pairs}
    wanted, seen = set(), set()
    for pair in before.values():  # the slow, obvious version
        if pair.width >= 64 and len(pair.text.split()) >= 3 and pair.sha256 not in seen:
            seen.add(pair.sha256)
            wanted.add(pair.key)
    assert set(kept) == wanted
    assert all(before[key] == pair for key, pair in kept.items())
    assert report.kept + sum(report.dropped.values()) == report.pairs == 400
    assert list(report.seen) == list(filters)
    assert report.seen["caption_length"] == 400 - report.dropped["min_size"]
    dropped = pq.read_table(tmp_path / "out" / "_dropped.parquet").to_pylist()
    assert {row["key"] for row in dropped} == set(before) - wanted
    assert open_pairs(tmp_path / "out").errors()["input"].to_pylist() == ["lost.png"]
    assert "by a test" in (tmp_path / "out" / "README.md").read_text()
    # thinned row groups are joined again
    groups = open_pairs(tmp_path / "out").groups
    assert len(groups) <= 4
    with pytest.raises(OutputInUse):
        curate(pairs, filters, tmp_path / "out")


def test_mask_says_keep_and_reason_of_every_pair(pairs: Pairs, tmp_path: Path) -> None:
    filters = {"min_size": MinSize(px=64), "caption_length": CaptionLength()}
    report = curate(pairs, filters, tmp_path / "mask.parquet", mask=True)
    rows = pq.read_table(tmp_path / "mask.parquet").to_pylist()
    assert [row["key"] for row in rows] == [pair.key for pair in pairs]
    assert sum(row["keep"] for row in rows) == report.kept
    reasons = {row["key"]: row["reason"] for row in rows}
    assert reasons["pair-000007"] == "min_size"
    assert reasons["pair-000013"] == "caption_length"
    assert reasons["pair-000001"] == ""
    assert not list(tmp_path.glob(".*"))


def test_the_command_counts_each_filter(
    pairs: Pairs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["curate", str(pairs.path), "-o", str(tmp_path / "out")]
    words += ["--filter", "min_size:px=64,max_aspect=none", "--filter", "near_duplicates"]
    assert main([*words, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in report["filters"]] == ["min_size", "near_duplicates"]
    assert report["filters"][0] == {"name": "min_size", "seen": 400, "dropped": 58}
    assert report["kept"] == 342
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "give at least one --filter"),
        (["--filter", "min_siz"], "Did you mean 'min_size'?"),
        (["--filter", "min_size:pixels=3"], "unknown option 'pixels'"),
        (["--filter", "min_size:px=few"], "px: 'few' is not a whole number"),
        (["--filter", "min_size:px=3,max_aspect"], "'max_aspect' has no value"),
        (["--filter", "near_duplicates:distance=9"], "must be from 0 to 8 bits"),
    ],
)
def test_wrong_filters_are_one_sentence(
    pairs: Pairs, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["curate", str(pairs.path), "-o", "never", *words]) == 2
    assert message in capsys.readouterr().err


def test_near_duplicates_refuse_a_window_of_nothing() -> None:
    with pytest.raises(UsageError, match="must be at least 1"):
        NearDuplicates(window=0)
