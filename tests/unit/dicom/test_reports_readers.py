"""Reports in PDF, text, RTF, HTML, OpenI XML, MedPix JSON and tables, and what cannot be read."""

from __future__ import annotations

import json
import tarfile
from contextlib import suppress
from pathlib import Path

import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from domainclip.errors import BadInput
from domainclip.extractors.dicom.records import Identifier, Place, Report, ReportForm, ReportLink
from domainclip.extractors.dicom.reports.encapsulated_pdf import read_pdf, read_pdf_bytes
from domainclip.extractors.dicom.reports.markup import unmarked
from domainclip.extractors.dicom.reports.medpix import read_medpix, read_medpix_file
from domainclip.extractors.dicom.reports.openi import read_openi
from domainclip.extractors.dicom.reports.plain import read_plain
from domainclip.extractors.dicom.reports.reading import read_report
from domainclip.extractors.dicom.reports.table import read_table_row
from tests.data.make_content import document, document_bytes, text

MIMIC = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 FINDINGS:

 The lungs are clear.
"""
OPENI = """<?xml version="1.0" encoding="utf-8"?>
<eCitation><uId id="CXR9"/><licenseURL>http://creativecommons.org/licenses/by-nc-nd/4.0/</licenseURL>
<title>Collection</title>
<MedlineCitation><Article><Abstract>
<AbstractText Label="COMPARISON"/>
<AbstractText Label="INDICATION">Cough &amp; fever</AbstractText>
<AbstractText Label="FINDINGS">Opacity  in the
 left base.</AbstractText>
<AbstractText Label="IMPRESSION">1. Pneumonia.</AbstractText>
</Abstract><Language>eng</Language></Article></MedlineCitation>
<MeSH><major>Opacity/lung/base/left</major><major>Pneumonia</major><automatic>opacity</automatic>
<automatic>effusion</automatic></MeSH>
<parentImage id="CXR9_1_IM-1"><caption>Xray Chest PA</caption></parentImage>
<parentImage id="CXR9_1_IM-2"><caption>Xray Chest PA</caption></parentImage>
</eCitation>"""


def pdf(*pages: str, **options: object) -> bytes:
    made = pymupdf.open()
    for words in pages:
        made.new_page().insert_text((72, 72), words)
    made.set_metadata({"author": "Packer, David"})
    return made.tobytes(**options)


def encapsulated(document: bytes) -> Dataset:
    source, made = Dataset(), Dataset()
    source.ReferencedSOPInstanceUID = "1.2.5"
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.104.1", "1.2.3"
    made.DocumentTitle = "Chest CT"
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = document + b"\0" * (len(document) % 2)
    made.EncapsulatedDocumentLength = len(document)
    made.SourceInstanceSequence = Items([source])
    return made


def given_bytes(form: ReportForm, data: bytes, row: int = -1) -> Report:
    link = ReportLink(Place("nowhere/x"), form, "study", row)
    return read_report(link, read=lambda place, limit: data, columns={})


def test_an_encapsulated_pdf_gives_its_text_title_and_sources() -> None:
    made = encapsulated(pdf("FINDINGS: Clear.", "IMPRESSION: Normal."))
    report = read_pdf(made)
    assert report.text == "FINDINGS: Clear.\n\nIMPRESSION: Normal."
    assert report.facts == {"title": "Chest CT"}
    assert report.references == ("1.2.5",)
    assert report.identifiers == (Identifier("name", "Packer, David", "Author"),)
    assert given_bytes("pdf", document_bytes(made)) == report


def test_a_loose_pdf_is_read_as_well() -> None:
    assert given_bytes("pdf", pdf("Clear.")).text == "Clear."


def test_a_pdf_with_an_empty_password_opens_and_one_with_another_is_refused() -> None:
    locked = {"encryption": pymupdf.PDF_ENCRYPT_RC4_128, "owner_pw": "o"}
    assert read_pdf_bytes(pdf("Clear.", user_pw="", **locked)).text == "Clear."
    with pytest.raises(BadInput, match="password"):
        read_pdf_bytes(pdf("Clear.", user_pw="secret", **locked))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no pdf", "no PDF"),
        (b"%PDF-1.7 nothing more", "damaged"),
        (pdf(""), "scan"),
        (pdf("Clear.")[:300], "damaged"),
    ],
)
def test_pdfs_that_cannot_be_read_say_why(data: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        read_pdf_bytes(data)


def test_an_object_without_a_document_is_refused() -> None:
    for made in (Dataset(), encapsulated(b"<xml/>")):
        with pytest.raises(BadInput, match="holds no"):
            read_pdf(made)


def test_a_text_file_keeps_its_lines_and_indentation() -> None:
    report = read_plain(MIMIC.replace("\n", "\r\n").encode())
    assert report.text == MIMIC.rstrip()
    assert report.sections == ()


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_a_text_file_is_read_in_its_encoding(codec: str) -> None:
    assert read_plain("Größe: 5 µm".encode(codec)).text == "Größe: 5 µm"


def test_rtf_and_html_files_become_plain_text() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0 Arial;}}{\*\generator Word;}"
        rb"{\info{\author Packer}}\pard\f0 FINDINGS:\par Gr\'f6\'dfe \u8364?5\tab ok\par}"
    )
    assert read_plain(rtf).text == "FINDINGS:\nGröße €5 ok"
    page = (
        b"<!DOCTYPE html><html lang='de-AT'><head><title>x</title><style>p{}</style></head>"
        b"<body><h1>Befund</h1>\n<p>Kein\n Erguss.</p><script>alert(1)</script></body></html>"
    )
    report = read_plain(page)
    assert [line.strip() for line in report.text.split("\n") if line.strip()] == [
        "Befund", "Kein Erguss.",
    ]  # fmt: skip
    assert report.lang == "de-AT"


@pytest.mark.parametrize("data", [b"", b" \n", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", bytes(99)])
def test_what_is_no_text_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_plain(data)


def test_openi_gives_sections_terms_images_and_licence() -> None:
    report = read_openi(OPENI.encode())
    assert [(each.name, each.text) for each in report.sections] == [
        ("indication", "Cough & fever"),
        ("findings", "Opacity in the left base."),
        ("impression", "1. Pneumonia."),
    ]
    assert report.labels == ("Opacity", "Pneumonia")
    assert report.facts["mesh"] == "Opacity/lung/base/left; Pneumonia"
    assert report.facts["mesh_automatic"] == "opacity; effusion"
    assert report.facts["license"].endswith("by-nc-nd/4.0/")
    assert report.facts["image_captions"] == "Xray Chest PA"
    assert report.references == ("CXR9_1_IM-1", "CXR9_1_IM-2")
    assert report.lang == "en"


def test_places_and_shapes_of_openi_are_no_labels() -> None:
    terms = (
        *("Lung/hyperdistention", "Spine/degenerative/mild", "aorta, thoracic", "normal"),
        *("Markings/lung", "No Indexing", "Opacity/lung", "opacity/base", "Aortic Aneurysm"),
    )
    major = "".join(f"<major>{term}</major>" for term in terms)
    report = read_openi(OPENI.replace("<major>Pneumonia</major>", major).encode())
    assert report.labels == ("Opacity", "normal", "Aortic Aneurysm")
    assert "Spine/degenerative/mild" in report.facts["mesh"]


def test_openi_neither_fetches_nor_expands(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("SECRET")
    doctype = f'<!DOCTYPE eCitation [<!ENTITY a SYSTEM "{secret.as_uri()}">]>\n<eCitation>'
    attack = OPENI.replace("<eCitation>", doctype).replace("Cough", "Cough &a;")
    with suppress(BadInput):
        assert "SECRET" not in repr(read_openi(attack.encode()))
    for data in (b"", b"<other/>", OPENI.encode()[:300]):
        with pytest.raises(BadInput):
            read_openi(data)


def test_every_openi_report_has_its_sections(shared_data: Path) -> None:
    path = shared_data / "medical" / "openi" / "NLMCXR_reports.tgz"
    read, named = 0, 0
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and read < 400:
                stream = archive.extractfile(member)
                assert stream is not None
                report = read_openi(stream.read())
                read += 1
                named += all(section.name for section in report.sections)
    assert read == named == 400


def test_medpix_gives_the_caption_first_then_the_case() -> None:
    row = {
        "Type": "CT", "U_id": "MPX1", "image": "MPX1_synpic1",
        "Description": {"Age": "60", "Caption": "Collapse.", "Modality": "CT", "Plane": "Axial",
                        "Sex": "female", "Figure Part": None},
        "Location": "Chest", "Location Category": "Thorax",
    }  # fmt: skip
    case = {"U_id": "MPX1", "Case": {"Title": "A case", "History": "N/A", "Findings": "Mass."}}
    report = read_medpix(row, case)
    assert [(each.name, each.text) for each in report.sections] == [
        ("caption", "Collapse."), ("title", "A case"), ("findings", "Mass."),
    ]  # fmt: skip
    assert report.text.startswith("Collapse.\n\nTitle:\nA case")
    assert report.facts["age"] == "60"
    assert report.facts["plane"] == "Axial"
    assert report.references == ("MPX1_synpic1",)
    data = json.dumps([row]).encode()
    assert read_medpix_file(data, 0, json.dumps([case]).encode()) == report
    assert read_medpix_file(data, 0).text == "Collapse."
    for bad, at in ((data, 1), (b"{}", 0), (b"[" * 9999, 0), (b"[3]", 0)):
        with pytest.raises(BadInput):
            read_medpix_file(bad, at)


def test_medpix_finds_the_cases_beside_the_descriptions(shared_data: Path) -> None:
    folder = shared_data / "medical" / "medpix"
    link = ReportLink(Place(str(folder / "Descriptions.json")), "medpix", "table", 3)

    def read(place: Place, limit: int) -> bytes:
        return Path(place.path).read_bytes()

    report = read_report(link, read=read, columns={})
    assert {"caption", "title", "findings", "impression"} <= {each.name for each in report.sections}


def test_a_row_gives_sections_labels_references_and_identifiers() -> None:
    row = {"img": "a.png", "pid": "P7", "find": "<p>Clear.</p>", "imp": "nan", "y": "Edema|Normal",
           "sex": "F", "notes": "Extra."}  # fmt: skip
    roles = {"image": "img", "patient": "pid", "findings": "find", "impression": "imp",
             "label": "y", "sex": "sex", "discussion": "notes"}  # fmt: skip
    report = read_table_row(row, roles)
    assert [(each.name, each.text) for each in report.sections] == [
        ("findings", "Clear."), ("discussion", "Extra."),
    ]  # fmt: skip
    assert report.text == "find:\nClear.\n\nnotes:\nExtra."
    assert report.labels == ("Edema", "Normal")
    assert report.references == ("a.png",)
    assert report.identifiers == (Identifier("id", "P7", "PatientID"),)
    assert report.facts == {"sex": "F"}
    with pytest.raises(BadInput, match="neither"):
        read_table_row({"img": "a.png"}, roles)


def test_a_link_to_a_row_reads_the_table(tmp_path: Path) -> None:
    table = tmp_path / "reports.csv"
    table.write_text('StudyInstanceUID,report\n1.2.3,"Clear, normal."\n1.2.4,Effusion.\n')
    link = ReportLink(Place(str(table)), "table", "table", 1)
    assert read_report(link, read=lambda *_: b"", columns={}).text == "Effusion."
    named = read_report(link, read=lambda *_: b"", columns={"findings": "report"})
    assert named.sections[0].name == "findings"


def test_a_structured_report_is_read_from_its_bytes() -> None:
    data = document_bytes(document(text("Findings", "Clear.")))
    assert given_bytes("sr", data).text == "Findings:\nClear."


def test_no_message_holds_a_value_of_the_file() -> None:
    secret = b"Osterman^Phillip"
    for form in ("sr", "pdf", "key_object", "openi", "medpix"):
        for data in (secret, b"%PDF-1.4 " + secret, b"<eCitation>" + secret, bytes(128) + b"DICM"):
            with pytest.raises(BadInput) as caught:
                given_bytes(form, data, row=0)  # type: ignore[arg-type]
            assert "Osterman" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["sr", "pdf", "key_object", "text", "openi", "medpix"]),
       st.binary(max_size=300), st.integers(0, 700))  # fmt: skip
def test_damaged_files_are_refused_or_read(form: ReportForm, noise: bytes, at: int) -> None:
    whole = {"openi": OPENI.encode(), "pdf": PDF, "text": MIMIC.encode()}.get(form, SR)
    for data in (noise, whole[:at] + noise + whole[at + len(noise) :], whole[:at]):
        with suppress(BadInput):
            given_bytes(form, data, row=0)


PDF = pdf("Clear.")
SR = document_bytes(document(text("Findings", "Clear.")))


@given(st.text(alphabet="<>/&;pbr \\{}'rtf1u8x\n-!", max_size=60))
def test_no_text_breaks_the_reading_of_markup(words: str) -> None:
    unmarked(words)
    unmarked("{\\rtf1 " + words)
