"""Why no tile can be cut from a scene, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .scenes import Scene

__all__ = ["fits_a_tile", "refusal"]

# a block must be decoded whole to read one of its pixels
MOST_BLOCK_PX = 2**28


def refusal(
    scene: Scene, bands: tuple[int, ...], size_px: int | None = None
) -> tuple[str, str] | None:
    """(reason, sentence) where nothing can be read from the bands of a scene; None: it can.

    size_px: also where it is smaller than a tile of this side. A file that cannot be opened raises
    BadInput before there is a scene.
    """
    dataset = scene.dataset
    if not (scene.width and scene.height):
        return "empty", "It has no pixels."
    if max(bands) > dataset.count:
        return "no_such_band", (
            f"Band {max(bands)} is asked for, and the file has {dataset.count}; choose others with "
            "--bands."
        )
    if len({dataset.dtypes[band - 1] for band in bands}) > 1:
        return "mixed_types", "Its bands have different types; choose bands of one type."
    high, wide = dataset.block_shapes[bands[0] - 1]
    if high * wide > MOST_BLOCK_PX:
        return "blocks_too_large", (
            f"It is stored in blocks of {wide} x {high} pixels, each of which must be decoded "
            "whole; write it anew in tiles with gdal_translate -co TILED=YES."
        )
    return None if size_px is None else fits_a_tile(scene, size_px)


def fits_a_tile(scene: Scene, size_px: int) -> tuple[str, str] | None:
    """The refusal of a scene that is smaller than a tile; None: it is not."""
    if min(scene.width, scene.height) >= size_px:
        return None
    return "smaller_than_a_tile", (
        f"It has {scene.width} x {scene.height} pixels, and a tile {size_px} x {size_px}; "
        "choose a smaller --size-px."
    )
