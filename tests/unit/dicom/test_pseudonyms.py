"""Pseudonyms and date shifts: repeatable with a key, nothing without it; a key that only its owner
reads."""

from __future__ import annotations

import os
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from domainclip.errors import UsageError
from domainclip.extractors.dicom.privacy.pseudonyms import Pseudonyms, make_key, read_key

ONE = Pseudonyms(bytes(range(32)))
OTHER = Pseudonyms(bytes(range(1, 33)))


def test_uids_are_valid_repeatable_and_others_under_another_key() -> None:
    made = {ONE.uid(f"1.2.3.{number}") for number in range(500)}
    assert len(made) == 500
    assert all(UID(uid).is_valid and len(uid) <= 64 and uid.startswith("2.25.") for uid in made)
    assert ONE.uid("1.2.3.4") == ONE.uid("1.2.3.4\0") == Pseudonyms(bytes(range(32))).uid("1.2.3.4")
    assert ONE.uid("1.2.3.4") != OTHER.uid("1.2.3.4")


def test_names_of_different_kinds_differ() -> None:
    assert ONE.name("patient", "123") != ONE.name("accession", "123")
    assert len(ONE.name("patient", "123")) == 16
    assert len(ONE.name("patient", "123", length=8)) == 8
    assert ONE.name("patient", "Jürgen 山田 \udcff").isascii()


def test_a_patient_is_told_by_id_and_issuer_whatever_the_name_says() -> None:
    assert ONE.patient(("", "17", "Doe^John", "")) == ONE.patient(("", " 17 ", "DOE^J", "19700101"))
    assert ONE.patient(("A", "17")) != ONE.patient(("B", "17"))
    assert ONE.patient(("ab", "c")) != ONE.patient(("a", "bc"))


def test_without_an_id_a_patient_is_told_by_name_and_birth_date_then_by_study() -> None:
    named = ONE.patient(("", "ANONYMOUS", "Doe^John", "19700101", "1.2"))
    assert named == ONE.patient(("", "", "DOE^JOHN^", "19700101", "1.3"))
    assert named != ONE.patient(("", "", "Doe^John", "19710101", "1.2"))
    assert ONE.patient(("", "0", "Anonymous", "", "1.2")) != ONE.patient(("", "", "", "", "1.3"))


def test_a_data_set_gives_the_same_patient_as_its_values() -> None:
    dataset = Dataset()
    dataset.PatientID, dataset.IssuerOfPatientID = "17", "A"
    dataset.PatientName = "Doe^John"
    assert ONE.patient(dataset) == ONE.patient(("A", "17"))
    del dataset.PatientID
    assert ONE.patient(dataset) == ONE.patient(("", "", "Doe^John"))
    empty = Dataset()
    empty.StudyInstanceUID = "1.2.3"
    assert ONE.patient(empty) == ONE.patient(("", "", "", "", "1.2.3"))


def test_shifts_are_spread_evenly_and_never_zero() -> None:
    short = Pseudonyms(bytes(range(32)), max_shift_days=5)
    found = Counter(short.shift_days(f"p{number}") for number in range(4000))
    assert set(found) == {-5, -4, -3, -2, -1, 1, 2, 3, 4, 5}
    assert max(found.values()) < 1.4 * min(found.values())  # 400 expected of each, sd 19
    weeks = Pseudonyms(bytes(range(32)), max_shift_days=30, whole_weeks=True)
    assert {weeks.shift_days(f"p{n}") for n in range(300)} == {-28, -21, -14, -7, 7, 14, 21, 28}


def test_shifted_dates_keep_their_distance() -> None:
    first, second = ONE.shift_date("20200227", "p"), ONE.shift_date("2020.03.02", "p")
    assert _day(second) - _day(first) == date(2020, 3, 2) - date(2020, 2, 27)
    assert (_day(first) - date(2020, 2, 27)).days == ONE.shift_days("p")


@pytest.mark.parametrize(
    "value",
    ["", "20200230", "2020", "202001", "yesterday", "00000000", "٢٠٢٠٠١٠١", "20200101-20200201"],
)
def test_what_is_no_date_becomes_nothing(value: str) -> None:
    assert ONE.shift_date(value, "p") == ""


def test_a_date_out_of_the_calendar_becomes_nothing() -> None:
    patients = [f"p{number}" for number in range(20)]
    down = next(p for p in patients if ONE.shift_days(p) < 0)
    up = next(p for p in patients if ONE.shift_days(p) > 0)
    assert ONE.shift_date("00010101", down) == "" == ONE.shift_date("99991231", up)


def test_the_time_of_a_datetime_stays() -> None:
    moved = ONE.shift_date("20200227", "p")
    assert ONE.shift_datetime("20200227121314.123456+0100", "p") == f"{moved}121314.123456+0100"
    assert ONE.shift_datetime("20200227", "p") == moved
    assert ONE.shift_datetime("20200227 Dr. Smith", "p") == ""
    assert ONE.shift_datetime("2020", "p") == ""


def test_a_key_is_made_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = make_key(path)
    assert len(key) == 32 and read_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="was left as it is"):
        make_key(path)
    assert read_key(path) == key
    assert Pseudonyms(key).fingerprint() != ONE.fingerprint()
    assert repr(ONE.key) not in repr(ONE)


def test_raw_bytes_are_a_key_too(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\n" + bytes(range(200, 231)))
    path.chmod(0o600)
    assert read_key(path) == b"\n" + bytes(range(200, 231))


def test_unsafe_keys_are_refused_without_naming_the_file(tmp_path: Path) -> None:
    open_to_all, short, link = tmp_path / "secret1", tmp_path / "secret2", tmp_path / "secret3"
    make_key(open_to_all)
    open_to_all.chmod(0o640)
    short.write_bytes(b"0123456789abcdef")
    short.chmod(0o600)
    link.symlink_to(open_to_all)
    pipe, large = tmp_path / "secret4", tmp_path / "secret5"
    os.mkfifo(pipe, 0o600)
    large.write_bytes(bytes(5000))
    large.chmod(0o600)
    missing, folder = tmp_path / "secret6", tmp_path / "secret7"
    folder.mkdir(mode=0o700)
    for path, why in (
        (open_to_all, "chmod 600"),
        (short, "32 are needed"),
        (link, "a link"),
        (pipe, "no plain file"),
        (large, "no key"),
        (missing, "no key file"),
        (folder, "no plain file"),
    ):
        with pytest.raises(UsageError, match=why) as error:
            read_key(path)
        assert "secret" not in str(error.value)
    with pytest.raises(UsageError, match="cannot be made"):
        make_key(tmp_path / "nowhere" / "key")


def test_weak_keys_and_shifts_of_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match="32 are needed"):
        Pseudonyms(b"short")
    with pytest.raises(UsageError, match="at least 1"):
        Pseudonyms(bytes(32), max_shift_days=0)
    with pytest.raises(UsageError, match="at least 7"):
        Pseudonyms(bytes(32), max_shift_days=6, whole_weeks=True)


def _day(value: str) -> date:
    return date(int(value[:4]), int(value[4:6]), int(value[6:]))
