"""``domainclip pairs``: every verb through the real command, results on stdout, exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domainclip.cli import main
from domainclip.pairs import open_pairs
from tests.data.make_pairs import encoded_image, make_pair, write_pairs

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    made = [
        make_pair(i, where={"bounds": [i, 0, i + 1, 1], "crs": "EPSG:32633"}) for i in range(200)
    ]
    return write_pairs(tmp_path / "pairs", made).path


def shown(capsys: Captured) -> str:
    captured = capsys.readouterr()
    assert captured.err == ""  # no progress where stderr is no terminal
    return captured.out


def test_show_counts_and_shows_rows(pairs: Path, capsys: Captured) -> None:
    assert main(["pairs", "show", str(pairs)]) == 0
    out = shown(capsys)
    assert "200 pairs in 1 parts" in out
    assert "CC-BY-4.0" in out
    assert "caption of pair 2" in out
    assert main(["pairs", "show", str(pairs), "--json", "--rows", "1"]) == 0
    summary = json.loads(shown(capsys))
    assert summary["pairs"] == 200
    assert summary["labels"] == {"even": 100, "odd": 100}
    assert summary["width"] == {"min": 8, "median": 8, "max": 8}
    assert [row["key"] for row in summary["rows"]] == ["pair-000000"]


def test_show_one_pair_by_its_key(pairs: Path, capsys: Captured) -> None:
    assert main(["pairs", "show", str(pairs), "--key", "pair-000123", "--json"]) == 0
    assert json.loads(shown(capsys))["text"] == "caption of pair 123"
    assert main(["pairs", "show", str(pairs), "--key", "x"]) == 2
    assert "no pair has the key 'x'" in capsys.readouterr().err


def test_check_exits_1_when_something_is_wrong(
    pairs: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["pairs", "check", str(pairs)]) == 0
    assert "No problem found" in shown(capsys)
    bad = write_pairs(tmp_path / "bad", [make_pair(0), make_pair(1, image=b"[bold]no image")])
    assert main(["pairs", "check", str(bad.path)]) == 1
    out = shown(capsys)
    assert "bad_image" in out
    assert "pair-000001" in out
    assert main(["pairs", "check", str(bad.path), "--json"]) == 1
    report = json.loads(shown(capsys))
    assert report["counts"] == {"bad_image": 1}
    assert report["problems"][0]["key"] == "pair-000001"
    assert main(["pairs", "check", str(bad.path), "--no-decode"]) == 0


def test_check_speaks_of_damage_without_naming_itself(pairs: Path, capsys: Captured) -> None:
    part = pairs / "part-000000.parquet"
    part.write_bytes(part.read_bytes()[:1000])
    assert main(["pairs", "check", str(pairs)]) == 1
    out = capsys.readouterr().out
    assert "damaged_part: part-000000.parquet" in out
    assert "make it again or delete it" in " ".join(out.split())
    assert "pairs check" not in out
    assert max(map(len, out.splitlines())) <= 100 + len(str(pairs))


def test_split_shows_its_balance_and_writes_only_when_asked(
    pairs: Path, tmp_path: Path, capsys: Captured
) -> None:
    command = ["pairs", "split", str(pairs), "--fractions", "train=0.7", "test=0.3", "--seed", "3"]
    assert main([*command, "--buffer", "0"]) == 0
    out = shown(capsys)
    assert "Nothing written" in out
    assert "Largest deviation" in out
    assert "Left out by the buffer" in out
    assert main([*command, "--json", "-o", str(tmp_path / "split")]) == 0
    plan = json.loads(shown(capsys))
    assert plan["rows"] == {"train": 140, "test": 60}
    assert open_pairs(tmp_path / "split").count_splits() == {"test": 60, "train": 140}
    assert main([*command, "-o", str(tmp_path / "split")]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["pairs", "split", str(pairs), "--fractions", "train"]) == 2
    assert "write NAME=SHARE" in capsys.readouterr().err


def test_merge_says_what_it_did(pairs: Path, tmp_path: Path, capsys: Captured) -> None:
    other = write_pairs(tmp_path / "other", [make_pair(199, text="else"), make_pair(500)]).path
    merge = ["pairs", "merge", str(pairs), str(other), "-o", str(tmp_path / "m")]
    assert main(merge) == 2
    assert "--on-conflict" in capsys.readouterr().err
    assert main([*merge, "--on-conflict", "first"]) == 0
    assert "201 pairs from 2 directories; 0 met twice and written once, 1 key" in shown(capsys)


@pytest.mark.parametrize("name", ["webdataset", "csv", "huggingface"])
def test_export_then_import_gives_the_same_pairs(
    name: str, pairs: Path, tmp_path: Path, capsys: Captured
) -> None:
    out, back = str(tmp_path / "out"), str(tmp_path / "back")
    assert main(["pairs", "export", str(pairs), "-o", out, "-f", name]) == 0
    assert "What this format does not hold:" in shown(capsys)
    assert main(["pairs", "import", out, "-o", back, "--json"]) == 0
    report = json.loads(shown(capsys))
    assert (report["format"], report["pairs"], report["skipped"]) == (name, 200, {})
    assert list(open_pairs(back)) == list(open_pairs(pairs))


def test_import_exits_1_above_max_errors(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "cat"
    folder.mkdir()
    for i in range(3):
        (folder / f"{i}.png").write_bytes(encoded_image(i))
    (folder / "bad.png").write_bytes(b"x")
    command = ["pairs", "import", str(tmp_path), "--template", "a {}", "--license", "CC0-1.0"]
    assert main([*command, "-o", str(tmp_path / "p")]) == 1
    told = capsys.readouterr()
    assert "3 pairs from folders, quarantined inputs: 1 (_errors.parquet)" in told.out
    assert "Exit code 1: 25.0 % of the inputs were quarantined" in told.err
    assert "5 % that --max-errors allows" in told.err and "_errors.parquet" in told.err
    stored = open_pairs(tmp_path / "p")
    assert {(p.text, p.license) for p in stored} == {("a cat", "CC0-1.0")}
    assert stored.errors().column("error").to_pylist() == ["corrupt_image"]
    assert main([*command, "-o", str(tmp_path / "q"), "--max-errors", "0.3", "-f", "folders"]) == 0


@pytest.mark.parametrize(
    ("files", "words", "wanted"),
    [
        ({}, [], "holds no file"),
        ({"cat/": "", "dog/": ""}, [], "holds no file"),
        ({"cat/": ""}, ["-f", "folders"], "holds no file"),
        ({"a.csv": ""}, [], "is empty; its first line must name the columns"),
        ({"a.csv": "filepath,title\n"}, [], "holds a header and no row below it"),
        ({"a.csv": "filepath,title\n", "b.csv": "filepath,title\n"}, [], "header and no row"),
    ],
)
def test_import_of_nothing_is_one_sentence(
    files: dict[str, str], words: list[str], wanted: str, tmp_path: Path, capsys: Captured
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, text in files.items():
        if name.endswith("/"):
            (source / name).mkdir()
        else:
            (source / name).write_text(text)
    assert main(["pairs", "import", str(source), "-o", str(tmp_path / "out"), *words]) == 2
    error = capsys.readouterr().err
    assert wanted in error and error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_part_cut_short_and_no_directory_are_one_sentence(pairs: Path, capsys: Captured) -> None:
    part = pairs / "part-000000.parquet"
    part.write_bytes(part.read_bytes()[:1000])
    assert main(["pairs", "show", str(pairs)]) == 2
    error = capsys.readouterr().err
    assert "part-000000.parquet: cut short" in error
    assert error.count("\n") == 1
    assert main(["pairs", "show", str(pairs / "absent")]) == 2
    assert "no such directory" in capsys.readouterr().err
