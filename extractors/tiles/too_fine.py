"""Sizes and strides that make no sense of a scene: less than a pixel, or tiles without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .reading.scenes import Scene
from .slicing import Slicing

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["sliced_too_finely"]

MOST_TILES = 10**9  # of a scene; at a thousand a second eleven days


def sliced_too_finely(tiles: Tiles, scene: Scene, slicing: Slicing) -> tuple[str, str] | None:
    """(reason, sentence) where a scene cannot be sliced so; None: it can. Metres are rounded to
    whole pixels, and less than half a pixel is none."""
    gsd_m = scene.gsd_m or scene.facts.gsd_m
    for name, metres in (("size", tiles.size_m), ("stride", tiles.stride_m)):
        if metres is not None and gsd_m is not None and metres < gsd_m / 2:
            return "finer_than_a_pixel", (
                f"--{name}-m {metres:g} is less than half of its pixels of {gsd_m:.3g} m; give "
                "more, or a finer --gsd-m."
            )
    rows = slicing.rows
    if not len(rows):
        return None
    count = len(rows) * len(slicing.columns_in(rows[len(rows) // 2]))
    if count > MOST_TILES:
        return "too_many_tiles", (
            f"It would give about {count:,} tiles of {slicing.size} pixels, one every "
            f"{slicing.stride}; give a longer --stride-px or --stride-m."
        )
    return None
