"""Options of the tiles extractor that cannot be, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rasterio import CRS
from rasterio.errors import CRSError

from domainclip.errors import UsageError

from .area import open_area
from .captions.templates import read_templates
from .reading.spelling import as_iso
from .tools import words_in

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["check_options"]


def check_options(tiles: Tiles) -> None:
    """Raises UsageError for the first option that is wrong, BadInput for templates that are."""
    for problem, wrong in _problems(tiles).items():
        if wrong:
            raise UsageError(f"tiles: {problem}.")
    if tiles.aoi:
        open_area(tiles.aoi)
    if tiles.crs and tiles.crs.lower() != "utm":
        try:
            CRS.from_user_input(tiles.crs)
        except CRSError as error:
            raise UsageError(f"--crs {tiles.crs!r} is no CRS that PROJ knows, nor utm.") from error
    templates = read_templates(tiles.templates)
    for code in words_in(tiles.languages):
        templates.language(code)


def _is_length(metres: float | None) -> bool:
    return metres is None or 0 < metres < float("inf")


def _problems(tiles: Tiles) -> dict[str, bool]:
    size, inner = tiles.size_px, tiles.inner_px
    sizes = (tiles.size_px, tiles.size_m, tiles.stride_px, tiles.stride_m)
    return {
        "give classes or labels, not both": bool(tiles.classes and tiles.labels),
        f"size_px {size} must be at least 1": size is not None and size < 1,
        "give the side in pixels or in metres, not both": None not in (size, tiles.size_m),
        "whole scenes have their own size": tiles.whole and any(one is not None for one in sizes),
        "tiles around features need vectors": tiles.around and tiles.vectors is None,
        "tiles around features are on no grid: leave out whole, stride and aoi": tiles.around
        and (tiles.whole or bool(tiles.aoi) or {tiles.stride_px, tiles.stride_m} != {None}),
        "whole scenes have no area of interest": tiles.whole and bool(tiles.aoi),
        "stride_px must be at least 1": tiles.stride_px is not None and tiles.stride_px < 1,
        f"inner_px {inner} must be at least 1 and no more than size_px": inner is not None
        and (inner < 1 or (size is not None and inner > size)),
        f"purity {tiles.purity:g} must lie between 0 and 1": not 0 <= tiles.purity <= 1,
        "gsd_m must be metres above 0": not _is_length(tiles.gsd_m),
        "pixel_m must be metres above 0": not _is_length(tiles.pixel_m),
        f"min_score {tiles.min_score:g} must be a number": tiles.min_score != tiles.min_score,
        "cell must be above 0": tiles.cell is not None and not tiles.cell > 0,
        "per_class must be at least 1": tiles.per_class is not None and tiles.per_class < 1,
        "min_per_class must be 0 or more": tiles.min_per_class < 0,
        "max_nodata must be at least 0 and less than 1": not 0 <= tiles.max_nodata < 1,
        "max_cloud must lie between 0 and 1": not 0 <= tiles.max_cloud <= 1,
        f"acquired {tiles.acquired!r} is no date; write 2019-07-14 or 2019-07-14T10:32:11Z": (
            bool(tiles.acquired) and as_iso(tiles.acquired) != tiles.acquired
        ),
        "captions must be 1 or more": tiles.captions < 1,
        "name at least one language": not tiles.languages,
        "bounds must be west, south, east, north": len(tiles.bounds) not in (0, 4),
        "format must be png or jpeg": tiles.format not in ("png", "jpeg"),
        "quality must lie between 1 and 95": not 1 <= tiles.quality <= 95,
    }
