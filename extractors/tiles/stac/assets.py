"""Which assets of an item are its scene, and the one raster that they make together.

Assets of one band on one grid become a VRT: its bands are called by common name or asset key, and
red, green and blue are marked, so that a reader finds them. An asset of several bands stands alone.
Headers are opened, since what an item says of its rasters is not always so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from rasterio import CRS
from rasterio.enums import ColorInterp, MaskFlags

from ..reading.errors import GDAL_ERRORS, words_of
from ..reading.remote import open_dataset, without_secrets
from ..reading.warping import GDAL_TYPES
from .choice import Asset, candidates, finest
from .documents import Refusal, gdal_path, is_remote
from .facts import band_entries, number
from .stacking import Layer, stacked

__all__ = ["Chosen", "chosen_assets"]

# What an asset may be: formats that hold pixels themselves. A VRT or a WMS description that comes
# with an item could name any file of this machine.
DRIVERS = ["GTiff", "COG", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JPEG", "PNG", "WEBP", "NITF", "HFA"]
MOST_ASSETS = 64
HEADERS_AT_ONCE = 8
_COLOURS = {
    "red": ColorInterp.red,
    "green": ColorInterp.green,
    "blue": ColorInterp.blue,
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """path: what GDAL opens. bands: names in their order. assets: the fields of those used.
    pixel_m: side of a pixel where the CRS is projected."""

    path: str
    bands: tuple[str, ...]
    assets: tuple[Mapping[str, Any], ...]
    pixel_m: float | None


def chosen_assets(
    assets: Mapping[str, Mapping[str, Any]],
    properties: Mapping[str, Any],
    resolve: Callable[[Any], str],
    *,
    named: Sequence[str] = (),
) -> Chosen:
    """The raster of an item's assets (key -> fields). resolve: an asset's href -> its location.

    named: the keys to use, in this order. By default those that state a colour or wavelength (else
    those of role data, else all rasters), without masks and pictures for looking at. Of those with
    one band: at the finest resolution at which red, green and blue are all there, else three bands
    at least, else any. Where none has one band, the finest of the others. Raises Refusal.
    """
    if len(assets) > 10_000:
        raise Refusal("invalid_item", f"It has {len(assets):,} assets.")
    if named:
        lacking = [name for name in named if name not in assets]
        if lacking:
            known = ", ".join(sorted(assets)[:40])
            raise Refusal("no_such_asset", f"It has no asset {lacking[0]!r}, but {known}.")
        return _opened([_asset(name, assets[name], properties) for name in named], resolve, True)
    pool = candidates([_asset(key, fields, properties) for key, fields in assets.items()])
    if not pool:
        known = ", ".join(sorted(assets)[:40]) or "none"
        raise Refusal("no_raster_asset", f"None of its assets is a raster of data ({known}).")

    def measured(unsaid: Sequence[Asset]) -> list[float]:
        return _each(_side, [resolve(asset.fields.get("href")) for asset in unsaid])

    return _opened(finest(pool[:MOST_ASSETS], measured), resolve, False)


def _asset(key: str, fields: Mapping[str, Any], properties: Mapping[str, Any]) -> Asset:
    return Asset(key, fields, band_entries(fields), properties)


def _side(location: str) -> float:
    with _header(location) as dataset:
        return math.sqrt(abs(dataset.transform.determinant))


def _each(
    function: Callable[..., Any], locations: Sequence[str], *more: Sequence[Any]
) -> list[Any]:
    """The function of each location, in order; of remote ones several at a time."""
    if all(gdal_path(location) == location for location in locations):
        return [function(*each) for each in zip(locations, *more, strict=True)]
    with ThreadPoolExecutor(HEADERS_AT_ONCE) as pool:
        return list(pool.map(function, locations, *more))


def _opened(assets: Sequence[Asset], resolve: Callable[[Any], str], named: bool) -> Chosen:
    """The raster that these make; of those on other grids than the first red or first of all, an
    error where they were named, else left out."""
    locations = [resolve(asset.fields.get("href")) for asset in assets]
    layers = _each(_layers, locations, assets)
    first = next((at for at, asset in enumerate(assets) if asset.colour == "red"), 0)
    grid = layers[first][0].grid
    on_it = [at for at, own in enumerate(layers) if own[0].grid == grid]
    if not named:  # a file of several bands that did not say so stands alone
        several = len(layers[first]) > 1
        on_it = [first] if several else [at for at in on_it if len(layers[at]) == 1]
    other = next((at for at in range(len(assets)) if at not in on_it), None)
    if named and other is not None:
        raise Refusal(
            "different_grids",
            f"Its assets {assets[first].key!r} and {assets[other].key!r} lie on different grids "
            f"({layers[first][0].grid_in_words} and {layers[other][0].grid_in_words}); name assets "
            "of one.",
        )
    used = _named_apart([layer for at in on_it for layer in layers[at]])
    # a file by itself keeps its palette, masks and interleaving; a VRT adds what it does not say
    alone = len(on_it) == 1 and not any(layer.told for layer in used)
    return Chosen(
        locations[on_it[0]] if alone else stacked(used),
        # names that the item gives, none in its stead
        () if alone and any(layer.unnamed for layer in used) else tuple(one.name for one in used),
        tuple(assets[at].fields for at in on_it),
        layers[first][0].pixel_m,
    )


def _header(location: str) -> Any:
    try:
        return open_dataset(gdal_path(location), drivers=DRIVERS)
    except GDAL_ERRORS as error:
        raise Refusal(
            "unreadable_asset",
            f"{_shown(location)}: no raster that can be opened "
            f"({words_of(error).replace(location, _shown(location))}).",
        ) from error


def _shown(location: str) -> str:
    """A local file by its name alone: where it lies is nobody's business."""
    return without_secrets(location) if is_remote(location) else PurePath(location).name


def _layers(location: str, asset: Asset) -> list[Layer]:
    with _header(location) as dataset:
        unknown = next((each for each in dataset.dtypes if each not in GDAL_TYPES), None)
        if unknown:
            raise Refusal(
                "unreadable_asset", f"Its asset {asset.key!r} has values of type {unknown}."
            )
        crs, transform, told = _place(asset, dataset)
        gcps, gcps_crs = dataset.gcps
        several = dataset.count > 1
        entries = asset.bands if len(asset.bands) == dataset.count else [{}] * dataset.count
        # marked only where all three are, so that the file's own colours are never mixed with them
        marked = {str(entry.get("common_name")) for entry in entries} >= set(_COLOURS)
        found = []
        for at, entry in enumerate(entries):
            colour = dataset.colorinterp[at]
            if marked or not several:
                colour = _COLOURS.get(str(entry.get("common_name")), ColorInterp.undefined)
            nodata = dataset.nodatavals[at]
            flags = dataset.mask_flag_enums[at]
            key = f"{asset.key}_{at + 1}" if several else asset.key
            scale, offset = number(entry.get("scale")), number(entry.get("offset"))
            found.append(
                Layer(
                    source=gdal_path(location),
                    number=at + 1,
                    name=_name(entry, several) or dataset.descriptions[at] or key,
                    key=key,
                    unnamed=several and not (_name(entry, several) or dataset.descriptions[at]),
                    size=(dataset.width, dataset.height),
                    crs=crs,
                    transform=transform,
                    gcps=tuple((p.col, p.row, p.x, p.y, p.z or 0.0) for p in gcps),
                    gcps_crs=gcps_crs.to_wkt() if gcps and gcps_crs else "",
                    dtype=dataset.dtypes[at],
                    block=dataset.block_shapes[at],
                    nodata=number(entry.get("nodata")) if nodata is None else float(nodata),
                    scale=float(dataset.scales[at]) if scale is None else scale,
                    offset=float(dataset.offsets[at]) if offset is None else offset,
                    colour=colour,
                    masked=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
                    pixel_m=_pixel_m(dataset),
                    told=told or (several and marked and colour != dataset.colorinterp[at]),
                )
            )
        return found


def _pixel_m(dataset: Any) -> float | None:
    if dataset.crs is None or not dataset.crs.is_projected:
        return None
    return math.sqrt(abs(dataset.transform.determinant)) * float(dataset.crs.linear_units_factor[1])


def _place(asset: Asset, dataset: Any) -> tuple[str, tuple[float, ...], bool]:
    """CRS and transform of the file, or those that the item states of a file that has none; and
    whether they are the item's."""
    transform = tuple(dataset.transform)[:6]
    if dataset.crs is not None or dataset.gcps[0]:
        return (dataset.crs.to_wkt() if dataset.crs else ""), transform, False
    code, stated = asset.said("proj:code"), asset.said("proj:transform")
    if not dataset.transform.is_identity or not isinstance(stated, list) or len(stated) < 6:
        stated = list(transform)
    numbers = [number(each) for each in stated[:6]]
    try:
        crs = CRS.from_user_input(code).to_wkt() if isinstance(code, str) else ""
    except GDAL_ERRORS:
        crs = ""
    if not crs or None in numbers:
        return "", transform, False
    return crs, tuple(each or 0.0 for each in numbers), True


def _name(entry: Mapping[str, Any], several: bool) -> str:
    """The name that a band is given in the item; a single one's is its asset's key."""
    for value in (entry.get("common_name"), entry.get("name") if several else None):
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _named_apart(layers: list[Layer]) -> list[Layer]:
    """Bands that share a name (Sentinel-2's three of the red edge) are called by their keys."""
    times = Counter(layer.name for layer in layers)
    return [layer if times[layer.name] == 1 else layer.renamed(layer.key) for layer in layers]
