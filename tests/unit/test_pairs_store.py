"""The Parquet store: what goes in comes out; parts appear whole or not at all; damage is named."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domainclip.errors import BadInput, OutputError, OutputInUse, UsageError
from domainclip.pairs import (
    Pair,
    PairWriter,
    PartWriter,
    Skip,
    clear_temporaries,
    open_pairs,
    write_card,
)
from tests.data.make_pairs import make_pair, write_pairs


def test_pairs_come_back_as_they_went_in(tmp_path: Path) -> None:
    made = [make_pair(i) for i in range(300)]
    pairs = write_pairs(tmp_path / "p", made)
    assert list(pairs) == made
    assert len(pairs) == 300
    assert [pairs[0], pairs[130], pairs[-1]] == [made[0], made[130], made[299]]
    with pytest.raises(IndexError):
        pairs[300]


def test_bare_pair_gets_its_sha256_and_nothing_else(tmp_path: Path) -> None:
    bare = Pair(key="k", image=b"", text="", width=0, height=0)
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert list(write_pairs(tmp_path, [bare])) == [replace(bare, sha256=digest)]


def test_same_pairs_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pairs(tmp_path / name, (make_pair(i) for i in range(5)))
    parts = [(tmp_path / name / "part-000000.parquet").read_bytes() for name in ("a", "b")]
    assert parts[0] == parts[1]


def test_layout_is_the_contract(tmp_path: Path) -> None:
    write_pairs(tmp_path, (make_pair(i) for i in range(300)))
    metadata = pq.read_metadata(tmp_path / "part-000000.parquet")
    assert [metadata.row_group(i).num_rows for i in range(3)] == [128, 128, 44]
    columns = {
        c.path_in_schema: c for c in map(metadata.row_group(0).column, range(metadata.num_columns))
    }
    image = columns.pop("image.bytes")
    assert image.compression == "UNCOMPRESSED"
    assert not image.has_dictionary_page
    assert {c.compression for c in columns.values()} == {"ZSTD"}
    assert all(c.has_offset_index for c in columns.values())


def test_row_groups_are_bounded_by_bytes_too(tmp_path: Path) -> None:
    write_pairs(tmp_path, (make_pair(i, image=bytes(1 << 20)) for i in range(10)))
    metadata = pq.read_metadata(tmp_path / "part-000000.parquet")
    assert max(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)) <= 4


def test_columns_and_splits_are_chosen_when_reading(tmp_path: Path) -> None:
    made = [make_pair(i, split=("train", "test")[i % 3 == 0]) for i in range(200)]
    pairs = write_pairs(tmp_path, made)
    rows = list(pairs.rows(["key", "labels"], split="test"))
    assert [row.key for row in rows] == [p.key for p in made if p.split == "test"]
    assert rows[0].labels == ("even",)
    assert rows[0].image == b""
    assert pairs.table(["text"], split="test").column_names == ["text"]
    assert pairs.count_splits() == {"test": 67, "train": 133}
    assert [p.key for p in pairs.rows(["key"], where=lambda p: p.key.endswith("7"))] == [
        p.key for p in made if p.key.endswith("7")
    ]
    with pytest.raises(UsageError, match="Did you mean 'labels'"):
        list(pairs.rows(["label"]))


def test_splits_can_be_laid_over_without_writing(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, [make_pair(i) for i in range(200)])
    over = pairs.with_splits(["val" if i == 150 else "train" for i in range(200)])
    assert [p.key for p in over.rows(split="val")] == ["pair-000150"]
    assert over[150].split == "val"
    assert over.table(["key"], split="val").to_pylist() == [{"key": "pair-000150"}]
    assert [p.key for p in over.stream(split="val")] == ["pair-000150"]
    assert pickle.loads(pickle.dumps(over)).count_splits() == {"train": 199, "val": 1}
    assert pairs.count_splits() == {"": 200}
    with pytest.raises(UsageError, match="2 splits for the 200"):
        pairs.with_splits(["a", "b"])


def test_parts_roll_over_and_read_as_one(tmp_path: Path) -> None:
    made = [make_pair(i) for i in range(100)]
    pairs = write_pairs(tmp_path, made, part_bytes=10_000)
    assert len(pairs.parts) > 2
    assert list(pairs) == made


def test_errors_are_kept_apart_and_counted_on_the_card(tmp_path: Path) -> None:
    with PairWriter(tmp_path, made="domainclip extract x") as writer:
        writer.write(make_pair(1))
        writer.error(Skip(where="b.png", reason="corrupt_image", detail="cut short"))
        writer.error(Skip(where="c.png", reason="below_purity", quarantine=False))
    errors = open_pairs(tmp_path).errors().to_pylist()
    assert [(e["input"], e["error"], e["message"]) for e in errors] == [
        ("b.png", "corrupt_image", "cut short")
    ]
    card = (tmp_path / "README.md").read_text()
    for line in ("| CC-BY-4.0 | 1 |", "| corrupt_image | 1 |", "domainclip extract x"):
        assert line in card
    assert card.startswith("---\nlicense: cc-by-4.0\n")


def test_errors_hold_names_that_are_no_unicode(tmp_path: Path) -> None:
    with PairWriter(tmp_path) as writer:
        for i in range(5000):
            writer.error(Skip(where=f"{i}\udcff", reason="corrupt_image", detail="\ud800"))
    errors = open_pairs(tmp_path).errors()
    assert errors.num_rows == 5000
    assert errors.column("input")[7].as_py() == "7\\udcff"


def test_a_card_that_a_person_wrote_is_left_alone(tmp_path: Path) -> None:
    write_pairs(tmp_path, [make_pair(1)])
    (tmp_path / "README.md").write_text("mine")
    write_card(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_an_exception_leaves_no_part(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), PairWriter(tmp_path / "p") as writer:
        writer.write(make_pair(1))
        raise RuntimeError
    assert list((tmp_path / "p").iterdir()) == []


def test_a_killed_writer_leaves_nothing_a_reader_sees(tmp_path: Path) -> None:
    script = (
        "import os, sys; from domainclip.pairs import PartWriter; "
        "from tests.data.make_pairs import make_pair; "
        f"w = PartWriter({str(tmp_path)!r}, 'x'); [w.add(make_pair(i)) for i in range(200)]; "
        "os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, cwd=Path(__file__).parents[2]
    )
    assert done.returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("part-*"))
    assert clear_temporaries(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_sentence_and_no_half_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = PartWriter(tmp_path, "a")
    writer.add(make_pair(1))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"part-a\.parquet: the disk is full; free some space"):
        writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_the_kernel_refuses_leaves_no_half_part(tmp_path: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
        with pytest.raises(OutputError, match="the disk is full"), PartWriter(tmp_path, "a") as w:
            for i in range(20):
                w.add(make_pair(i, image=bytes(1 << 20)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_the_output_is_said(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OutputError, match="a file stands where a directory is needed"):
        write_pairs(tmp_path / "out" / "p", [make_pair(1)])


def test_an_output_that_holds_pairs_is_refused(tmp_path: Path) -> None:
    write_pairs(tmp_path, [make_pair(1)])
    with pytest.raises(OutputInUse, match="already holds pairs"):
        PairWriter(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": ""}, "empty key"),
        ({"text": "\ud800"}, "surrogates"),
        ({"where": {"x": float("nan")}}, "not JSON compliant"),
        ({"phash": -1}, "unsigned 64-bit"),
        ({"width": 1 << 31}, "not a pixel count"),
        ({"text": None}, "'NoneType'"),
    ],
)
def test_a_pair_that_cannot_be_stored_is_refused_by_name(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    with PartWriter(tmp_path, "a") as writer:
        writer.add(make_pair(1))
        with pytest.raises(BadInput, match=said):
            writer.add(make_pair(2, **change))
    assert [p.key for p in open_pairs(tmp_path)] == ["pair-000001"]


def test_a_part_cut_short_is_named_at_opening(tmp_path: Path) -> None:
    write_pairs(tmp_path, [make_pair(i) for i in range(60)], part_bytes=10_000)
    part = tmp_path / "part-000001.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"part-000001\.parquet: cut short .*pairs check"):
        open_pairs(tmp_path)


def test_damaged_data_behind_a_sound_footer_is_named_when_read(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, [make_pair(i) for i in range(60)], part_bytes=10_000)
    part = tmp_path / "part-000001.parquet"
    whole = bytearray(part.read_bytes())
    whole[4:2000] = bytes(1996)
    part.write_bytes(bytes(whole))
    pairs = open_pairs(tmp_path)
    stream = pairs.stream(split=None)
    for read in (lambda: list(pairs), lambda: pairs.table(["key"]), lambda: list(stream)):
        with pytest.raises(BadInput, match=r"part-000001\.parquet: its data is damaged"):
            read()


def test_other_parquet_is_refused_with_the_way_in(tmp_path: Path) -> None:
    pq.write_table(pa.table({"key": ["a"]}), tmp_path / "part-0.parquet")
    with pytest.raises(BadInput, match=r"column 'image' is absent.*pairs import"):
        open_pairs(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"), [("absent", "no such directory"), ("", "holds no part-"), ("f", "a file")]
)
def test_what_is_no_pairs_directory_says_so(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "f").write_text("")
    with pytest.raises(BadInput, match=said):
        open_pairs(tmp_path / name)


def test_parts_of_other_writers_are_read(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    write_pairs(tmp_path / "a", [make_pair(i) for i in range(10)])
    frame = polars.read_parquet(tmp_path / "a" / "part-000000.parquet")
    (tmp_path / "b").mkdir()
    frame.write_parquet(tmp_path / "b" / "part-0.parquet")
    assert list(open_pairs(tmp_path / "b")) == [make_pair(i) for i in range(10)]
