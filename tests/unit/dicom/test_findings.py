"""What a report states, denies or leaves open."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.errors import BadInput
from domainclip.extractors.dicom.records import Section
from domainclip.extractors.dicom.reports.findings import (
    NO_FINDING,
    findings_of,
    read_findings,
)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("There is a small left pleural effusion.", {"Pleural Effusion": "present"}),
        ("No effusion or pneumothorax.", {"Pleural Effusion": "absent", "Pneumothorax": "absent"}),
        ("Heart is not enlarged.", {"Cardiomegaly": "absent"}),
        ("The heart is mildly enlarged.", {"Cardiomegaly": "present"}),
        ("Pneumothorax has resolved.", {"Pneumothorax": "absent"}),
        ("A fracture is not seen.", {"Fracture": "absent"}),
        ("Pneumonia cannot be excluded.", {"Pneumonia": "uncertain"}),
        ("Cannot exclude pneumonia.", {"Pneumonia": "uncertain"}),
        ("Findings concerning for consolidation.", {"Consolidation": "uncertain"}),
        ("No significant change in pleural effusions.", {"Pleural Effusion": "present"}),
        (
            "No consolidation, but there is a small effusion.",
            {"Consolidation": "absent", "Pleural Effusion": "present"},
        ),
        ("No pneumothorax. Small pneumothorax on the left.", {"Pneumothorax": "present"}),
        ("Evidence of prior granulomatous infection.", {"Calcified Granuloma": "present"}),
        ("Lungs are free of focal consolidation.", {"Consolidation": "absent"}),
        ("PNEUMOTHORAX IS PRESENT", {"Pneumothorax": "present"}),
        ("Unlikely new infiltrate.", {"Lung Opacity": "absent"}),
        ("Infiltrate unlikely.", {"Lung Opacity": "absent"}),
        ("Small effusion. Pneumothorax?", {"Pneumothorax": "uncertain"}),
        ("Opacity, ? pneumonia.", {"Lung Opacity": "present", "Pneumonia": "uncertain"}),
        ("?Pneumonia", {"Pneumonia": "uncertain"}),
        ("Aortic aneurysm.", {"Aneurysm": "present", "Tortuous Aorta": None}),
    ],
)  # fmt: skip
def test_status_follows_from_the_words_around(text: str, expected: dict[str, str | None]) -> None:
    found = {f.name: f.status for f in findings_of([Section("findings", "FINDINGS", text)])}
    assert {name: found.get(name) for name in expected} == expected


def test_what_the_patient_came_with_is_no_finding() -> None:
    sections = [
        Section("indication", "INDICATION", "Pneumonia."),
        Section("comparison", "COMPARISON", "Effusion in the prior study."),
        Section("impression", "IMPRESSION", "Normal chest."),
    ]
    found = findings_of(sections)
    assert [(f.name, f.status) for f in found] == [(NO_FINDING, "present")]
    assert findings_of(sections[:2]) == ()


def test_text_without_headings_is_read() -> None:
    found = findings_of([Section("", "", "Large right pneumothorax.")])
    assert [(f.name, f.status) for f in found] == [("Pneumothorax", "present")]


def test_a_knee_has_no_pleura() -> None:
    text = "There is a joint effusion and a fracture of the patella. No mass."
    found = findings_of([Section("findings", "FINDINGS", text)])
    assert [(f.name, f.status) for f in found] == [("Fracture", "present")]


def test_a_list_of_ones_own(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("any:\n  Drusen:\n    - drusen\n")
    found = findings_of([Section("", "", "Soft drusen. No effusion.")], read_findings(mine))
    assert [(f.name, f.status) for f in found] == [("Drusen", "present")]


UNFIT = ("- a\n", "A: [b]\n", "any: {A: ['(']}\n", "any: {A: [\n", "any: {A: [1]}\n")


@pytest.mark.parametrize("text", UNFIT)
def test_an_unfit_list_is_named(tmp_path: Path, text: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(text)
    with pytest.raises(BadInput, match=r"mine\.yaml"):
        read_findings(mine)


@pytest.mark.parametrize("text", ["calcified nodule ", "no ", "a"])
def test_a_trigger_reaches_no_further_than_a_clause(text: str) -> None:
    # what bounds the time on a text without an end
    found = findings_of([Section("", "", f"no pneumothorax {text * 2_000} pneumothorax of a lung")])
    assert {f.name: f.status for f in found}["Pneumothorax"] in ("present", "absent")
    far = findings_of([Section("", "", f"no {'x ' * 400} pneumothorax")])
    assert [(f.name, f.status) for f in far] == [("Pneumothorax", "present")]


@pytest.mark.parametrize(
    "text",
    ["Lungs clear.", "No acute disease.", "No acute cardiopulmonary process.", "Normal study."],
)
def test_a_chest_by_its_header_needs_no_word_of_it(text: str) -> None:
    found = findings_of([Section("", "", text)], chest=True)
    assert [(f.name, f.status) for f in found] == [(NO_FINDING, "present")]
    assert findings_of([Section("", "", text)], chest=False) == ()


@pytest.mark.parametrize("text", ["Chest.", "Lungs and heart.", "Chest is not normal."])
def test_nothing_said_is_no_normal_chest(text: str) -> None:
    assert findings_of([Section("", "", text)], chest=True) == ()
    assert findings_of([Section("", "", text)]) == ()
