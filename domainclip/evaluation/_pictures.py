"""Small pictures inside a page."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from domainclip.backbones.pictures import to_rgb
from domainclip.errors import BadInput

__all__ = ["Mistake", "thumbnail"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A test image whose class was missed. picture: data URI, empty where it cannot be decoded."""

    key: str
    picture: str
    label: str
    said: str
    confidence: float
    caption: str


def thumbnail(data: bytes, px: int = 112) -> str:
    """Encoded bytes as a JPEG data URI of at most px x px; empty where they are no image."""
    try:
        image = to_rgb(data)
    except BadInput:
        return ""
    if max(image.size) > px:
        image.thumbnail((px, px), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    # nothing of the file's own metadata goes with it
    Image.frombytes("RGB", image.size, image.tobytes()).save(buffer, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
