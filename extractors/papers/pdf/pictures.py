"""Pictures of regions of PDF pages: an embedded image as it lies in the file, or a rendering."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pymupdf
from numpy.typing import NDArray

from ..records import Box
from ._original import Painted, original_of
from ._png import png_of
from .opening import BadPdf, open_pdf

__all__ = ["BadPdf", "Picture", "open_pdf", "picture_of", "pictures_of"]

# Pixels under one region that MuPDF may have to decode to draw it. It reads most codings by lines
# and keeps what the resolution needs: 121 Mpx of RGB took 1.4 s and 20 MB. JPEG 2000 is decoded
# whole, into 4 bytes a sample, and counts more.
_MAX_DECODED_PX = 1 << 29
_JPX_COUNTS = 16
_EDGE_PT = 0.5  # what reaches into a region by less belongs to its surroundings


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a region. data: the bytes of a PNG or JPEG file. width, height: pixels.

    how: "original": the embedded image itself, a JPEG byte for byte, else a lossless PNG of its
    own pixels; "rendered": the page drawn on white. note: what was done otherwise than asked.
    """

    data: bytes
    format: Literal["PNG", "JPEG"]
    width: int
    height: int
    how: Literal["original", "rendered"]
    note: str = ""


def picture_of(document: Any, box: Box, *, dpi: int = 150, max_px: int = 4096) -> Picture:
    """The picture of a box of an open ``pymupdf.Document``.

    dpi: resolution of a rendering. max_px: no picture is larger on its longer side; a rendering
    takes fewer dpi then, and says so, and a larger embedded image is rendered. Annotations (a
    reader's marks) are not drawn. Raises BadPdf (box off the page, damaged page, image bomb).
    """
    return next(pictures_of(document, [box], dpi=dpi, max_px=max_px))


def pictures_of(
    document: Any, boxes: Iterable[Box], *, dpi: int = 150, max_px: int = 4096
) -> Iterator[Picture]:
    """``picture_of`` each box, in order; boxes of one page in a row share the reading of it."""
    page: _Shown | None = None
    for box in boxes:
        if page is None or page.number != box.page:
            page = _Shown(document, box.page)
        yield page.picture(box, dpi, max_px)


class _Shown:
    """A page as it is shown, read once: its display list and its paint operations."""

    def __init__(self, document: Any, number: int) -> None:
        self.number = number
        self._where = f"{document.name or 'PDF'} page {number + 1}"
        try:
            self._page = document[number]
            self._list = self._page.get_displaylist(annots=0)
            log = self._page.get_bboxlog()
            self._kinds = [entry[0] for entry in log]
            # the log tells of the page before its rotation; (n, 4)
            self._boxes = _turned([entry[1] for entry in log], self._page.rotation_matrix)
        except Exception as error:  # MuPDF raises many kinds; the file is the cause of each
            raise self._damaged(error) from error

    def picture(self, box: Box, dpi: int, max_px: int) -> Picture:
        clip = pymupdf.Rect(box.x0, box.y0, box.x1, box.y1) & self._list.rect
        if not all(map(math.isfinite, clip)) or clip.width < 1 or clip.height < 1:
            raise BadPdf("outside_page", f"{self._where}: nothing of the region {box} is on it.")
        try:
            painted = self._painted_in(clip)
            self._refuse_bombs(painted, clip)
            original = original_of(self._page, self._list, painted, clip, max_px)
            if original is not None:
                return Picture(*original, how="original")
            return self._rendered(clip, dpi, max_px)
        except BadPdf:
            raise
        except Exception as error:  # as above
            raise self._damaged(error) from error

    def _painted_in(self, clip: Any) -> list[Painted]:
        x0, y0, x1, y1 = self._boxes.T
        inside = (x1 > clip.x0 + _EDGE_PT) & (x0 < clip.x1 - _EDGE_PT)
        inside &= (y1 > clip.y0 + _EDGE_PT) & (y0 < clip.y1 - _EDGE_PT)
        return [
            Painted(self._kinds[at], pymupdf.Rect(*self._boxes[at].tolist()))
            for at in np.flatnonzero(inside)
        ]

    def _rendered(self, clip: Any, dpi: int, max_px: int) -> Picture:
        scale = dpi / 72
        longer = max(clip.width, clip.height)
        note = ""
        # a clip that starts between two pixels takes one more
        if longer * scale > max_px - 1:
            scale = (max_px - 1) / longer
            note = f"rendered at {72 * scale:.0f} dpi, not {dpi}: at most {max_px} pixels"
        pixmap = self._list.get_pixmap(matrix=pymupdf.Matrix(scale, scale), clip=clip)
        pixels = np.frombuffer(pixmap.samples_mv, np.uint8)
        pixels = pixels.reshape(pixmap.height, pixmap.width, 3)
        data = png_of(pixels)
        return Picture(data, "PNG", pixmap.width, pixmap.height, "rendered", note)

    def _refuse_bombs(self, painted: list[Painted], clip: Any) -> None:
        """Raises BadPdf where drawing the region would decode too much; decodes nothing."""
        if not any(paint.kind in ("fill-image", "fill-imgmask") for paint in painted):
            return
        turned = self._page.rotation_matrix
        sizes = [
            (info["width"], info["height"])
            for info in self._page.get_image_info()
            if (pymupdf.Rect(info["bbox"]) * turned).intersects(clip)
        ]
        total = sum(width * height for width, height in sizes)
        if total * _JPX_COUNTS > _MAX_DECODED_PX:
            images = self._page.get_images(full=True)
            dear = {(entry[2], entry[3]) for entry in images if entry[8] == "JPXDecode"}
            total += sum(w * h * (_JPX_COUNTS - 1) for w, h in sizes if (w, h) in dear)
        if total > _MAX_DECODED_PX:
            raise BadPdf(
                "image_too_large",
                f"{self._where}: to draw {clip} would decode {total / 1e6:,.0f} million pixels, "
                f"more than the {_MAX_DECODED_PX / 1e6:,.0f} million allowed; shrink its images.",
            )

    def _damaged(self, error: Exception) -> BadPdf:
        cause = " ".join(str(error).split()).rstrip(".")[:120] or type(error).__name__
        return BadPdf("damaged_pdf", f"{self._where}: cannot be drawn ({cause}).")


def _turned(boxes: list[tuple[float, ...]], matrix: Any) -> NDArray[np.float64]:
    """Boxes (n, 4) through a rotation by quarter turns."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 2, 2)
    a, b, c, d, e, f = matrix
    corners = corners @ np.array([[a, b], [c, d]]) + np.array([e, f])
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)
