"""The file behind a region of a page, where the region is one embedded image and nothing else.

First the page's paint operations must say so (cheap, and enough to refuse most regions); then the
candidate's pixels must look like the page's own rendering of the region. The second catches in one
comparison what a list of special cases would have to name: clip paths, opacity, blend modes,
colour profiles, decode arrays, a stream that is not what its dictionary says.
"""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from typing import Any, Literal, NamedTuple

import numpy as np
import pymupdf
from numpy.typing import NDArray
from PIL import Image

from domainclip.images.encoded import MAX_PIXELS

from ._png import png_of

__all__ = ["Original", "Painted", "original_of"]

_COVERS = 0.95  # of the region by the image, and of the image by the region
_SHAPE = 1.03  # the page may stretch the pixels so much: rounding of boxes, not a distortion
_LOOK_PX = 192  # longer side of the rendering that the pixels are compared with
_CELL_PX = 8  # it is averaged over such cells: other resampling differs less there, of 255 levels:
_MEAN_LEVELS = 4.0
_WORST_LEVELS = 32.0
# colour spaces whose numbers mean in a JPEG or PNG what they mean on the page
_COLOURS = ("DeviceGray", "DeviceRGB", "CalGray", "CalRGB", "ICCBased", "Indexed")
_MAX_DECODED_PX = 1 << 26  # to copy an image, or a page's to tell two of one size apart


class Painted(NamedTuple):
    """One paint operation. kind: as MuPDF names it (fill-image, ignore-text). box: as shown."""

    kind: str
    box: Any


class Original(NamedTuple):
    """The bytes of an embedded image. data: a JPEG's own, else a PNG of the same pixels."""

    data: bytes
    format: Literal["PNG", "JPEG"]
    width: int
    height: int


def original_of(
    page: Any, shown: Any, painted: list[Painted], clip: Any, max_px: int
) -> Original | None:
    """The image that ``clip`` (a ``pymupdf.Rect``, as shown) consists of, or None: render it.

    page: a ``pymupdf.Page``. shown: its display list. painted: what lies in the clip, in order.
    """
    box = _only_image(page, painted, clip)
    if box is None:
        return None
    info = _info(page, box)
    if info is None or not _is_plain(info, page.rotation_matrix):
        return None
    width, height = info["width"], info["height"]
    if max(width, height) > max_px or width * height > _MAX_DECODED_PX:
        return None
    xref = _xref(page, info)
    if not xref:
        return None
    try:
        found, image = _extracted(page.parent, xref)
    except (ValueError, RuntimeError):  # a damaged stream: the rendering shows what there is
        return None
    if found is None or not _looks_alike(image, box, shown, clip):
        return None
    return found


def _only_image(page: Any, painted: list[Painted], clip: Any) -> Any | None:
    """The box of the image that fills the clip, where nothing else can be seen in it."""
    at = [index for index, paint in enumerate(painted) if paint.kind == "fill-image"]
    if len(at) != 1:
        return None
    box = painted[at[0]].box
    common = abs(box & clip)
    if common < _COVERS * abs(clip) or common < _COVERS * abs(box):
        return None
    texts = False
    for index, paint in enumerate(painted):
        if paint.kind in ("fill-text", "stroke-text"):
            texts = True
        # under the image a background may lie, as far as the comparison shows nothing of it
        elif not (paint.kind in ("fill-image", "ignore-text") or index < at[0]):
            return None
    return None if texts and _has_words(page, clip) else box


def _has_words(page: Any, clip: Any) -> bool:
    """Whether words stand in the clip. One paint operation may show blanks, or a whole column."""
    for x0, y0, x1, y1, *_ in page.get_text("words", clip=clip * page.derotation_matrix):
        word = pymupdf.Rect(x0, y0, x1, y1) * page.rotation_matrix
        # boxes of letters are higher than their ink: a caption may reach into its figure
        if abs(word & clip) > 0.3 * abs(word):
            return True
    return False


def _info(page: Any, box: Any) -> dict[str, Any] | None:
    """What MuPDF says of the image in the box, without decoding it."""
    for info in page.get_image_info():
        shown = pymupdf.Rect(info["bbox"]) * page.rotation_matrix
        if max(abs(one - other) for one, other in zip(shown, box, strict=True)) < 0.5:
            return dict(info)
    return None


def _is_plain(info: dict[str, Any], rotation: Any) -> bool:
    """Upright, not mirrored, evenly scaled, without a mask, grey or RGB in itself."""
    a, b, c, d, *_ = pymupdf.Matrix(info["transform"]) * rotation
    if a <= 0 or d <= 0 or abs(b) > 0.01 * a or abs(c) > 0.01 * d:
        return False
    stretch = (a / info["width"]) / (d / info["height"])
    if not 1 / _SHAPE < stretch < _SHAPE:
        return False
    return not info.get("has-mask") and info["colorspace"] in (1, 3)


def _xref(page: Any, info: dict[str, Any]) -> int:
    """The number of the image's object in the file; 0 for an inline image, or in doubt."""
    size = (info["width"], info["height"])
    same = sorted(
        {
            xref
            for xref, mask, width, height, _, colours, *_ in page.get_images(full=True)
            if (width, height) == size and not mask and colours in _COLOURS
        }
    )
    if len(same) < 2:
        return same[0] if same else 0
    if sum(each["width"] * each["height"] for each in page.get_image_info()) > _MAX_DECODED_PX:
        return 0
    for each in page.get_image_info(hashes=True):
        if each["bbox"] == info["bbox"]:
            for xref in same:
                if pymupdf.Pixmap(page.parent, xref).digest == each["digest"]:
                    return xref
    return 0


def _extracted(document: Any, xref: int) -> tuple[Original | None, Image.Image]:
    """The image's bytes, and it decoded. Raises ValueError, RuntimeError for a damaged one."""
    filters = document.xref_get_key(xref, "Filter")[1].strip("[] ").split("/")[1:]
    last = filters[-1].strip() if filters else ""
    if last == "DCTDecode":
        data = document.extract_image(xref)["image"]  # without the filters around the JPEG
        return _jpeg(data)
    pixels = pymupdf.Pixmap(document, xref)
    if pixels.colorspace is None or pixels.alpha or pixels.n not in (1, 3):
        return None, Image.new("L", (1, 1))
    if pixels.n == 3 and pixels.colorspace.name != "DeviceRGB":
        pixels = pymupdf.Pixmap(pymupdf.csRGB, pixels)
    array = np.frombuffer(pixels.samples, np.uint8)
    shape = (pixels.height, pixels.width, 3) if pixels.n == 3 else (pixels.height, pixels.width)
    array = array.reshape(shape)
    return Original(png_of(array), "PNG", pixels.width, pixels.height), Image.fromarray(array)


def _jpeg(data: bytes) -> tuple[Original | None, Image.Image]:
    """A JPEG as it is, and it decoded to no more pixels than the comparison needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large and odd files; we decide below
        try:
            image = Image.open(BytesIO(data), formats=("JPEG",))
            if image.mode not in ("L", "RGB") or image.width * image.height > MAX_PIXELS:
                return None, image
            found = Original(data, "JPEG", *image.size)
            # a scale of 1/2, 1/4 or 1/8 inside the decoder; every byte is still read
            image.draft(image.mode, (2 * _LOOK_PX, 2 * _LOOK_PX))
            image.load()
        except Exception as error:  # decoders raise anything on hostile bytes; all mean one thing
            raise ValueError(str(error)) from error
    return found, image


def _looks_alike(image: Image.Image, box: Any, shown: Any, clip: Any) -> bool:
    """Whether white paper with the image in its box looks like the page."""
    scale = _LOOK_PX / max(clip.width, clip.height)
    pixmap = shown.get_pixmap(matrix=pymupdf.Matrix(scale, scale), clip=clip)
    page = np.frombuffer(pixmap.samples, np.uint8).reshape(pixmap.height, pixmap.width, 3)
    # MuPDF enlarges an image to whole pixels
    left, top = math.floor(box.x0 * scale) - pixmap.x, math.floor(box.y0 * scale) - pixmap.y
    right, bottom = math.ceil(box.x1 * scale) - pixmap.x, math.ceil(box.y1 * scale) - pixmap.y
    small = image.convert("RGB").resize((right - left, bottom - top), Image.Resampling.BOX)
    paper = Image.new("RGB", (pixmap.width, pixmap.height), "white")
    paper.paste(small, (left, top))
    difference = np.abs(_cells(np.asarray(paper)) - _cells(page))
    return bool(difference.mean() <= _MEAN_LEVELS and difference.max() <= _WORST_LEVELS)


def _cells(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Means over squares of _CELL_PX; what is left over at the right and below is cut off."""
    height, width = (max(1, size // _CELL_PX) for size in pixels.shape[:2])
    rows, columns = (min(_CELL_PX, size) for size in pixels.shape[:2])
    cut = pixels[: height * rows, : width * columns].astype(np.float32)
    return cut.reshape(height, rows, width, columns, 3).mean(axis=(1, 3))
