"""Any decoded image as 8-bit RGB, and that as a small picture inside a page."""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded

__all__ = ["rgb_of", "thumbnail"]


def rgb_of(image: Image.Image) -> Image.Image:
    """The image in RGB: 16-bit greys scaled from 0..65535, transparency laid over white.

    Raises BadInput for greys whose range is not known (floating, or beyond 16 bits).
    """
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode == "F":
        raise BadInput("a floating-point image has no known range; convert it to 8 bits first.")
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.int64)
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise BadInput(
                f"a grey image with values from {values.min()} to {values.max()} has no known "
                "range; convert it to 8 or 16 bits first."
            )
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in image.info:
        # premultiplied greys have no way to RGBA but through their own straight kind
        straight = image.convert("LA") if image.mode == "La" else image
        over = straight.convert("RGBA")
        ground = Image.new("RGBA", over.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, over).convert("RGB")
    return image.convert("RGB")


def thumbnail(data: bytes, px: int = 112) -> str:
    """Encoded bytes as a JPEG data URI of at most px x px; empty where they are no image."""
    try:
        image = rgb_of(decoded(data))
    except (BadInput, ValueError):
        return ""
    if max(image.size) > px:
        image.thumbnail((px, px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # nothing of the file's own metadata goes with it
    Image.frombytes("RGB", image.size, image.tobytes()).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
