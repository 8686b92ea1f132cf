"""Check finds each kind of problem, keeps going past damage, and accuses nobody on a hash alone."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from struct import pack

import numpy as np
import pytest

from domainclip.errors import BadInput
from domainclip.pairs import check
from domainclip.pairs.check import check_pairs
from tests.data.make_pairs import encoded_image, make_pair, write_pairs


def found(path: Path, **options: object) -> dict[str, list[str]]:
    report = check_pairs(path, **options)  # type: ignore[arg-type]
    kinds: dict[str, list[str]] = {}
    for problem in report.problems:
        kinds.setdefault(problem.kind, []).append(problem.key or problem.detail)
    assert {kind: len(each) for kind, each in kinds.items()} == dict(report.counts)
    return kinds


def png_of_size(width: int, height: int) -> bytes:
    """A PNG that claims any size and holds no pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))

    header = pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + (chunk(b"IEND", b""))
    )


def test_sound_pairs_have_no_problem(tmp_path: Path) -> None:
    write_pairs(tmp_path, [make_pair(i) for i in range(10)])
    report = check_pairs(tmp_path)
    assert report.sound
    assert report.pairs == 10


def test_every_kind_of_problem_is_found(tmp_path: Path) -> None:
    good = encoded_image(1)
    write_pairs(
        tmp_path,
        [
            make_pair(0),
            make_pair(1, key="twice"),
            make_pair(2, text=" \n"),
            make_pair(3, image=b"not an image"),
            make_pair(4, image=good[:-30]),
            make_pair(5, image=png_of_size(60_000, 60_000)),
            make_pair(6, sha256="0" * 64),
            make_pair(7, width=99),
            make_pair(100, group="patient", split="train"),
            make_pair(101, group="patient", split="test"),
            make_pair(102, group="patient", split=""),
            *(make_pair(200 + i) for i in range(150)),
            make_pair(400, key="twice"),
        ],
    )
    assert found(tmp_path) == {
        "empty_caption": ["pair-000002"],
        "bad_image": ["pair-000003", "pair-000004", "pair-000005"],
        "sha256_mismatch": ["pair-000006"],
        "wrong_size": ["pair-000007"],
        "duplicate_key": ["twice"],
        "group_across_splits": ["group 'patient' is in test, train; split again by group"],
    }
    assert "bad_image" not in found(tmp_path, decode=False)


def test_damaged_parts_are_listed_and_the_others_still_checked(tmp_path: Path) -> None:
    write_pairs(
        tmp_path, [make_pair(i, text="" if i == 59 else "t") for i in range(60)], part_bytes=5_000
    )
    parts = sorted(tmp_path.glob("part-*"))
    parts[0].write_bytes(parts[0].read_bytes()[:-50])
    inside = bytearray(parts[1].read_bytes())
    inside[4:1500] = bytes(1496)
    parts[1].write_bytes(bytes(inside))
    report = check_pairs(tmp_path)
    assert {p.part for p in report.problems if p.kind == "damaged_part"} == {
        parts[0].name,
        parts[1].name,
    }
    assert [p.key for p in report.problems if p.kind == "empty_caption"] == ["pair-000059"]


def test_one_image_in_two_splits_is_named_and_within_one_only_counted(tmp_path: Path) -> None:
    image, other = encoded_image(1), encoded_image(2)
    write_pairs(
        tmp_path,
        [
            make_pair(1, key="a", image=image, group="1", split="train"),
            make_pair(2, key="b", image=image, group="2", split="train"),
            make_pair(3, key="c", image=image, group="3", split="test"),
            make_pair(4, key="d", image=image, group="4", split=""),
            make_pair(5, key="e", image=other, group="5", split="val"),
            make_pair(6, key="f", image=other, group="6", split="val"),
            make_pair(7, key="g", image=other, group="7", split=""),
            # says to be that image, and is not: one problem, not two
            make_pair(8, key="h", sha256=make_pair(1, image=image).sha256, group="8", split="val"),
        ],
        part_bytes=1_000,
    )
    report = check_pairs(tmp_path, decode=False)
    assert dict(report.counts) == {"image_across_splits": 1, "sha256_mismatch": 1}
    (problem,) = (each for each in report.problems if each.kind == "image_across_splits")
    assert problem.key == "a"
    assert "test as 'c', train as 'a'" in problem.detail
    assert report.repeated_images == 2


def test_repeats_within_a_split_are_sound(tmp_path: Path) -> None:
    write_pairs(tmp_path, [make_pair(i, image=encoded_image(i % 3)) for i in range(9)])
    report = check_pairs(tmp_path)
    assert report.sound
    assert report.repeated_images == 6


def test_equal_hashes_of_different_names_are_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [make_pair(i, group=f"g{i}", split=("train", "test")[i % 2]) for i in range(10)]
    write_pairs(tmp_path, made)
    monkeypatch.setattr(check, "_hashes", lambda names: np.ones(len(names), np.uint64))
    report = check_pairs(tmp_path)
    assert report.sound and not report.repeated_images


def test_workers_find_the_same(tmp_path: Path) -> None:
    made = [make_pair(i) for i in range(40)]
    made[7] = replace(made[7], image=b"x")
    write_pairs(tmp_path, [*made, made[3]], part_bytes=5_000)
    seen: list[tuple[int, int]] = []
    one = check_pairs(tmp_path, progress=lambda *at: seen.append(at))
    assert seen[-1] == (41, 41)
    assert check_pairs(tmp_path, workers=2).problems == one.problems


def test_only_the_first_problems_are_kept_but_all_are_counted(tmp_path: Path) -> None:
    write_pairs(tmp_path, [make_pair(i, text="") for i in range(300)])
    report = check_pairs(tmp_path, shown=5)
    assert len(report.problems) == 5
    assert report.counts["empty_caption"] == 300


def test_no_parts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no pairs directory"):
        check_pairs(tmp_path)
