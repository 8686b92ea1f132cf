"""Words of captions: each speaks for its kind, look-alikes do not, picture and words weigh both."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from domainclip.extractors.papers.figure_acronyms import ACRONYMS
from domainclip.extractors.papers.figure_word_list import WORDS
from domainclip.extractors.papers.figure_words import joined, kind_by_both, words_speak_for
from domainclip.images.figure_kind import KINDS, figure_kind


def strongest(caption: str, label: str = "") -> str:
    found = words_speak_for(caption, label)
    return max(found, key=lambda kind: found[kind]) if found else ""


def axes() -> Image.Image:
    image = Image.new("RGB", (600, 450), "white")
    draw = ImageDraw.Draw(image)
    draw.line((60, 20, 60, 400), "black", 3)
    draw.line((60, 400, 580, 400), "black", 3)
    for at, height in enumerate((300, 120, 200, 80, 250)):
        draw.rectangle((90 + 95 * at, 400 - height, 145 + 95 * at, 398), "gray", "black")
        draw.text((30, 80 * at + 40), f"{100 - 20 * at}", "black")
    return image


def clouds() -> Image.Image:
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (9, 9, 3), dtype=np.uint8))
    return coarse.resize((500, 400), Image.Resampling.BICUBIC)


@pytest.mark.parametrize(
    ("kind", "caption"),
    [
        ("microscopy", "Photomicrograph of the liver (H&E, ×400)."),
        ("microscopy", "SEM images of the fracture surface. Scale bar: 5 µm."),
        ("microscopy", "Confocal microscopy of stained nuclei (DAPI, blue)."),
        ("microscopy", "Microfotografía electrónica de la muestra."),
        ("radiology", "Axial contrast-enhanced CT of the abdomen. The arrow indicates the mass."),
        ("radiology", "Chest radiograph at admission."),
        ("radiology", "Transvaginal ultrasound at 12 weeks."),
        ("radiology", "T2-weighted MRI, sagittal view."),
        ("radiology", "IRM cérébrale avant traitement."),
        ("photograph", "Clinical photograph of the patient before surgery."),
        ("photograph", "Gross appearance of the excised specimen."),
        ("map", "Map of the study area with the sampling sites."),
        ("map", "Carte de la région."),
        ("diagram", "Flow chart of the selection of studies."),
        ("diagram", "Overview of the proposed architecture."),
        ("diagram", "Phylogenetic tree of the sequences."),
        ("diagram", "Flussdiagramm der Studie."),
        ("plot", "Kaplan-Meier curves of overall survival."),
        ("plot", "Forest plot of the pooled odds ratio."),
        ("plot", "Expression of the gene. Bars represent mean ± SEM, n = 5."),
        ("plot", "Heat map of the expression of genes."),
        ("plot", "Accuracy as a function of the number of samples."),
        ("other", "Western blot of the lysates."),
        ("other", "Screenshot of the user interface."),
    ],
)
def test_a_caption_speaks_for_its_kind(kind: str, caption: str) -> None:
    assert strongest(caption) == kind


@pytest.mark.parametrize(
    ("caption", "kind"),
    [
        ("Values are mean ± SEM.", "microscopy"),
        ("Error bars: the spread of five runs.", "microscopy"),
        ("The feature map of the last layer.", "map"),
        ("A heat map of both.", "map"),
        ("Phase diagram of the alloy.", "diagram"),
        ("The direct way, and the react step.", "radiology"),
    ],
)
def test_words_that_look_alike_do_not_speak(caption: str, kind: str) -> None:
    assert words_speak_for(caption).get(kind, 0.0) <= 0


def test_the_printed_label_speaks() -> None:
    assert strongest("Synthesis.", "Scheme 2") == "diagram"
    assert strongest("Baseline of both groups.", "Table 1") == "table"
    assert words_speak_for("Both.", "Figure 2") == {}


def test_what_comes_first_weighs_more() -> None:
    late = words_speak_for("x" * 300 + " ultrasound")
    assert 0 < late["radiology"] < words_speak_for("ultrasound")["radiology"]


@given(st.text(max_size=400), st.text(max_size=30))
def test_any_text_gives_bounded_evidence(caption: str, label: str) -> None:
    for kind, nats in words_speak_for(caption, label).items():
        assert kind in KINDS
        assert -5 <= nats <= 5


def test_endless_captions_are_read_to_a_length() -> None:
    padded = "a " * 2_000_000
    assert words_speak_for(padded + "ultrasound") == {}


def test_every_entry_is_a_pattern_for_known_kinds() -> None:
    for speaks, pattern in (*ACRONYMS, *WORDS):
        re.compile(pattern)
        assert speaks.keys() <= set(KINDS)
        assert not re.search(r"\)[+*]\)?[+*]", pattern), "nested repeats"


def test_picture_and_words_are_joined_as_bayes_does() -> None:
    even = dict.fromkeys(KINDS, 1 / len(KINDS))
    found = joined(even, {"map": float(np.log(8))})
    assert sum(found.values()) == pytest.approx(1)
    assert found["map"] == pytest.approx(0.5)  # 8 to 8 others of 1
    assert found["plot"] == pytest.approx(1 / 16)


def test_without_words_the_picture_decides() -> None:
    for image in (axes(), clouds()):
        assert kind_by_both(image, "Both of them.") == figure_kind(image)


def test_words_settle_what_a_picture_leaves_open() -> None:
    assert kind_by_both(clouds(), "Photomicrograph of the tissue (H&E).")[0] == "microscopy"
    assert kind_by_both(clouds(), "Clinical photograph of the patient.")[0] == "photograph"
    kind, sure = kind_by_both(axes(), "Mean weight versus age; bars represent the mean.")
    assert kind == "plot"
    assert sure > figure_kind(axes())[1]
