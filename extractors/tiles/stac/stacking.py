"""Bands of several files as the XML of one VRT, which rasterio opens as it opens a file.

Format: https://gdal.org/en/stable/drivers/raster/vrt.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from xml.etree import ElementTree

from rasterio.enums import ColorInterp

from ..reading.warping import GDAL_TYPES

__all__ = ["Layer", "stacked"]

_COLOURS = {
    ColorInterp.red: "Red",
    ColorInterp.green: "Green",
    ColorInterp.blue: "Blue",
    ColorInterp.alpha: "Alpha",
    ColorInterp.gray: "Gray",
}
_NO_XML = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


@dataclass(frozen=True, slots=True)
class Layer:
    """One band of one file.

    source: as GDAL calls it. key: unique in the item, for a band whose name is not. unnamed: the
    name is one that was made of the key. size: (width, height). crs: WKT, "" where none. transform:
    a to f. gcps: (column, row, x, y, z). masked: the file has a mask beside its bands. pixel_m:
    side of a pixel of a projected CRS. told: something here is not in the file itself.
    """

    source: str
    number: int
    name: str
    key: str
    unnamed: bool
    size: tuple[int, int]
    crs: str
    transform: tuple[float, ...]
    gcps: tuple[tuple[float, ...], ...]
    gcps_crs: str
    dtype: str
    block: tuple[int, int]
    nodata: float | None
    scale: float
    offset: float
    colour: Any
    masked: bool
    pixel_m: float | None
    told: bool

    @property
    def grid(self) -> tuple[Any, ...]:
        """Equal for layers whose pixels lie on each other: to a thousandth of a pixel."""
        side = math.sqrt(abs(self.transform[0] * self.transform[4]
                             - self.transform[1] * self.transform[3])) or 1.0  # fmt: skip
        rounded = tuple(round(each / side * 1000) for each in self.transform)
        return self.size, self.crs, f"{side:.6g}", rounded, self.gcps

    @property
    def grid_in_words(self) -> str:
        a, _, c, _, e, f = self.transform
        width, height = self.size
        return f"{width} x {height} pixels of {abs(a):g} x {abs(e):g} from ({c:g}, {f:g})"

    def renamed(self, name: str) -> Layer:
        return replace(self, name=name)


def stacked(layers: Sequence[Layer]) -> str:
    """The XML of a VRT with these as its bands; all on the grid of the first."""
    first = layers[0]
    width, height = first.size
    root = ElementTree.Element("VRTDataset", rasterXSize=str(width), rasterYSize=str(height))
    if first.gcps:
        points = ElementTree.SubElement(root, "GCPList", Projection=first.gcps_crs)
        for at, (column, row, x, y, z) in enumerate(first.gcps, start=1):
            place = {"Pixel": column, "Line": row, "X": x, "Y": y, "Z": z}
            values = {name: repr(float(value)) for name, value in place.items()}
            ElementTree.SubElement(points, "GCP", {"Id": str(at), **values})
    else:
        if first.crs:
            ElementTree.SubElement(root, "SRS", dataAxisToSRSAxisMapping="1,2").text = first.crs
        a, b, c, d, e, f = first.transform
        order = ", ".join(repr(float(each)) for each in (c, a, b, f, d, e))
        ElementTree.SubElement(root, "GeoTransform").text = order
    for at, layer in enumerate(layers, start=1):
        root.append(_band(layer, at))
    masked = next((layer for layer in layers if layer.masked), None)
    if masked is not None:
        mask = ElementTree.SubElement(ElementTree.SubElement(root, "MaskBand"), "VRTRasterBand",
                                      dataType="Byte")  # fmt: skip
        _source(mask, masked, "mask,1", "Byte")
    return ElementTree.tostring(root, encoding="unicode")


def _band(layer: Layer, number: int) -> ElementTree.Element:
    band = ElementTree.Element("VRTRasterBand", dataType=GDAL_TYPES[layer.dtype], band=str(number))
    ElementTree.SubElement(band, "Description").text = _NO_XML.sub(" ", layer.name)[:200]
    if layer.nodata is not None:
        ElementTree.SubElement(band, "NoDataValue").text = repr(layer.nodata)
    if layer.offset != 0:
        ElementTree.SubElement(band, "Offset").text = repr(layer.offset)
    if layer.scale != 1:
        ElementTree.SubElement(band, "Scale").text = repr(layer.scale)
    ElementTree.SubElement(band, "ColorInterp").text = _COLOURS.get(layer.colour, "Undefined")
    _source(band, layer, str(layer.number), GDAL_TYPES[layer.dtype])
    return band


def _source(band: ElementTree.Element, layer: Layer, number: str, kind: str) -> None:
    source = ElementTree.SubElement(band, "SimpleSource")
    ElementTree.SubElement(source, "SourceFilename", relativeToVRT="0").text = layer.source
    ElementTree.SubElement(source, "SourceBand").text = number
    width, height = map(str, layer.size)
    # so that GDAL opens a source when it is read and not before
    ElementTree.SubElement(source, "SourceProperties", RasterXSize=width, RasterYSize=height,
                           DataType=kind, BlockXSize=str(layer.block[1]),
                           BlockYSize=str(layer.block[0]))  # fmt: skip
    for name in ("SrcRect", "DstRect"):
        ElementTree.SubElement(source, name, xOff="0", yOff="0", xSize=width, ySize=height)
