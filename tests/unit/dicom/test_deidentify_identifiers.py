"""What a header calls people, places and things, for the search in reports and outputs."""

from __future__ import annotations

import io

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence as Items

from domainclip.extractors.dicom.privacy.generic import is_generic
from domainclip.extractors.dicom.privacy.identifiers import identifiers_of
from domainclip.extractors.dicom.records import Identifier


def found(dataset: Dataset) -> set[tuple[str, str, str]]:
    return {(each.kind, each.value, each.name) for each in identifiers_of(dataset)}


def test_people_places_numbers_and_dates_are_found_by_kind() -> None:
    dataset = Dataset()
    dataset.PatientName, dataset.OperatorsName = "Doe^John^^Dr", ["Roe^Ann", "Poe^Ed"]
    dataset.PatientID, dataset.AccessionNumber = "MRN  77", "A-4711"
    dataset.PatientBirthDate, dataset.AcquisitionDateTime = "1950.01.02", "20200303121314"
    dataset.InstitutionName, dataset.StationName = "St. Elsewhere", "CT-HALLWAY"
    dataset.PatientAddress, dataset.PatientTelephoneNumbers = "1 Main Street", "555-0199"
    dataset.DeviceSerialNumber, dataset.SOPInstanceUID = "SN4711", "1.2.3.4"
    dataset.StudyDescription, dataset.EthnicGroup = "CT chest", "White"
    assert found(dataset) == {
        ("name", "Doe^John^^Dr", "PatientName"),
        ("name", "Roe^Ann", "OperatorsName"),
        ("name", "Poe^Ed", "OperatorsName"),
        ("id", "MRN 77", "PatientID"),
        ("id", "A-4711", "AccessionNumber"),
        ("date", "19500102", "PatientBirthDate"),
        ("date", "20200303", "AcquisitionDateTime"),
        ("institution", "St. Elsewhere", "InstitutionName"),
        ("institution", "CT-HALLWAY", "StationName"),
        ("address", "1 Main Street", "PatientAddress"),
        ("phone", "555-0199", "PatientTelephoneNumbers"),
        ("id", "SN4711", "DeviceSerialNumber"),
        ("id", "1.2.3.4", "SOPInstanceUID"),
    }


def test_names_are_found_at_any_depth_private_ones_too() -> None:
    inner = Dataset()
    inner.PersonName = "Deep^Throat"
    inner.private_block(0x0011, "ACME", create=True).add_new(1, "PN", "Private^Ryan")
    dataset = Dataset()
    dataset.ContentSequence = Items([Dataset()])
    dataset.ContentSequence[0].ContentSequence = Items([inner])
    assert ("name", "Deep^Throat", "PersonName") in found(dataset)
    assert ("name", "Private^Ryan", "") in found(dataset)


def test_each_representation_of_a_name_is_one() -> None:
    dataset = Dataset()
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    dataset.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    file = io.BytesIO()
    dataset.save_as(file, implicit_vr=True, little_endian=True)
    again = pydicom.dcmread(io.BytesIO(file.getvalue()), force=True)
    values = ["Yamada^Tarou", "山田^太郎", "やまだ^たろう"]
    assert [each.value for each in identifiers_of(again)] == values
    assert identifiers_of(again)[0] == Identifier("name", "Yamada^Tarou", "PatientName")


def test_values_that_name_nobody_are_left_out() -> None:
    dataset = Dataset()
    dataset.PatientName, dataset.PatientID, dataset.StudyID = "ANONYMOUS^", "0000", "12"
    dataset.InstitutionalDepartmentName, dataset.StationName = "Radiology Dept.", "A1"
    dataset.ReferringPhysicianName = "Unknown^^^Dr"
    assert found(dataset) == set()


@pytest.mark.parametrize(
    "value", ["", "-", "X", "NONE", "unknown", "1", "0000", "Dr. A.", "^^^", "xxxx"]
)
def test_generic(value: str) -> None:
    assert is_generic(value)


@pytest.mark.parametrize(
    "value", ["Lee", "王", "4711", "St. Elsewhere Hospital", "A17", "Test^Smith"]
)
def test_not_generic(value: str) -> None:
    assert not is_generic(value)


def test_a_malformed_header_gives_what_can_be_read() -> None:
    unknown = b"UN\0\0\x08\0\0\0"
    data = b"\x08\0\x40\x11" + unknown + b"nosequen"  # Referenced Image Sequence
    data += b"\x10\0\x10\0" + unknown + b"Doe^John"
    dataset = read_dataset(io.BytesIO(data), False, True)
    assert found(dataset) == {("name", "Doe^John", "PatientName")}
