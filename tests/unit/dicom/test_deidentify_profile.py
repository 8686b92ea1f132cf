"""Table E.1-1 of PS3.15, row by row: what it says is what happens."""

from __future__ import annotations

from collections import Counter

import pytest
from dicomanonymizer.dicom_anonymization_databases import dicomfields_2024b
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from domainclip.errors import UsageError
from domainclip.extractors.dicom.privacy.deidentify import deidentify
from domainclip.extractors.dicom.privacy.policy import Option, Policy
from domainclip.extractors.dicom.privacy.profile import Row, resolve, rows, type_of
from domainclip.extractors.dicom.privacy.pseudonyms import Pseudonyms

NAMES = Pseudonyms(bytes(range(32)))
CT = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
# a value of each VR, and the secret in it, where it has one
VALUES = {
    "AE": "SECRETAE", "AS": "033Y", "CS": "SECRET", "DA": "19770717", "DS": "77.125",
    "DT": "19770717101112", "FD": 77.125, "FL": 77.125, "IS": "77125", "LO": "Secret word",
    "LT": "Secret word", "OB": b"SECRET", "OD": b"SECRETSE", "OF": b"SECR", "OL": b"SECR",
    "OW": b"SECRET", "PN": "Secret^Person", "SH": "Secret word", "SL": 77125, "SS": 7712,
    "ST": "Secret word", "TM": "101112.77", "UC": "Secret word", "UI": "1.2.3.77125", "UL": 77125,
    "UN": b"SECRET", "UR": "http://secret", "US": 7712, "UT": "Secret word", "AT": 0x00771250,
}  # fmt: skip
NOT_A_ROW = {"private", "50xxxxxx", "60xx3000", "60xx4000"}


def test_the_table_is_the_standards() -> None:
    counts = Counter(row.basic for row in rows().values() if row.edition == "2024b")
    counts["X"] -= 1  # private attributes, which the other list has not
    assert counts == {
        "X": 383, "D": 92, "U": 54, "Z": 42, "X/D": 22, "X/Z": 11, "X/Z/D": 8, "Z/D": 6,
        "X/Z/U*": 2,
    }  # fmt: skip
    for name in ("D", "Z", "X", "U", "Z_D", "X_Z", "X_D", "X_Z_D", "X_Z_U_STAR"):
        listed = {
            f"{tag[0]:04X}{tag[1]:04X}"
            for tag in getattr(dicomfields_2024b, f"{name}_TAGS")
            if len(tag) == 2
        }
        ours = {
            row.tag
            for row in rows().values()
            if row.edition == "2024b"
            and row.basic.replace("/", "_").replace("*", "_STAR") == name
            and row.tag not in NOT_A_ROW
        }
        assert ours == listed


@pytest.mark.parametrize(
    ("column", "expected"),
    [  # PS3.15 2024b: rows with K and with C of each option
        ("uids", (59, 0)),
        ("device", (46, 11)),
        ("institution", (10, 0)),
        ("dates_keep", (165, 0)),
        ("dates_shift", (0, 165)),
        ("structured_content", (0, 3)),
        ("graphics", (0, 4)),
    ],
)
def test_the_options_are_the_standards(column: str, expected: tuple[int, int]) -> None:
    found = Counter(r.options.get(column) for r in rows().values() if r.edition == "2024b")
    assert (found["K"], found["C"]) == expected


def test_every_row_is_carried_out_by_the_basic_profile() -> None:
    for row in _plain_rows():
        made = _made(row, Policy())
        found = made.get_item(int(row.tag, 16))
        action = (
            resolve(row.basic, type_of(int(row.tag, 16), CT, "")) if "/" in row.basic else row.basic
        )
        if row.tag in ("00100010", "00100020"):
            assert made[row.tag].value == "pseudonym"
        elif action == "X":
            assert found is None, row
        elif action == "Z":
            assert made[row.tag].is_empty, row
        elif action == "U":
            expected = [NAMES.uid("1.2.3.77125")] if row.vr == "UI" else 1
            assert _several(made[row.tag]) == expected, row
        else:
            assert not made[row.tag].is_empty and row.vr == made[row.tag].VR, row
        assert not _secret(made), row


def test_every_row_is_carried_out_by_its_options() -> None:
    for row in _plain_rows():
        for column, action in row.options.items():
            if column in ("private",) or row.vr == "SQ":
                continue
            dates = column.removeprefix("dates_") if column.startswith("dates_") else "remove"
            keep: frozenset[Option] = frozenset(() if dates != "remove" else (column,))  # type: ignore[arg-type]
            made = _made(row, Policy(keep, dates), clean=True)  # type: ignore[arg-type]
            value = made[row.tag].value if row.tag in made else None
            if action == "K":
                expected = Dataset()
                expected.add(_element(row))
                assert value == expected[row.tag].value, (row, column)
            elif column == "dates_shift":
                moved = NAMES.shift_date("19770717", "pseudonym")
                wanted = {"DA": moved, "DT": f"{moved}101112", "TM": "101112.77"}
                assert str(value) == wanted.get(row.vr, str(value)), (row, column)
                assert "19770717" not in str(value)
            elif row.vr in ("LO", "LT", "SH", "ST", "UC", "UT"):
                assert value == "cleaned", (row, column)
            else:
                assert not _secret(made), (row, column)


def test_the_type_decides_between_alternatives() -> None:
    serial = rows()["00181000"]
    assert "DeviceSerialNumber" not in _made(serial, Policy(), sop_class=CT)
    assert _made(serial, Policy(), sop_class=ENHANCED_MR).DeviceSerialNumber == "REMOVED"
    date = rows()["00080023"]
    assert _made(date, Policy(), sop_class=CT).ContentDate == ""
    assert _made(date, Policy(), sop_class=ENHANCED_MR).ContentDate == "19000101"
    assert (
        resolve("X/Z/U*", "1") == "U" and resolve("X/Z", "1") == "D" and resolve("X/D", "2") == "D"
    )


def test_unknown_options_are_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'device'"):
        Policy(frozenset(("devise",)))  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="dates='move'"):
        Policy(dates="move")  # type: ignore[arg-type]


def _plain_rows() -> list[Row]:
    found = [row for row in rows().values() if row.tag not in NOT_A_ROW and row.tag > "0008"]
    assert len(found) > 690
    return found


def _element(row: Row) -> DataElement:
    tag = int(row.tag, 16)
    if row.vr != "SQ":
        return DataElement(tag, row.vr, VALUES[row.vr])
    item = Dataset()
    item.PatientComments, item.StudyID = "Secret word", "Secret word"
    item.ReferencedSOPInstanceUID = "1.2.3.77125"
    return DataElement(tag, "SQ", Items([item]))


def _made(row: Row, policy: Policy, *, sop_class: str = CT, clean: bool = False) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = sop_class
    dataset.add(_element(row))
    scrub = (lambda text: "cleaned") if clean else None
    return deidentify(dataset, policy, NAMES, patient="pseudonym", scrub=scrub)


def _several(element: DataElement) -> list[str] | int:
    return len(element.value) if element.VR == "SQ" else [str(element.value)]


def _secret(dataset: Dataset) -> bool:
    text = str(dataset).casefold()
    return any(word in text for word in ("secret", "77125", "19770717", "77.125"))
