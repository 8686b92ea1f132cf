"""Captions and regions in layouts that journals use: what stands close by is not taken in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pymupdf
import pytest

from domainclip.extractors.papers.pdf.captions import find_captions
from domainclip.extractors.papers.pdf.labels import read_label
from domainclip.extractors.papers.pdf.page import read_page
from domainclip.extractors.papers.pdf.regions import find_regions
from tests.data.typeset import paragraph, picture, prose, reopened

from .pdf_pages import LEFT, RIGHT, Sketch, filled


def captions(document: Any) -> list[tuple[str, str]]:
    document = reopened(document)
    pages = [read_page(document, number) for number in range(len(document))]
    return [(caption.label, caption.text) for caption in find_captions(pages)]


def region(*sketches: Sketch) -> tuple[int, ...]:
    """Of the first caption, whole points; () for none."""
    number = max(sketch.number for sketch in sketches)
    pages = [*(s.page for s in sketches), filled(number + 1).page, filled(number + 2).page]
    found = find_regions(pages, [caption for sketch in sketches for caption in sketch.captions])
    box = found[0]
    return () if box is None else (round(box.x0), round(box.y0), round(box.x1), round(box.y1))


def near(found: tuple[int, ...], wanted: tuple[float, ...]) -> bool:
    return len(found) == 4 and bool(np.abs(np.subtract(found, wanted)).max() <= 3)


@pytest.mark.parametrize(
    ("line", "number", "text"),
    [
        ("Figura 3 E grupo tratado", "3", "E grupo tratado"),
        ("Tabela 2 O resultado", "2", "O resultado"),
        ("Figure 3 B and C", "3", "and C"),
        ("F I G . 4 . Growth", "4", "Growth"),
        ("e-Figure 1. Growth", "e1", "Growth"),
        ("SI Fig. 2. Growth", "S2", "Growth"),
        ("Text-fig. 5. Growth", "5", "Growth"),
        ("Figure 6 ■ Growth", "6", "Growth"),
    ],
)
def test_labels_as_they_are_printed(line: str, number: str, text: str) -> None:
    label = read_label(line)
    assert label is not None
    assert (label.number, line[label.end :].strip()) == (number, text)


def test_a_short_caption_takes_nothing_of_the_column_beside_it() -> None:
    document = pymupdf.open()
    page = document.new_page()
    for x in (60, 310):
        paragraph(page, x, 60, 230, prose(60))
    picture(page, 310, 260, 530, 380)
    paragraph(page, 60, 260, 230, prose(300))
    paragraph(page, 310, 396, 230, f"Fig. 1. {prose(11)}", size=8, bold=2)
    paragraph(page, 310, 440, 230, prose(150))
    assert captions(document) == [("Fig. 1", prose(11))]


def test_a_table_caption_ends_above_the_first_row_of_cells() -> None:
    document = pymupdf.open()
    page = document.new_page()
    y = paragraph(page, 60, 60, 460, prose(80))
    y = paragraph(page, 60, y + 20, 460, f"Table 1. {prose(11)}", size=8)
    for _ in range(4):
        for x in (60, 180, 300):
            page.insert_text((x, y), "cells 12.5", fontname="tiro", fontsize=8)
        y += 9.6
    paragraph(page, 60, y + 20, 460, prose(200))
    assert captions(document) == [("Table 1", prose(11))]


def test_a_caption_set_like_the_text_is_told_by_the_picture_above() -> None:
    document = pymupdf.open()
    for number in (1, 2):
        page = document.new_page()
        y = paragraph(page, 60, 60, 460, prose(100))
        picture(page, 60, y + 10, 520, y + 150)
        y = paragraph(page, 60, y + 170, 460, f"Figure {number} {prose(20)}")
        y = paragraph(page, 60, y + 14, 460, prose(50))
        paragraph(page, 60, y, 460, f"Figure {number} shows it. {prose(90)}")
    assert captions(document) == [(f"Figure {number}", prose(20)) for number in (1, 2)]


def test_a_table_that_only_says_continued_is_given_once() -> None:
    document = pymupdf.open()
    for text in (prose(11), "(Continued)"):
        page = document.new_page()
        page.insert_text((60, 60), "Table 1", fontname="hebo", fontsize=11)
        paragraph(page, 60, 74, 460, text, size=8)
        paragraph(page, 60, 200, 460, prose(300))
    assert captions(document) == [("Table 1", prose(11))]


def test_the_hyphen_a_browser_prints_behind_a_soft_one_is_no_letter() -> None:
    spans = "inves\u00ad-"
    document = pymupdf.open()
    page = document.new_page()
    font = pymupdf.Font("tiro")
    writer = pymupdf.TextWriter(page.rect)
    writer.append((60, 80), f"Figure 1. We {spans}", font=font)
    writer.append((60, 93), "tigate cells.", font=font)
    writer.write_text(page)
    assert captions(document) == [("Figure 1", "We investigate cells.")]


def test_a_wide_figure_over_a_short_caption_is_whole() -> None:
    page = Sketch()
    page.image((60, 60, 290, 200))
    page.image((310, 60, 540, 200))
    page.caption((50, 210, 200, 220))
    page.text(LEFT, 240, 740)
    page.text(RIGHT, 240, 740)
    assert near(region(page), (60, 60, 540, 200))


def test_rules_around_a_float_are_not_of_the_figure() -> None:
    page = Sketch()
    page.text(LEFT, 60, 200)
    page.path((50, 214, 290, 214.5))
    image = page.image((90, 220, 250, 330))
    page.caption((50, 338, 290, 348))
    page.path((50, 354, 290, 354.5))
    page.text(LEFT, 370, 740)
    page.text(RIGHT, 60, 740)
    assert near(region(page), image)


def test_a_box_of_text_above_a_figure_is_not_of_it() -> None:
    page = Sketch()
    page.path((50, 60, 290, 140))
    for at in range(5):
        page.line(
            "Key points of the article in a few words.", (60, 66 + 14 * at, 270, 75 + 14 * at)
        )
    image = page.image((60, 160, 280, 300))
    page.caption((50, 310, 290, 320))
    page.text(LEFT, 340, 740)
    page.text(RIGHT, 60, 740)
    assert near(region(page), image)


def test_a_numbered_equation_above_a_figure_is_text() -> None:
    page = Sketch()
    page.text(LEFT, 60, 200)
    page.line("E(x) = a x + b (1)", (120, 206, 230, 216))
    image = page.image((60, 224, 280, 400))
    page.caption((50, 410, 290, 420))
    page.text(LEFT, 440, 740)
    page.text(RIGHT, 60, 740)
    assert near(region(page), image)


def test_the_rows_of_an_alignment_are_a_figure_and_no_paragraph() -> None:
    page = Sketch()
    for at in range(12):
        page.line("MKVLA-QRSTWYPHGF" * 3, (50, 60 + 12 * at, 290, 70 + 12 * at), size=9.8)
    page.caption((50, 212, 290, 222))
    page.text(LEFT, 240, 740)
    page.text(RIGHT, 60, 740)
    assert near(region(page), (50, 60, 290, 202))


def test_lines_set_far_apart_below_a_table_are_text() -> None:
    def spaced(number: int, top: float) -> Sketch:
        page = Sketch(number)
        page.text((50, 550), top, 740)
        kept = [line for at, line in enumerate(page.lines) if at % 2 == 0]
        page.lines[:] = [
            replace(line, box=(line.box[0], y, line.box[2], y + 10))
            for y, line in zip(np.arange(top, 735, 27).tolist(), kept, strict=False)
        ]
        return page

    page = spaced(0, 300)
    page.caption((50, 60, 300, 70), kind="table")
    for y in (80, 100, 260):
        page.path((50, y, 550, y + 0.5))
    for y in range(84, 250, 20):
        for x in (52, 200, 400):
            page.line("cell 1.5", (x, y, x + 40, y + 10), size=9)
    found = find_regions([page.page, spaced(1, 60).page, spaced(2, 60).page], page.captions)[0]
    assert found is not None and abs(found.y1 - 260) < 12
