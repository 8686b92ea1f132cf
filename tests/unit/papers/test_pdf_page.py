"""A page's lists: boxes as it is shown, nothing raised for a damaged one."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from domainclip.extractors.papers.pdf.page import Rect, read_page
from domainclip.extractors.papers.pdf.spacing import blocks_with_blanks
from tests.data.typeset import picture, reopened

SQUEEZED = ("Proteins", "of", "the", "milk", "compared", "with", "those", "of", "mammals")


def turned(box: Rect, rotation: int, width: float, height: float) -> Rect:
    """Where a box of an unturned page is shown."""
    x0, y0, x1, y1 = box
    return {
        0: (x0, y0, x1, y1),
        90: (height - y1, x0, height - y0, x1),
        180: (width - x1, height - y1, width - x0, height - y0),
        270: (y0, width - x1, y1, width - x0),
    }[rotation]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, "[20 100 330 510]"])
@pytest.mark.parametrize("media", ["[0 0 400 600]", "[-50 -80 350 520]"])
def test_boxes_are_those_of_the_page_as_it_is_shown(
    rotation: int, crop: str | None, media: str
) -> None:
    document = pymupdf.open()
    page = document.new_page(width=400, height=600)
    page.insert_text((50, 100), "Figure 1. A word")
    picture(page, 50, 200, 150, 300)
    pixels = pymupdf.Pixmap(pymupdf.csRGB, (0, 0, 10, 10))
    pixels.clear_with(100)
    page.insert_image((200, 200, 250, 250), pixmap=pixels)
    page = (document := reopened(document))[0]
    document.xref_set_key(page.xref, "MediaBox", media)
    if crop is not None:
        document.xref_set_key(page.xref, "CropBox", crop)
    plain = read_page(document, 0)
    document[0].set_rotation(rotation)
    shown = read_page(document, 0)
    assert (plain.problem, shown.problem, shown.rotation) == ("", "", rotation)
    top = (520 if "-50" in media else 600) if crop is None else 510
    assert plain.drawings[0].box[1] == pytest.approx(top - 400, abs=0.1)
    for before, after in (
        (plain.lines[0].box, shown.lines[0].box),
        (plain.rasters[0].box, shown.rasters[0].box),
        (plain.drawings[0].box, shown.drawings[0].box),
    ):
        assert after == pytest.approx(turned(before, rotation, plain.width, plain.height), abs=0.1)
    direction = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    assert shown.lines[0].direction == pytest.approx(direction)


def test_lines_outside_the_crop_box_are_not_there() -> None:
    document = pymupdf.open()
    page = document.new_page(width=400, height=600)
    page.insert_text((50, 100), "inside")
    page.insert_text((50, 550), "outside")
    page = (document := reopened(document))[0]
    page.set_cropbox((0, 0, 400, 500))
    assert [line.text for line in read_page(document, 0).lines] == ["inside"]


def test_a_page_that_cannot_be_read_is_empty_and_says_so() -> None:
    document = pymupdf.open()
    document.new_page()
    page = read_page(document, 7)
    assert (page.number, page.lines, page.rasters, page.drawings) == (7, (), (), ())
    assert page.problem


def test_damaged_files_raise_nothing(shared_data: Path) -> None:
    for path in sorted((shared_data / "papers" / "hard_pdfs").glob("ok__*.pdf")):
        with pymupdf.open(path) as document:
            for number in range(min(3, document.page_count)):
                page = read_page(document, number)
                assert page.number == number


def test_words_that_were_squeezed_together_get_their_blanks_back() -> None:
    document = pymupdf.open()
    page = document.new_page()
    face, x = pymupdf.Font("helv"), 50.0
    for word in SQUEEZED:
        page.insert_text((x, 100), word, fontname="helv", fontsize=10)
        x += face.text_length(word, 10) + 1.2  # a blank of 0.12 em
    text = reopened(document)[0].get_textpage()
    lines = [
        "".join(span["text"] for span in line["spans"])
        for block in blocks_with_blanks(text)
        for line in block["lines"]
    ]
    assert lines == [" ".join(SQUEEZED)]
