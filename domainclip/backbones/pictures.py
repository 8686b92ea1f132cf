"""Whatever holds a picture, as an 8-bit RGB PIL image."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from domainclip.errors import BadInput

__all__ = ["to_rgb"]


def to_rgb(picture: Any) -> Image.Image:
    """A PIL image, path, encoded bytes or uint8 array (h, w), (h, w, 1|3|4) -> RGB.

    16-bit greys are scaled from 0..65535, floating ones are refused (their range is not known),
    transparency is laid over black. Raises BadInput.
    """
    if isinstance(picture, Image.Image):
        return _rgb(picture)
    if isinstance(picture, (str, Path, bytes)):
        name = "these bytes" if isinstance(picture, bytes) else str(picture)
        source = io.BytesIO(picture) if isinstance(picture, bytes) else picture
        try:
            with Image.open(source) as opened:
                opened.load()
                return _rgb(opened)
        except FileNotFoundError as error:
            raise BadInput(f"{name}: no such image file.") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise BadInput(f"{name}: not a readable image ({error}).") from error
    if isinstance(picture, np.ndarray):
        if picture.dtype not in (np.uint8, np.uint16) or picture.ndim not in (2, 3):
            raise BadInput(
                f"an image array of dtype {picture.dtype} and shape {picture.shape}: give uint8 or "
                "uint16 values of shape (h, w) or (h, w, channels)."
            )
        if picture.dtype == np.uint16:
            picture = (picture >> 8).astype(np.uint8)
        return _rgb(Image.fromarray(picture.squeeze()))
    raise BadInput(
        f"a {type(picture).__name__} is not an image: give a PIL image, a path, bytes or an array."
    )


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        values = np.asarray(image).astype(np.int64)
        return Image.fromarray((values.clip(0, 65535) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise BadInput("a floating-point image has no known range; convert it to 8 bits first.")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (0, 0, 0, 255))
        return Image.alpha_composite(ground, image).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")
