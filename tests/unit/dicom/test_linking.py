"""Reports are linked to the images they speak of by the surest tie there is, and to no others."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from domainclip.errors import BadInput
from domainclip.extractors.dicom.records import Place, StudyFiles
from domainclip.extractors.dicom.sources.csv_rows import Faults
from domainclip.extractors.dicom.sources.finding import find_studies
from domainclip.extractors.dicom.sources.tables import read_row, read_rows, roles_of
from tests.data.make_dicom import image, key_object, save, text_report, uid


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("spool")))


def found(root: Path, reports: Path | str = "", **options: object) -> list[StudyFiles]:
    return list(
        find_studies(str(root), reports=str(reports), limit_bytes=1 << 30, **options)  # type: ignore[arg-type]
    )


def links(studies: list[StudyFiles]) -> set[tuple[str, str, str]]:
    """(image file, report file, how) of everything that is linked."""
    pairs = set()
    for study in studies:
        for report in study.reports if study.images else ():
            for place in study.images:
                name = Path(place.path).name
                if not report.images or name in report.images or _sop(place) in report.images:
                    row = f"#{report.row}" if report.row >= 0 else ""
                    pairs.add((name, Path(report.place.path).name + row, report.how))
    return pairs


def _sop(place: Place) -> str:
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        return str(dcmread(place.path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID)
    except InvalidDicomError:
        return ""


def alone(studies: list[StudyFiles]) -> int:
    return sum(len(study.reports) for study in studies if not study.images)


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def picture(path: Path, value: int = 7) -> Path:
    out = io.BytesIO()
    Image.new("L", (8, 8), value).save(out, "PNG" if path.suffix == ".png" else "JPEG")
    return write(path, out.getvalue())


class TestRealFiles:
    @pytest.mark.parametrize("beside", [False, True])
    def test_reports_of_the_rsna_demonstration(self, shared_data: Path, beside: bool) -> None:
        root = shared_data / "dicom" / "reports"
        studies = found(root, root if beside else "")
        assert links(studies) == {
            (f"image{n}.dcm", f"report{n}.dcm", "reference") for n in ("09", "10", "12", "13")
        }
        assert alone(studies) == 11

    def test_medpix_by_name(self, shared_data: Path) -> None:
        root = shared_data / "medical" / "medpix"
        passed: Counter[str] = Counter()
        studies = found(root, root, passed=passed)
        rows = json.loads((root / "Descriptions.json").read_text())
        linked = {
            (Path(study.images[0].path).stem, report.row, report.form)
            for study in studies
            if study.images
            for report in study.reports
        }
        there = {path.stem for path in (root / "images").iterdir()}
        assert linked == {
            (r["image"], n, "medpix") for n, r in enumerate(rows) if r["image"] in there
        }
        assert (len(there), alone(studies), passed) == (150, 1900, Counter({"json": 1}))

    def test_openi_by_the_names_of_its_xml(self, shared_data: Path, tmp_path: Path) -> None:
        archive = shared_data / "medical" / "openi" / "NLMCXR_reports.tgz"
        names = ("CXR1_1_IM-0001-3001.png", "CXR1_1_IM-0001-4001.png", "CXR9_IM-2407-1001.png")
        for name in names:
            picture(tmp_path / name)
        save(image(study=5, instance=6), tmp_path / "10_IM-0002-1001.dcm")
        studies = found(tmp_path, archive)
        with_images = [study for study in studies if study.images]
        assert sorted(len(study.images) for study in with_images) == [1, 1, 2]
        for study in with_images:
            (link,) = study.reports
            assert (link.form, link.how, link.images) == ("openi", "table", ())
        assert alone(studies) == 3955 - 3


class TestDicomReports:
    def test_a_reference_is_surer_than_the_study(self, tmp_path: Path) -> None:
        one, two = (image(study=1, instance=n) for n in (10, 11))
        save(one, tmp_path / "one")
        save(two, tmp_path / "two")
        save(text_report(study=1, images=[one]), tmp_path / "sr")
        (study,) = found(tmp_path)
        assert [(r.how, r.images) for r in study.reports] == [
            ("reference", (uid(10),)),
            ("study", (uid(11),)),
        ]

    @pytest.mark.parametrize("evidence", [True, False])
    def test_a_report_in_a_study_of_its_own(self, tmp_path: Path, evidence: bool) -> None:
        one = image(study=1, instance=10)
        save(one, tmp_path / "one")
        save(image(study=1, instance=11), tmp_path / "two")
        save(text_report(study=2, images=[one], evidence=evidence), tmp_path / "sr")
        assert links(found(tmp_path)) == {("one", "sr", "reference")}

    def test_a_key_object_marks_what_it_names(self, tmp_path: Path) -> None:
        images = [image(study=1, instance=n) for n in (10, 11, 12)]
        for number, each in enumerate(images):
            save(each, tmp_path / str(number))
        save(key_object(images[1:2], study=1), tmp_path / "ko")
        assert links(found(tmp_path)) == {("1", "ko", "key_object")}

    def test_what_a_reader_compared_with_is_not_what_the_report_is_about(
        self, tmp_path: Path
    ) -> None:
        now, then = image(study=1, instance=10), image(study=2, instance=20)
        save(now, tmp_path / "now")
        save(then, tmp_path / "then")
        report = text_report(study=1, images=[now])
        other = text_report(study=2, images=[then])
        report.PertinentOtherEvidenceSequence = other.CurrentRequestedProcedureEvidenceSequence
        save(report, tmp_path / "sr")
        assert links(found(tmp_path)) == {("now", "sr", "reference")}
        del report.CurrentRequestedProcedureEvidenceSequence
        report.StudyInstanceUID = uid(3)
        report.ContentSequence = Items([])
        save(report, tmp_path / "sr")
        assert links(found(tmp_path)) == {("then", "sr", "reference")}

    def test_accession_numbers(self, tmp_path: Path) -> None:
        save(image(study=1, accession="A77", patient="P1"), tmp_path / "one")
        report = {"study": 2, "instance": 91}
        for patient, expected in (("P1", {("one", "sr", "accession")}), ("P2", set()),
                                  ("", {("one", "sr", "accession")})):  # fmt: skip
            save(text_report(accession="A77", patient=patient, **report), tmp_path / "sr")
            assert links(found(tmp_path)) == expected
        save(image(study=3, instance=8, accession="A77", patient="P3"), tmp_path / "two")
        assert links(found(tmp_path)) == set()  # whose? one of two patients'

    @pytest.mark.parametrize("accession", ["", "0", "000", "-", None])
    def test_an_accession_number_that_is_none(self, tmp_path: Path, accession: str | None) -> None:
        save(image(study=1, accession=accession), tmp_path / "one")
        save(text_report(study=2, accession=accession), tmp_path / "sr")
        studies = found(tmp_path)
        assert links(studies) == set() and alone(studies) == 1

    def test_the_same_patient_ties_nothing(self, tmp_path: Path) -> None:
        save(image(study=1), tmp_path / "P1" / "one")
        save(text_report(study=2), tmp_path / "P1" / "sr")
        write(tmp_path / "table.csv", "patient_id,report\nP1,Normal.\n")
        write(tmp_path / "P1.docx", "Normal.")
        assert links(found(tmp_path, tmp_path)) == set()

    def test_reports_without_images_of_one_study_together(self, tmp_path: Path) -> None:
        for number in range(3):
            save(text_report(study=number // 2, instance=50 + number), tmp_path / str(number))
        studies = found(tmp_path)
        assert [(s.study_uid, len(s.reports)) for s in studies] == [(uid(0), 2), (uid(1), 1)]

    def test_a_malformed_report_has_no_references(self, tmp_path: Path) -> None:
        one = image(study=1, instance=10)
        save(one, tmp_path / "one")
        whole = save(text_report(study=2, images=[one]), tmp_path / "sr").read_bytes()
        for at in range(400, len(whole), 97):
            (tmp_path / "sr").write_bytes(whole[:at] + b"\xff\xff\xff\xff" + whole[at + 4 :])
            found(tmp_path)

    def test_deep_trees(self, tmp_path: Path) -> None:
        one = image(study=1, instance=10)
        save(one, tmp_path / "one")
        report = text_report(study=2, images=[one], evidence=False)
        for _ in range(150):
            outer = Dataset()
            outer.ValueType, outer.RelationshipType = "CONTAINER", "CONTAINS"
            outer.ContentSequence = report.ContentSequence
            report.ContentSequence = Items([outer])
        save(report, tmp_path / "sr")
        assert links(found(tmp_path)) == {("one", "sr", "reference")}

    def test_reports_elsewhere(self, tmp_path: Path) -> None:
        one = image(study=1, instance=10)
        save(one, tmp_path / "images" / "one")
        save(text_report(study=1), tmp_path / "reports" / "sr")
        save(image(study=9, instance=90), tmp_path / "reports" / "stray")
        studies = found(tmp_path / "images", tmp_path / "reports")
        assert links(studies) == {("one", "sr", "study")}
        assert sum(len(study.images) for study in studies) == 1


class TestTables:
    def table(self, path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> Path:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
        return write(path, out.getvalue())

    def tree(self, root: Path) -> None:
        save(image(study=1, instance=10, accession="A1", patient="P1"), root / "a" / "one.dcm")
        save(image(study=1, instance=11, accession="A1", patient="P1"), root / "a" / "two.dcm")
        save(image(study=2, instance=20, accession="A2", patient="P2"), root / "b" / "one.dcm")
        picture(root / "c" / "three.png")

    @pytest.mark.parametrize(
        "column, value, expected",
        [
            ("SOPInstanceUID", uid(10), {"10"}),
            ("StudyInstanceUID", uid(1), {"10", "11"}),
            ("Accession Number", "A2", {"20"}),
            ("filename", "two.dcm", {"11"}),
            ("image_id", "TWO", {"11"}),
            ("path", "/elsewhere/set/a/one.dcm", {"10"}),
            ("path", "b\\one.png", {"20"}),
            ("image", uid(11), {"11"}),
            ("image", "a/one.dcm;b/one.dcm", {"10", "20"}),
            ("path", "z/three.png", set()),
            ("file", "three.png", {"three"}),
            ("file", "one.dcm", set()),  # which?
            ("file", "four.dcm", set()),
            ("accession", "", set()),
        ],
    )
    def test_a_row_names_images_or_a_study(
        self, tmp_path: Path, column: str, value: str, expected: set[str]
    ) -> None:
        self.tree(tmp_path / "images")
        rows = [{column: "nothing", "Report": "x"}, {column: value, "Report": "Normal."}]
        for kind, delimiter in (("csv", ","), ("tsv", "\t")):
            table = self.table(tmp_path / f"t.{kind}", rows, delimiter)
            got = set()
            for study in found(tmp_path / "images", table):
                for place in study.images:
                    sop = _sop(place) or "three"
                    for report in study.reports:
                        assert (report.how, report.row, report.form) == ("table", 1, "table")
                        if not report.images or sop in report.images:
                            got.add(sop.rpartition(".")[2])
            assert got == expected

    def test_columns_by_any_name(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        table = self.table(tmp_path / "t.csv", [{"Bild": "two", "Befund": "Regelrecht."}])
        with pytest.raises(BadInput, match=r"t.csv: nothing .*columns: Bild, Befund.*--columns"):
            found(tmp_path / "images", table)
        studies = found(tmp_path / "images", table, columns={"image": "bild", "findings": "Befund"})
        assert links(studies) == {("two.dcm", "t.csv#0", "table")}
        with pytest.raises(BadInput, match=r"no column 'Bidl'.*Did you mean 'Bild'"):
            found(tmp_path / "images", table, columns={"image": "Bidl"})

    def test_a_table_beside_the_one_whose_columns_are_named(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        self.table(tmp_path / "r" / "a.csv", [{"Bild": "two", "Befund": "Regelrecht."}])
        self.table(tmp_path / "r" / "b.csv", [{"file": "two", "kVp": "120"}])
        named = {"image": "Bild", "findings": "Befund"}
        studies = found(tmp_path / "images", tmp_path / "r", columns=named)
        assert links(studies) == {("two.dcm", "a.csv#0", "table")}

    def test_views_of_one_study_stay_together(self, tmp_path: Path) -> None:
        for name in ("v1.png", "v2.png", "w1.png"):
            picture(tmp_path / "images" / name)
        table = self.table(
            tmp_path / "t.csv",
            [
                {"image": "v1.png", "study_id": "s500", "findings": "One."},
                {"image": "v2.png", "study_id": "s500", "findings": "Two."},
                {"image": "w1.png", "study_id": "s600", "findings": "Three."},
            ],
        )
        studies = found(tmp_path / "images", table)
        assert sorted(len(study.images) for study in studies) == [1, 2]
        assert links(studies) == {
            ("v1.png", "t.csv#0", "table"),
            ("v2.png", "t.csv#1", "table"),
            ("w1.png", "t.csv#2", "table"),
        }

    def test_json_of_every_shape(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        row = {"id": "x", "image_path": ["a/two.dcm", "three.png"], "report": "Normal."}
        for name, text in {
            "list.json": json.dumps([row]),
            "splits.json": json.dumps({"train": [], "val": [row]}, indent=1),
            "lines.jsonl": json.dumps(row) + "\n",
            "byname.json": json.dumps({"two": {"report": "Normal."}}),
        }.items():
            studies = found(tmp_path / "images", write(tmp_path / name, text))
            expected = {("two.dcm", f"{name}#0", "table"), ("three.png", f"{name}#0", "table")}
            assert links(studies) == {e for e in expected if name != "byname.json" or "two" in e[0]}

    def test_a_table_in_an_archive(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        data = b"filename,report\ntwo.dcm,Normal.\n"
        with tarfile.open(tmp_path / "r.tgz", "w:gz") as tar:
            info = tarfile.TarInfo("x/t.csv")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
        studies = found(tmp_path / "images", tmp_path / "r.tgz")
        ((link,),) = [study.reports for study in studies if study.reports]
        assert read_row(link.place, link.row) == {"filename": "two.dcm", "report": "Normal."}

    def test_malformed_tables_are_refused(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        reports = tmp_path / "reports"
        write(reports / "a.csv", 'file,report\ntwo.dcm,"never closed\n' + "x" * 200_000)
        write(reports / "b.json", '[{"image": ')
        write(reports / "c.json", "[" * 100_000)
        write(reports / "d.csv", b"\xff\xfei\0m\0a\0g\0e\0")
        write(reports / "e.xml", "<eCitation><parentImage id='x'>")
        write(reports / "f.csv", b"")
        write(reports / "g.csv", bytes(range(256)))
        write(reports / "h.jsonl", '{"image": "two", "report": "x"}\nno\n')
        studies = found(tmp_path / "images", reports)
        reasons = Counter(each.reason for study in studies for each in study.refused)
        assert reasons == {"unreadable_table": 4, "malformed_row": 1, "malformed_xml": 1}

    @pytest.mark.parametrize(
        ("name", "data", "words"),
        [
            ("t.csv", "patient_id,report\nP1,Normal.\n", "of which image or study a row speaks;"),
            ("t.csv", "image,age\ntwo.dcm,5\n", "of a text, a section or a label; .*image, age"),
            ("t.csv", "two.dcm,Jane is well.\none.dcm,No.\n", "first line of the table is a row"),
            ("t.csv", "", "table is empty"),
            ("t.csv", "image,report\n", "no rows below"),
            ("t.csv", "image,report\ntwo.dcm,\n", "No row of the table has a text"),
            ("t.csv", 'image,report\ntwo.dcm,"x\n', "1 of its rows are left out.*line 2: a quote"),
            ("t.csv", 'image,"report\ntwo.dcm,x\n', "at line 1: a quote"),
            ("t.json", "[]", "table is empty"),
            ("t.json", "[", "no JSON"),
            ("t.docx", "x", "1 docx.*Reports are text files"),
            ("t.txt", "", "1 txt.*Reports are text files"),
        ],
    )
    def test_reports_of_which_none_can_be_used_are_no_reports(
        self, tmp_path: Path, name: str, data: str, words: str
    ) -> None:
        self.tree(tmp_path / "images")
        write(tmp_path / "r" / name, data)
        for reports in (tmp_path / "r", tmp_path / "r" / name):
            with pytest.raises(BadInput, match=f"(?s){reports}: nothing there.*{words}") as caught:
                found(tmp_path / "images", reports)
            assert "Jane" not in str(caught.value)
        write(tmp_path / "r" / "two.txt", "Clear.")
        assert len(links(found(tmp_path / "images", tmp_path / "r"))) == 1

    def test_all_rows_of_a_study_and_of_an_image_are_kept(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        rows = [
            {"study": uid(1), "image": "", "report": "First."},
            {"study": uid(1), "image": "", "report": "Second."},
            {"study": "", "image": "three.png", "report": "Third."},
            {"study": "", "image": "three.png", "report": "Fourth."},
        ]
        table = self.table(tmp_path / "t.csv", rows)
        assert links(found(tmp_path / "images", table)) == {
            (name, f"t.csv#{row}", "table")
            for name, row in [
                *((name, row) for name in ("one.dcm", "two.dcm") for row in (0, 1)),
                *(("three.png", row) for row in (2, 3)),
            ]
        }

    @pytest.mark.parametrize(
        "broken",
        [
            's1,"Clear.\ns2,Effusion.\ns3,"Mass."\n',
            's1,"Clear.\ns2,"Effusion."\ns3,Mass.\n',
            's1,"Clear.\ns2,Effusion."\ns3,Mass.\n',
            '"s1","Clear.\n"s2","Effusion."\ns3,Mass.\n',
            's1,"Clear.\ns2,Effusion.\ns3,Mass.\n',
            "s1,The, liver.\ns2,Effusion.\ns3,Mass.\n",
            's1\ns2,"Effusion."\ns3,Mass.\n',
            "s1,Clear.\rs9,x\ns2,Effusion.\ns3,Mass.\n",
        ],
    )
    def test_a_malformed_row_takes_no_other_rows_text(self, tmp_path: Path, broken: str) -> None:
        table = write(tmp_path / "t.csv", "study,findings\ns0,Normal.\n" + broken)
        faults = Faults()
        place = Place(str(table))
        rows = [(row["study"], row["findings"].strip('"')) for row in read_rows(place, faults)]
        assert rows[0] == ("s0", "Normal.") and rows[-1] == ("s3", "Mass.")
        assert set(rows[1:-1]) <= {("s2", "Effusion.")}
        assert faults.line == 3 and faults.count + len(rows) == 4
        last = len(rows) - 1
        assert read_row(place, last)["findings"].strip('"') == "Mass."

    def test_a_malformed_row_is_told_without_its_words(self, tmp_path: Path) -> None:
        self.tree(tmp_path / "images")
        data = 'image,report\ntwo.dcm,Clear.\nJane,"Doe\none.dcm,x,y\n'
        passed: Counter[str] = Counter()
        studies = found(tmp_path / "images", write(tmp_path / "t.csv", data), passed=passed)
        (refused,) = [each for study in studies for each in study.refused]
        assert (refused.reason, passed["malformed_row"]) == ("malformed_row", 2)
        assert refused.detail.startswith("2 of its rows are left out; of the first, at line 3: a q")
        assert "Jane" not in refused.detail and len(links(studies)) == 1

    @pytest.mark.parametrize("limit", [131_072, 1 << 30])  # csv's own, which anybody may raise
    @pytest.mark.parametrize("size", [200_000, 20_000_000])
    def test_a_cell_that_is_too_long(self, tmp_path: Path, size: int, limit: int) -> None:
        before = csv.field_size_limit(limit)
        try:
            self.too_long(tmp_path, size)
        finally:
            csv.field_size_limit(before)

    def too_long(self, tmp_path: Path, size: int) -> None:
        self.tree(tmp_path / "images")
        data = 'image,report\ntwo.dcm,Clear.\none.dcm,"' + "x" * size + '"\n'
        studies = found(tmp_path / "images", write(tmp_path / "t.csv", data))
        (refused,) = [each for study in studies for each in study.refused]
        assert "a cell is too long" in refused.detail and "quotes" not in refused.detail
        assert len(links(studies)) == 1
        assert read_row(refused.place, 0)["report"] == "Clear."

    def test_texts_of_many_lines_stay_whole(self, tmp_path: Path) -> None:
        texts = [
            "FINDINGS: heart, lungs\nNormal, but small.\n\n1. No effusion, no\npneumothorax",
            'The "so-called" nodule,\n3, 4 and 5 mm\nLL1, LL2',
            "One, two\nthree, four\nimpression,normal",
        ]
        rows = [{"study": f"s{n}", "findings": text} for n, text in enumerate(texts)]
        rows += [{"study": uid(n), "findings": text} for n, text in enumerate(texts)]
        table, faults = self.table(tmp_path / "t.csv", rows), Faults()
        assert list(read_rows(Place(str(table)), faults)) == rows
        assert faults.count == 0
        loose = write(tmp_path / "u.csv", 's,t\n1,"the "so-called" nodule"\n2,a 5" tube,\n')
        assert [row["s"] for row in read_rows(Place(str(loose)), faults)] == ["1", "2"]

    def test_names_that_are_no_text(self, tmp_path: Path) -> None:
        root = tmp_path / "images"
        save(image(study=1, instance=10), root / "a\udcff" / "one\udcfe.dcm")
        picture(root / "n\u00e4me.png")
        rows = ['{"image": "näme.png", "report": "x"}', '{"image": "\\ud800", "report": "x"}']
        table = write(tmp_path / "t.jsonl", "\n".join(rows))
        studies = found(root, table)
        assert links(studies) == {("n\u00e4me.png", "t.jsonl#0", "table")}
        (place,) = [study.images[0] for study in studies if study.study_uid]
        assert Path(place.path).is_file()

    def test_rows_one_by_one(self, tmp_path: Path) -> None:
        text = 'id;report\r\n1;"a\nb; ""c"""\r\n\r\n2;Grün\n3;d\n'
        for data in (text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("latin-1")):
            place = Place(str(write(tmp_path / "t.csv", data)))
            rows = list(read_rows(place))
            assert rows[0] == {"id": "1", "report": 'a\nb; "c"'}
            assert [row["report"] for row in rows[1:]] == ["Grün", "d"]
            assert [read_row(place, number) for number in (2, 0, 1)] == [rows[2], rows[0], rows[1]]
            for number in (3, -1):
                with pytest.raises(BadInput):
                    read_row(place, number)

    def test_roles(self) -> None:
        header = ["subject_id", "study_id", "dicom_id", "Findings", "IMPRESSION", "other"]
        assert roles_of(header, {}) == {
            "patient": "subject_id",
            "study": "study_id",
            "image": "dicom_id",
            "findings": "Findings",
            "impression": "IMPRESSION",
        }
        assert roles_of(header, {"text": "other", "study": "dicom_id"})["study"] == "dicom_id"


class TestFolders:
    def mimic(self, root: Path) -> None:
        for patient, study in ((1, 501), (1, 502), (2, 503)):
            folder = f"files/p1/p{patient}/s{study}"
            for number in range(2):
                save(
                    image(study=study, instance=study * 10 + number, patient=f"p{patient}"),
                    root / "images" / folder / f"{study}-{number}.dcm",
                )
            write(root / "reports" / f"{folder}.txt", "FINDINGS: Clear.")
        write(root / "reports" / "files" / "p1" / "p2" / "s999.txt", "FINDINGS: Clear.")
        write(root / "reports" / "readme.txt", "About.")

    def test_a_tree_like_mimic(self, tmp_path: Path) -> None:
        self.mimic(tmp_path)
        expected = {
            (f"{study}-{number}.dcm", f"s{study}.txt", "folder")
            for study in (501, 502, 503)
            for number in range(2)
        }
        for root, reports in (
            (tmp_path / "images", tmp_path / "reports"),
            (tmp_path, tmp_path / "reports"),
            (tmp_path, tmp_path),
            (tmp_path / "images" / "files", tmp_path / "reports"),
        ):
            studies = found(root, reports)
            assert links(studies) == expected
            assert alone(studies) == 1
        assert all(len(study.reports) == 1 for study in studies if study.images)

    def test_its_table_of_sections(self, tmp_path: Path) -> None:
        self.mimic(tmp_path)
        table = write(tmp_path / "mimic.csv", "study,impression,findings\ns502,Normal.,\n")
        assert links(found(tmp_path / "images", table)) == {
            (f"502-{number}.dcm", "mimic.csv#0", "table") for number in range(2)
        }

    def test_jpegs_in_such_a_tree(self, tmp_path: Path) -> None:
        for name in ("p1/s1/a.jpg", "p1/s1/b.jpg", "p2/s1/c.jpg", "p2/s2/d.jpg"):
            picture(tmp_path / "images" / name)
        for name in ("p1/s1.txt", "p2/s1.txt", "p2/s2.txt", "p3/s1.txt", "p2.txt"):
            write(tmp_path / "reports" / name, "Clear.")
        studies = found(tmp_path / "images", tmp_path / "reports")
        got = {
            tuple(sorted(Path(p.path).name for p in s.images)): [
                r.place.path[-9:] for r in s.reports
            ]
            for s in studies
            if s.images
        }
        assert got == {
            ("a.jpg", "b.jpg"): ["p1/s1.txt"],
            ("c.jpg",): ["p2/s1.txt"],
            ("d.jpg",): ["p2/s2.txt"],
        }

    def test_files_named_like_the_study(self, tmp_path: Path) -> None:
        save(image(study=1, accession="ACC77", instance=1), tmp_path / "i" / "x" / "1")
        save(image(study=2, instance=2, extra={"StudyID": "88123"}), tmp_path / "i" / "y" / "2")
        save(image(study=3, instance=3, extra={"StudyID": "1"}), tmp_path / "i" / "z" / "3")
        for name in (f"{uid(1)}.txt", "ACC77_report.txt", "88123.pdf", "1.txt", "other.txt"):
            write(tmp_path / "r" / name, "%PDF-1.4 Clear.")
        assert links(found(tmp_path / "i", tmp_path / "r")) == {
            ("1", f"{uid(1)}.txt", "folder"),
            ("1", "ACC77_report.txt", "folder"),
            ("2", "88123.pdf", "folder"),
        } | {("1", "1.txt", "folder")}

    def test_the_one_report_beside_the_images_of_one_study(self, tmp_path: Path) -> None:
        save(image(study=1, instance=1), tmp_path / "a" / "1")
        write(tmp_path / "a" / "findings.txt", "Clear.")
        save(image(study=2, instance=2), tmp_path / "b" / "2")
        save(image(study=3, instance=3), tmp_path / "b" / "3")
        write(tmp_path / "b" / "findings.txt", "Whose?")
        save(image(study=4, instance=4), tmp_path / "c" / "4")
        for name in ("one.txt", "two.txt"):
            write(tmp_path / "c" / name, "Which?")
        save(image(study=5, instance=5), tmp_path / "d" / "5")
        for name in ("README.txt", "LICENSE.txt", "readme.first.txt"):
            write(tmp_path / "d" / name, "About.")
        studies = found(tmp_path, tmp_path)
        assert links(studies) == {("1", "findings.txt", "folder")}
        assert alone(studies) == 3

    def test_a_text_of_the_images_own_name(self, tmp_path: Path) -> None:
        for name in ("i/1.png", "i/2.png", "i/sub/2.png"):
            picture(tmp_path / name)
        for name in ("r/1.txt", "r/2.txt", "r/sub/2.txt", "r/3.txt"):
            write(tmp_path / name, "Clear.")
        assert links(found(tmp_path / "i", tmp_path / "r")) == {
            ("1.png", "1.txt", "folder"),
            ("2.png", "2.txt", "folder"),
        }
