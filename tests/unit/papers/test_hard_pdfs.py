"""PDFs that break readers: each ends as an article with pictures, or as one named reason."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from PIL import Image

from domainclip.extractors.papers.pdf.article import read_document
from domainclip.extractors.papers.pdf.pictures import BadPdf, open_pdf, picture_of
from domainclip.extractors.papers.records import Box

# what stands before __ in a file's name -> how it ends
REASONS = {
    "enc": {"needs_password"},
    "exc": {"damaged_pdf", "not_a_pdf"},
    "zero": {"no_pages", "damaged_pdf"},
}
PAGES = 3
# soft masks, CMYK, JPEG 2000, JBIG2, CCITT, indexed colours, blends, rotations
IMAGES = [
    "ok__PyMuPDF__img-transparent.pdf",
    "ok__docling__ocr_test_rotated_180.pdf",
    "ok__docling__ocr_test_rotated_90.pdf",
    "ok__pdf.js__IndexedCS_negative_and_high.pdf",
    "ok__pdf.js__bug_jpx.pdf",
    "ok__pdf.js__image-rotated-black-white-ratio.pdf",
    "ok__pdf.js__jbig2_symbol_offset.pdf",
    "ok__pdf.js__jpx_smaskindata.pdf",
    "ok__pdf.js__nonisolated_blend_smask.pdf",
    "ok__pdf.js__smask_alpha_bc.pdf",
    "ok__pdf.js__smask_alpha_oob_transfer.pdf",
    "ok__pdf.js__smaskdim.pdf",
    "ok__pdf.js__transparent.pdf",
    "ok__sample-files__cmyk-image.pdf",
    "ok__sample-files__imagemagick-CCITTFaxDecode.pdf",
    "ok__unstructured__pdf-with-ocr-text.pdf",
]


def files(shared_data: Path) -> list[Path]:
    found = sorted((shared_data / "papers" / "hard_pdfs").glob("*.pdf"))
    assert len(found) >= 40
    return found


def test_each_opens_or_has_its_reason(shared_data: Path) -> None:
    for path in files(shared_data):
        expected = REASONS.get(path.name.partition("__")[0])
        try:
            with open_pdf(path.read_bytes(), path.name) as document:
                assert expected is None, path.name
                assert document.page_count > 0, path.name
        except BadPdf as error:
            assert error.reason in (expected or ()), f"{path.name}: {error}"
            assert str(error).startswith(f"{path.name}: ")
            assert str(error).endswith(".")


def test_each_is_read_and_drawn(shared_data: Path) -> None:
    for path in files(shared_data):
        if path.name.partition("__")[0] in REASONS:
            continue
        with open_pdf(path.read_bytes(), path.name) as document:
            article = read_document(document, tables=True)
            boxes = [figure.box for figure in article.figures if figure.box]
            boxes += [
                Box(number, *document[number].rect)
                for number in range(min(PAGES, document.page_count))
            ]
            for box in boxes:
                picture = picture_of(document, box, dpi=72, max_px=2000)
                assert Image.open(BytesIO(picture.data)).size == (picture.width, picture.height)


@pytest.mark.parametrize("name", IMAGES)
def test_odd_images_look_like_their_page(name: str, shared_data: Path) -> None:
    data = (shared_data / "papers" / "hard_pdfs" / name).read_bytes()
    with open_pdf(data, name) as document:
        page = document[0]
        shown = [pymupdf.Rect(info["bbox"]) * page.rotation_matrix & page.rect
                 for info in page.get_image_info()]  # fmt: skip
        boxes = [rect for rect in shown if rect.width >= 1 and rect.height >= 1][:4]
        for rect in [*boxes, page.rect]:
            dpi = 100 if min(rect.width, rect.height) > 30 else 300  # 16 pixels on 4 points
            picture = picture_of(document, Box(0, *rect), dpi=dpi)
            pixmap = page.get_pixmap(dpi=dpi, clip=rect, annots=False)
            drawn = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
            image = Image.open(BytesIO(picture.data)).convert("RGB")
            cells = [
                np.asarray(each.resize((16, 16), Image.Resampling.BOX), dtype=float)
                for each in (drawn, image)
            ]
            assert np.abs(cells[0] - cells[1]).mean() <= 4, (name, rect, picture.how)
