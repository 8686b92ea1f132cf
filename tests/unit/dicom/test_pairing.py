"""Damaged files cost what is damaged in them, and nothing else of their study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from domainclip.extractors.dicom import Dicom
from domainclip.pairs import Pair, Skip
from tests.data.make_dicom import as_bytes, image, ramp, save
from tests.data.make_study import write_key


def made(folder: Path, **options: object) -> list[Pair | Skip]:
    """What becomes of a folder's studies."""
    dicom = Dicom(key=write_key(folder.parent), **options)  # type: ignore[arg-type]
    return [each for source in dicom.sources(str(folder)) for each in dicom.pairs(source)]


def test_a_copy_of_a_file_without_meta_says_how_it_is_written(tmp_path: Path) -> None:
    archive, copies = tmp_path / "archive", tmp_path / "copies"
    for number, syntax in enumerate((ImplicitVRLittleEndian, ExplicitVRLittleEndian)):
        dataset = image(modality="CT", instance=10 + number, syntax=syntax)
        save(dataset, archive / str(number), preamble=False, meta=False)
    assert sum(isinstance(each, Pair) for each in made(archive, copies=str(copies))) == 2
    found = {pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in copies.rglob("*.dcm")}
    assert found == {ImplicitVRLittleEndian, ExplicitVRLittleEndian}


def test_an_attribute_that_is_none_is_left_out(tmp_path: Path) -> None:
    data = as_bytes(image(modality="MR", spacing=(1.0, 1.0)))
    at = data.index(b"\x28\0\x30\0DS")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "file").write_bytes(data[: at + 4] + b"D`" + data[at + 6 :])
    (pair,) = made(tmp_path / "archive")
    assert isinstance(pair, Pair) and "PixelSpacing" not in pair.meta


def test_frames_that_are_not_there_are_named_and_the_others_shown(tmp_path: Path) -> None:
    loop = image(ramp(frames=4, bits=8), modality="XA", extra={"NumberOfFrames": 6})
    save(loop, tmp_path / "archive" / "loop")
    found = made(tmp_path / "archive", slices="all")
    shown = [each.where["frame"] for each in found if isinstance(each, Pair)]
    skipped = [each.reason for each in found if isinstance(each, Skip)]
    assert shown == [1, 2, 3, 4]
    assert skipped == ["truncated_pixels"] * 2


def test_a_volume_of_which_frames_are_missing_is_none(tmp_path: Path) -> None:
    values = np.stack([ramp(bits=12)] * 3)
    grid = image(
        values, modality="CT", position=(0, 0, 0), spacing=(1, 1), extra={"NumberOfFrames": 5}
    )
    grid.Modality = "RTDOSE"
    grid.GridFrameOffsetVector = [0, 2, 4, 6, 8]
    save(grid, tmp_path / "archive" / "dose")
    found = made(tmp_path / "archive", volumes=str(tmp_path / "volumes"))
    assert "unforeseen" not in {each.reason for each in found if isinstance(each, Skip)}
    assert not list((tmp_path / "volumes").iterdir())
