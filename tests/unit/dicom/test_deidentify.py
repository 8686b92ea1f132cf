"""Whole data sets without what identifies anybody: nesting, private and odd elements, reports,
dates, UIDs, stamps, and the texts that stay."""

from __future__ import annotations

import copy
import io
import random
import time
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from domainclip.errors import UsageError
from domainclip.extractors.dicom.privacy.deidentify import deidentify
from domainclip.extractors.dicom.privacy.identifiers import identifiers_of
from domainclip.extractors.dicom.privacy.policy import Policy
from domainclip.extractors.dicom.privacy.pseudonyms import Pseudonyms
from domainclip.extractors.dicom.privacy.stamps import stamp_pixels
from domainclip.extractors.dicom.quiet import quiet

NAMES = Pseudonyms(bytes(range(32)))
BASIC = Policy()
REPORTS = Policy(frozenset(("structured_content", "descriptors")), "shift")


def hidden(
    dataset: Dataset, policy: Policy = BASIC, scrub: Callable[[str], str] | None = None
) -> Dataset:
    return deidentify(dataset, policy, NAMES, patient="pseudonym", scrub=scrub)


def reread(dataset: Dataset) -> Dataset:
    """The same data set as a file has it: raw elements."""
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    write_dataset(file, dataset)
    return read_dataset(io.BytesIO(file.getvalue()), False, True)


def unknown(tag: int, value: bytes) -> bytes:
    """An element of explicit VR UN as a file has it."""
    head = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    return head + b"UN\0\0" + len(value).to_bytes(4, "little") + value


def codes(dataset: Dataset) -> list[str]:
    return [code.CodeValue for code in dataset[0x00120064].value]


def person() -> Dataset:
    item = Dataset()
    item.PatientName, item.PatientID = "Doe^John", "MRN-77125"
    item.ReferringPhysicianName = "Welby^Marcus"
    item.StudyDate, item.AccessionNumber = "20200227", "ACC-1"
    item.ReferencedSOPInstanceUID = "1.2.3.4"
    return item


@pytest.mark.parametrize("raw", [False, True])
def test_sequences_are_cleaned_at_any_depth_and_the_input_stays(raw: bool) -> None:
    dataset = inner = Dataset()
    for _ in range(12):  # sequences that the table does not name
        inner.SharedFunctionalGroupsSequence = Items([person()])
        inner = inner.SharedFunctionalGroupsSequence[0]
    if raw:
        dataset = reread(dataset)
    before = str(copy.deepcopy(dataset))
    made = hidden(dataset)
    text = str(made)
    assert not any(word in text for word in ("Doe", "Welby", "77125", "20200227", "ACC", "1.2.3.4"))
    assert text.count("pseudonym") == 24 and text.count(NAMES.uid("1.2.3.4")) == 12
    assert str(dataset) == before


def test_a_change_of_the_result_is_none_of_the_input() -> None:
    dataset = Dataset()
    dataset.Rows = 5
    made = hidden(dataset)
    made.Rows = 7
    assert dataset.Rows == 5


def test_private_curves_overlays_group_lengths_signatures_and_padding_go() -> None:
    dataset = Dataset()
    dataset.Modality = "CT"
    block = dataset.private_block(0x0009, "ACME", create=True)
    block.add_new(0x01, "LO", "Doe")
    for tag, vr, value in (
        (0x00080000, "UL", 77), (0x50003000, "OW", b"Doe "), (0x50020005, "US", 1),
        (0x60003000, "OW", b"Doe "), (0x60000022, "LO", "Doe"), (0x601E1500, "LO", "Doe"),
        (0xFFFCFFFC, "OB", b"Doe "), (0x00203101, "LO", "Doe"), (0x00080FFE, "LO", "Doe"),
        (0x00000001, "UL", 1), (0x7FE10010, "OB", b"Doe "),
    ):  # fmt: skip
        dataset.add_new(tag, vr, value)
    dataset.add(DataElement(0xFFFAFFFA, "SQ", Items([person()])))
    made = hidden(dataset)
    assert {int(element.tag) for element in made} == {
        0x00080060, 0x00120062, 0x00120063, 0x00120064, 0x00280303
    }  # fmt: skip


def test_safe_private_numbers_stay_on_request_with_their_creator() -> None:
    dataset = Dataset()
    dataset.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0, "DS", "0.5")
    dataset.private_block(0x7053, "Philips PET Private Group").add_new(0x03, "ST", "/Doe.img")
    dataset.private_block(0x0019, "ACME", create=True).add_new(0x0C, "IS", "5")
    for source in (dataset, reread(dataset)):
        made = hidden(source, Policy(frozenset(("private",))))
        assert made.private_block(0x7053, "Philips PET Private Group")[0].value == 0.5
        assert [int(element.tag) for element in made if element.tag.is_private] == [
            0x70530010,
            0x70531000,
        ]
        assert not any(element.tag.is_private for element in hidden(source))
        assert codes(made) == ["113100", "113111"]


def test_uids_keep_what_refers_to_what() -> None:
    image, report = Dataset(), Dataset()
    image.SOPClassUID = report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.SOPInstanceUID = "1.2.3.4"
    image.FrameOfReferenceUID = "1.2.840.10008.1.4.1.1"  # registered: the Talairach brain
    image.add_new(0x00081167, "UI", ["1.2.3.5", "1.2.3.6"])  # in no table
    reference = Dataset()
    reference.ReferencedSOPInstanceUID, reference.ReferencedSOPClassUID = "1.2.3.4", "1.2.3.999"
    report.ReferencedInstanceSequence = Items([reference])
    made = hidden(image)
    kept = hidden(reread(report)).ReferencedInstanceSequence[0]
    assert made.SOPInstanceUID == kept.ReferencedSOPInstanceUID == NAMES.uid("1.2.3.4")
    assert made.SOPClassUID == image.SOPClassUID
    assert kept.ReferencedSOPClassUID == "1.2.3.999"  # a private class names no instance
    assert made.FrameOfReferenceUID == "1.2.840.10008.1.4.1.1"
    assert list(made[0x00081167].value) == [NAMES.uid("1.2.3.5"), NAMES.uid("1.2.3.6")]
    same = hidden(image, Policy(frozenset(("uids",))))
    assert same.SOPInstanceUID == "1.2.3.4" and list(same[0x00081167].value) == [
        "1.2.3.5",
        "1.2.3.6",
    ]


def test_file_meta_has_the_new_instance_and_no_source() -> None:
    dataset = Dataset()
    dataset.SOPInstanceUID = "1.2.3.4"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = "DOE_HOSPITAL"
    meta.PrivateInformationCreatorUID, meta.PrivateInformation = "1.2.3", b"Doe "
    meta.ImplementationVersionName = "DOE_2"
    dataset.file_meta = meta
    made = hidden(dataset)
    assert made.file_meta.MediaStorageSOPInstanceUID == made.SOPInstanceUID
    assert made.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert "DOE" not in str(made.file_meta).upper()
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    assert file.getvalue()[:128] == bytes(128)
    file.seek(0)
    assert pydicom.dcmread(file).SOPInstanceUID == NAMES.uid("1.2.3.4")


def test_dates_are_removed_shifted_or_kept() -> None:
    dataset = Dataset()
    dataset.PatientBirthDate, dataset.StudyDate, dataset.SeriesDate = "19500101", "20200227", "none"
    dataset.AcquisitionDateTime, dataset.StudyTime = "20200303121314.5", "101112"
    dataset.DateOfLastCalibration = ["20190101", "20200101"]
    removed = hidden(dataset)
    assert removed.StudyDate == "" == removed.StudyTime and "DateOfLastCalibration" not in removed
    moved = hidden(dataset, Policy(frozenset(("device",)), "shift"))
    assert moved.StudyDate == NAMES.shift_date("20200227", "pseudonym")
    assert moved.AcquisitionDateTime == NAMES.shift_date("20200303", "pseudonym") + "121314.5"
    assert moved.SeriesDate == "" and moved.StudyTime == "101112"
    # a kept date beside a shifted one would tell the shift
    assert "20190101" not in str(moved)
    assert len(moved.DateOfLastCalibration) == 2
    kept = hidden(dataset, Policy(dates="keep"))
    assert kept.StudyDate == "20200227" and kept.AcquisitionDateTime == "20200303121314.5"
    assert {each.PatientBirthDate for each in (removed, moved, kept)} == {""}
    assert kept.SeriesDate == ""
    assert [each[0x00280303].value for each in (removed, moved, kept)] == [
        "REMOVED", "MODIFIED", "UNMODIFIED"
    ]  # fmt: skip


def test_very_old_people_are_ninety() -> None:
    dataset = Dataset()
    for age, shown in (("097Y", "090Y"), ("45Y", "045Y"), ("003D", "003D"), ("about 50", "")):
        dataset.PatientAge = age
        assert hidden(dataset, Policy(frozenset(("patient",)))).PatientAge == shown
        assert "PatientAge" not in hidden(dataset)


def test_descriptions_are_cleaned_by_the_given_function_or_go() -> None:
    dataset = Dataset()
    dataset.StudyDescription, dataset.SeriesDescription = "CT of J. Doe", "Axial"
    dataset.DerivationDescription = "Überlagert für Doe"
    dataset.SpecificCharacterSet = "ISO_IR 100"
    policy = Policy(frozenset(("descriptors",)))
    for source in (dataset, reread(dataset)):
        made = reread(hidden(source, policy, lambda text: text.replace("Doe", "[NAME]")))
        assert made.StudyDescription == "CT of J. [NAME]" and made.SeriesDescription == "Axial"
        assert made.DerivationDescription == "Überlagert für [NAME]"
        assert "113105" in codes(made)
        without = hidden(source, policy)
        assert "StudyDescription" not in without and "113105" not in codes(without)


def test_what_was_taken_out_is_found_where_it_stays() -> None:
    dataset = person()
    dataset.StationName, dataset.SeriesNumber = "CT-HALLWAY", "77125"
    dataset.AccessionNumber = "77125"
    dataset.SoftwareVersions = ["1.2", "for Marcus Welby"]
    dataset.ManufacturerModelName, dataset.Manufacturer = "Model ct-hallway", "Doering"
    dataset.BodyPartExamined, dataset.ImageType = "DOE_JOHN", ["ORIGINAL", "PRIMARY"]
    for source in (dataset, reread(dataset)):
        made = hidden(source)
        assert made.SoftwareVersions == made.ManufacturerModelName == "REMOVED"
        assert made.SeriesNumber is None
        assert (
            made.Manufacturer == "Doering"
        )  # a whole word is looked for, and Doe has three letters
        assert list(made.ImageType) == ["ORIGINAL", "PRIMARY"]


def test_wrong_vrs_hide_no_name() -> None:
    dataset = Dataset()
    dataset.add_new(0x00280010, "PN", "Doe^John")  # Rows
    dataset.add_new(0x00181050, "LO", "Doe, John")  # Spatial Resolution, DS
    dataset.add_new(0x00280002, "SQ", Items([person()]))
    dataset.add_new(0x00080070, "PN", "Doe^John")  # Manufacturer, LO
    dataset.add_new(0x00081030, "OB", b"Doe^John")
    for source in (dataset, reread(dataset)):
        assert "Doe" not in str(hidden(source)) and "Rows" not in hidden(source)
    data = unknown(0x00080070, b"Doe^John") + unknown(0x00100010, b"Doe^John")
    made = hidden(read_dataset(io.BytesIO(data), False, True))
    assert made.PatientName == "pseudonym" and made.Manufacturer == "REMOVED"


def test_a_sequence_that_is_called_unknown_is_cleaned() -> None:
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = True, True
    inner = person()
    inner.SliceThickness = "2"
    write_dataset(file, inner)
    item = b"\xfe\xff\x00\xe0" + len(file.getvalue()).to_bytes(4, "little") + file.getvalue()
    data = unknown(0x52009229, item)  # Shared Functional Groups Sequence
    made = hidden(read_dataset(io.BytesIO(data), False, True))
    assert made.SharedFunctionalGroupsSequence[0].SliceThickness == 2
    assert "Doe" not in str(made) and "Welby" not in str(made)


def test_too_deep_sequences_are_emptied() -> None:
    dataset = person()
    for _ in range(300):
        outer = Dataset()
        outer.SharedFunctionalGroupsSequence = Items([dataset])
        dataset = outer
    made, levels = hidden(dataset), 0
    while "SharedFunctionalGroupsSequence" in made and made.SharedFunctionalGroupsSequence:
        made, levels = made.SharedFunctionalGroupsSequence[0], levels + 1
    assert levels == 48 and "PatientName" not in made


def report() -> Dataset:
    dataset = person()
    dataset.SOPClassUID, dataset.ValueType = "1.2.840.10008.5.1.4.1.1.88.33", "CONTAINER"
    dataset.ContentSequence = Items(
        [
            _item("TEXT", "121071", TextValue="No effusion, says Welby."),
            _item("PNAME", "121008", PersonName="Welby^Marcus"),
            _item("TEXT", "121022", TextValue="ACC-2"),  # Accession Number
            _item("TEXT", "113012", TextValue="Key object"),
            _item("DATE", "121110", Date="20200227"),
            _item("UIDREF", "121018", UID="1.2.3.4"),
            _item(
                "CONTAINER", "121070", ContentSequence=Items([_item("TEXT", "9", TextValue="ok")])
            ),
        ]
    )
    return dataset


def test_reports_keep_their_tree_and_cleaned_text_on_request() -> None:
    for source in (report(), reread(report())):
        made = hidden(source, REPORTS, lambda text: text.replace("Welby", "[NAME]"))
        items = made.ContentSequence
        assert items[0].TextValue == "No effusion, says [NAME]." and len(items) == 7
        assert items[1].PersonName == "REMOVED" and items[2].TextValue == "REMOVED"
        assert items[4].Date == NAMES.shift_date("20200227", "pseudonym")
        assert NAMES.uid("1.2.3.4") == items[5].UID
        assert items[6].ContentSequence[0].TextValue == "ok"
        assert {"113104", "113105", "113107"} <= set(codes(made))


def test_reports_are_a_dummy_by_the_basic_profile() -> None:
    made = hidden(report())
    assert len(made.ContentSequence) == 1
    assert made.ContentSequence[0].TextValue == "REMOVED"
    assert not any(word in str(made) for word in ("effusion", "Welby", "ACC"))


def test_the_stamps_say_what_was_done() -> None:
    dataset = Dataset()
    dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "NO", "by Dr. Doe"
    made = hidden(dataset)
    assert made.PatientIdentityRemoved == "YES" and "Doe" not in str(made)
    assert all(len(word) <= 64 for word in [made.DeidentificationMethod])
    assert codes(made) == ["113100"]
    assert made[0x00120064].value[0].CodingSchemeDesignator == "DCM"
    assert "BurnedInAnnotation" not in made
    stamp_pixels(made)
    assert made.BurnedInAnnotation == "NO"
    again = hidden(made)
    assert codes(again) == ["113100", "113101"]


def test_the_callers_mistakes_are_told() -> None:
    with pytest.raises(UsageError, match="plain ASCII"):
        deidentify(Dataset(), BASIC, NAMES, patient="Müller")
    dataset = Dataset()
    dataset.StudyDescription = "CT"
    with pytest.raises(ZeroDivisionError):
        hidden(dataset, REPORTS, lambda text: str(1 / 0))


def test_real_files_leave_nothing_and_can_be_written(shared_data: Path) -> None:
    paths = sorted(p for p in (shared_data / "dicom").rglob("*") if p.is_file())
    seen = 0
    for path in paths[::2]:
        with quiet():
            try:
                dataset = pydicom.dcmread(path, force=True, defer_size=None)
            except Exception:
                continue
            if "SOPClassUID" not in dataset:
                continue
            known = {each.value for each in identifiers_of(dataset) if len(each.value) > 5}
            made = hidden(dataset)
            text = str(made)
            assert not [value for value in known if f"'{value}'" in text], path.name
            if "TransferSyntaxUID" in made.file_meta:
                file = io.BytesIO()
                made.save_as(file, enforce_file_format=True)
                file.seek(0)
                assert len(pydicom.dcmread(file)) == len(made)
        seen += 1
    assert seen > 25


def test_the_item_delimiter_among_the_elements_is_no_trouble(shared_data: Path) -> None:
    path = next((shared_data / "dicom").rglob("*GH364*"), None)
    if path is None:
        pytest.skip("shared data have no GH364.dcm")
    with quiet():
        made = hidden(pydicom.dcmread(path, force=True))
    assert made.PatientIdentityRemoved == "YES" and 0xFFFEE000 not in made


def test_damaged_files_raise_nothing(shared_data: Path) -> None:
    paths = [p for p in sorted((shared_data / "dicom").rglob("*")) if p.is_file()]
    paths = [p for p in paths if p.stat().st_size < 60_000]
    draw, until, tried = random.Random(7), time.monotonic() + 3, 0
    while time.monotonic() < until:
        data = bytearray(draw.choice(paths).read_bytes())
        for _ in range(draw.choice((1, 5, 30))):
            at = draw.randrange(132, max(133, min(len(data), 6000)))
            data[at : at + 2] = draw.choice(
                (b"SQ", b"PN", b"UN", b"\xff\xff", b"\0\0", b"US", b"\\A")
            )
        with quiet():
            try:
                dataset = pydicom.dcmread(io.BytesIO(bytes(data)), force=True)
            except Exception:
                continue
        identifiers_of(dataset)
        deidentify(dataset, REPORTS, NAMES, patient=NAMES.patient(dataset), scrub=str.lower)
        tried += 1
    assert tried > 20


def _item(value_type: str, code: str, **values: object) -> Dataset:
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code, "DCM", "a concept"
    item.ValueType, item.RelationshipType = value_type, "CONTAINS"
    item.ConceptNameCodeSequence = Items([name])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
