"""Small pictures inside a page."""

from __future__ import annotations

from dataclasses import dataclass

from domainclip.images.rgb import thumbnail

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
