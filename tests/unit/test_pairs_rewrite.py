"""Splitting and merging: images copied as bytes, keys unique, output whole or absent."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from pathlib import Path

import pytest

from domainclip.errors import BadInput, OutputInUse
from domainclip.pairs import Skip, open_pairs
from domainclip.pairs._output import new_directory
from domainclip.pairs.rewrite import apply_splits, merge_pairs
from domainclip.pairs.writer import PairWriter
from tests.data.make_pairs import make_pair, write_pairs


def test_split_changes_the_split_column_and_nothing_else(tmp_path: Path) -> None:
    made = [make_pair(i) for i in range(300)]
    with PairWriter(tmp_path / "a") as writer:
        for pair in made:
            writer.write(pair)
        writer.error(Skip(where="x", reason="corrupt_image"))
    splits = [("train", "test", "")[i % 3] for i in range(300)]
    apply_splits(open_pairs(tmp_path / "a"), splits, tmp_path / "b", made="command")
    again = open_pairs(tmp_path / "b")
    assert list(again) == [replace(p, split=s) for p, s in zip(made, splits, strict=True)]
    assert again.errors().num_rows == 1
    assert (tmp_path / "b" / "README.md").read_text().count("# b\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_merge_writes_the_same_pair_once(tmp_path: Path) -> None:
    one = write_pairs(tmp_path / "a", [make_pair(i) for i in range(200)])
    two = write_pairs(tmp_path / "b", [make_pair(i) for i in range(150, 300)])
    report = merge_pairs([one, two], tmp_path / "m")
    assert (report.pairs, report.repeated, report.conflicts) == (300, 50, 0)
    assert list(open_pairs(tmp_path / "m")) == [make_pair(i) for i in range(300)]


def test_a_key_of_two_pairs_is_refused_kept_or_renamed(tmp_path: Path) -> None:
    one = write_pairs(tmp_path / "a", [make_pair(0), make_pair(1)])
    two = write_pairs(tmp_path / "b", [make_pair(1, text="other"), make_pair(2)])
    with pytest.raises(BadInput, match="'pair-000001' already names another pair"):
        merge_pairs([one, two], tmp_path / "m")
    assert not (tmp_path / "m").exists()
    report = merge_pairs([one, two], tmp_path / "f", on_conflict="first")
    assert (report.pairs, report.conflicts) == (3, 1)
    assert open_pairs(tmp_path / "f")[1].text == make_pair(1).text
    report = merge_pairs([one, two, two], tmp_path / "r", on_conflict="rename")
    assert (report.pairs, report.repeated, report.conflicts) == (4, 2, 1)
    renamed = {p.key: p.text for p in open_pairs(tmp_path / "r")}
    assert renamed["pair-000001~2"] == "other"


def test_output_that_exists_or_is_being_written_is_refused(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "a", [make_pair(0)])
    with pytest.raises(OutputInUse, match="exists already"):
        apply_splits(pairs, ["train"], tmp_path / "a")
    partial = tmp_path / ".b.partial"
    partial.mkdir()
    held = os.open(partial, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(OutputInUse, match="another process is writing it"):
        apply_splits(pairs, ["train"], tmp_path / "b")
    os.close(held)
    # the lock died with its owner: what it left is cleared
    (partial / "part-9.parquet").write_text("half")
    apply_splits(pairs, ["train"], tmp_path / "b")
    assert len(open_pairs(tmp_path / "b")) == 1


def test_an_exception_leaves_no_directory(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), new_directory(tmp_path / "deep" / "out") as directory:
        (directory / "file").write_text("")
        raise RuntimeError
    assert list((tmp_path / "deep").iterdir()) == []
