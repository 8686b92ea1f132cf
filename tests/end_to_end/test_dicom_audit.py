"""The owner's checks: an audit that cannot be fooled, names of all files, keys that are refused."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.pairs import open_pairs
from tests.data.make_study import write_archive, write_key


def _dicom(*words: object) -> int:
    return main(["extract", "dicom", *map(str, words), "--workers", "1", "--max-errors", "100"])


def _other_key(folder: Path) -> Path:
    path = folder / "other"
    path.write_bytes(b"another key of thirty-two bytes!")
    path.chmod(0o600)
    return path


def _rows(path: Path) -> dict[str, str]:
    with path.open(newline="") as file:
        return {row["name"]: row["file"] for row in csv.DictReader(file)}


def test_names_are_those_of_the_pairs_also_of_pictures(tmp_path: Path, capsys: Any) -> None:
    archive, key = write_archive(tmp_path / "archive"), write_key(tmp_path)
    y, x = np.mgrid[:80, :90]
    blob = (255 * np.clip(1 - np.hypot(y - 40, x - 45) / 40, 0, 1)).astype(np.uint8)
    Image.fromarray(blob).save(archive / "chest.png")
    Image.fromarray(blob).save(archive / "thorax.jpg")
    (archive / "t.csv").write_text("file,findings\nchest.png,Clear.\nthorax.jpg,A nodule.\n")
    words = (archive, "--reports", archive / "t.csv", "--columns", "image=file,text=findings",
             "--key", key, "-o", tmp_path / "pairs")  # fmt: skip
    assert _dicom(*words) == 0
    names = tmp_path / "names.csv"
    assert _dicom(*words, "--names", names) == 0
    rows = _rows(names)
    keys = [pair.key for pair in open_pairs(tmp_path / "pairs")]
    assert len(keys) == 7
    assert {Path(rows[each]).suffix for each in keys} >= {".png", ".jpg", ".dcm"}
    errors = pq.read_table(tmp_path / "pairs" / "_errors.parquet").to_pylist()
    assert all(row["input"] in rows for row in errors)
    assert names.stat().st_mode & 0o077 == 0
    before, _ = names.read_bytes(), capsys.readouterr()
    assert _dicom(*words, "--names", names) == 2
    assert f"{names} exists; name a new file." in capsys.readouterr().err
    assert names.read_bytes() == before


def test_a_file_that_cannot_be_read_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domainclip.errors import BadInput
    from domainclip.extractors.dicom import listing

    archive, key = write_archive(tmp_path / "archive"), write_key(tmp_path)
    whole = listing.read_dataset

    def _read(file: Any, **options: Any) -> Any:
        if "LL" in file.name:
            raise BadInput("The header of the file is damaged.")
        return whole(file, **options)

    monkeypatch.setattr(listing, "read_dataset", _read)
    assert _dicom(archive, "--key", key, "--names", tmp_path / "names.csv") == 0
    files = _rows(tmp_path / "names.csv")
    assert sum(path.endswith("LL.dcm") for path in files.values()) == 1


def test_no_names_are_left_half_written(tmp_path: Path) -> None:
    key = write_key(tmp_path)
    assert _dicom(tmp_path / "nowhere", "--key", key, "--names", tmp_path / "names.csv") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_a_key_that_others_may_read_is_named_with_its_remedy(tmp_path: Path, capsys: Any) -> None:
    key = tmp_path / "my key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o644)
    assert _dicom(tmp_path, "--key", key, "-o", tmp_path / "pairs") == 2
    said = capsys.readouterr().err
    assert f"chmod 600 '{key}'" in said and f"{key}:" in said and said.count("\n") == 1


@pytest.mark.parametrize("configured", [True, False])
def test_a_home_that_cannot_hold_a_key_is_one_sentence(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch, configured: bool
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if configured:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "file" / "below"))
    assert _dicom(tmp_path, "-o", tmp_path / "pairs") == 2
    said = capsys.readouterr().err
    assert str(tmp_path / "file") in said and "dicom.key" in said and "--key FILE" in said
    assert said.count("\n") == 1


def test_a_default_key_that_is_none_is_named(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    key = tmp_path / "domainclip" / "dicom.key"
    key.parent.mkdir()
    key.write_text("short")
    key.chmod(0o600)
    assert _dicom(tmp_path, "-o", tmp_path / "pairs") == 2
    said = capsys.readouterr().err
    assert str(key) in said and "--key FILE" in said
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", "")
    assert _dicom(tmp_path, "-o", tmp_path / "pairs") == 2
    assert "--key FILE" in capsys.readouterr().err
