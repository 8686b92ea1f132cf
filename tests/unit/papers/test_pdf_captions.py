"""What a user relies on in captions found in PDFs: whole, none twice, no sentence of the text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pymupdf
import pytest

from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.page import Line, Page, read_page
from tests.data.typeset import paragraph, picture, prose, reopened

ONE = (
    "Effect of the treatment on cells. The panels show (a) control and (b) treated cells after"
    " seven days of culture; bars are means of three samples."
)
TWO = "Growth at high temperature. Error bars are standard deviations, values below zero left out."


def found(document: Any) -> list[tuple[int, str, str]]:
    """(page, label, text) of the captions of a document, read from its bytes."""
    document = reopened(document)
    pages = [read_page(document, number) for number in range(len(document))]
    return [(caption.page, caption.label, caption.text) for caption in find_captions(pages)]


@pytest.mark.parametrize(
    ("label", "style"),
    [
        ("Figure 1:", {}),
        ("Figure 1.", {"size": 9, "bold": 2}),
        ("Fig. 1", {"size": 8}),
        ("Fig. 1 |", {"size": 8, "font": "helv", "bold": 9}),
        ("FIGURE 1", {"size": 8, "font": "helv", "bold": 2}),
        ("Fig. S1.", {"size": 9}),
        ("Figure A.1.", {"size": 9}),
        ("FIG. IV.", {"size": 9}),
        ("Scheme 1.", {"size": 9}),
        ("Plate 1.", {"size": 9}),
        ("Extended Data Fig. 1 |", {"size": 8, "bold": 4}),
        ("Supplementary Figure 1.", {"size": 9, "bold": 3}),
    ],
)
def test_caption_between_texts_is_found_whole_in_every_style(
    label: str, style: dict[str, Any]
) -> None:
    document = pymupdf.open()
    page = document.new_page()
    y = paragraph(page, 72, 80, 450, prose(120))
    picture(page, 100, y, 400, y + 120)
    y = paragraph(page, 72, y + 140, 450, f"{label} {ONE}", **style)
    y = paragraph(page, 72, y + 14, 450, prose(100))
    paragraph(page, 72, y, 450, f"{label.rstrip(' .:|')} shows it. {prose(60)}", indent=15)
    assert found(document) == [(0, label.rstrip(" .:|"), ONE)]


def test_sentences_that_begin_lines_are_no_captions() -> None:
    document = pymupdf.open()
    page = document.new_page()
    y = 60.0
    for number in range(1, 4):
        y = paragraph(page, 60, y, 480, f"Figure {number}a shows the result. {prose(70)}")
    y = paragraph(page, 60, y + 12, 480, f"Figure 2 and Figure 3 are similar. {prose(60)}")
    y = paragraph(page, 60, y + 12, 480, f"Figure 4, on the other hand, shows less. {prose(50)}")
    page.insert_text((60, y + 12), "as it was seen in", fontname="tiro", fontsize=10)
    page.insert_text(
        (60, y + 24), "Figure 2. The rest is as before, and", fontname="tiro", fontsize=10
    )
    assert found(document) == []


def test_captions_side_by_side_stay_apart() -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 60, 60, 290, 200)
    picture(page, 310, 60, 540, 200)
    left = paragraph(page, 60, 215, 230, f"Figure 1: {ONE}")
    right = paragraph(page, 310, 215, 230, f"Figure 2: {TWO}")
    for x in (60, 310):
        paragraph(page, x, max(left, right) + 8, 230, prose(150))
    assert found(document) == [(0, "Figure 1", ONE), (0, "Figure 2", TWO)]


def test_caption_over_two_columns_ends_where_they_begin() -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 60, 60, 540, 200)
    y = paragraph(page, 60, 215, 480, f"Figure 1. {ONE}", size=9, bold=2)
    for x in (60, 310):
        paragraph(page, x, y + 12, 230, prose(200))
    assert found(document) == [(0, "Figure 1", ONE)]


def test_caption_set_in_two_columns_is_read_to_its_end() -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 60, 60, 540, 200)
    for at, line in enumerate(["Figure 1. The growth of", "cells on glass, with the"]):
        page.insert_text((60, 215 + 9 * at), line, fontname="tiro", fontsize=8)
    for at, line in enumerate(["values of those that", "were not treated."]):
        page.insert_text((160, 215 + 9 * at), line, fontname="tiro", fontsize=8)
    paragraph(page, 60, 250, 480, prose(200))
    text = "The growth of cells on glass, with the values of those that were not treated."
    assert found(document) == [(0, "Figure 1", text)]


@pytest.mark.parametrize("size", [9, 11])
def test_label_alone_on_its_line_takes_the_text_below(size: int) -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 60, 60, 540, 200)
    y = paragraph(page, 60, 215, 480, "Figure 1", size=size, font="helv", bold=2)
    y = paragraph(page, 60, y, 480, ONE, size=8, font="helv")
    paragraph(page, 60, y + 12, 480, prose(200))
    assert found(document) == [(0, "Figure 1", ONE)]


@pytest.mark.parametrize("rotate", [90, 270])
def test_turned_captions_read_like_upright_ones(rotate: int) -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 160, 60, 420, 700)
    step, x, y = (11, 440, 700) if rotate == 90 else (-11, 140, 60)
    for at, line in enumerate(["Figure 1. The growth of cells that were", "left to themselves."]):
        page.insert_text((x + step * at, y), line, fontsize=9, rotate=rotate, fontname="tiro")
    paragraph(document.new_page(), 60, 60, 480, prose(400))
    assert found(document) == [(0, "Figure 1", "The growth of cells that were left to themselves.")]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_page_turned_by_the_file_gives_the_same_captions(rotation: int) -> None:
    document = pymupdf.open()
    page = document.new_page()
    picture(page, 60, 60, 500, 400)
    paragraph(page, 60, 430, 400, f"Figure 1. {ONE}", size=9)
    paragraph(page, 60, 500, 480, prose(200))
    page.set_rotation(rotation)
    assert found(document) == [(0, "Figure 1", ONE)]


def test_what_is_continued_is_given_once() -> None:
    document = pymupdf.open()
    for text in (f"Figure 1. {ONE}", "Figure 1. (continued)", f"Figure 2. {TWO}"):
        page = document.new_page()
        paragraph(page, 60, 60, 480, prose(150))
        picture(page, 60, 300, 540, 500)
        paragraph(page, 60, 520, 480, text, size=8)
    assert found(document) == [(0, "Figure 1", ONE), (2, "Figure 2", TWO)]


def test_a_list_of_legends_names_the_plates_by_their_bare_labels() -> None:
    document = pymupdf.open()
    page = document.new_page()
    y = paragraph(page, 60, 60, 480, prose(150))
    for number, text in enumerate((ONE, TWO), 1):
        y = paragraph(page, 60, y + 12, 480, f"Figure {number}. {text}")
    for number in (1, 2):
        page = document.new_page()
        page.insert_text((60, 50), f"Figure {number}", fontname="hebo", fontsize=12)
        picture(page, 60, 70, 540, 600)
    document = reopened(document)
    captions = find_captions([read_page(document, number) for number in range(3)])
    assert [(each.page, each.text) for each in captions] == [(0, ONE), (0, TWO)]
    assert [each.plate is not None and each.plate[0] for each in captions] == [1, 2]


def test_legend_on_the_next_page_is_the_caption() -> None:
    document = pymupdf.open()
    paragraph(document.new_page(), 60, 60, 480, prose(200))
    page = document.new_page()
    picture(page, 60, 60, 540, 700)
    paragraph(page, 60, 720, 480, "Fig. 1 (See legend on next page.)", size=8, bold=2)
    page = document.new_page()
    y = paragraph(page, 60, 60, 480, "(See figure on previous page.)", size=8)
    y = paragraph(page, 60, y, 480, f"Fig. 1 {ONE}", size=8, bold=2)
    paragraph(page, 60, y + 14, 480, prose(150))
    assert found(document) == [(2, "Fig. 1", ONE)]


def test_caption_goes_on_at_the_head_of_the_next_page() -> None:
    document = pymupdf.open()
    page = document.new_page()
    paragraph(page, 60, 60, 480, prose(200))
    first = "Figure 1. The cells that were left to themselves grew until the end of the week,"
    page.insert_text((60, 790), first, fontname="tiro", fontsize=14)
    page = document.new_page()
    page.insert_text((60, 60), "when they were counted.", fontname="tiro", fontsize=14)
    paragraph(page, 60, 90, 480, prose(100))
    text = first.removeprefix("Figure 1. ") + " when they were counted."
    assert found(document) == [(0, "Figure 1", text)]


def test_manuscript_with_numbered_double_spaced_lines() -> None:
    document = pymupdf.open()
    page = document.new_page()
    lines = [prose(10) for _ in range(14)]
    lines += ["", "Figure 1. Effect of the treatment on cells that", "were left to themselves.", ""]
    lines += [prose(10) for _ in range(14)]
    for at, line in enumerate(lines):
        page.insert_text((40, 60 + 22 * at), str(at + 1), fontsize=10, fontname="helv")
        page.insert_text((60, 60 + 22 * at), line, fontsize=10, fontname="tiro")
    text = "Effect of the treatment on cells that were left to themselves."
    assert found(document) == [(0, "Figure 1", text)]


def test_words_cut_at_line_ends_are_mended() -> None:
    document = pymupdf.open()
    page = document.new_page()
    paragraph(page, 60, 60, 480, f"A dose-dependent effect. {prose(80)}")
    lines = (
        "Figure 1. The treat-",
        "ment is dose-",
        "dependent in DNA-",
        "based na\u00efve T-",
        "cells.",
    )
    for at, line in enumerate(lines):
        page.insert_text((60, 300 + 10 * at), line, fontsize=9, fontname="tiro")
    assert found(document)[0][2].startswith(
        "The treatment is dose-dependent in DNA-based na\u00efve T"
    )


def test_white_text_on_white_paper_is_not_read() -> None:
    document = pymupdf.open()
    page = document.new_page()
    paragraph(page, 60, 60, 480, prose(80))
    page.insert_text((60, 300), "an older caption that is hidden", fontsize=9, color=(1, 1, 1))
    page.insert_text((60, 300), f"Figure 1. {TWO}", fontsize=9)
    page.draw_rect((50, 400, 200, 440), fill=(0, 0, 0.5))
    page.insert_text((60, 420), "Figure 2", fontsize=9, color=(1, 1, 1))
    page.insert_text((60, 460), "The growth.", fontsize=9)
    document = reopened(document)
    texts = [line.text for line in read_page(document, 0).lines]
    assert "an older caption that is hidden" not in texts
    assert "Figure 2" in texts


def test_tables_are_told_from_figures_and_boxes_are_neither() -> None:
    document = pymupdf.open()
    page = document.new_page()
    paragraph(page, 60, 60, 480, prose(80))
    paragraph(page, 60, 200, 480, "Table 1. Values of the samples.", size=9, bold=2)
    picture(page, 60, 300, 540, 400)
    y = paragraph(page, 60, 415, 480, "Figure 1. Growth of the samples.", size=9, bold=2)
    paragraph(page, 60, y + 2, 480, "Box 1. Things to know.", size=9, bold=2)
    document = reopened(document)
    captions = find_captions([read_page(document, 0)])
    assert [(each.kind, each.number, each.text) for each in captions] == [
        ("table", "1", "Values of the samples."),
        ("figure", "1", "Growth of the samples."),
    ]


def test_entries_of_a_list_of_figures_are_no_captions() -> None:
    document = pymupdf.open()
    page = document.new_page()
    for number in (1, 2):
        entry = f"Figure {number}. Growth of the cells . . . . . . . . . . . {number + 1}"
        page.insert_text((60, 60 + 20 * number), entry, fontname="tiro", fontsize=10)
    page = document.new_page()
    y = paragraph(page, 60, 60, 480, prose(100))
    picture(page, 60, 300, 540, 400)
    y = paragraph(page, 60, 420, 480, "Figure 1. Growth of the cells.")
    paragraph(page, 60, y + 14, 480, prose(100))
    assert found(document) == [(1, "Figure 1", "Growth of the cells.")]


def test_a_page_of_nothing_but_labels_costs_nothing() -> None:
    lines = tuple(
        Line(f"Figure {n}. A", (9, n, 99, n + 8.0), "F", 8, False, (1, 0), 0, "F", 8, False)
        for n in range(1, 20_000)
    )
    assert find_captions([Page(0, 600, 800, 0, lines, (), ())]) == ()


def similarity(one: str, other: str) -> float:
    """difflib's ratio over letters and digits."""
    strip: Callable[[str], str] = lambda text: re.sub(r"[\W_]+", "", text).lower()  # noqa: E731
    return SequenceMatcher(None, strip(one), strip(other), autojunk=False).ratio()


def test_captions_of_real_articles_are_whole(shared_data: Path) -> None:
    twins = shared_data / "papers" / "twins"
    lines = (twins / "gold.jsonl").read_text("utf-8").splitlines()
    articles = [json.loads(line) for line in lines]
    gold = emitted = whole = 0
    for article in [article for article in articles if article["pages"] <= 5]:
        with pymupdf.open(twins / article["dir"] / "fulltext.pdf") as document:
            captions = find_captions([read_page(document, at) for at in range(len(document))])
        figures = [caption for caption in captions if caption.kind != "table"]
        gold += len(article["figs"])
        emitted += len(figures)
        whole += sum(
            any(similarity(caption.text, figure["caption"]) >= 0.9 for caption in figures)
            for figure in article["figs"]
        )
    assert gold > 20
    assert whole >= 0.92 * gold
    assert whole >= 0.92 * emitted
