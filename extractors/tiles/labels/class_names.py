"""Names of the values of class rasters: from a table, from ours, or from the raster itself."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import uuid4

import rasterio
import rasterio.shutil

from domainclip.errors import BadInput, nearest

from ..reading.rows import GDAL_ERRORS
from ..reading.xml import parse_xml
from .csv_lines import lines_of_two, read_text

__all__ = ["BUILT_IN_TABLES", "names_of"]

# The legends as their makers word them, in the singular or plural that they use:
# worldcover: ESA WorldCover 10 m, product user manual v2.0; dynamic_world: Brown et al., Scientific
# Data 2022; nlcd: USGS/MRLC National Land Cover Database; corine: CORINE Land Cover nomenclature,
# by the rasters' values 1 to 44 and by the codes 111 to 523; esri_land_cover: Esri / Impact
# Observatory 10 m; igbp: MODIS MCD12Q1, LC_Type1.
BUILT_IN_TABLES = (
    "corine", "dynamic_world", "esri_land_cover", "igbp", "koppen_geiger", "nlcd", "worldcover",
)  # fmt: skip
LONGEST_XML = 1 << 26
TABLE = "the class table"


def names_of(source: str, dataset: Any, table: str | None) -> dict[int, str]:
    """Value -> name of a class raster; empty where nothing says it. table: a CSV with the columns
    value and name, or one of BUILT_IN_TABLES. Raises BadInput."""
    if table is None and source == "koppen_geiger":
        table = source
    if table is None:
        return _own_names(dataset)
    if table in BUILT_IN_TABLES:
        file = files(__package__) / "tables" / f"{table}.csv"
        return _read_names(file.read_text("utf-8"), table)
    if not Path(table).exists() and not Path(table).suffix:
        raise BadInput(
            f"--class-table {table}: no such table, neither a file nor one of "
            f"{', '.join(BUILT_IN_TABLES)}.{nearest(table, BUILT_IN_TABLES)}"
        )
    return _read_names(read_text(Path(table), TABLE), table)


def _read_names(text: str, place: str) -> dict[int, str]:
    lines = lines_of_two(text, place, TABLE, option="--class-table", names=("value", "name"))
    names: dict[int, str] = {}
    for number, line in lines:
        try:
            names[int(line["value"])] = line["name"].strip()
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"{place}:{number}: value {line['value']!r} is no integer.") from error
    return names


def _own_names(dataset: Any) -> dict[int, str]:
    """From the raster attribute table or the category names of the first band.

    rasterio gives neither, but both are in the VRT that GDAL writes of any dataset, wherever it
    found them (.aux.xml, .vat.dbf, the file itself).
    """
    path = f"/vsimem/{uuid4().hex}.vrt"
    try:
        rasterio.shutil.copy(dataset, path, driver="VRT")
        try:
            with rasterio.open(path) as copied:
                text = copied.tags(ns="xml:VRT").get("xml:VRT", "")
        finally:
            rasterio.shutil.delete(path, driver="VRT")
    except GDAL_ERRORS:  # no names are better than no classes
        return {}
    if not text or len(text) > LONGEST_XML:
        return {}
    try:
        band = parse_xml(text, path).find("VRTRasterBand")
    except BadInput:
        return {}
    if band is None:
        return {}
    categories = [(each.text or "").strip() for each in band.iterfind("CategoryNames/Category")]
    named = {value: name for value, name in enumerate(categories) if name}
    return _of_attributes(band.find("GDALRasterAttributeTable")) or named


def _of_attributes(table: Any) -> dict[int, str]:
    """GDAL's usages: 2 the name, 5 the value, 3 and 4 its least and greatest. Types: 0 whole
    numbers, 1 numbers, 2 text."""
    if table is None:
        return {}
    fields = [
        ((f.findtext("Name") or "").lower(), f.findtext("Type"), f.findtext("Usage"))
        for f in table.iterfind("FieldDefn")
    ]
    values = [at for at, (name, _, usage) in enumerate(fields) if usage == "5" or name == "value"]
    text = [at for at, (_, kind, _) in enumerate(fields) if kind == "2"]
    # a name by its usage, else by what such columns are called, else the first text
    called = ("class_name", "classname", "class name", "class", "name", "label", "landcover")
    named = [at for at in text if fields[at][2] == "2"]
    named += [at for word in called for at in text if fields[at][0] == word] + text
    if not values or not named:
        return {}
    found = {}
    for row in table.iterfind("Row"):
        cells = [each.text or "" for each in row.iterfind("F")]
        try:
            value = float(cells[values[0]])
        except (ValueError, IndexError):
            continue
        name = cells[named[0]].strip() if named[0] < len(cells) else ""
        if value.is_integer() and name:
            found[int(value)] = name
    return found
