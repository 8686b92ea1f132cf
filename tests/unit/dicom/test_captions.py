"""Sentences about images from their headers, as a reader would say them."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from domainclip.extractors.dicom.captions import header_caption
from domainclip.extractors.dicom.facts import spoken


def coded(value: str, scheme: str, meaning: str = "Mrs Doe's bone") -> Items:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Items([item])


def sentence(plane: str = "", window: str = "", **attributes: object) -> str:
    """The caption of a header of which nothing is taken out."""
    header = Dataset()
    for keyword, value in attributes.items():
        setattr(header, keyword, value)
    names = ("Modality", "BodyPartExamined", "ViewPosition", "Laterality", "ImageLaterality")
    facts = {name: str(header[name].value) for name in names if name in header}
    return header_caption(spoken(header, facts, plane, window))


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"Modality": "CR", "BodyPartExamined": "CHEST", "ViewPosition": "PA"},
         "Chest radiograph, PA view."),
        ({"Modality": "DX", "BodyPartExamined": "CHEST", "ImageLaterality": "B"},
         "Chest radiograph."),
        ({"Modality": "DX", "BodyPartExamined": "HAND", "ImageLaterality": "B"},
         "Bilateral hand radiograph."),
        ({"Modality": "OP", "ImageLaterality": "R"}, "Ophthalmic photograph of the right eye."),
        ({"Modality": "US", "Laterality": "L"}, "Ultrasound, left side."),
        ({"Modality": "MR", "BodyPartExamined": "KNEE", "Laterality": "L", "plane": "sagittal"},
         "MRI of the left knee, sagittal plane."),
        ({"Modality": "CT", "BodyPartExamined": "CHEST", "plane": "coronal",
          "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "CT localizer of the chest."),
        ({"Modality": "MR", "BodyPartExamined": "BRAIN",
          "ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]},
         "MRI of the brain, mosaic of slices."),
        ({"Modality": "MG", "ImageLaterality": "L", "ViewPosition": "CC", "plane": "sagittal",
          "SOPClassUID": "1.2.840.10008.5.1.4.1.1.13.1.3"},
         "Left breast tomosynthesis, CC view."),
        ({"Modality": "OT", "BodyPartExamined": "HAND"}, ""),
    ],
)  # fmt: skip
def test_what_a_reader_would_say(attributes: dict[str, str], words: str) -> None:
    assert sentence(**attributes) == words


@pytest.mark.parametrize(
    ("region", "view"),
    [(("74670003", "SCT"), ("399348003", "SCT")), (("T-15460", "SRT"), ("R-10206", "SRT")),
     (("T-15460", "SNM3"), ("R-10206", "99SDM"))],
)  # fmt: skip
def test_codes_tell_what_no_attribute_does(region: tuple[str, str], view: tuple[str, str]) -> None:
    told = sentence(
        Modality="DX",
        ImageLaterality="L",
        AnatomicRegionSequence=coded(*region),
        ViewCodeSequence=coded(*view),
    )
    assert told == "Left wrist radiograph, AP view."


def test_a_frame_s_anatomy_tells_it_too() -> None:
    anatomy, shared = Dataset(), Dataset()
    anatomy.AnatomicRegionSequence = coded("774007", "SCT")
    anatomy.FrameLaterality = "U"
    shared.FrameAnatomySequence = Items([anatomy])
    told = sentence(Modality="CT", SharedFunctionalGroupsSequence=Items([shared]))
    assert told == "CT of the head and neck."


def test_words_beside_a_code_are_not_said() -> None:
    for code in (("1", "SCT"), ("X-1", "99LOCAL"), ("", "")):
        assert sentence(Modality="DX", AnatomicRegionSequence=coded(*code)) == "Radiograph."
