"""A scene on another grid: the XML of a warped VRT, which GDAL computes as it is read.

Written by hand since rasterio's WarpedVRT takes a grid of one's own for affine sources alone, and
neither overviews nor a source across the dateline. Format: GDAL, "Warped VRT",
https://gdal.org/en/stable/drivers/raster/vrt.html#warped-vrt.
"""

from __future__ import annotations

import math
import re
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np
from rasterio import Affine
from rasterio.enums import ColorInterp

from domainclip.errors import UsageError, nearest

from .georeference import compose
from .grids import Grid
from .masks import alpha_band
from .placing import Placing

__all__ = ["GDAL_TYPES", "overview_level", "warped_xml"]

# our names -> GDAL's in a VRT
RESAMPLING = {
    "nearest": "NearestNeighbour", "bilinear": "Bilinear", "cubic": "Cubic",
    "cubic_spline": "CubicSpline", "lanczos": "Lanczos", "average": "Average", "mode": "Mode",
    "max": "Max", "min": "Min", "med": "Med", "q1": "Q1", "q3": "Q3", "rms": "RootMeanSquare",
    "sum": "Sum",
}  # fmt: skip
GDAL_TYPES = {
    "uint8": "Byte", "int8": "Int8", "uint16": "UInt16", "int16": "Int16", "uint32": "UInt32",
    "int32": "Int32", "uint64": "UInt64", "int64": "Int64", "float32": "Float32",
    "float64": "Float64", "complex_int16": "CInt16", "complex64": "CFloat32",
    "complex128": "CFloat64",
}  # fmt: skip
AVERAGED_FROM = 1.25  # pixels of the source to one, along a side, from which they are averaged
ERROR_PX = "0.125"  # of the approximated transform, GDAL's default
BLOCK_PX = (512, 128)  # wide and high


def overview_level(dataset: Any, factor: float) -> int | None:
    """The coarsest overview that is no coarser than ``factor`` source pixels to one; None: none."""
    fitting = [
        (found, level)
        for level, found in enumerate(dataset.overviews(1))
        if 1 < found <= factor * (1 + 1e-3)
    ]
    return max(fitting)[1] if fitting else None


def warped_xml(
    source: str,
    dataset: Any,
    placing: Placing | None,
    grid: Grid,
    *,
    resampling: str,
    full_size: tuple[int, int],
    overview: int | None,
) -> str:
    """The VRT that shows ``dataset``, which GDAL opens as ``source``, on a grid.

    dataset: at the overview level ``overview`` of a raster of full_size (width, height) pixels.
    Where it says which pixels hold data (nodata, alpha, a mask), so does the VRT; else the pixels
    beyond its edge are the only ones without: by an added alpha band where GDAL makes a mask of one
    (one or three bands of 8 or 16 bits, unsigned), else by the least value (of floats: NaN), so
    that a pixel that has it in all bands makes way by one or is taken for one without. Raises
    UsageError for an unknown resampling.
    """
    method = _method(resampling, dataset, grid.factor)
    alpha = alpha_band(dataset)
    bands = [at for at in dataset.indexes if at != alpha]
    nodata = [] if alpha else _nodata(dataset)
    added = alpha is None and not nodata
    root = Element(
        "VRTDataset",
        rasterXSize=str(grid.width),
        rasterYSize=str(grid.height),
        subClass="VRTWarpedDataset",
    )
    if grid.crs is not None:
        _text(root, "SRS", grid.crs.to_wkt())
        _text(root, "GeoTransform", _numbers(grid.transform))
    for at in dataset.indexes:
        _band(root, dataset, at, nodata[at - 1][1] if nodata else None)
    if added:
        band = _add_band(root, dataset.dtypes[0], dataset.count + 1)
        _text(band, "ColorInterp", "Alpha")
    _text(root, "BlockXSize", min(BLOCK_PX[0], grid.width))
    _text(root, "BlockYSize", min(BLOCK_PX[1], grid.height))
    options = SubElement(root, "GDALWarpOptions")
    _text(options, "WarpMemoryLimit", 2**26)
    _text(options, "ResampleAlg", method)
    _text(options, "WorkingDataType", "Unknown")
    for name, value in {
        "UNIFIED_SRC_NODATA": "YES",  # one dark band is a dark pixel, and no hole
        "INIT_DEST": "NO_DATA" if nodata else "0",
        "ERROR_OUT_IF_EMPTY_SOURCE_WINDOW": "FALSE",
    }.items():
        _text(options, "Option", value).set("name", name)
    _text(options, "SourceDataset", source).set("relativeToVRT", "0")
    if overview is not None:
        _text(SubElement(options, "OpenOptions"), "OOI", overview).set("key", "OVERVIEW_LEVEL")
    shrunk = (full_size[0] / dataset.width, full_size[1] / dataset.height)
    _transformer(SubElement(options, "Transformer"), placing, grid, shrunk, full_size)
    mapped = SubElement(options, "BandList")
    for at in bands:
        mapping = SubElement(mapped, "BandMapping", src=str(at), dst=str(at))
        if nodata:
            own, shown = nodata[at - 1]
            if own is not None:
                _text(mapping, "SrcNoDataReal", own)
                _text(mapping, "SrcNoDataImag", 0)
            _text(mapping, "DstNoDataReal", shown)
            _text(mapping, "DstNoDataImag", 0)
    if alpha:
        _text(options, "SrcAlphaBand", alpha)
        _text(options, "DstAlphaBand", alpha)
    elif added:
        _text(options, "DstAlphaBand", dataset.count + 1)
    return tostring(root, encoding="unicode")


def _method(resampling: str, dataset: Any, factor: float) -> str:
    if resampling == "auto":
        # neither the numbers of colours nor the phases of radar have a mean
        kept = ColorInterp.palette in dataset.colorinterp or "complex" in dataset.dtypes[0]
        resampling = "nearest" if kept else "average" if factor >= AVERAGED_FROM else "cubic"
    if resampling not in RESAMPLING:
        known = ["auto", *RESAMPLING]
        raise UsageError(
            f"resampling: {resampling!r} is none of {', '.join(known)}.{nearest(resampling, known)}"
        )
    return RESAMPLING[resampling]


def _nodata(dataset: Any) -> list[tuple[Any, Any]]:
    """(of the source or None, of the result) of each band; empty: by an alpha band."""
    own = list(dataset.nodatavals)
    if all(value is not None for value in own):
        return [(value, value) for value in own]
    found = []
    for kind, value in zip(dataset.dtypes, own, strict=True):
        if value is not None:
            found.append((value, value))
        elif kind in ("uint8", "uint16") and len(own) in (1, 3):
            return []
        elif "float" in kind or kind in ("complex64", "complex128"):
            found.append((math.nan, math.nan))
        else:
            least = np.iinfo(np.int16 if kind == "complex_int16" else kind).min
            found.append((None, least))
    return found


def _band(root: Element, dataset: Any, at: int, nodata: Any) -> None:
    band = _add_band(root, dataset.dtypes[at - 1], at)
    if dataset.descriptions[at - 1]:
        _text(band, "Description", _printable(dataset.descriptions[at - 1]))
    if nodata is not None:
        _text(band, "NoDataValue", nodata)
    if dataset.units[at - 1]:
        _text(band, "UnitType", _printable(dataset.units[at - 1]))
    if dataset.offsets[at - 1]:
        _text(band, "Offset", dataset.offsets[at - 1])
    if dataset.scales[at - 1] != 1:
        _text(band, "Scale", dataset.scales[at - 1])
    meaning = dataset.colorinterp[at - 1]
    _text(band, "ColorInterp", _INTERPRETED.get(meaning.name, meaning.name.capitalize()))
    if meaning == ColorInterp.palette:
        table = SubElement(band, "ColorTable")
        colours = dataset.colormap(at)
        for value in range(max(colours, default=-1) + 1):
            parts = zip(("c1", "c2", "c3", "c4"), colours.get(value, (0, 0, 0, 0)), strict=True)
            SubElement(table, "Entry", {name: str(part) for name, part in parts})


_INTERPRETED = {"grey": "Gray", "gray": "Gray", "undefined": "Undefined"}


def _add_band(root: Element, kind: str, at: int) -> Element:
    return SubElement(
        root,
        "VRTRasterBand",
        dataType=GDAL_TYPES[kind],
        band=str(at),
        subClass="VRTWarpedRasterBand",
    )


def _transformer(
    parent: Element,
    placing: Placing | None,
    grid: Grid,
    shrunk: tuple[float, float],
    full_size: tuple[int, int],
) -> None:
    """From pixels of the grid to those of the source, which is ``shrunk`` times smaller."""
    moved = placing is not None and (placing.kind != "affine" or placing.crs != grid.crs)
    if moved:
        parent = SubElement(parent, "ApproxTransformer")
        _text(parent, "MaxError", ERROR_PX)
        parent = SubElement(parent, "BaseTransformer")
    made = SubElement(parent, "GenImgProjTransformer")
    shift = 0.0
    if placing is None or placing.kind == "affine":
        transform = Affine.identity() if placing is None else placing.transform
        if moved:
            assert placing is not None
            shift = _shift(placing, full_size)
        transform = compose(transform, Affine.scale(*shrunk))
        transform = compose(Affine.translation(-shift, 0), transform)
        _both(made, "Src", transform)
    elif placing.kind == "points":
        shift = _shift(placing, full_size)
        _points(made, placing, shift, shrunk)
    else:
        _rpc(made, placing, shrunk)
    _both(made, "Dst", grid.transform)
    if moved and placing is not None and (placing.crs != grid.crs or shift):
        step = SubElement(SubElement(made, "ReprojectTransformer"), "ReprojectionTransformer")
        _text(step, "SourceSRS", _turned(placing.crs, shift))
        _text(step, "TargetSRS", grid.crs.to_wkt(version="WKT1_GDAL"))


def _points(parent: Element, placing: Placing, shift: float, shrunk: tuple[float, float]) -> None:
    kind = "TPS" if placing.spline else "GCP"
    step = SubElement(SubElement(parent, f"Src{kind}Transformer"), f"{kind}Transformer")
    if not placing.spline:
        _text(step, "Order", 0)  # as many as the points allow
    _text(step, "Reversed", 0)
    found = SubElement(step, "GCPList")
    for number, (column, row, x, y) in enumerate(placing.points):
        SubElement(
            found,
            "GCP",
            Id=str(number),
            Pixel=repr(column / shrunk[0]),
            Line=repr(row / shrunk[1]),
            X=repr(x - shift),
            Y=repr(y),
        )


def _rpc(parent: Element, placing: Placing, shrunk: tuple[float, float]) -> None:
    step = SubElement(SubElement(parent, "SrcRPCTransformer"), "RPCTransformer")
    _text(step, "Reversed", 0)
    _text(step, "HeightOffset", placing.height_m)
    _text(step, "HeightScale", 1)
    _text(step, "PixErrThreshold", ERROR_PX)
    found = SubElement(step, "Metadata")
    for name, value in placing.rpc_tags:
        if name in ("SAMP_OFF", "SAMP_SCALE", "LINE_OFF", "LINE_SCALE"):
            by = shrunk[0] if name.startswith("SAMP") else shrunk[1]
            half = 0.5 if name.endswith("OFF") else 0.0  # RPCs count from the centre of a pixel
            value = repr((float(value.split()[0]) + half) / by - half)
        _text(found, "MDI", _printable(value)).set("key", name)


def _both(parent: Element, which: str, transform: Affine) -> None:
    _text(parent, f"{which}GeoTransform", _numbers(transform))
    _text(parent, f"{which}InvGeoTransform", _numbers(~transform))


def _shift(placing: Placing, size: tuple[int, int]) -> float:
    """Degrees by which the prime meridian is moved so that no longitude of the scene is beyond
    180: PROJ answers with longitudes between -180 and 180."""
    if not placing.crs.is_geographic:
        return 0.0
    columns, rows = (np.array(part, float) for part in zip(*_corners(*size), strict=True))
    x, _ = placing.xy(columns, rows)
    half = math.pi / float(placing.crs.units_factor[1])
    if np.abs(x).max() <= half * (1 + 1e-9):
        return 0.0
    return float(round(x.mean()))


def _corners(width: int, height: int) -> list[tuple[float, float]]:
    return [(0, 0), (width, 0), (0, height), (width, height), (width / 2, height / 2)]


def _turned(crs: Any, shift: float) -> str:
    wkt = str(crs.to_wkt(version="WKT1_GDAL"))
    if not shift:
        return wkt

    def moved(found: re.Match[str]) -> str:
        return f'PRIMEM["moved",{float(found[1]) + shift!r}]'

    plain = re.sub(r'PRIMEM\["[^"]*",([-\d.eE+]+)(?:,AUTHORITY\["[^"]*","[^"]*"\])?\]', moved, wkt)
    # the code is that of the CRS as it was
    return re.sub(r',AUTHORITY\["[^"]*","[^"]*"\]\]$', "]", plain)


def _numbers(transform: Affine) -> str:
    return ", ".join(repr(float(value)) for value in transform.to_gdal())


def _text(parent: Element, tag: str, value: Any) -> Element:
    made = SubElement(parent, tag)
    made.text = repr(float(value)) if isinstance(value, float) else str(value)
    return made


def _printable(text: str) -> str:
    """Text of a file without the control characters that XML cannot hold."""
    return "".join(each for each in text if each.isprintable())
