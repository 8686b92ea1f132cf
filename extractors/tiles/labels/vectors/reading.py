"""Layers of vector files, read where a scene lies and laid into its pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

from domainclip.errors import BadInput

from ...reading.placing import crs_named
from ...reading.rows import words_of
from ...reading.scenes import Scene
from ..boxes.offline import refuse_remote_crs
from ..boxes.reading import text_of
from ..extent import Extent, Holds, holds_of_places
from .placing import cleaned, laid, placed, regions
from .tags import PACKED, key_of_column

__all__ = ["Layer", "Raw", "holds_of_layers", "open_layers"]

# Formats of files. Others that OGR knows are services that open what their text names.
FORMATS = {
    "CSV", "ESRI Shapefile", "FlatGeobuf", "GML", "GPKG", "GPX", "GeoJSON", "GeoJSONSeq", "KML",
    "LIBKML", "MapInfo File", "OSM", "OpenFileGDB", "Parquet", "SQLite", "TopoJSON",
}  # fmt: skip
INDEXED = {"ESRI Shapefile", "FlatGeobuf", "GPKG", "OpenFileGDB", "Parquet"}
OGR_ERRORS = (
    DataSourceError, DataLayerError, FeatureError, GeometryError, UnicodeDecodeError, ValueError,
    OverflowError, OSError,
)  # fmt: skip
_CSV = {
    "GEOM_POSSIBLE_NAMES": "geometry,geom,the_geom,wkt,wkb_geometry",
    "X_POSSIBLE_NAMES": "lon,longitude,x",
    "Y_POSSIBLE_NAMES": "lat,latitude,y",
}


@dataclass(frozen=True)
class Raw:
    """Features in pixels of a scene: shapes (n,) valid geometries; whole (n,) the area or length of
    all of each in pixels, of which the shape may be the part near the scene; columns: values (n,)
    by the file's own names. dropped: reason -> how many."""

    shapes: np.ndarray
    whole: np.ndarray
    columns: dict[str, np.ndarray]
    dropped: Counter[str]


@dataclass(frozen=True)
class Layer:
    """One layer of a file. crs: of its coordinates, None where they are the scene's.
    indexed: a part of it is found without reading it all. fields: its columns. driver: its format
    by OGR's name."""

    path: str
    name: str
    crs: Any
    indexed: bool
    fields: tuple[str, ...]
    driver: str = ""
    options: tuple[tuple[str, str], ...] = ()

    @cached_property
    def extent(self) -> Extent | None:
        """Around its features; None where only reading all of them would tell it. Raises
        BadInput."""
        if self.driver == "OSM":
            return None
        try:
            info = pyogrio.read_info(
                self.path, layer=self.name, force_total_bounds=True, **dict(self.options)
            )
        except OGR_ERRORS as error:
            raise self._unreadable(error) from error
        bounds = info["total_bounds"]
        if bounds is None or np.isnan(bounds).all():  # there is no geometry
            return Extent.of([], self.crs)
        if not np.isfinite(bounds).all():
            return None
        return Extent.of(bounds, self.crs)

    def reaches(self, scene: Scene) -> bool:
        """May any of its features lie in a scene? Raises BadInput."""
        return self.extent is None or self.extent.meets(scene)

    def columns(self, keys: frozenset[str], others: tuple[str, ...]) -> dict[str, str]:
        """Column -> the tag key that it holds, or its own name for PACKED and ``others``."""
        found = {}
        for field in self.fields:
            own = field in others or field.lower() in PACKED
            key = field if own else key_of_column(field, keys)
            if key:
                found[field] = key.lower() if field.lower() in PACKED else key
        return found

    def distinct(self, field: str) -> set[str]:
        """The values of a column as text, '' where there is none. Raises BadInput."""
        try:
            _, _, _, (values,) = pyogrio.raw.read(
                self.path,
                layer=self.name,
                columns=[field],
                read_geometry=False,
                datetime_as_string=True,
                **dict(self.options),
            )
        except OGR_ERRORS as error:
            raise self._unreadable(error) from error
        return {text_of(each) for each in values.tolist()}

    def _unreadable(self, error: BaseException) -> BadInput:
        return BadInput(f"{self.path}: layer {self.name} cannot be read ({_said(error)}).")

    def within(
        self, scene: Scene, rows: tuple[int, int], columns: list[str], most: int
    ) -> Raw | None:
        """The features that touch some rows (first, one past the last) of a scene; None where
        there are more than ``most``. Raises BadInput where the file cannot be read."""
        dropped: Counter[str] = Counter()
        shapes, wholes, values = [], [], []
        source = self.crs if self.crs is not None else placed(scene).crs
        for box, shift in regions(scene, rows, source):
            try:
                read = pyogrio.raw.read(
                    self.path,
                    layer=self.name,
                    columns=columns,
                    force_2d=True,
                    bbox=box,
                    max_features=most + 1,
                    datetime_as_string=True,
                    **dict(self.options),
                )
            except OGR_ERRORS as error:
                raise self._unreadable(error) from error
            meta, _, wkb, data = read
            most -= len(wkb)
            if most < 0:
                return None
            geometry, at = cleaned(shapely.from_wkb(wkb, on_invalid="ignore"), dropped)
            laid_out, whole, kept = laid(geometry, source, box, shift, scene, dropped)
            at = at[kept]
            shapes.append(laid_out)
            wholes.append(whole)
            values.append([each[at] for each in data])
        names = [str(name) for name in meta["fields"]] if values else []
        gathered = {
            name: np.concatenate([part[number] for part in values])
            for number, name in enumerate(names)
        }
        if not shapes:
            return Raw(np.empty(0, object), np.empty(0), {}, dropped)
        return Raw(np.concatenate(shapes), np.concatenate(wholes), gathered, dropped)


def open_layers(path: str, *, layers: tuple[str, ...] = (), crs: str | None = None) -> list[Layer]:
    """The layers with geometry of any file that OGR reads, also ``/vsizip/a.zip/b.shp``.

    layers: names of those that are meant; by default all. crs: of the coordinates, ``scene`` for
    that of each scene; by default what the file says. Raises BadInput where it cannot be read,
    holds no such layer, or does not say where its coordinates lie.
    """
    options = _CSV if Path(path).suffix.lower() in (".csv", ".tsv") else {}
    if path.lower().endswith(".zip") and not path.startswith("/vsi"):
        path = f"/vsizip/{path}"
    _check_crs_link(path)
    try:
        listed = [str(name) for name, _ in pyogrio.list_layers(path).tolist()]
    except OGR_ERRORS as error:
        if not path.startswith("/vsi") and "://" not in path and not Path(path).exists():
            raise BadInput(f"{path}: no such file of vectors.") from error
        raise BadInput(f"{path}: no vectors that GDAL can open ({_said(error)}).") from error
    _check_folder(path, listed)
    for name in layers:
        if name not in listed:
            raise BadInput(
                f"{path}: no layer {name!r}, as --layers asks for; it holds {', '.join(listed)}."
            )
    found = list(
        _opened(path, [name for name in listed if not layers or name in layers], crs, options)
    )
    if not found:
        raise BadInput(
            f"{path}: none of its layers has a geometry (a CSV needs WKT in the column geometry, "
            "or lon and lat)."
        )
    return found


def _check_crs_link(path: str) -> None:
    if not path.startswith("/vsi") and Path(path).is_file():
        with Path(path).open("rb") as file:
            start = file.read(1 << 12).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if start in (b"{", b"["):
            refuse_remote_crs(Path(path))


def _check_folder(path: str, listed: list[str]) -> None:
    """OGR opens a folder of Shapefiles as one, and leaves out the damaged without a word."""
    folder = Path(path)
    if path.startswith("/vsi") or not folder.is_dir():
        return
    lost = sorted({each.name for each in folder.glob("*.shp")} - {f"{name}.shp" for name in listed})
    if lost:
        raise BadInput(
            f"{folder / lost[0]}: is damaged; mend it, or put it elsewhere, so that the other "
            "layers of its folder are read."
        )


def holds_of_layers(layers: list[Layer], what: str) -> Holds:
    """What layers of one file speak of."""
    extents = tuple(layer.extent for layer in layers if layer.extent is not None)
    return holds_of_places(None, what, extents)


def _opened(
    path: str, names: list[str], crs: str | None, options: dict[str, str]
) -> Iterator[Layer]:
    for name in names:
        try:
            info = pyogrio.read_info(path, layer=name, **options)
        except OGR_ERRORS as error:
            raise BadInput(f"{path}: layer {name} cannot be read ({_said(error)}).") from error
        if info["driver"] not in FORMATS:
            raise BadInput(
                f"{path}: vectors are read from files ({', '.join(sorted(FORMATS))}), not from "
                f"{info['driver']}."
            )
        if info["geometry_type"] is None:
            continue
        fields = tuple(str(each) for each in info["fields"])
        yield Layer(
            path=path,
            name=name,
            crs=_crs(path, info, fields, crs),
            indexed=info["driver"] in INDEXED,
            fields=fields,
            driver=info["driver"],
            options=tuple(options.items()),
        )


def _crs(path: str, info: dict[str, Any], fields: tuple[str, ...], given: str | None) -> Any:
    if given == "scene":
        return None
    text = given or info["crs"]
    if (
        text is None
        and info["driver"] == "CSV"
        and {"lon", "longitude"} & {f.lower() for f in fields}
    ):
        text = "EPSG:4326"
    if text is None:
        raise BadInput(
            f"{path}: says nothing of its CRS; give it with --labels-crs EPSG:..., or --labels-crs "
            "scene where its coordinates are those of the scenes."
        )
    try:
        crs = crs_named(text)
    except BadInput as error:
        raise BadInput(
            f"{'--labels-crs' if given else path}: {text!r} is no CRS that PROJ knows."
        ) from error
    bounds = info["total_bounds"]
    if crs.is_geographic and bounds is not None and len(bounds) == 4:
        west, south, east, north = bounds
        # GeoJSON that names no CRS is in degrees by its standard (RFC 7946, 4), and often is not
        if max(-west, east) > 540 or max(-south, north) > 90.1:
            raise BadInput(
                f"{path}: its coordinates (up to {max(-west, east, -south, north):.6g}) are no "
                "degrees, and it names no other CRS; give the right one with --labels-crs "
                "EPSG:..., or --labels-crs scene where they are those of the scenes."
            )
    return crs


def _said(error: BaseException) -> str:
    return words_of(error).replace(
        "; It might help to specify the correct driver explicitly by prefixing the file path with "
        "'<DRIVER>:', e.g. 'CSV:path'", ""
    )  # fmt: skip
