"""Graphics files that MuPDF draws: a page of a PDF, an SVG."""

from __future__ import annotations

from dataclasses import replace

import pymupdf

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded, encode

from .pdf.pictures import Picture, open_pdf, picture_of
from .records import Box, Graphic

__all__ = ["drawn_pdf", "drawn_svg", "turned"]

_MAX_SVG = 32 << 20  # bytes; MuPDF reads SVG into a tree many times its size


def drawn_pdf(graphic: Graphic, data: bytes, filename: str, *, dpi: int, max_px: int) -> Picture:
    """The page that ``graphic`` names, trimmed and turned as it says. Raises BadInput."""
    with open_pdf(data, filename) as document:
        if graphic.page >= document.page_count:
            raise BadInput(
                f"{filename}: has {document.page_count} pages, but the document includes page "
                f"{graphic.page + 1}; get the article's source again."
            )
        try:
            shown = document[graphic.page].rect
        except Exception as error:  # MuPDF raises many kinds; the file is the cause of each
            raise BadInput(f"{filename}: page {graphic.page + 1} is damaged.") from error
        left, bottom, right, top = graphic.trim or (0.0, 0.0, 0.0, 0.0)
        box = Box(graphic.page, left, top, shown.width - right, shown.height - bottom)
        note = ""
        if box.x1 - box.x0 < 1 or box.y1 - box.y0 < 1:
            box = Box(graphic.page, 0, 0, shown.width, shown.height)
            note = "shown whole: its trim leaves nothing"
        picture = picture_of(document, box, dpi=dpi, max_px=max_px)
    if note:
        picture = replace(picture, note=f"{picture.note}; {note}".lstrip("; "))
    return turned(picture, graphic.angle)


def drawn_svg(graphic: Graphic, data: bytes, filename: str, *, dpi: int, max_px: int) -> Picture:
    """An SVG as MuPDF draws it: no scripts, no animation, no files from elsewhere."""
    if len(data) > _MAX_SVG:
        raise BadInput(f"{filename}: an SVG of {len(data):,} bytes; save it as PNG.")
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    try:
        with pymupdf.open(stream=data, filetype="svg") as svg:
            pdf = svg.convert_to_pdf()
    except Exception as error:  # as above
        cause = " ".join(str(error).split()).rstrip(".")[:120]
        raise BadInput(f"{filename}: not drawn as SVG ({cause}); save it as PNG.") from error
    return drawn_pdf(replace(graphic, page=0), pdf, filename, dpi=dpi, max_px=max_px)


def turned(picture: Picture, angle: float) -> Picture:
    """A picture turned counter-clockwise by quarters; other angles are left, and the note says so.

    A turned JPEG becomes a lossless PNG.
    """
    angle %= 360
    if not angle:
        return picture
    if angle not in (90, 180, 270):
        return replace(picture, note=f"{picture.note}; not turned by {angle:g}°".lstrip("; "))
    image = decoded(picture.data).rotate(angle, expand=True)
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        image = image.convert("RGB")
    note = f"{picture.note}; turned by {angle:g}°".lstrip("; ")
    return Picture(encode(image), "PNG", *image.size, picture.how, note)
