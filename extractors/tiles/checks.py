"""Options of the tiles extractor that cannot be, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domainclip.errors import UsageError, nearest

from .captions.classes import read_templates
from .labels.classes import Classes

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["check_options"]


def check_options(tiles: Tiles, classes: Classes) -> None:
    """Raises UsageError for the first option that is wrong, BadInput for templates that are."""
    for problem in _problems(tiles):
        raise UsageError(f"tiles: {problem}.")
    read_templates(tiles.templates)
    known = classes.names.values()
    for name in (*tiles.include, *tiles.exclude):
        if classes.names and name not in known:
            raise UsageError(
                f"tiles: {name!r} is no class of {tiles.classes}.{nearest(name, known)}"
            )


def _problems(tiles: Tiles) -> list[str]:
    size, inner, stretch = tiles.size_px, tiles.inner_px, tiles.stretch
    checks = {
        f"size_px {size} must be at least 1": size >= 1,
        "stride_px must be at least 1": tiles.stride_px is None or tiles.stride_px >= 1,
        f"inner_px {inner} must lie between 1 and size_px {size}": inner is None
        or 1 <= inner <= size,
        f"purity {tiles.purity:g} must be above 0 and at most 1": 0 < tiles.purity <= 1,
        "cell must be positive": tiles.cell is None or tiles.cell > 0,
        "per_class must be at least 1": tiles.per_class is None or tiles.per_class >= 1,
        "min_per_class must be 0 or more": tiles.min_per_class >= 0,
        "bands must be one or three numbers from 1": len(tiles.bands) in (0, 1, 3)
        and min(tiles.bands, default=1) >= 1,
        "stretch must be two percentiles, the lower first": len(stretch) == 2
        and 0 <= stretch[0] < stretch[1] <= 100,
        "max_nodata must be at least 0 and less than 1": 0 <= tiles.max_nodata < 1,
        "captions must be 0 or more": tiles.captions >= 0,
        "format must be png or jpeg": tiles.format in ("png", "jpeg"),
        "quality must lie between 1 and 95": 1 <= tiles.quality <= 95,
    }
    return [problem for problem, holds in checks.items() if not holds]
