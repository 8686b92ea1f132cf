"""The owner's checks: an audit that cannot be fooled, names of all files, keys that are refused."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pydicom
import pytest
from PIL import Image

from domainclip.cli import main
from domainclip.pairs import open_pairs
from tests.data.make_study import write_archive, write_key, write_patients


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
    from domainclip.extractors.dicom import study

    archive, key = write_archive(tmp_path / "archive"), write_key(tmp_path)
    whole = study.read_dataset

    def _read(file: Any, **options: Any) -> Any:
        if "LL" in file.name:
            raise BadInput("The header of the file is damaged.")
        return whole(file, **options)

    monkeypatch.setattr(study, "read_dataset", _read)
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


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an archive, its pairs, copies and volumes, and pairs that kept everything."""
    folder = tmp_path_factory.mktemp("audit")
    archive = write_archive(folder / "archive")
    beside = ("--copies", folder / "copies", "--volumes", folder / "volumes")
    assert _dicom(archive, "--key", write_key(folder), "-o", folder / "pairs", *beside) == 0
    assert _dicom(archive, "--keep-identifiers", "-o", folder / "kept") == 0
    return folder


def _audit(folder: Path, pairs: str, *words: object, key: object = None) -> int:
    given = () if "--keep-identifiers" in words else ("--key", key or write_key(folder))
    source = () if words and Path(str(words[0])).exists() else (folder / "archive",)
    return _dicom(*source, *words, *given, "-o", folder / pairs, "--audit", "--json")


def test_an_audit_of_pairs_that_kept_everything_is_refused_without_the_flag(
    made: Path, capsys: Any
) -> None:
    assert _audit(made, "kept") == 2
    said = capsys.readouterr().err
    assert "--keep-identifiers" in said and said.count("\n") == 1
    assert _audit(made, "pairs", "--keep-identifiers") == 2
    assert "made without --keep-identifiers" in capsys.readouterr().err


def test_an_audit_with_another_key_is_refused(made: Path, tmp_path: Path, capsys: Any) -> None:
    assert _audit(made, "pairs", key=_other_key(tmp_path)) == 2
    said = capsys.readouterr().err
    assert "key" in said and "--key FILE" in said and said.count("\n") == 1


def test_moved_pairs_that_kept_everything_do_not_pass(
    made: Path, tmp_path: Path, capsys: Any
) -> None:
    shutil.copytree(made / "kept", tmp_path / "moved", ignore=shutil.ignore_patterns("_state"))
    key = write_key(tmp_path)
    words = (made / "archive", "--key", key, "-o", tmp_path / "moved", "--audit", "--json")
    assert _dicom(*words) == 1
    audit = json.loads(capsys.readouterr().out)
    found = {row["name"] for row in audit["attributes"] if row["found"]}
    assert found >= {"PatientName", "PatientID", "AccessionNumber"}
    assert audit["missing"] == 2


def test_another_source_does_not_pass(made: Path, tmp_path: Path, capsys: Any) -> None:
    write_patients(tmp_path / "others", "CR", 2)
    assert _audit(made, "pairs", tmp_path / "others") == 2
    assert "was not made of these sources, or with another key" in capsys.readouterr().err
    shutil.copytree(made / "archive" / "xr", tmp_path / "others" / "xr")
    assert _audit(made, "pairs", tmp_path / "others") == 1
    audit = json.loads(capsys.readouterr().out)
    assert (audit["sources"], audit["missing"], audit["found"]) == (3, 2, 0)
    assert _dicom(tmp_path / "others", "--key", write_key(made), "-o", made / "pairs",
                  "--audit") == 1  # fmt: skip
    said = capsys.readouterr().out
    assert "2 of 3 sources" in said and "None remains" not in said


def test_a_source_that_gave_neither_pairs_nor_errors_is_not_missing(
    tmp_path: Path, capsys: Any
) -> None:
    archive = write_archive(tmp_path / "archive")
    write_patients(tmp_path / "more", "CR", 1)
    shutil.copy(tmp_path / "more" / "0-report.dcm", archive / "alone")
    assert _dicom(archive, "--key", write_key(tmp_path), "-o", tmp_path / "pairs") == 0
    assert "report_without_image" in capsys.readouterr().out
    assert _audit(tmp_path, "pairs") == 0
    audit = json.loads(capsys.readouterr().out)
    assert (audit["sources"], audit["missing"]) == (4, 0)
    shutil.rmtree(tmp_path / "pairs" / "_state")
    assert _audit(tmp_path, "pairs") == 0, "a report alone is no image that is missing"


def test_copies_and_volumes_are_looked_through(made: Path, tmp_path: Path, capsys: Any) -> None:
    assert _dicom(made / "archive", "--key", write_key(made), "-o", made / "pairs", "--audit") == 0
    assert "Not looked through: --copies, --volumes" in capsys.readouterr().out
    copies, volumes = tmp_path / "copies", tmp_path / "volumes"
    shutil.copytree(made / "copies", copies)
    shutil.copytree(made / "volumes", volumes)
    words = ("--copies", copies, "--volumes", volumes)
    assert _audit(made, "pairs", *words) == 0, capsys.readouterr().out
    audit = json.loads(capsys.readouterr().out)
    assert audit["looked"] == ["11 files of --copies", "1 file of --volumes"]

    def found() -> dict[str, list[str]]:
        assert _audit(made, "pairs", *words) == 1
        rows = json.loads(capsys.readouterr().out)["attributes"]
        return {row["name"]: row["where"] for row in rows if row["found"]}

    one = sorted(copies.rglob("*.dcm"))[0]
    clean = one.read_bytes()
    dataset = pydicom.dcmread(one)
    block = dataset.private_block(0x0099, "MINE", create=True)
    block.add_new(1, "LO", "seen Quackenbush Philomena")
    dataset.save_as(one)
    assert found()["PatientName"] == ["copies"]

    picture = io.BytesIO()
    Image.new("L", (16, 16)).save(picture, "jpeg", comment=b"MRN778812 and MRN900001")
    dataset = pydicom.dcmread(io.BytesIO(clean))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    dataset.PixelData = pydicom.encaps.encapsulate([picture.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.save_as(one)
    assert found()["PatientID"] == ["copies"]
    one.write_bytes(clean)

    (volume,) = volumes.rglob("*.nii.gz")
    image = nibabel.load(volume)
    image.header["descrip"] = b"Else Somebody"
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), image.affine, image.header), volume)
    assert found()["PatientName"] == ["volumes"]
    shutil.rmtree(volumes)
    shutil.copytree(made / "volumes", volumes)
    one.rename(one.with_name("MRN778812.dcm"))
    assert "file names of copies" in found()["PatientID"]
    one.with_name("MRN778812.dcm").write_bytes(b"no DICOM")
    one.with_name("MRN778812.dcm").rename(one)
    assert _audit(made, "pairs", *words) == 1
    assert json.loads(capsys.readouterr().out)["unread"] == 1


def test_what_compressed_frames_say_beside_their_samples(tmp_path: Path) -> None:
    from domainclip.extractors.dicom.privacy.beside import frame_texts

    values = np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)

    def coded(kind: str, **options: Any) -> bytes:
        file = io.BytesIO()
        Image.fromarray(values).save(file, kind, **options)
        return file.getvalue()

    jpeg, jp2 = coded("jpeg", progressive=True), coded("jpeg2000", comment="Doe in wavelets")
    assert "Doe in wavelets" in "".join(frame_texts(jp2))
    assert "Doe in wavelets" in "".join(frame_texts(jp2[jp2.index(b"\xff\x4f\xff\x51") :]))
    comment = b"\xff\xfe\x00\x05Doe"
    at = jpeg.rindex(b"\xff\xda")
    for made in (jpeg[:2] + comment + jpeg[2:], jpeg[:at] + comment + jpeg[at:], jpeg + b"Doe"):
        assert "Doe" in "".join(frame_texts(made))
    assert "Doe" not in "".join(frame_texts(jpeg))
    exif = Image.Exif()
    exif[0x010E] = "Doe in EXIF"
    assert "Doe in EXIF" in "".join(frame_texts(coded("jpeg", exif=exif)))
    assert frame_texts(b"") == frame_texts(b"\x00\x01") == []
