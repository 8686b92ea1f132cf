"""Which assets of an item are its pixels, by what the item says of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .facts import number

__all__ = ["Asset", "candidates", "finest"]

_RASTER = (".tif", ".tiff", ".jp2", ".png", ".jpg", ".jpeg", ".webp", ".ntf", ".nitf", ".img")
_MEDIA = ("image/tiff", "image/vnd.stac.geotiff", "image/jp2", "image/png", "image/jpeg",
          "image/webp", "image/geotiff", "image/x.geotiff", "application/geotiff")  # fmt: skip
# what is about the pixels, or for looking at only; all of it can be named with ``assets``
_BESIDE = frozenset(
    ("thumbnail", "overview", "metadata", "mask", "data-mask", "cloud", "cloud-shadow", "quality",
     "snow-ice", "water-mask", "land-water", "saturation", "probability", "sun-azimuth",
     "sun-elevation", "sat-azimuth", "sat-elevation", "incidence-angle", "azimuth", "graphic")
)  # fmt: skip
_BESIDE_KEYS = ("thumbnail", "preview", "rendered_preview", "overview", "scl", "aot", "wvp")


@dataclass(frozen=True, slots=True)
class Asset:
    """key: its own in the item. fields: all that the item says of it. bands: see ``band_entries``.
    properties: the item's, which hold for its assets."""

    key: str
    fields: Mapping[str, Any]
    bands: Sequence[Mapping[str, Any]]
    properties: Mapping[str, Any]

    @property
    def roles(self) -> frozenset[str]:
        roles = self.fields.get("roles")
        return frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()

    @property
    def spectral(self) -> bool:
        return any(band["spectral"] for band in self.bands)

    @property
    def colour(self) -> str:
        """The common name of its only band."""
        name = self.bands[0].get("common_name") if len(self.bands) == 1 else None
        return name if isinstance(name, str) else ""

    def is_raster(self) -> bool:
        media = str(self.fields.get("type") or "").partition(";")[0].strip().lower()
        href = str(self.fields.get("href")).partition("?")[0].lower()
        return media in _MEDIA if media else href.endswith(_RASTER)

    def is_beside(self) -> bool:
        classes = self.fields.get("classification:classes") or any(
            band.get("classes") for band in self.bands
        )
        key = self.key.lower()
        return bool(self.roles & _BESIDE or classes or key in _BESIDE_KEYS or key.startswith("qa_"))

    def said(self, name: str) -> Any:
        return self.fields.get(name, self.properties.get(name))

    def resolution(self) -> float | None:
        """Side of a pixel as the item states it."""
        transform = self.said("proj:transform")
        if isinstance(transform, list) and len(transform) >= 6:
            a, b, _, d, e = (number(each) or 0.0 for each in transform[:5])
            if a * e - b * d:
                return math.sqrt(abs(a * e - b * d))
        for value in (
            *(band.get("spatial_resolution") for band in self.bands),
            self.fields.get("raster:spatial_resolution"),
            self.fields.get("gsd"),
            *(band.get("gsd") for band in self.bands),
        ):
            if found := number(value):
                return found
        return None


def candidates(assets: Sequence[Asset]) -> list[Asset]:
    """The rasters that state a colour or wavelength, else those of role data, else all; without
    masks, and without pictures for looking at where there is anything else."""
    pool = [asset for asset in assets if asset.is_raster() and not asset.is_beside()]
    return (
        [asset for asset in pool if asset.spectral and "visual" not in asset.roles]
        or [asset for asset in pool if "data" in asset.roles and "visual" not in asset.roles]
        or [asset for asset in pool if "data" in asset.roles]
        or pool
    )


def finest(
    pool: Sequence[Asset], measured: Callable[[Sequence[Asset]], Sequence[float]]
) -> Sequence[Asset]:
    """Those of one band at the finest resolution that has red, green and blue, else three bands,
    else any; where none has one band, the finest of the others alone. measured: sides of the pixels
    of those that state none."""
    singles = [asset for asset in pool if len(asset.bands) <= 1]
    several = singles or pool
    sides = [asset.resolution() for asset in several]
    if None in sides and len(several) > 1:
        unsaid = [asset for asset, side in zip(several, sides, strict=True) if side is None]
        headers = iter(measured(unsaid))
        sides = [next(headers) if side is None else side for side in sides]
    by_side: dict[float, list[Asset]] = {}
    for side, asset in zip(sides, several, strict=True):
        # to six digits: some write 10 and others 9.9999999
        by_side.setdefault(float(f"{side or math.inf:.6g}"), []).append(asset)
    groups = [by_side[side] for side in sorted(by_side)]
    if not singles:
        return groups[0][:1]
    for group in groups:
        if {"red", "green", "blue"} <= {asset.colour for asset in group}:
            return group
    return next((group for group in groups if len(group) >= 3), groups[0])
