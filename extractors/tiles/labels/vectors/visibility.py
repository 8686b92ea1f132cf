"""What can be seen at a ground resolution: how many pixels a feature must cover.

Johnson (Analysis of image forming systems, 1958) found that half of the observers detect an object
with 1 line pair across its smaller side, recognise its kind with 4, identify it with 6.4; a pair is
two pixels. So 8 pixels across are asked for by default, and 4 of what is known by its colour and
texture (water, fields, forests: ``pixels`` in tags.yaml). SkyScript (Wang et al., AAAI 2024, arXiv
2312.12856) keeps a tag by a classifier of its embedding and the resolution; ours is a rule that one
can read. Lines are seen at less than a pixel of width where they stand out; half a pixel, and
16 pixels of length, are our choice.
"""

from __future__ import annotations

import numpy as np

__all__ = ["LINE_LENGTH_PX", "LINE_WIDTH_PX", "extents", "visible"]

LINE_WIDTH_PX = 0.5
LINE_LENGTH_PX = 16.0


def visible(
    kind: np.ndarray,
    area_px: np.ndarray,
    length_px: np.ndarray,
    width_px: np.ndarray,
    pixels: np.ndarray,
) -> np.ndarray:
    """All (n,) -> (n,) bool.

    kind: 0 points, 1 lines, 2 areas. area_px: of the part in the tile. width_px: of lines, the side
    of points; infinite: taken as visible, NaN: not known, so not visible. pixels: across that are
    needed.
    """
    with np.errstate(invalid="ignore"):
        area = np.sqrt(area_px) >= pixels
        line = (width_px >= LINE_WIDTH_PX) & (length_px >= LINE_LENGTH_PX)
        point = width_px >= pixels
    return np.select([kind == 2, kind == 1], [area, line], point)


def extents(
    kind: np.ndarray, bounds: np.ndarray, width_px: np.ndarray, tiles: np.ndarray
) -> np.ndarray:
    """Boxes (n, 4) in the pixels of their tiles (n, 4), of parts with bounds (n, 4) in the scene's.

    A point gets its typical side and a line half its width on each side, as far as known.
    """
    half = np.where((kind < 2) & np.isfinite(width_px), width_px / 2, 0.0)[:, None]
    grown = bounds + half * np.array([-1, -1, 1, 1])
    low = np.maximum(grown[:, :2], tiles[:, :2])
    high = np.minimum(grown[:, 2:], tiles[:, 2:])
    return np.concatenate([low - tiles[:, :2], high - tiles[:, :2]], axis=1)
