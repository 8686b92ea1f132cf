"""Studies are found whatever their files are called, packed in or broken by."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from domainclip.errors import BadInput
from domainclip.extraction.archives import streams
from domainclip.extractors.dicom.records import Place, StudyFiles
from domainclip.extractors.dicom.sources.finding import find_studies
from domainclip.extractors.dicom.sources.header import FIRST_BYTES, Window, read_header
from domainclip.extractors.dicom.sources.places import open_place, read_place
from tests.data.make_dicom import as_bytes, image, key_object, save, text_report, uid

LIMIT = 1 << 30


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("spool")))


def found(root: Path, **options: object) -> list[StudyFiles]:
    return list(find_studies(str(root), limit_bytes=LIMIT, **options))  # type: ignore[arg-type]


def reasons(studies: list[StudyFiles]) -> Counter[str]:
    return Counter(each.reason for study in studies for each in study.refused)


def header_of(data: bytes, first: int = FIRST_BYTES):
    return read_header(Window(data[:first], len(data), lambda at, n: data[at : at + n]))


def png(size: int = 8) -> bytes:
    out = io.BytesIO()
    Image.new("L", (size, size), 7).save(out, "PNG")
    return out.getvalue()


class TestHeader:
    @pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, None])
    @pytest.mark.parametrize("bare", ["whole", "no preamble", "no meta"])
    def test_every_way_to_write_a_file(self, syntax: str | None, bare: str) -> None:
        options = {} if syntax is None else {"syntax": syntax}
        data = as_bytes(
            image(study=7, series=8, instance=9, accession="A1", **options),
            preamble=bare == "whole",
            meta=bare != "no meta",
        )
        for first in (FIRST_BYTES, 300):
            header = header_of(data, first)
            assert header is not None
            assert (header.study, header.sop, header.ending) == (uid(7), uid(9), "pixels")
            assert (header.accession, header.patient, header.modality) == ("A1", "P1", "CT")

    @pytest.mark.parametrize("wrong", [b"D`\2\0", b"OX\2\0", b"\2\0\0\0"])
    def test_a_vr_that_is_none_hides_nothing_behind_it(self, wrong: bytes) -> None:
        data = as_bytes(image(modality="MR", study=7, spacing=(1, 1)))
        at = data.index(b"\x08\0\x60\0CS") + 4
        header = header_of(data[:at] + wrong + data[at + 4 :])
        assert header is not None
        assert (header.study, header.has_rows, header.ending) == (uid(7), True, "pixels")

    def test_a_deflated_file(self) -> None:
        data = as_bytes(image(study=7))
        length = int.from_bytes(data[140:144], "little")
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(data[144 + length :]) + packer.flush()
        old, new = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
        meta = data[144 : 144 + length].replace(
            struct.pack("<H", 20) + old, struct.pack("<H", 22) + new
        )
        header = header_of(data[:140] + struct.pack("<L", length + 2) + meta + body)
        assert header is not None and header.study == uid(7) and header.ending == "pixels"

    def test_a_study_inside_a_sequence_is_not_the_files(self) -> None:
        report = text_report(study=1, images=[image(study=2)])
        header = header_of(as_bytes(report))
        assert header is not None and header.study == uid(1) and header.ending == "end"

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=400), st.integers(0, 500), st.booleans())
    def test_nothing_makes_it_raise(self, junk: bytes, at: int, cut: bool) -> None:
        whole = as_bytes(image())
        data = whole[:at] + junk + (b"" if cut else whole[at + len(junk) :])
        header_of(data)
        header_of(b"\x08\0" + junk)

    def test_nesting_is_bounded(self) -> None:
        item = b"\x08\0\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
        data = as_bytes(image())[:-800]
        header = header_of(data[: data.index(b"\x28\0")] + item * 200_000)
        assert header is not None and header.ending == "broken"

    def test_as_pydicom_reads_real_files(self, shared_data: Path) -> None:
        import pydicom

        from domainclip.extractors.dicom.quiet import quiet

        checked = 0
        for path in sorted((shared_data / "dicom").rglob("*")):
            if not path.is_file() or path.suffix in (".txt", ".zst"):
                continue
            header = header_of(path.read_bytes())
            with quiet():
                peer = pydicom.dcmread(path, force=True)
            assert header is not None
            assert header.sop == str(peer.SOPInstanceUID)
            assert header.study == str(peer.StudyInstanceUID)
            assert header.accession == str(peer.get("AccessionNumber") or "").strip()
            assert (header.ending == "pixels") == ("PixelData" in peer)
            checked += 1
        assert checked > 50


class TestFolders:
    def test_names_say_nothing(self, tmp_path: Path) -> None:
        for number, name in enumerate(("a/IM0001", "b/1.2.3.4", "x.dcm", "c/d/e.jpg.raw")):
            save(image(study=1, instance=10 + number), tmp_path / name, meta=number != 2)
        save(image(study=2, instance=20), tmp_path / "a" / "other")
        studies = found(tmp_path)
        assert {(s.study_uid, len(s.images)) for s in studies} == {(uid(1), 4), (uid(2), 1)}
        paths = [[place.path for place in study.images] for study in studies]
        assert all(each == sorted(each) for each in paths)

    def test_a_record_survives_json(self, tmp_path: Path) -> None:
        save(image(), tmp_path / "x")
        (study,) = found(tmp_path)
        assert StudyFiles.of(json.loads(json.dumps(study.part()))) == study

    def test_what_is_nobodys_concern_is_counted(self, tmp_path: Path) -> None:
        for name in ("a.txt", "b.csv", "c.json", "d.xml", "e.pdf", ".hidden", "f.md"):
            (tmp_path / name).write_bytes(b"some words")
        (tmp_path / "DICOMDIR").write_bytes(b"whatever")
        (tmp_path / "noise").write_bytes(bytes(range(256)) * 4)
        passed: Counter[str] = Counter()
        save(image(), tmp_path / "x")
        assert len(found(tmp_path, passed=passed)) == 1
        assert passed == dict.fromkeys(
            ("txt", "csv", "json", "xml", "pdf", "hidden", "md", "dicomdir", "other"), 1
        )

    def test_a_folder_of_other_things_is_no_source(self, tmp_path: Path) -> None:
        for name in ("a.txt", "b.csv", "c"):
            (tmp_path / name).write_bytes(b"some words")
        with pytest.raises(BadInput, match=rf"No DICOM .*{tmp_path.name}' \(3 other files were"):
            found(tmp_path)
        (tmp_path / "x.dcm").write_bytes(b"no")
        assert reasons(found(tmp_path)) == {"not_dicom": 1}

    def test_what_cannot_be_used_says_why(self, tmp_path: Path) -> None:
        whole = as_bytes(image(instance=1))
        (tmp_path / "a.dcm").write_bytes(b"no")
        (tmp_path / "empty.dcm").write_bytes(b"")
        (tmp_path / "cut.dcm").write_bytes(whole[: whole.index(b"\x28\0\x10\0") + 40])
        save(image(study=None, instance=3), tmp_path / "nostudy")
        bare = image(instance=None)
        del bare.file_meta.MediaStorageSOPClassUID
        save(bare, tmp_path / "noinstance", meta=False)
        save(image(study=5, instance=6), tmp_path / "one")
        save(image(study=5, instance=6), tmp_path / "two")
        plan = image(study=5, instance=7, extra={"PixelData": None, "Rows": None})
        plan.SOPClassUID = "1.2.840.10008.5.1.4.1.1.11.1"
        save(plan, tmp_path / "state")
        (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
        outside = tmp_path.parent / f"{tmp_path.name}-outside"
        save(image(study=9), outside)
        (tmp_path / "link").symlink_to(outside)
        studies = found(tmp_path)
        assert reasons(studies) == {
            "not_dicom": 2,
            "truncated": 1,
            "missing_uid": 2,
            "duplicate_instance": 1,
            "no_pixels": 1,
            "dangling_link": 1,
            "linked_outside": 1,
        }
        (kept,) = [study for study in studies if study.images]
        assert [Path(place.path).name for place in kept.images] == ["one"]
        assert [each.reason for each in kept.refused] == ["no_pixels", "duplicate_instance"]

    def test_a_study_of_nothing_to_show_is_one_unit(self, tmp_path: Path) -> None:
        for number, (storage, study) in enumerate([("481.5", 5), ("481.3", 5), ("481.5", 6)]):
            plan = image(study=study, instance=number, extra={"PixelData": None, "Rows": None})
            plan.SOPClassUID = f"1.2.840.10008.5.1.4.1.1.{storage}"
            save(plan, tmp_path / str(number))
        studies = found(tmp_path)
        assert sorted(len(study.refused) for study in studies) == [1, 2]
        assert len({study.study_uid for study in studies}) == 2

    def test_refused_files_are_told_beside_a_report_of_another_study(self, tmp_path: Path) -> None:
        spoken = image(study=1, instance=1)
        save(spoken, tmp_path / "image")
        save(text_report(study=2, instance=2, images=[spoken]), tmp_path / "report")
        plan = image(study=2, instance=3, extra={"PixelData": None, "Rows": None})
        plan.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.5"
        save(plan, tmp_path / "plan")
        assert reasons(found(tmp_path)) == {"no_pixels": 1}

    def test_a_spectrum_is_no_image_that_was_cut(self, tmp_path: Path) -> None:
        spectrum = image(modality="MR", extra={"PixelData": None})
        spectrum.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.2"
        spectrum.SpectroscopyData = bytes(8)
        save(spectrum, tmp_path / "spectrum")
        assert reasons(found(tmp_path)) == {"no_pixels": 1}

    def test_no_words_hold_a_name_or_a_value(self, tmp_path: Path) -> None:
        folder = tmp_path / "DOE^JANE"
        whole = as_bytes(image(patient="SECRET1"))
        folder.mkdir()
        (folder / "DOE.dcm").write_bytes(b"no")
        (folder / "DOE2.dcm").write_bytes(whole[:300])
        (folder / "DOE.zip").write_bytes(b"PK\x03\x04 DOE.dcm")
        (folder / "DOE").symlink_to("/nowhere/DOE")
        details = [each.detail for study in found(tmp_path) for each in study.refused]
        assert len(details) == 4
        with pytest.raises(BadInput) as gone:
            read_place(Place(str(folder / "DOE3")), limit=10)
        for words in (*details, str(gone.value)):
            assert "DOE" not in words and "SECRET" not in words and "/" not in words

    def test_a_large_file_is_refused(self, tmp_path: Path) -> None:
        save(image(), tmp_path / "x")
        studies = list(find_studies(str(tmp_path), limit_bytes=500))
        assert reasons(studies) == {"too_large": 1}

    def test_web_images_stand_alone(self, tmp_path: Path) -> None:
        for name in ("a.png", "b.png", "c"):
            (tmp_path / name).write_bytes(png())
        studies = found(tmp_path)
        assert sorted(Path(s.images[0].path).name for s in studies) == ["a.png", "b.png", "c"]
        assert {(s.study_uid, len(s.images)) for s in studies} == {("", 1)}

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_an_unreadable_file(self, tmp_path: Path) -> None:
        save(image(), tmp_path / "x").chmod(0)
        assert reasons(found(tmp_path)) == {"unreadable_file": 1}

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.dcm")
        save(image(), tmp_path / "x")
        assert len(found(tmp_path)) == 1

    def test_a_path_that_holds_nothing_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for name in ("empty", "absent"):
            with pytest.raises(BadInput, match=name):
                found(tmp_path / name)

    def test_the_index_is_readable_by_nobody_else(self, tmp_path: Path, monkeypatch) -> None:
        monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
        from domainclip.extractors.dicom.sources.index import StudyIndex

        index = StudyIndex()
        index.database.execute("PRAGMA cache_size = 10")
        for number in range(3000):
            index.database.execute(
                "INSERT INTO refused VALUES (?, '', 'x', ?, '')", (str(number), "y" * 500)
            )
        opened = [
            os.stat(f"/proc/self/fd/{each}")  # noqa: PTH116
            for each in os.listdir("/proc/self/fd")  # noqa: PTH208
            if "etilqs" in os.path.realpath(f"/proc/self/fd/{each}")
        ]
        index.close()
        assert opened and all(stat.S_IMODE(each.st_mode) == 0o600 for each in opened)
        assert list(tmp_path.iterdir()) == []


class TestArchives:
    @pytest.fixture
    def members(self) -> dict[str, bytes]:
        ready = {f"p/s/{n}": as_bytes(image(study=1, instance=10 + n)) for n in range(3)}
        ready["p/t/x.dcm"] = as_bytes(
            image(study=2, instance=20, extra={"ImageComments": "y" * 9000})
        )
        ready["p/t/report"] = as_bytes(text_report(study=2, instance=21))
        ready["readme.txt"] = b"words"
        return ready

    @staticmethod
    def packed(members: dict[str, bytes], pack: str) -> bytes:
        out = io.BytesIO()
        if pack in ("zip", "stored"):
            method = zipfile.ZIP_STORED if pack == "stored" else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(out, "w", method) as file:
                for name, data in members.items():
                    file.writestr(name, data)
        else:
            with tarfile.open(fileobj=out, mode="w" if pack == "tar" else f"w:{pack}") as tar:  # type: ignore[call-overload]
                for name, data in members.items():
                    info = tarfile.TarInfo(name)
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        return out.getvalue()

    @pytest.mark.parametrize("pack", ["zip", "stored", "tar", "gz", "bz2", "xz"])
    @pytest.mark.parametrize("deep", [False, True])
    def test_archives_are_looked_into(
        self, tmp_path: Path, members: dict[str, bytes], pack: str, deep: bool
    ) -> None:
        path = tmp_path / "root" / ("x" if deep else "x.zip")
        path.parent.mkdir()
        data = self.packed(members, pack)
        path.write_bytes(self.packed({"in/er": data}, "zip") if deep else data)
        for root in (path, path.parent):
            studies = found(root)
            assert [(s.study_uid, len(s.images), len(s.reports)) for s in studies] == [
                (uid(1), 3, 0),
                (uid(2), 1, 1),
            ]
            for place in studies[0].images:
                again = Place.of(json.loads(json.dumps(place.plain())))
                assert read_place(again, limit=LIMIT) in members.values()
                with open_place(again) as file:
                    assert file.seek(128) == 128 and file.read(4) == b"DICM"

    def test_a_packed_file_alone(self, tmp_path: Path) -> None:
        (tmp_path / "x.dcm.gz").write_bytes(gzip.compress(as_bytes(text_report(study=3))))
        (tmp_path / "y.gz").write_bytes(gzip.compress(as_bytes(image(study=4, instance=5))))
        assert [(len(s.images), len(s.reports)) for s in found(tmp_path)] == [(1, 0), (0, 1)]

    def test_a_cut_archive_is_used_up_to_there(self, tmp_path: Path, members) -> None:
        data = self.packed(members, "tar")
        (tmp_path / "x.tar").write_bytes(data[: data.index(b"p/t/x.dcm") + 700])
        studies = found(tmp_path)
        assert reasons(studies) == {"damaged_archive": 1}
        assert [len(s.images) for s in studies] == [3, 0]

    def test_names_that_lead_outside_and_bombs(self, tmp_path: Path, members, monkeypatch) -> None:
        monkeypatch.setattr(streams, "RATIO_FROM", 4 << 20)
        inner = {"x": members["p/s/0"]}
        for _ in range(5):
            inner = {"x.zip": self.packed(inner, "zip")}
        (tmp_path / "deep.zip").write_bytes(inner["x.zip"])
        (tmp_path / "out.zip").write_bytes(self.packed({"../x": members["p/s/1"]}, "zip"))
        huge = gzip.compress(bytes(20 << 20), 9)
        (tmp_path / "bomb.dcm.gz").write_bytes(huge)
        assert reasons(found(tmp_path)) == {"deep_archive": 1, "archive": 1, "unsafe_archive": 1}

    def test_why_a_member_is_not_read(self, tmp_path: Path, members) -> None:
        data = members["p/s/0"]
        with zipfile.ZipFile(tmp_path / "z.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("locked/DOE", data)
        whole = (tmp_path / "z.zip").read_bytes()
        for magic, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            at = whole.index(magic) + flags
            whole = whole[:at] + bytes([whole[at] | 1]) + whole[at + 1 :]
        (tmp_path / "z.zip").write_bytes(whole)
        whole = self.packed({"broken/DOE": data}, "zip")
        (tmp_path / "b.zip").write_bytes(whole[:60] + b"\xff" * 40 + whole[100:])
        with tarfile.open(tmp_path / "t.tar", "w") as tar:
            for name, kind in (
                ("../DOE", tarfile.REGTYPE),
                ("/DOE", tarfile.REGTYPE),
                ("a", tarfile.SYMTYPE),
                ("b", tarfile.LNKTYPE),
                ("c", tarfile.FIFOTYPE),
            ):
                info = tarfile.TarInfo(name)
                info.type, info.linkname = kind, "/etc/DOE"
                tar.addfile(info)
        inner = {"x": data}
        for _ in range(4):
            inner = {"x.zip": self.packed(inner, "zip")}
        (tmp_path / "deep.zip").write_bytes(inner["x.zip"])
        details = [each.detail for study in found(tmp_path) for each in study.refused]
        for words, count in (
            ("encrypted", 1), ("damaged", 1), ("unsafe", 2), ("is a link", 2), ("a pipe", 1),
            ("too deep", 1),
        ):  # fmt: skip
            assert sum(words in detail for detail in details) == count, words
        assert len(details) == 8
        assert not any("unpack" in detail or "DOE" in detail for detail in details)

    def test_reading_is_bounded(self, tmp_path: Path, members) -> None:
        for pack in ("zip", "stored", "tar", "gz"):
            path = tmp_path / f"x-{pack}"
            path.write_bytes(self.packed(members, pack))
            place = found(path)[0].images[0]
            with pytest.raises(BadInput, match="limit"):
                read_place(place, limit=100)
            path.write_bytes(path.read_bytes()[:200])
            with pytest.raises(BadInput):
                read_place(place, limit=LIMIT)


class TestDirectories:
    """DICOMDIR files of pydicom's own tests."""

    @pytest.fixture
    def medium(self) -> Path:
        found = get_testdata_file("CT_small.dcm")
        return Path(str(found)).parent / "dicomdirtests"

    @pytest.mark.parametrize("kind", ["", "-bigEnd", "-implicit", "-nooffset", "-reordered"])
    def test_a_directory_gives_what_it_refers_to(self, medium: Path, kind: str) -> None:
        studies = found(medium / f"DICOMDIR{kind}")
        assert (len(studies), sum(len(s.images) for s in studies)) == (6, 31)

    def test_what_it_names_elsewhere_is_not_read(self, medium: Path, tmp_path: Path) -> None:
        data = (medium / "DICOMDIR").read_bytes()
        save(image(study=1), tmp_path / "77654033" / "cr1" / "6154")
        name = b"77654033\\CR1\\6154"
        assert name in data
        outside = b"..\\\\77654033\\CR1"
        (tmp_path / "DICOMDIR").write_bytes(data)
        studies = found(tmp_path / "DICOMDIR")
        assert sum(len(s.images) for s in studies) == 1  # whichever case its folders have
        assert reasons(studies) == {"missing_file": 30}
        (tmp_path / "DICOMDIR").write_bytes(data.replace(name, outside.ljust(len(name))))
        assert reasons(found(tmp_path / "DICOMDIR")) == {"missing_file": 30, "linked_outside": 1}


def test_reports_are_told_from_images(tmp_path: Path) -> None:
    picture = image(study=1, instance=3)
    save(picture, tmp_path / "a")
    save(text_report(study=1), tmp_path / "b")
    save(key_object([picture], study=1), tmp_path / "c")
    (study,) = found(tmp_path)
    assert [place.path[-1] for place in study.images] == ["a"]
    assert [(r.form, r.how) for r in study.reports] == [
        ("sr", "study"),
        ("key_object", "key_object"),
    ]


def test_the_order_of_a_file_system_changes_nothing(tmp_path: Path, monkeypatch) -> None:
    for number in range(12):
        save(image(study=number % 3, instance=number % 9), tmp_path / f"{number}" / "x")
    once = found(tmp_path)
    real = os.scandir

    class Backwards:
        def __init__(self, path: str) -> None:
            with real(path) as listing:
                self.entries = iter(sorted(listing, key=lambda each: each.name, reverse=True))

        def __enter__(self):
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def __next__(self):
            return next(self.entries)

    monkeypatch.setattr("os.scandir", Backwards)
    assert found(tmp_path) == once


def test_copies_of_archives_go_with_the_process(tmp_path: Path) -> None:
    for pack, name in (("w:gz", "a.tgz"), ("w", "b")):
        with tarfile.open(tmp_path / name, pack) as tar:  # type: ignore[call-overload]
            for number in range(3):
                data = as_bytes(image(instance=len(name) * 10 + number))
                info = tarfile.TarInfo(f"{number}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    code = (
        "import sys\n"
        "from domainclip.extractors.dicom.sources.finding import find_studies\n"
        "from domainclip.extractors.dicom.sources.places import read_place\n"
        "(study,) = find_studies(sys.argv[1], limit_bytes=1 << 30)\n"
        "print(sum(len(read_place(place, limit=1 << 20)) > 800 for place in study.images))\n"
    )
    spools = tmp_path / "spools"
    spools.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "TMPDIR": str(spools)},
    )
    assert done.stdout == "6\n", done.stderr
    assert [path for path in spools.rglob("*") if path.is_file()] == []
