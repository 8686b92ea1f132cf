"""Figures of scanned pages: one image covers the page, and only its recognised text has places.

What is left between a caption and the running text above or below it, over the caption's column,
is taken for a figure where it is high enough.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .frames import Array, areas
from .layout import Layout
from .page import Page

__all__ = ["free_spaces", "is_scan"]

_HIGH = 60.0  # points; less is white space between paragraphs
_MARGIN = 3.0  # points between the text and the space that is taken


def is_scan(page: Page) -> bool:
    """Whether one image covers 90 % of the page."""
    whole = page.width * page.height
    for raster in page.rasters:
        x0, y0, x1, y1 = raster.box
        wide = min(x1, page.width) - max(x0, 0.0)
        if wide > 0 and wide * (min(y1, page.height) - max(y0, 0.0)) >= 0.9 * whole:
            return True
    return False


def free_spaces(captions: Array, walls: Array, layout: Layout, height: float) -> Iterator[Array]:
    """The free boxes (4,) above and below each caption of a page that reads upright."""
    for at, caption in enumerate(captions):
        holding = [c for c in layout.columns if c.x0 - 6 <= caption[0] and caption[2] <= c.x1 + 6]
        column = min(holding, key=lambda c: c.x1 - c.x0, default=None)
        x0, x1 = (column.x0, column.x1) if column else (caption[0], caption[2])
        others = np.concatenate([walls, np.delete(captions, at, axis=0)])
        others = others[(others[:, 0] < x1 - 3) & (others[:, 2] > x0 + 3)]
        others = others[areas(others) > 0]
        top = others[others[:, 3] <= caption[1] + 3, 3].max(initial=max(layout.y0, 0.0))
        bottom = others[others[:, 1] >= caption[3] - 3, 1].min(initial=min(layout.y1, height))
        for y0, y1 in ((top, caption[1]), (caption[3], bottom)):
            if y1 - y0 >= _HIGH:
                yield np.array([x0, y0 + _MARGIN, x1, y1 - _MARGIN])
