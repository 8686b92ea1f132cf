"""Structured reports of any kind and in any state: all text, in sections, nobody's name."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from domainclip.errors import BadInput
from domainclip.extractors.dicom.records import Identifier, Place, Report, ReportLink
from domainclip.extractors.dicom.reports.reading import read_report
from domainclip.extractors.dicom.reports.structured import read_structured
from tests.data.make_content import (
    code,
    container,
    document,
    document_bytes,
    image,
    item,
    nested_bytes,
    num,
    reference,
    text,
)

FINDINGS = code("121070", "Findings", "DCM")
FINDING = code("121071", "Finding", "DCM")
IMPRESSIONS = code("121072", "Impressions", "DCM")


def sections(report: Report) -> list[tuple[str, str, str]]:
    return [(section.name, section.heading, section.text) for section in report.sections]


def identifiers(report: Report) -> set[tuple[str, str]]:
    return {(each.kind, each.value) for each in report.identifiers}


def bare(words: str) -> str:
    """Letters and digits alone."""
    return re.sub(r"[\W_]+", "", words).casefold()


def test_containers_are_sections_by_code_or_by_meaning() -> None:
    report = read_structured(
        document(
            container(code("121060", "History", "DCM"), text("History", "Fever.")),
            container(code("18782-3", "Study observation", "LN"), text(FINDING, "Clear lungs.")),
            container("Beurteilung", text("Text", "Normal.")),
            container("Dose", num("CTDIvol", "12.5", "mGy")),
            title="CT Chest",
        )
    )
    assert sections(report) == [
        ("history", "History", "Fever."),
        ("findings", "Study observation", "Clear lungs."),
        ("impression", "Beurteilung", "Normal."),
        ("", "Dose", "CTDIvol: 12.5 mGy."),
    ]
    assert report.text.startswith("History:\nFever.\n\nStudy observation:\nClear lungs.")
    assert report.facts["title"] == "CT Chest"


def test_a_text_whose_name_is_a_sections_is_that_section() -> None:
    report = read_structured(
        document(
            text("Indication", "Cough"), text(FINDING, "One."), text(FINDING, "Two."),
            text("Conclusion", "Three."),
        )
    )  # fmt: skip
    assert sections(report) == [
        ("indication", "Indication", "Cough"),
        ("findings", "Finding", "One.\nTwo."),
        ("impression", "Conclusion", "Three."),
    ]


def test_sections_of_a_name_are_one_and_the_text_keeps_their_order() -> None:
    report = read_structured(
        document(
            text("Impression", "Negative chest."), text("Abdomen", "Gas."),
            text("Impression", "Negative study."), text("Conclusion", "Well."),
        )
    )  # fmt: skip
    assert sections(report) == [
        ("impression", "Impression", "Negative chest.\nNegative study.\nWell."),
        ("", "Abdomen", "Gas."),
    ]
    assert report.text.split("\n") == [
        "Impression:", "Negative chest.", "", "Abdomen:", "Gas.", "", "Impression:",
        "Negative study.", "", "Conclusion:", "Well.",
    ]  # fmt: skip


def test_another_word_for_the_same_section_is_not_said_in_it() -> None:
    report = read_structured(
        document(
            text("Conclusion", "Normal heart."), text("Impressions", "Pneumonia."),
            text("Left breast impression", "Benign."),
        )
    )  # fmt: skip
    assert sections(report) == [
        ("impression", "Conclusion", "Normal heart.\nPneumonia.\nLeft breast impression: Benign.")
    ]


def test_without_known_headings_sections_are_left_to_the_text() -> None:
    whole = "FINDINGS: Clear.\r\nIMPRESSION: Normal."
    report = read_structured(document(text("Report Text", whole)))
    assert report.sections == ()
    assert report.text == "FINDINGS: Clear.\nIMPRESSION: Normal."


def test_a_heading_within_a_section_stands_before_its_first_line() -> None:
    report = read_structured(
        document(
            container(
                FINDINGS,
                container("Lungs", text(FINDING, "Clear."), text(FINDING, "No nodule.")),
                container("Heart", container("Empty")),
                text("Bones", "Intact."),
            )
        )
    )
    assert sections(report) == [
        ("findings", "Findings", "Lungs: Clear.\nNo nodule.\nBones: Intact.")
    ]


def test_a_heading_that_the_text_repeats_is_shown_once() -> None:
    report = read_structured(document(container(FINDINGS, text(FINDING, "FINDINGS: Clear."))))
    assert report.text == "FINDINGS: Clear."


def test_values_modifiers_and_properties_read_as_words() -> None:
    left = item(
        "CODE", code("272741003", "Laterality", "SCT"), relation="HAS CONCEPT MOD",
        ConceptCodeSequence=Items([code("7771000", "Left", "SCT")]),
    )  # fmt: skip
    mass = item(
        "CODE", FINDING, [left, num("Diameter", "3", "mm", relation="HAS PROPERTIES")],
        ConceptCodeSequence=Items([code("4147007", "Mass", "SCT")]),
    )  # fmt: skip
    empty = num("Width", None)
    qualified = num("Height", None)
    qualified.NumericValueQualifierCodeSequence = Items([code("114000", "Not a number", "DCM")])
    report = read_structured(
        document(
            container(FINDINGS, mass, empty, qualified, num("Ratio", "0.5", "1")),
            container("Chest", left, text("Note", "Clear.")),
        )
    )
    assert report.sections[0].text.split("\n") == [
        "Mass (Left; Diameter: 3 mm).",
        "Height: Not a number.",
        "Ratio: 0.5.",
    ]
    assert report.sections[1].heading == "Chest (Left)"


def test_a_continuous_container_is_one_paragraph_without_names() -> None:
    report = read_structured(
        document(
            container(
                FINDINGS,
                text("Note", "Seen by"),
                item("PNAME", "Physician", PersonName="Fukuda^Ken"),
                text("Note", "on"),
                item("DATE", "Day", Date="20200102"),
                text("Note", ": a mass of"),
                num("Diameter", "3", "cm"),
                text("Note", ", round."),
                ContinuityOfContent="CONTINUOUS",
            )
        )
    )
    assert report.sections[0].text == "Seen by [NAME] on [DATE]: a mass of 3 cm, round."
    assert identifiers(report) == {("name", "Fukuda^Ken"), ("date", "20200102")}


def test_who_and_when_are_identifiers_and_no_text() -> None:
    context = "HAS OBS CONTEXT"
    report = read_structured(
        document(
            item("PNAME", code("121008", "Person Observer Name", "DCM"), relation=context,
                 PersonName="Packer^David"),
            text(code("121009", "Organization", "DCM"), "Redlands Clinic", relation=context),
            text(code("121022", "Accession Number", "DCM"), "A-77-1", relation=context),
            text("Something else", "Ward twelve", relation=context),
            item("CODE", "Observer Type", relation=context,
                 ConceptCodeSequence=Items([code("121006", "Person", "DCM")])),
            item("UIDREF", "Study", UID="1.2.3.99"),
            item("TIME", "Begun", Time="101500"),
            container(FINDINGS, text("Hospital Name", "Mercy"), text(FINDING, "Clear.")),
        )
    )  # fmt: skip
    assert identifiers(report) == {
        ("name", "Packer^David"), ("institution", "Redlands Clinic"), ("id", "A-77-1"),
        ("other", "Ward twelve"), ("id", "1.2.3.99"), ("date", "101500"), ("institution", "Mercy"),
    }  # fmt: skip
    assert report.text == "Findings:\nHospital Name: Mercy\nClear."
    assert Identifier("name", "Packer^David", "PersonName") in report.identifiers


def test_a_history_in_the_observation_context_is_not_lost() -> None:
    told = "Cough for three weeks, smoker, weight loss of five kilograms."
    report = read_structured(
        document(
            text("Clinical History", told, relation="HAS OBS CONTEXT"), text(FINDING, "Clear.")
        )
    )
    assert ("history", "Clinical History", told) in sections(report)


def test_references_are_the_contents_then_the_evidence_once_each() -> None:
    series, study, one, two = Dataset(), Dataset(), Dataset(), Dataset()
    one.ReferencedSOPInstanceUID, two.ReferencedSOPInstanceUID = "1.2.9", "1.2.5"
    series.ReferencedSOPSequence = Items([one, two])
    study.ReferencedSeriesSequence = Items([series])
    report = read_structured(
        document(
            text(FINDING, "Mass.", image("1.2.5", [3, 7], relation="INFERRED FROM")),
            image("1.2.5", [7, 9]),
            image("0"),
            CurrentRequestedProcedureEvidenceSequence=Items([study]),
        )
    )
    assert report.references == ("1.2.5", "1.2.9")
    assert report.facts["frames"] == '{"0": [3, 7, 9]}'


def test_what_is_inferred_from_is_shown_once() -> None:
    report = read_structured(
        document(
            text("Conclusion", "Pneumonia.", text(FINDING, "Opacity.", relation="INFERRED FROM"),
                 reference(1, 2)),
            text(FINDING, "Effusion."),
        )
    )  # fmt: skip
    assert [line for _, _, line in sections(report)] == ["Pneumonia.", "Opacity.\nEffusion."]


def test_references_are_followed_to_properties_and_never_round_in_circles() -> None:
    report = read_structured(
        document(
            text(FINDING, "Mass.", reference(1, 2, relation="HAS PROPERTIES")),
            num("Diameter", "3"),
            text(FINDING, "Loop.", reference(1, 3, 1, relation="HAS PROPERTIES")),
            text(FINDING, "Lost.", reference(1, 9, 9, relation="HAS PROPERTIES")),
            text(FINDING, "Chain.", reference(1, 1, 1, relation="HAS PROPERTIES")),
        )
    )
    assert "Mass. (Diameter: 3 mm)" in report.text
    assert "Chain. (Diameter: 3 mm)" in report.text
    assert {"content items refer to each other in a circle",
            "a content item refers to one that is not there"} <= set(report.warnings)  # fmt: skip


def test_language_completion_and_verification_are_told() -> None:
    country = item(
        "CODE", code("121046", "Country of Language", "DCM"), relation="HAS CONCEPT MOD",
        ConceptCodeSequence=Items([code("AT", "Austria", "ISO3166_1")]),
    )  # fmt: skip
    language = item(
        "CODE", code("121049", "Language of Content Item and Descendants", "DCM"), [country],
        relation="HAS CONCEPT MOD", ConceptCodeSequence=Items([code("deu", "German", "ISO639_2")]),
    )  # fmt: skip
    report = read_structured(
        document(
            language, text("Befund", "Unauffällig."), SpecificCharacterSet="ISO_IR 192",
            CompletionFlag="PARTIAL", VerificationFlag="UNVERIFIED", PreliminaryFlag="PRELIMINARY",
        )
    )  # fmt: skip
    assert report.lang == "de-AT"
    assert report.text == "Befund:\nUnauffällig."
    assert report.facts["completion"] == "partial"
    assert report.facts["status"] == "preliminary"
    assert len(report.warnings) == 2


def test_a_key_object_selection_says_whether_it_rejects() -> None:
    made = document(
        text(code("113012", "Key Object Description", "DCM"), "Blurred."), image("1.2.5"),
        title=None, ConceptNameCodeSequence=Items([code("113001", "Rejected", "DCM")]),
    )  # fmt: skip
    made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.59"
    report = read_structured(made)
    assert (report.form, report.text, report.references) == ("key_object", "Blurred.", ("1.2.5",))
    assert any("rejects" in words for words in report.warnings)


@pytest.mark.parametrize(
    ("declared", "written", "shown"),
    [
        ("ISO_IR 100", "Größe 5 µm", "latin_1"),
        ("ISO_IR 100", "Größe 5 µm", "utf_8"),
        (None, "Größe 5 µm", "utf_8"),
        (None, "Größe 5 µm", "cp1252"),
        ("ISO_IR 192", "Größe – “5”", "cp1252"),
        ("NO SUCH SET", "Größe 5 µm", "utf_8"),
        ("ISO_IR 144", "Лёгкие в норме", "iso8859_5"),
        (None, "肺野に異常を認めず、所見は正常です", "shift_jis"),
        ("GB18030", "肺部未见异常", "gb18030"),
        ("ISO_IR 6", "肺部未见异常，心影大小正常", "gb18030"),
        ("\\ISO 2022 IR 87", "所見なし", "iso2022_jp"),
    ],
)
def test_text_is_read_in_the_set_it_is_written_in(
    declared: str | None, written: str, shown: str
) -> None:
    made = document_bytes(document(text("Note", "@" * 60)))
    raw = written.encode(shown)
    made = made.replace(b"@" * 60, raw + b" " * (60 - len(raw)))
    dataset = pydicom.dcmread(BytesIO(made))
    if declared is not None:
        dataset.SpecificCharacterSet = declared.split("\\")
    assert read_structured(dataset).text == written


def test_markup_and_leftovers_of_messages_become_plain_text() -> None:
    rtf = r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0 Lungs \'e4lter.\par {\b No} nodule.}"
    made = document(
        text(FINDING, "<p>Nodules &lt;5 mm &amp; <b>one</b> of >6 mm</p><br/>End"),
        text(FINDING, rtf),
        text(FINDING, "Read by SMITH^JOHN~Clear.\\.br\\Size ~5 mm, 10^3"),
        SpecificCharacterSet="ISO_IR 192",
    )
    assert read_structured(made).text.split("\n")[1:] == [
        "Nodules <5 mm & one of >6 mm", "", "End", "Lungs älter.", "No nodule.",
        "Read by SMITH JOHN", "Clear.", "Size ~5 mm, 10^3",
    ]  # fmt: skip


def test_missing_parts_are_guessed_or_left_out() -> None:
    report = read_structured(
        document(
            item(None, None, relation=None, TextValue="No type."),
            item("CODE", "Empty", ConceptCodeSequence=Items([])),
            item("TEXT", "No value"),
            item("CODE", FINDING, TextValue="Wrong type."),
            item("NUM", "Broken", MeasuredValueSequence=Items([Dataset()])),
            item("PNAME", "Nobody"),
            item("NONSENSE", None),
            title=None,
        )
    )
    assert report.text.split("\n") == ["No type.", "", "Finding:", "Wrong type."]
    assert report.identifiers == ()
    assert "title" not in report.facts


def test_a_tree_without_text_is_a_report_that_says_so() -> None:
    assert "the report holds no text" in read_structured(document(image("1.2.3"))).warnings


def test_a_dataset_without_content_is_refused() -> None:
    with pytest.raises(BadInput, match="no structured report"):
        read_structured(Dataset())


def test_containers_200_deep_are_read() -> None:
    link = ReportLink(Place("x"), "sr", "study")
    report = read_report(link, read=lambda place, limit: nested_bytes(200), columns={})
    assert report.text == "deep"
    with pytest.raises(BadInput, match="nests"):
        read_report(link, read=lambda place, limit: nested_bytes(2000), columns={})


def test_a_dataset_that_holds_itself_ends() -> None:
    made = container("Findings", text(FINDING, "One."))
    made.ContentSequence.append(made)
    report = read_structured(document(made))
    assert report.text == "Findings:\nOne."
    assert "a content item holds itself" in report.warnings


def test_thousands_of_items_are_read() -> None:
    report = read_structured(
        document(container(FINDINGS, *(text(FINDING, "Clear.") for _ in range(5_000))))
    )
    assert report.text.count("Clear.") == 5_000


@pytest.mark.parametrize("number", [f"{number:02}" for number in range(1, 14)] + ["lp", "si"])
def test_real_reports_lose_no_text_and_name_no_person(number: str, shared_data: Path) -> None:
    path = shared_data / "dicom" / "reports" / f"report{number}.dcm"
    dataset = pydicom.dcmread(path)
    report = read_structured(dataset)
    shown = bare(report.text) + bare(" ".join(each.value for each in report.identifiers))
    for element in dataset.iterall():
        if element.keyword == "TextValue":
            assert bare(element.value) in shown
        if element.keyword == "PersonName":
            assert element.value == "Enter text" or str(element.value) not in report.text


def test_pydicoms_report_with_every_value_type() -> None:
    path = get_testdata_file("test-SR.dcm")
    report = read_structured(pydicom.dcmread(str(path)))
    assert report.text.startswith(
        "A mass of (Sample Code 1; Sample Code 2) 3 cm (Sample Code) was detected."
    )
    assert "Inferred Sample Text" in report.text
    assert "Sample Text 2" in report.text


RELATIONS = st.sampled_from(
    ["CONTAINS", "HAS OBS CONTEXT", "HAS CONCEPT MOD", "HAS PROPERTIES", "HAS ACQ CONTEXT",
     "INFERRED FROM", "SELECTED FROM", "", None, "NONSENSE"]
)  # fmt: skip
NAMES = st.sampled_from(
    [None, "", "Findings", "Impression", "Laterality", "Observer Name", "Text", "Lungs"]
)
WORDS = st.text(alphabet="abcdefgh äß東,.:()-\n", min_size=1, max_size=40).map(
    lambda words: f"x{words}y"
)
LEAVES = st.builds(text, NAMES, WORDS, relation=RELATIONS) | st.builds(
    num, NAMES.map(lambda name: name or "Size"), st.sampled_from([None, "3", "-1.5"]),
    relation=RELATIONS,
) | st.builds(
    lambda kind, relation: item(kind, "Any", relation=relation),
    st.sampled_from(["CODE", "PNAME", "DATE", "IMAGE", "SCOORD", "TABLE", "CONTAINER", None]),
    RELATIONS,
) | st.builds(
    lambda position: reference(*position),
    st.lists(st.integers(0, 4), max_size=5),
)  # fmt: skip


def _with_children(children: st.SearchStrategy[Dataset]) -> st.SearchStrategy[Dataset]:
    lists = st.lists(children, max_size=4)
    return st.builds(
        lambda name, within, relation, continuity: item(
            "CONTAINER", name, within, relation, ContinuityOfContent=continuity
        ),
        NAMES, lists, RELATIONS, st.sampled_from(["SEPARATE", "CONTINUOUS"]),
    ) | st.builds(
        lambda name, words, within, relation: text(name, words, *within, relation=relation),
        NAMES, WORDS, lists, RELATIONS,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(st.recursive(LEAVES, _with_children, max_leaves=12), max_size=4))
def test_random_trees_never_raise_and_lose_no_text(children: list[Dataset]) -> None:
    made = document(*children, SpecificCharacterSet="ISO_IR 192")
    report = read_structured(made)
    again = read_structured(pydicom.dcmread(BytesIO(document_bytes(made))))
    assert again.text == report.text
    shown = bare(report.text)
    context = bare(" ".join(each.value for each in report.identifiers))
    for element in made.iterall():
        if element.keyword == "TextValue":
            assert bare(element.value) in shown or bare(element.value) in context
