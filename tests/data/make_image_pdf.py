"""PDFs of one page with images of every coding, their streams built by hand."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

__all__ = ["PDFImage", "ccitt", "flate", "image_pdf", "jpeg", "jpx", "scene"]


@dataclass(frozen=True)
class PDFImage:
    """An image object. entries: of its dictionary, without /Type, /Subtype and sizes.

    mask: an image object that its /SMask names.
    """

    width: int
    height: int
    entries: str
    stream: bytes
    mask: PDFImage | None = field(default=None)


def scene(width: int = 200, height: int = 150) -> Image.Image:
    """Clouds in colour with a dark bar at the left and a bright square at the top right."""
    random = np.random.default_rng(1)
    coarse = Image.fromarray(random.integers(40, 215, (7, 9, 3), dtype=np.uint8))
    image = coarse.resize((width, height), Image.Resampling.BICUBIC)
    image.paste((20, 20, 90), (width // 20, height // 4, width // 8, height - 5))
    image.paste((250, 240, 120), (width - width // 4, height // 20, width - 8, height // 3))
    return image


def flate(image: Image.Image, entries: str) -> PDFImage:
    """The pixels as they are, deflated. entries: the colour space at least."""
    raw = zlib.compress(image.tobytes())
    bits = 1 if image.mode == "1" else 8
    return PDFImage(*image.size, f"/BitsPerComponent {bits} /Filter /FlateDecode {entries}", raw)


def jpeg(image: Image.Image, entries: str) -> PDFImage:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=92)
    common = "/BitsPerComponent 8 /Filter /DCTDecode"
    return PDFImage(*image.size, f"{common} {entries}", buffer.getvalue())


def jpx(image: Image.Image) -> PDFImage:
    buffer = BytesIO()
    image.save(buffer, "JPEG2000", irreversible=False)
    return PDFImage(*image.size, "/Filter /JPXDecode", buffer.getvalue())


def ccitt(image: Image.Image) -> PDFImage:
    """A bitonal image (mode 1) in CCITT group 4."""
    buffer = BytesIO()
    image.save(buffer, "TIFF", compression="group4")
    with Image.open(buffer) as tiff:
        start, length = tiff.tag_v2[273], tiff.tag_v2[279]  # type: ignore[attr-defined]
        # BlackIsZero: what fax calls a black run is white
        black_is_1 = "true" if tiff.tag_v2[262] == 1 else "false"  # type: ignore[attr-defined]
    assert len(start) == 1, "one strip"
    entries = (
        "/BitsPerComponent 1 /ColorSpace /DeviceGray /Filter /CCITTFaxDecode "
        f"/DecodeParms <</K -1 /Columns {image.width} /Rows {image.height} "
        f"/BlackIs1 {black_is_1}>>"
    )
    return PDFImage(*image.size, entries, buffer.getvalue()[start[0] : start[0] + length[0]])


def image_pdf(
    images: Sequence[PDFImage],
    content: str,
    *,
    size: tuple[int, int] = (400, 300),
    rotation: int = 0,
    resources: str = "",
) -> bytes:
    """A page of size points that draws ``content``, which knows the images as /Im0, /Im1, ..."""
    document = pymupdf.open()
    page = document.new_page(width=size[0], height=size[1])
    names = " ".join(f"/Im{at} {_add(document, each)} 0 R" for at, each in enumerate(images))
    drawn = document.get_new_xref()
    document.update_object(drawn, "<<>>")
    document.update_stream(drawn, content.encode())
    document.xref_set_key(
        page.xref, "Resources", f"<</XObject <<{names}>> /Font <</F0 <</Type /Font /Subtype /Type1 "
        f"/BaseFont /Helvetica>>>> {resources}>>",
    )  # fmt: skip
    document.xref_set_key(page.xref, "Contents", f"{drawn} 0 R")
    page.set_rotation(rotation)
    data: bytes = document.tobytes()
    document.close()
    return data


def _add(document: Any, image: PDFImage) -> int:
    mask = f"/SMask {_add(document, image.mask)} 0 R" if image.mask else ""
    xref: int = document.get_new_xref()
    document.update_object(
        xref,
        f"<</Type /XObject /Subtype /Image /Width {image.width} /Height {image.height} "
        f"{image.entries} {mask}>>",
    )
    described = document.xref_object(xref)
    document.update_stream(xref, image.stream, compress=False)
    document.update_object(xref, described)  # update_stream takes the filter out
    return xref
