"""Encoded images from outside: decode them with care, keep web formats as they are found."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Literal

from PIL import Image, UnidentifiedImageError

__all__ = ["MAX_PIXELS", "decoded", "encode", "web_image"]

# Beyond this a picture is a decompression bomb or a scene that wants cutting into tiles: 256 Mpx
# are 768 MB in RGB.
MAX_PIXELS = 1 << 28

# What may be opened. Never EPS or PDF: Pillow would start Ghostscript on a stranger's program.
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000")

_Z_RLE = 3


def decoded(data: bytes) -> Image.Image:
    """The fully decoded image; ``.format`` says what it was.

    Raises ValueError with the reason where the bytes are no image, are cut short, or hold more
    than MAX_PIXELS.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of large and odd files; we decide below
        try:
            image = Image.open(BytesIO(data), formats=_FORMATS)
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width} x {image.height} pixels are too many to decode")
            image.load()
        except ValueError:
            raise
        except Exception as error:  # decoders raise anything on hostile bytes; all mean one thing
            raise ValueError(_reason(error)) from error
    return image


def web_image(data: bytes, image: Image.Image) -> bytes:
    """``data`` itself where it is JPEG or PNG, else ``image`` (decoded from it) as lossless PNG.

    Raises ValueError for pixels that PNG cannot hold, such as floating point.
    """
    if image.format in ("JPEG", "MPO", "PNG"):
        return data
    if image.mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        image = image.convert("RGB")
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B"):
        raise ValueError(
            f"{image.format} with pixels of mode {image.mode!r}, which PNG cannot hold; stretch "
            "them to 8 bits first"
        )
    return encode(image)


def encode(
    image: Image.Image,
    format: Literal["png", "jpeg"] = "png",
    *,
    quality: int = 92,
    photo: bool = False,
) -> bytes:
    """The image as lossless PNG, or as JPEG of ``quality`` 1 to 95. photo: PNG of a photograph, in
    which zlib need not look for repeated strings."""
    out = BytesIO()
    if format == "jpeg":
        image.save(out, "JPEG", quality=quality)
    else:
        # level 4: less than half of level 6's time for 3 % more bytes on aerial images; run lengths
        # alone (zlib's Z_RLE): two thirds of that time, and 1 % fewer bytes
        image.save(out, "PNG", compress_level=4, compress_type=_Z_RLE if photo else -1)
    return out.getvalue()


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not an image of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return "too many pixels to decode"
    return str(error).strip().rstrip(".") or type(error).__name__
