"""Why nothing can be read from a scene, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scenes import Scene

__all__ = ["refusal"]

# a block must be decoded whole to read one of its pixels
MOST_BLOCK_PX = 2**28


def refusal(scene: Scene, band: int) -> tuple[str, str] | None:
    """(reason, sentence) where nothing can be read from a band of a scene; None: it can.

    A file that cannot be opened raises BadInput before there is a scene.
    """
    if not (scene.width and scene.height):
        return "empty", "It has no pixels."
    high, wide = scene.dataset.block_shapes[band - 1]
    if high * wide > MOST_BLOCK_PX:
        return "blocks_too_large", (
            f"It is stored in blocks of {wide} x {high} pixels, each of which must be decoded "
            "whole; write it anew in tiles with gdal_translate -co TILED=YES."
        )
    return None
