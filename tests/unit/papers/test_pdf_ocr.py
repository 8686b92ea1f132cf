"""Scanned pages: known as such, read where Tesseract is there, else reported with the remedy."""

from __future__ import annotations

import difflib
from pathlib import Path

import pymupdf
import pytest
from PIL import Image

from domainclip.errors import UsageError
from domainclip.extractors.papers.pdf import ocr
from domainclip.extractors.papers.pdf.ocr import NEEDS_OCR, is_scanned, ocr_languages, recognised
from domainclip.extractors.papers.pdf.opening import open_pdf
from domainclip.extractors.papers.pdf.page import read_page
from tests.data.make_image_pdf import flate, image_pdf, jpeg, scene

TEXT = [
    "Figure 1. Growth of the samples at four temperatures.",
    "The first column shows the control, the others the treated ones.",
    "Bars are standard deviations of twelve measurements.",
]
SIZE = (400, 300)
WHOLE = "q 400 0 0 300 0 0 cm /Im0 Do Q"


def drawn_text(turn: int = 0) -> Image.Image:
    """A page of text as pixels at 250 dpi, turned counter-clockwise by so many degrees."""
    with pymupdf.open() as document:
        page = document.new_page(width=SIZE[0], height=SIZE[1])
        for at, line in enumerate(TEXT):
            page.insert_text((40, 80 + 22 * at), line, fontsize=11)
        pixmap = page.get_pixmap(dpi=250, colorspace=pymupdf.csGRAY)
    image = Image.frombytes("L", (pixmap.width, pixmap.height), pixmap.samples)
    return image.rotate(turn, expand=True)


def scanned(turn: int = 0) -> bytes:
    image = drawn_text(turn)
    width, height = SIZE if turn % 180 == 0 else SIZE[::-1]
    content = f"q {width} 0 0 {height} 0 0 cm /Im0 Do Q"
    return image_pdf([flate(image, "/ColorSpace /DeviceGray")], content, size=(width, height))


def test_a_scan_is_an_image_over_the_page_without_text() -> None:
    text = f"BT /F0 12 Tf 40 200 Td ({' '.join(TEXT)}) Tj ET"
    hidden = text.replace("BT", "BT 3 Tr")
    photo = jpeg(scene(), "/ColorSpace /DeviceRGB")
    half = "q 400 0 0 140 0 0 cm /Im0 Do Q"
    strips = "q 400 0 0 150 0 0 cm /Im0 Do Q q 400 0 0 150 0 150 cm /Im0 Do Q"
    for content, expected in (
        (WHOLE, True),
        (strips, True),
        (half, False),
        (f"{WHOLE} {text}", False),
        (f"{WHOLE} {hidden}", False),  # somebody has read it already
        ("", False),
    ):
        with open_pdf(image_pdf([photo], content, size=SIZE), "made.pdf") as document:
            assert is_scanned(read_page(document, 0)) == expected, content


def test_without_an_engine_the_page_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "ocr_languages", tuple)
    with open_pdf(scanned(), "made.pdf") as document:
        page = recognised(document, read_page(document, 0))
    assert page.lines == ()
    assert page.problem.startswith(NEEDS_OCR)
    assert "install" in page.problem
    assert "page 1" in page.problem


def test_a_page_with_text_is_left_alone() -> None:
    with pymupdf.open() as made:
        made.new_page().insert_text((40, 80), " ".join(TEXT))
        data = made.tobytes()
    with open_pdf(data, "made.pdf") as document:
        page = read_page(document, 0)
        assert recognised(document, page) is page


needs_tesseract = pytest.mark.skipif(
    "eng" not in ocr_languages(), reason="Tesseract with English is not installed"
)


@needs_tesseract
@pytest.mark.parametrize("turn", [0, 90, 180])
def test_lines_are_read_where_they_stand(turn: int) -> None:
    with open_pdf(scanned(turn), "made.pdf") as document:
        page = recognised(document, read_page(document, 0))
    assert page.problem == ""
    read = " ".join(line.text for line in page.lines)
    assert difflib.SequenceMatcher(None, read, " ".join(TEXT)).ratio() > 0.9
    directions = {0: (1, 0), 90: (0, -1), 180: (-1, 0)}
    assert {line.direction for line in page.lines} == {directions[turn]}
    if turn == 0:
        first = page.lines[0]
        assert first.box[0] == pytest.approx(40, abs=3)
        assert first.box[3] == pytest.approx(82.5, abs=3)
        assert first.size == pytest.approx(11, rel=0.3)
        assert first.text.startswith("Figure 1")


@needs_tesseract
def test_languages_that_are_not_there_are_named() -> None:
    with open_pdf(scanned(), "made.pdf") as document, pytest.raises(UsageError, match="'xyz'"):
        recognised(document, read_page(document, 0), language="eng+xyz")


@needs_tesseract
def test_a_page_that_takes_too_long_needs_ocr_still() -> None:
    with open_pdf(scanned(), "made.pdf") as document:
        page = recognised(document, read_page(document, 0), timeout_s=0.001)
    assert page.problem.startswith(NEEDS_OCR)
    assert "longer than" in page.problem


@needs_tesseract
def test_real_scans_on_their_side(shared_data: Path) -> None:
    for name in ("rotated_90", "rotated_180"):
        path = shared_data / "papers" / "hard_pdfs" / f"ok__docling__ocr_test_{name}.pdf"
        with open_pdf(path.read_bytes(), name) as document:
            page = recognised(document, read_page(document, 0))
        words = " ".join(line.text for line in page.lines)
        assert "document conversion" in words, name
