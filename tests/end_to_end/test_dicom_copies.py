"""Copies and volumes of DICOM studies: what of the patient they must not hold, and what stops."""

from __future__ import annotations

import errno
import io
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pydicom
import pydicom.data
import pytest
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.tag import BaseTag

from domainclip.cli import main
from domainclip.errors import BadInput, OutputError, UsageError
from domainclip.extractors.dicom import Dicom
from domainclip.extractors.dicom.copies import check_places
from domainclip.extractors.dicom.lettering import looked_at
from domainclip.extractors.dicom.pixels.decoding import decode
from domainclip.extractors.dicom.pixels.reading import read_dataset
from domainclip.extractors.dicom.privacy.jpeg_metadata import clean_codestreams, clean_frame
from domainclip.extractors.dicom.quiet import quiet
from domainclip.pairs import Pair, Skip
from tests.data.make_dicom import image, jpeg, jpeg_image, save
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


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "Schmidt Anna MRN778812", "Zweistein"
    return b"Exif\0\0" + exif.tobytes().removeprefix(b"Exif\0\0")


def _segment(code: int, told: bytes) -> bytes:
    return bytes((0xFF, code)) + (len(told) + 2).to_bytes(2, "big") + told


def _marked(coded: bytes) -> bytes:
    """A JPEG with segments of every kind, an end of its own and something behind it."""
    said = b"Schmidt Anna MRN778812"
    at = coded.index(b"\xff\xda")
    segments = _segment(0xE1, _exif()) + _segment(0xFE, said) + _segment(0xED, said)
    return coded[:2] + segments + coded[2:at] + _segment(0xFE, said) + coded[at:] + said


def _pixels(dataset: Dataset) -> list[np.ndarray]:
    frames = decode(dataset, max_pixels=1 << 26)
    return [frames.frame(number) for number in range(frames.count)]


@pytest.mark.parametrize("colour", [False, True])
@pytest.mark.parametrize("pieces", [1, 3])
def test_jpeg_metadata_stay_behind_and_the_pixels_are_the_same(
    tmp_path: Path, colour: bool, pieces: int
) -> None:
    values = np.stack([(_blob(number) >> 3).astype(np.uint8) for number in range(3)])
    if colour:
        values = np.stack([values, values // 2, values // 3], axis=-1)
    one = jpeg_image(values, modality="XC" if colour else "CR", **PERSON)
    marked = [_marked(jpeg(frame)) for frame in values]
    one.PixelData = encapsulate(marked, fragments_per_frame=pieces)
    one["PixelData"].is_undefined_length = True
    before = pydicom.dcmread(save(one, tmp_path / "in" / "1.dcm"))
    (path,) = _copies(one, tmp_path, "--burned-in", "keep")
    said = path.read_bytes()
    for word in (b"Schmidt", b"MRN778812", b"Zweistein", b"Exif"):
        assert word not in said
    after = pydicom.dcmread(path)
    assert len(list(generate_frames(after.PixelData, number_of_frames=3))) == 3
    for one_frame, other in zip(_pixels(before), _pixels(after), strict=True):
        np.testing.assert_array_equal(one_frame, other)


def test_frames_without_metadata_stay_as_they_lie(tmp_path: Path) -> None:
    values = (_blob() >> 3).astype(np.uint8)
    one = jpeg_image(values, modality="CR", **PERSON)
    held = one.PixelData
    (path,) = _copies(one, tmp_path, "--burned-in", "keep")
    assert pydicom.dcmread(path).PixelData == held


@pytest.mark.parametrize("name", ["JPEG2000", "JP2"])
def test_comments_of_jpeg_2000_go(name: str) -> None:
    out = io.BytesIO()
    values = (_blob() >> 3).astype(np.uint8)
    Image.fromarray(values).save(
        out, "JPEG2000", no_jp2=name == "JPEG2000", comment="Schmidt Anna", tile_size=(64, 64)
    )
    coded = out.getvalue()
    start = coded.index(b"\xff\x4f\xff\x51")
    if name == "JPEG2000":
        # and one in the header of the first tile-part, whose length counts it
        at = coded.index(b"\xff\x90")
        more = _segment(0x64, b"\0\1Zweistein")
        length = int.from_bytes(coded[at + 6 : at + 10], "big") + len(more)
        tile = coded[at : at + 6] + length.to_bytes(4, "big") + coded[at + 10 : at + 12]
        coded = coded[:at] + tile + more + coded[at + 12 :] + b"Schmidt"
    else:
        assert start
        coded += b"\0\0\0\x0fxml Schmidt"
    cleaned = clean_frame(coded)
    assert b"Schmidt" not in cleaned and b"Zweistein" not in cleaned
    assert (name == "JP2") == (len(cleaned) == len(coded))
    with Image.open(io.BytesIO(coded)) as before, Image.open(io.BytesIO(cleaned)) as after:
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


def test_real_codestreams_decode_to_the_same(shared_data: Path) -> None:
    seen = Counter[str]()
    files = [*Path(pydicom.data.__file__).parent.rglob("*.dcm"), *shared_data.rglob("*.dcm")]
    for path in files:
        if path.stat().st_size > 1 << 18:
            continue
        try:
            with path.open("rb") as file, quiet():
                dataset = read_dataset(file)
                syntax = dataset.file_meta.get("TransferSyntaxUID")
                if syntax is None or not syntax.is_encapsulated:
                    continue
                before = _pixels(dataset)
                clean_codestreams(dataset)
        except BadInput:
            continue
        with quiet():
            after = _pixels(dataset)
        for one_frame, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one_frame, other)
        seen[syntax.name] += 1
    assert len(seen) >= 5, seen


@pytest.mark.parametrize("data", [
    b"", b"\xff\xd8", b"\xff\xd8\xff\xe1\xff\xffab", b"\xff\x4f\xff\x51\0\x10", b"video",
    b"\0\0\0\x0cjP  \0\0\0\0\0\0\0\2jp2c",
])  # fmt: skip
def test_damaged_codestreams_are_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        clean_frame(data)


def test_names_in_codes_and_numbers_stay_behind(tmp_path: Path) -> None:
    one = image(_blob(), modality="MR", **{**PERSON, "name": "Schmidt^Anna"}, instance=8)
    one.ReferringPhysicianName, one.OperatorsName = "Zweistein^Paul", "Volkov"
    one.BodyPartExamined, one.ImageType = "ANNA SCHMIDT", ["ORIGINAL", "PRIMARY", "ANNA", "M"]
    one.PatientPosition, one.PresentationIntentType = "VOLKOV", "SCHMIDT"
    one.WindowCenter, one.WindowWidth, one.WindowCenterWidthExplanation = 9, 9, "Volkov1"
    for tag, vr, value in ((0x00280030, "DS", b"Zweistein "), (0x00280008, "IS", b"Zweistein "),
                           (0x00180087, "DS", b"778812"), (0x00180050, "DS", b"2.5 ")):  # fmt: skip
        one[tag] = RawDataElement(BaseTag(tag), vr, len(value), value, 0, False, True)
    one.PatientID = "778812"
    (path,) = _copies(one, tmp_path)
    said = path.read_bytes().lower()
    for word in (b"anna", b"schmidt", b"zweistein", b"volkov", b"778812"):
        assert word not in said, word
    made = pydicom.dcmread(path)
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY", "REMOVED", "M"]
    assert made.PresentationIntentType == "FOR PRESENTATION" and made.SliceThickness == 2.5
    assert not made.BodyPartExamined and "PixelSpacing" not in made


def test_a_patient_called_like_a_term_breaks_no_codes(tmp_path: Path) -> None:
    one = image(_blob(), modality="CT", patient="12345", name="Axial^Foot", instance=8)
    one.ImageType, one.BodyPartExamined = ["ORIGINAL", "PRIMARY", "AXIAL"], "FOOT"
    one.KVP, one.PatientPosition, one.PixelSpacing = "12345", "HFS", [0.5, 0.5]
    (path,) = _copies(one, tmp_path)
    made = pydicom.dcmread(path)
    assert list(made.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert made.BodyPartExamined == "FOOT" and made.KVP == 12345 and made.PixelSpacing == [0.5, 0.5]


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
