"""Options of the tiles extractor that cannot be, refused while the user is there to mend them.

Options are named as on the command line; in Python ``min_visible`` is what is ``--min-visible``
there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin, get_type_hints

from domainclip.errors import BadInput, UsageError, nearest

from .area import open_area
from .captions.templates import read_templates
from .grid import MAX_SIZE
from .partners import check_partners, flag
from .pixels.bands import check_bands
from .pixels.keeping import check_folder
from .pixels.sensors import check_sensor
from .reading.placing import crs_named
from .reading.spelling import as_iso
from .reading.warping import RESAMPLING
from .slicing import SIZE_PX
from .tools import words_in

if TYPE_CHECKING:
    from . import Tiles

__all__ = ["check_options"]

Test = Callable[[float], bool]


def _share(value: float) -> bool:
    return 0 <= value <= 1


def _above_0(value: float) -> bool:
    return 0 < value < math.inf


def _from(low: float, high: float = math.inf) -> Test:
    return lambda value: low <= value <= high and value != math.inf


# NaN passes none of these. Scores are shares or per cent, and where a detector writes what it likes
# (logits) also below 0.
RANGES: dict[str, tuple[Test, str]] = {
    **dict.fromkeys(
        ("purity", "min_labelled", "min_visible", "keep_empty", "max_cloud"),
        (_share, "must lie between 0 and 1"),
    ),
    **dict.fromkeys(("size_m", "stride_m"), (_from(0.001), "must be 0.001 metres or more")),
    **dict.fromkeys(("gsd_m", "pixel_m"), (_above_0, "must be metres above 0")),
    **dict.fromkeys(
        ("stride_px", "inner_px", "min_area_px", "per_class", "captions"),
        (_from(1), "must be at least 1"),
    ),
    "size_px": (_from(2, MAX_SIZE), f"must be from 2 to {MAX_SIZE:,}"),  # one is constant
    "min_per_class": (_from(0), "must be 0 or more"),
    "min_side_px": (_from(0), "must be 0 or more, and a number"),
    "min_score": (lambda value: -math.inf < value <= 100, "must be a number up to 100"),
    "max_nodata": (lambda value: 0 <= value < 1, "must be at least 0 and less than 1"),
    "cell": (_above_0, "must be above 0, in units of the scene's CRS"),
    "quality": (_from(1, 95), "must lie between 1 and 95"),
}


def check_options(tiles: Tiles) -> None:
    """Raises UsageError for the first option that is wrong whatever the scenes are, BadInput for a
    file that one names. Labels and clouds are checked where they are opened."""
    _check_choices(tiles)
    for name, (is_right, words) in RANGES.items():
        value = getattr(tiles, name)
        if value is not None and not is_right(value):
            shown = f"{value:g}" if isinstance(value, float) else value
            raise UsageError(f"{flag(name)} {shown}: {words}.")
    check_partners(tiles)
    _check_sides(tiles)
    check_bands(words_in(tiles.bands))
    check_sensor(tiles.sensor)
    _check_bounds(tiles.bounds, tiles.bounds_crs)
    _check_places(tiles)
    _check_date(tiles.acquired)
    _check_languages(tiles)
    if tiles.geotiff is not None:
        check_folder(Path(tiles.geotiff))


def _check_choices(tiles: Tiles) -> None:
    known: dict[str, Any] = {"resampling": ("auto", *RESAMPLING)}
    for name, hint in get_type_hints(type(tiles)).items():
        if get_origin(hint) is Literal:
            known[name] = get_args(hint)
    for name, choices in known.items():
        value = getattr(tiles, name)
        if value not in choices:
            words = ", ".join(filter(None, choices))
            hint = nearest(str(value), choices)
            raise UsageError(f"{flag(name)} {value!r}: choose one of {words}.{hint}")


def _check_sides(tiles: Tiles) -> None:
    size = tiles.size_px
    if size is None and tiles.size_m is None and not tiles.whole:
        size = SIZE_PX
    if tiles.inner_px is not None and size is not None and tiles.inner_px > size:
        raise UsageError(
            f"--inner-px {tiles.inner_px} is more than the tile's side of {size}; give no more "
            "than that, or larger tiles with --size-px."
        )


def _check_bounds(bounds: tuple[float, ...], crs: str) -> None:
    if not bounds:
        return
    shown = ",".join(f"{each:.12g}" for each in bounds)
    if len(bounds) != 4 or not all(map(math.isfinite, bounds)):
        raise UsageError(f"--bounds={shown}: give four numbers, W,S,E,N.")
    west, south, east, north = bounds
    if not west < east:
        across = "; across the dateline, east is more than 180" if west <= 180 else ""
        raise UsageError(f"--bounds={shown}: west must be less than east{across}.")
    if not south < north:
        raise UsageError(f"--bounds={shown}: south must be less than north; give W,S,E,N.")
    degrees = not crs or _crs("bounds_crs", crs).is_geographic
    on_earth = south >= -90 and north <= 90 and west >= -360 and east <= min(540, west + 360)
    if degrees and not on_earth:
        raise UsageError(
            f"--bounds={shown} are no degrees; name the CRS of metres with --bounds-crs."
        )


def _check_places(tiles: Tiles) -> None:
    if tiles.aoi:
        open_area(tiles.aoi)
    if tiles.crs and tiles.crs.lower() != "utm":
        found = _crs("crs", tiles.crs, also=", nor utm")
        if not (found.is_geographic or found.is_projected):
            raise UsageError(
                f"--crs {tiles.crs!r} is no CRS of a map; give one in metres or degrees, or utm."
            )
    if tiles.bounds_crs:
        _crs("bounds_crs", tiles.bounds_crs)
    if tiles.labels_crs and tiles.labels_crs not in ("scene", "pixels"):
        _crs("labels_crs", tiles.labels_crs)


def _crs(option: str, name: str, also: str = "") -> Any:
    try:
        return crs_named(name)
    except BadInput as error:
        raise UsageError(
            f"{flag(option)} {name!r} is no CRS that PROJ knows{also}; e.g. EPSG:32633."
        ) from error


def _check_date(acquired: str) -> None:
    understood = as_iso(acquired) if acquired else ""
    if understood != acquired:
        remedy = understood or "2019-07-14 or 2019-07-14T10:32:11Z"
        what = "must be in UTC and ISO 8601" if understood else "is no date"
        raise UsageError(f"--acquired {acquired!r} {what}; write {remedy}.")
    if acquired[:10] > (datetime.now(UTC) + timedelta(days=1)).date().isoformat():
        raise UsageError(f"--acquired {acquired!r} lies in the future; give the day it was taken.")


def _check_languages(tiles: Tiles) -> None:
    if not tiles.languages:
        raise UsageError("--languages: name at least one language.")
    templates = read_templates(tiles.templates)
    codes = words_in(tiles.languages)
    for code in codes:
        if code not in templates.languages:
            raise UsageError(
                f"--languages {code!r}: there are no captions in it; known are "
                f"{', '.join(templates.languages)}.{nearest(code, templates.languages)}"
            )
    if len(set(codes)) < len(codes):
        raise UsageError(f"--languages {','.join(codes)} names one twice; give each once.")
