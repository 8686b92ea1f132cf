"""Pictures of PDF regions look like the page; an embedded image that is all of one stays whole."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from domainclip.errors import BadInput
from domainclip.extractors.papers.pdf._png import png_of
from domainclip.extractors.papers.pdf.pictures import (
    BadPdf,
    Picture,
    open_pdf,
    picture_of,
    pictures_of,
)
from domainclip.extractors.papers.records import Box
from tests.data.make_image_pdf import PDFImage, ccitt, flate, image_pdf, jpeg, jpx, scene

RGB = scene()
GREY = RGB.convert("L")
BITS = GREY.convert("1")
PALETTE = RGB.quantize(32)
DRAWN = "q 300 0 0 225 50 40 cm /Im0 Do Q"  # 300 x 225 points, 40 above the page's lower edge
BOX = Box(0, 50, 35, 350, 260)  # where that is, from the top of a page of 400 x 300
PLAIN = jpeg(RGB, "/ColorSpace /DeviceRGB")
_CMYK = "/ColorSpace /DeviceCMYK /Decode [1 0 1 0 1 0 1 0]"  # Pillow writes Adobe's inverted CMYK


def taken(data: bytes, box: Box = BOX, *, dpi: int = 150, max_px: int = 4096) -> Picture:
    with open_pdf(data, "made.pdf") as document:
        return picture_of(document, box, dpi=dpi, max_px=max_px)


def pixels(picture: Picture) -> Image.Image:
    image = Image.open(BytesIO(picture.data))
    assert image.size == (picture.width, picture.height)
    assert image.format == picture.format
    return image.convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """Mean absolute difference in levels of 255, of cells: how pixels are interpolated is free."""
    small = [each.convert("RGB").resize((60, 45), Image.Resampling.BOX) for each in (one, other)]
    return float(np.abs(np.asarray(small[0], float) - np.asarray(small[1], float)).mean())


def page_of(data: bytes, box: Box, dpi: int = 150) -> Image.Image:
    """The whole page drawn by PyMuPDF's own way, then cut."""
    with pymupdf.open(stream=data, filetype="pdf") as document:
        pixmap = document[box.page].get_pixmap(dpi=dpi)
    scale = dpi / 72
    image = Image.frombytes("RGB", (pixmap.width, pixmap.height), pixmap.samples)
    return image.crop([round(scale * edge) for edge in (box.x0, box.y0, box.x1, box.y1)])


def indexed(image: Image.Image) -> PDFImage:
    colours = bytes((image.getpalette() or [])[:96]).hex()
    return flate(image, f"/ColorSpace [/Indexed /DeviceRGB 31 <{colours}>]")


@pytest.mark.parametrize(
    "image, expected, how, format, tolerance",
    [
        (PLAIN, RGB, "original", "JPEG", 2),
        (jpeg(GREY, "/ColorSpace /DeviceGray"), GREY, "original", "JPEG", 2),
        (jpeg(RGB.convert("CMYK"), _CMYK), RGB, "rendered", "PNG", 25),
        (flate(RGB, "/ColorSpace /DeviceRGB"), RGB, "original", "PNG", 0),
        (flate(GREY, "/ColorSpace /DeviceGray"), GREY, "original", "PNG", 0),
        (flate(BITS, "/ColorSpace /DeviceGray"), BITS, "original", "PNG", 0),
        (ccitt(BITS), BITS, "original", "PNG", 0),
        (indexed(PALETTE), PALETTE, "original", "PNG", 0),
        (jpx(RGB), RGB, "rendered", "PNG", 3),
        (flate(RGB.convert("CMYK"), "/ColorSpace /DeviceCMYK"), RGB, "rendered", "PNG", 25),
    ],
    ids=[
        "jpeg",
        "grey-jpeg",
        "cmyk-jpeg",
        "flate",
        "grey",
        "bits",
        "ccitt",
        "indexed",
        "jpx",
        "cmyk",
    ],
)
def test_images_of_every_coding(
    image: PDFImage, expected: Image.Image, how: str, format: str, tolerance: float
) -> None:
    data = image_pdf([image], DRAWN)
    picture = taken(data)
    assert (picture.how, picture.format) == (how, format)
    # a converted CMYK differs from what it was made of, not from the page
    assert difference(pixels(picture), expected) <= tolerance
    assert difference(page_of(data, BOX), pixels(picture)) <= 10  # dithered: 8


def test_a_jpeg_is_taken_byte_for_byte() -> None:
    assert taken(image_pdf([PLAIN], DRAWN)).data == PLAIN.stream
    packed = replace(
        PLAIN,
        entries="/BitsPerComponent 8 /ColorSpace /DeviceRGB /Filter [/ASCIIHexDecode /DCTDecode]",
        stream=PLAIN.stream.hex().encode() + b">",
    )
    assert taken(image_pdf([packed], DRAWN)).data == PLAIN.stream


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_boxes_are_of_the_page_as_it_is_shown(rotation: int) -> None:
    data = image_pdf([PLAIN], DRAWN, rotation=rotation)
    with open_pdf(data, "made.pdf") as document:
        shown = document[0].get_image_rects(document[0].get_images()[0][0])[0]
        box = Box(0, *(shown * document[0].rotation_matrix))
    picture = taken(data, box)
    assert picture.how == "rendered"
    turned = RGB.rotate(-rotation, expand=True)
    assert difference(pixels(picture), turned) <= 4
    assert difference(pixels(picture), page_of(data, box)) <= 4


def test_an_image_turned_upright_by_the_page_is_the_original() -> None:
    # drawn on its side, on a page that is shown turned by a quarter
    sideways = "q 0 300 -225 0 300 50 cm /Im0 Do Q"
    data = image_pdf([PLAIN], sideways, size=(400, 400), rotation=90)
    with open_pdf(data, "made.pdf") as document:
        shown = pymupdf.Rect(75, 50, 300, 350) * document[0].rotation_matrix
    assert taken(data, Box(0, *shown)).data == PLAIN.stream


@pytest.mark.parametrize(
    "content",
    [
        f"{DRAWN} BT /F0 20 Tf 100 100 Td (A label) Tj ET",
        f"{DRAWN} 1 0 0 RG 5 w 60 60 m 300 200 l S",
        f"{DRAWN} 0 1 0 rg 60 60 30 30 re f",
        "q 0 0 400 150 re W n 300 0 0 225 50 40 cm /Im0 Do Q",
        "q 200 152 100 0 360 re W n 200 40 m 350 152 l 200 265 l 50 152 l h W n "
        "300 0 0 225 50 40 cm /Im0 Do Q",
        "q -300 0 0 225 350 40 cm /Im0 Do Q",
        "q 300 0 0 -225 50 265 cm /Im0 Do Q",
        "q /Faint gs 300 0 0 225 50 40 cm /Im0 Do Q",
        "0.6 g 0 0 400 300 re f q /Times gs 300 0 0 225 50 40 cm /Im0 Do Q",
        "q 300 20 -20 225 60 30 cm /Im0 Do Q",
        f"{DRAWN} q 100 0 0 75 60 50 cm /Im1 Do Q",
    ],
    ids=[
        "text",
        "line",
        "fill",
        "clipped",
        "clip-path",
        "mirrored",
        "upside-down",
        "faint",
        "blended",
        "turned",
        "two",
    ],
)
def test_what_the_page_does_to_an_image_is_seen(content: str) -> None:
    resources = "/ExtGState <</Faint <</ca 0.4>> /Times <</BM /Multiply>>>>"
    data = image_pdf([PLAIN, jpeg(GREY, "/ColorSpace /DeviceGray")], content, resources=resources)
    picture = taken(data)
    assert picture.how == "rendered"
    assert difference(pixels(picture), page_of(data, BOX)) <= 3
    assert difference(pixels(picture), RGB) > 1


@pytest.mark.parametrize(
    "entries",
    [
        "/ColorSpace /DeviceRGB /Decode [1 0 1 0 1 0]",
        "/ColorSpace /DeviceRGB /Mask [0 90 0 90 0 120]",
        "/ColorSpace [/DeviceN [/A /B /C] /DeviceRGB <</FunctionType 2 /Domain [0 1 0 1 0 1] "
        "/N 1>>]",
    ],
    ids=["decode", "colour-key", "devicen"],
)
def test_numbers_that_mean_other_colours_are_rendered(entries: str) -> None:
    data = image_pdf([flate(RGB, entries)], DRAWN)
    picture = taken(data)
    assert difference(page_of(data, BOX), pixels(picture)) <= 6


def test_a_soft_mask_lies_on_white() -> None:
    mask = Image.new("L", RGB.size, 255)
    mask.paste(0, (0, 0, 100, 150))
    masked = replace(
        flate(RGB, "/ColorSpace /DeviceRGB"), mask=flate(mask, "/ColorSpace /DeviceGray")
    )
    data = image_pdf([masked], DRAWN)
    picture = taken(data)
    expected = Image.composite(RGB, Image.new("RGB", RGB.size, "white"), mask)
    assert picture.how == "rendered"
    assert difference(pixels(picture), expected) <= 3
    assert pixels(picture).getpixel((50, 200)) == (255, 255, 255)


def test_a_stencil_is_painted_in_its_colour() -> None:
    stencil = flate(BITS, "/ImageMask true")
    picture = taken(image_pdf([stencil], f"0.8 0.1 0.1 rg {DRAWN}"))
    red = Image.new("RGB", BITS.size, (204, 26, 26))
    expected = Image.composite(Image.new("RGB", BITS.size, "white"), red, BITS)
    assert picture.how == "rendered"
    assert difference(pixels(picture), expected) <= 25  # edges of single pixels
    colours = np.asarray(pixels(picture), float)
    assert colours[..., 0].mean() > colours[..., 1].mean() + 20


def test_strips_are_one_picture() -> None:
    strips = [RGB.crop((0, top, 200, top + 15)) for top in range(0, 150, 15)]
    content = " ".join(
        f"q 300 0 0 22.5 50 {242.5 - 22.5 * at} cm /Im{at} Do Q" for at in range(len(strips))
    )
    data = image_pdf([flate(strip, "/ColorSpace /DeviceRGB") for strip in strips], content)
    picture = taken(data)
    assert picture.how == "rendered"
    assert difference(pixels(picture), RGB) <= 3


def test_two_images_of_one_size_are_not_mistaken() -> None:
    negative = jpeg(Image.eval(RGB, lambda level: 255 - level), "/ColorSpace /DeviceRGB")
    nearly = jpeg(RGB.rotate(1), "/ColorSpace /DeviceRGB")
    content = "q 160 0 0 120 20 40 cm /Im2 Do Q q 160 0 0 120 210 40 cm /Im1 Do Q"
    data = image_pdf([negative, nearly, PLAIN], content)
    with open_pdf(data, "made.pdf") as document:
        boxes = [Box(0, 20, 140, 180, 260), Box(0, 210, 140, 370, 260)]
        left, right = pictures_of(document, boxes)
    assert left.data == PLAIN.stream
    assert right.data == nearly.stream


def test_what_covers_only_a_part_is_rendered_whole() -> None:
    data = image_pdf([PLAIN], f"{DRAWN} BT /F0 12 Tf 100 20 Td (axis) Tj ET")
    assert taken(data, Box(0, 50, 20, 350, 295)).how == "rendered"
    assert taken(data, Box(0, 100, 60, 250, 200)).how == "rendered"


@pytest.mark.parametrize("mode, text", [(3, "recognised by OCR"), (0, "   ")])
def test_hidden_text_and_blanks_hide_nothing(mode: int, text: str) -> None:
    words = f"BT {mode} Tr /F0 20 Tf 100 100 Td ({text}) Tj ET"
    data = image_pdf([PLAIN], f"1 g 0 0 400 300 re f {DRAWN} {words}")
    assert taken(data).data == PLAIN.stream


def test_vectors_are_grey_where_nothing_is_coloured() -> None:
    data = image_pdf([], "0.5 g 60 60 200 100 re f BT /F0 30 Tf 100 100 Td (grey) Tj ET")
    picture = taken(data, dpi=144)
    assert Image.open(BytesIO(picture.data)).mode == "L"
    assert (picture.width, picture.height) == (600, 450)
    assert difference(pixels(picture), page_of(data, BOX, 144)) == 0


def test_a_giant_page_takes_fewer_dpi_and_says_so() -> None:
    data = image_pdf([], "1 0 0 rg 0 0 9000 14400 re f", size=(14400, 14400))
    picture = taken(data, Box(0, 0, 0, 14400, 14400), max_px=1000)
    assert max(picture.width, picture.height) <= 1000
    assert "150" in picture.note
    assert pixels(picture).getpixel((100, 100)) == (255, 0, 0)


def test_no_picture_is_larger_than_asked() -> None:
    large = jpeg(RGB.resize((1000, 750)), "/ColorSpace /DeviceRGB")
    picture = taken(image_pdf([large], DRAWN), max_px=400)
    assert picture.how == "rendered"
    assert max(picture.width, picture.height) <= 400


@pytest.mark.parametrize("filter", ["/FlateDecode", "/DCTDecode"])
def test_an_image_bomb_is_refused_unread(filter: str) -> None:
    bomb = PDFImage(
        60_000, 60_000, f"/BitsPerComponent 8 /ColorSpace /DeviceGray /Filter {filter}", b"x" * 99
    )
    with pytest.raises(BadPdf) as refused:
        taken(image_pdf([bomb], DRAWN))
    assert refused.value.reason == "image_too_large"


def test_a_stream_that_is_larger_than_it_says_does_no_harm() -> None:
    # a JPEG's header may claim 65,500 x 65,500 pixels in a hundred bytes
    claim = bytearray(PLAIN.stream)
    at = claim.index(b"\xff\xc0")
    claim[at + 5 : at + 9] = (65_500).to_bytes(2, "big") * 2
    picture = taken(image_pdf([replace(PLAIN, stream=bytes(claim))], DRAWN))
    assert picture.how == "rendered"


def test_a_box_off_the_page_is_refused() -> None:
    data = image_pdf([PLAIN], DRAWN)
    for box in (Box(0, 500, 10, 600, 90), Box(0, 10, 10, 10.2, 90), Box(0, float("nan"), 0, 9, 9)):
        with pytest.raises(BadPdf) as refused:
            taken(data, box)
        assert refused.value.reason == "outside_page"
    with pytest.raises(BadPdf):
        taken(data, replace(BOX, page=7))


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(0, 3000), byte=st.integers(0, 255), at=st.integers(0, 6000))
def test_damaged_files_give_a_picture_or_bad_input(cut: int, byte: int, at: int) -> None:
    data = bytearray(image_pdf([PLAIN], DRAWN))
    data[at % len(data)] = byte
    try:
        picture = taken(bytes(data[: len(data) - cut]))
    except BadInput as error:
        assert str(error).startswith(("made.pdf", "PDF"))
    else:
        assert picture.width > 0


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not_a_pdf"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 5000, "not_a_pdf"),
        (b"%PDF-1.7\n" + b"x" * 5000, "damaged_pdf"),
    ],
)
def test_what_is_no_pdf_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(BadPdf, match=r"^given\.pdf: .*\.$") as refused:
        open_pdf(data, "given.pdf")
    assert refused.value.reason == reason


def test_passwords_and_too_many_pages_are_named() -> None:
    with pymupdf.open() as document:
        for _ in range(3):
            document.new_page()
        locked = document.tobytes(
            encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw="secret", owner_pw="other"
        )
        owned = document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="other")
        plain = document.tobytes()
    with pytest.raises(BadPdf, match="needs a password") as refused:
        open_pdf(locked, "locked.pdf")
    assert refused.value.reason == "needs_password"
    with open_pdf(owned, "owned.pdf") as document:
        assert document.page_count == 3
    with pytest.raises(BadPdf, match="3 pages") as refused:
        open_pdf(plain, "long.pdf", max_pages=2)
    assert refused.value.reason == "too_many_pages"


def test_mupdf_says_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadPdf):
        open_pdf(b"%PDF-1.7\n" + b"obj " * 500, "given.pdf")
    assert capfd.readouterr() == ("", "")


@settings(max_examples=50, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    grey=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_png_of_is_lossless(height: int, width: int, grey: bool, seed: int) -> None:
    random = np.random.default_rng(seed)
    one: NDArray[np.uint8] = random.integers(0, 256, (height, width), dtype=np.uint8)
    given_pixels = one if grey else random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = Image.open(BytesIO(png_of(given_pixels)))
    assert (np.asarray(image.convert("RGB" if not grey else "L")) == given_pixels).all()
    same = np.repeat(one[..., None], 3, axis=2)
    assert Image.open(BytesIO(png_of(same))).mode == "L"


def test_every_raster_of_the_twins_looks_like_its_page(shared_data: Path) -> None:
    seen = set()
    for name in ("PMC5397855", "PMC5453356", "PMC4521097"):
        path = shared_data / "papers" / "twins" / name / "fulltext.pdf"
        data = path.read_bytes()
        with open_pdf(data, name) as document:
            boxes = []
            for page in document:
                for info in page.get_image_info():
                    rect = pymupdf.Rect(info["bbox"]) & page.rect
                    if rect.width > 100 and rect.height > 100:
                        boxes.append(Box(page.number, *rect))
            for box, picture in zip(boxes[:6], pictures_of(document, boxes[:6]), strict=True):
                seen.add(picture.how)
                shown = page_of(data, box, dpi=72)
                assert difference(shown, pixels(picture)) <= 12, (name, box)
    assert "original" in seen
