"""Copies and volumes of DICOM studies: what of the patient they must not hold, and what stops."""

from __future__ import annotations

import errno
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset

from domainclip.cli import main
from domainclip.errors import OutputError, UsageError
from domainclip.extractors.dicom import Dicom
from domainclip.extractors.dicom.copies import check_places
from domainclip.extractors.dicom.lettering import looked_at
from domainclip.pairs import Pair, Skip
from tests.data.make_dicom import image, save
from tests.data.make_study import write_key

PERSON = {"patient": "MRN778812", "name": "Schmidt^Anna"}


def _extract(source: Path, out: Path, *words: str) -> int:
    key = write_key(out.parent)
    return main(
        ["extract", "dicom", str(source), "-o", str(out), "--workers", "1", "--key", key,
         "--max-errors", "100", *words]
    )  # fmt: skip


def _errors(pairs: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(pairs / "_errors.parquet").to_pylist()
    return found


def _blob(number: int = 0, size: int = 128) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    distance = np.hypot((y - size / 2) / size, (x - size / 2 - number) / size)
    return (2000 * np.clip(1 - 2 * distance, 0, 1)).astype(np.uint16)


def _named(values: np.ndarray) -> np.ndarray:
    drawn = Image.new("L", values.shape[::-1])
    ImageDraw.Draw(drawn).text((6, 6), "SCHMIDT ANNA", 255, ImageFont.load_default(14))
    return np.where(np.asarray(drawn) > 128, 4095, values).astype(np.uint16)


def _series(folder: Path, named: bool, count: int = 5) -> Path:
    for number in range(count):
        values = _blob(number)
        one = image(
            _named(values) if named else values, modality="CT", study=2, series=30,
            instance=40 + number, position=(0.0, 0.0, 5.0 * number), spacing=(1.0, 1.0),
            slope=1.0, intercept=-1024.0, **PERSON,
        )  # fmt: skip
        save(one, folder / f"{number}.dcm")
    return folder


def _copies(dataset: Dataset, folder: Path, *words: str) -> list[Path]:
    save(dataset, folder / "in" / "1.dcm")
    assert _extract(folder / "in", folder / "pairs", "--copies", str(folder / "c"), *words) == 0
    return sorted((folder / "c").rglob("*.dcm"))


@pytest.mark.parametrize("named, words, made", [
    (True, (), 0), (True, ("--burned-in", "keep"), 1), (False, (), 1),
    (False, ("--burned-in", "quarantine"), 1),
])  # fmt: skip
def test_a_volume_with_a_name_in_its_pixels_is_not_written(
    tmp_path: Path, named: bool, words: tuple[str, ...], made: int
) -> None:
    archive = _series(tmp_path / "in", named)
    out = ["--volumes", str(tmp_path / "v"), "--copies", str(tmp_path / "c"), *words]
    assert _extract(archive, tmp_path / "pairs", *out) == 0
    assert len(list((tmp_path / "v").rglob("*.nii.gz"))) == made
    assert len(list((tmp_path / "c").rglob("*.dcm"))) == 5 * made
    rows = _errors(tmp_path / "pairs")
    assert Counter(row["error"] for row in rows) == ({} if made else {"no_copy": 5, "no_volume": 1})
    assert len({row["input"] for row in rows}) == len(rows)
    assert all("lettering" in str(row) for row in rows)


def test_the_slices_looked_at_hold_the_ends_and_the_middle() -> None:
    for count in (1, 2, 8, 9, 301):
        found = looked_at(count)
        assert {0, count - 1, count // 2} <= set(found) and len(found) <= 9
        assert max(found) < count


def _pairs(source: Path, folder: Path) -> list[Pair | Skip]:
    """In this process, so that what pydicom does can be set."""
    options = Dicom(key=write_key(folder), copies=str(folder / "c"))
    return [each for one in options.all_sources([str(source)]) for each in options.pairs(one)]


def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    archive = _series(tmp_path / "in", named=False, count=2)
    monkeypatch.setattr("pydicom.filewriter.write_data_element", full)
    with pytest.raises(OutputError) as told:
        _pairs(archive, tmp_path)
    assert "the disk is full" in str(told.value) and "\n" not in str(told.value)
    assert "With tag" not in str(told.value)
    assert not [path for path in (tmp_path / "c").rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", [NotImplementedError, KeyError, ValueError, OSError])
def test_what_cannot_be_written_costs_one_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise kind("Schmidt")

    archive = _series(tmp_path / "in", named=False, count=2)
    monkeypatch.setattr("pydicom.filewriter.write_data_element", broken)
    skips = [each for each in _pairs(archive, tmp_path) if isinstance(each, Skip)]
    assert [(each.reason, each.quarantine) for each in skips] == [("no_copy", True)] * 2
    assert "Schmidt" not in str(skips)
    assert not list((tmp_path / "c").iterdir())


def test_folders_in_a_source_or_of_pairs_are_refused(tmp_path: Path) -> None:
    source, pairs = tmp_path / "in", tmp_path / "pairs"
    (pairs / "_state").mkdir(parents=True)
    source.mkdir()
    key = write_key(tmp_path)
    for name in ("copies", "volumes"):
        for folder in (source, source / "deep" / "er", pairs):
            options = Dicom(key=key, **{name: str(folder)})  # type: ignore[arg-type]
            with pytest.raises(UsageError, match=f"--{name}"):
                check_places(options, [str(source)])
        options = Dicom(key=key, **{name: str(tmp_path / "out")})  # type: ignore[arg-type]
        check_places(options, [str(source)])
        with pytest.raises(UsageError, match=f"--{name}"):
            check_places(options, [str(source)], tmp_path / "out")
