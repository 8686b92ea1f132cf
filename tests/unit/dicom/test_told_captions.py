"""Which of a report's texts is the caption of an image."""

from __future__ import annotations

from domainclip.extractors.dicom.texts import Told, caption_of

PREFERRED = ("impression", "findings", "report", "header")


def told(*sections: tuple[str, str]) -> Told:
    whole = "\n".join(text for _, text in sections)
    return Told(how="study", form="sr", images=(), sections=sections, whole=whole, lang="en")


def test_a_scanner_s_protocol_is_no_caption_and_stays_beside_it() -> None:
    protocol = told(("examination", "Magnetic Resonance."), ("technique", "Flip Angle: 8."),
                    ("", "n.a."))  # fmt: skip
    text, texts = caption_of(PREFERRED, [protocol], "MRI of the brain.")
    assert text == "MRI of the brain."
    assert {each.role for each in texts} >= {"technique", "report", "header"}
    # asked for by name, or with nothing else to say, it is what there is
    assert caption_of(("technique",), [protocol], "")[0] == "Flip Angle: 8."
    assert caption_of(PREFERRED, [protocol], "")[0].startswith("Magnetic")
    assert caption_of(("report",), [protocol], "MRI.")[0].startswith("Magnetic")


def test_a_report_of_other_sections_is_a_caption_as_a_whole() -> None:
    report = told(("technique", "Two views."), ("history", "Cough."))
    assert caption_of(PREFERRED, [report], "Chest radiograph.")[0] == "Two views.\nCough."
    assert caption_of(PREFERRED, [told(("", "Both lungs are clear."))], "CT.")[0].startswith("Both")
