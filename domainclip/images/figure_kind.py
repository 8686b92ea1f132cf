"""What kind of figure a picture is, from cheap statistics of its pixels."""

from __future__ import annotations

from PIL import Image

__all__ = ["KINDS", "figure_kind"]

KINDS = (
    "plot",
    "diagram",
    "microscopy",
    "radiology",
    "photograph",
    "map",
    "equation",
    "table",
    "other",
)


def figure_kind(image: Image.Image) -> tuple[str, float]:
    """The kind (one of ``KINDS``) and how sure it is, 0 to 1."""
    return "other", 0.0
