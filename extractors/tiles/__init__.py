"""Tiles of satellite and aerial scenes, with captions of what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from domainclip.extraction import Source
from domainclip.pairs import Pair, Skip

from .making import pairs_of
from .planning import sources_of

__all__ = ["Tiles"]


@dataclass(frozen=True)
class Tiles:
    """Square tiles of scenes: rasters that GDAL reads (files, folders, URLs, s3://), STAC items and
    collections, or ``blue_marble``.

    classes: a class raster of any resolution and CRS, ``koppen_geiger``, or ``folders`` where each
    scene lies in a folder of its class's name. class_table: names of a raster's values: CSV with
    columns value and name, or worldcover, corine, nlcd, dynamic_world. labels: the class of places,
    a CSV with the column label and west, south, east, north (boxes), geometry (WKT polygons), x, y
    or lon, lat (points), or key (tiles); or polygons of any vector file. labels_crs: CRS of its
    coordinates; by default what the file says, or the scene's. label_column: the column with the
    class.
    boxes: annotations of objects, a file or a folder: COCO, PASCAL VOC, DOTA, YOLO, CSV, GeoJSON
    and other vector files. masks: rasters whose connected pixels are objects, a file or a folder.
    mask_table: CSV with the columns value, or r, g and b, and name. mask_category: what a mask
    without a table shows. by_instance: every value of a mask is one object. category: the column or
    property that names the category of boxes or vectors. category_map: CSV with the columns from
    and to, for other names; an empty ``to`` leaves a category out. min_score: detections below are
    left out, in the detector's own shares or per cent. min_visible: least share of an object that
    must lie in the tile. min_side_px: boxes whose longer side has fewer pixels of the scene are
    left out. min_area_px: smaller objects of masks are specks. keep_empty: share of the tiles
    without objects that are kept.
    vectors: features with tags as in OpenStreetMap, any file that OGR reads; those visible at the
    tile's resolution are told. layers: of it; by default all. tags: a vocabulary like tags.yaml.
    size_px, size_m: side of a tile, in pixels of the scene or in metres; 224 pixels by default.
    whole: each scene is one tile, the largest square in its middle. stride_px, stride_m: distance
    between tiles; by default their side. edge: tiles that stick out of the scene are dropped,
    padded, or shifted back into it. aoi: only tiles whose centre lies in W,S,E,N (degrees) or in
    the polygons of a vector file.
    crs: of the tiles, EPSG:... or utm; by default the scene's own. gsd_m: metres to a pixel to
    resample to. resampling: auto averages where pixels grow and is cubic where they shrink.
    trusted: also open scenes that lead to files elsewhere, as a VRT of other folders does.
    bounds: W,S,E,N of a plain image without a place. bounds_crs: their CRS (EPSG:4326), or that of
    a world file. pixel_m: metres to a pixel of images without a place. subdatasets: variables of
    NetCDF and HDF files. assets: of STAC items.
    bands: numbers or names (red, B04), a preset (true_colour, false_colour, swir, agriculture,
    urban, dual_pol, ...) or an index (ndvi, ndwi, nbr, ...). sensor: Sentinel-2, Landsat 8, NAIP,
    WorldView-3, ... where the scene does not say it. stretch: values are shown between the
    percentiles of the scene or of each tile, or between fixed limits; 8-bit values stay as they
    are. percentiles: shown black and white. limits: LOW,HIGH, or three such pairs. physical: they
    are reflectances or other physical values, to which the file's scale and offset lead.
    gamma: above 1 brightens what is dark. decibels: real radar values are amplitudes or powers and
    shown in decibels; complex ones always are.
    max_nodata: largest share of a tile's pixels without data. clouds: a mask (a raster; band:SCL,
    a band of the scene), or a rule: potential_clouds, bright_and_white. cloud_kind: how a mask is
    read. max_cloud: largest cloudy share of a tile. geotiff: a folder for the tiles' raw bands.
    inner_px: side of the central square that decides the class; by default the whole tile. purity:
    least share of that square, 0 to 1, that must be of one class; 0 tells the shares and gives no
    class. min_labelled: least share, 0 to 1, of a tile that must have any class. include: names of
    the classes to keep; by default all. exclude: names of classes to leave out. per_class: at most
    this many tiles of a class in a scene, drawn with the seed before those without data are left
    out. min_per_class: a class with fewer tiles in a scene is left out. seed: of the draw and of
    the choice of captions.
    cell: side of the map cells that no split divides, in units of the scene's CRS; a tile belongs
    to the cell of its centre. By default about eight tiles: give it where scenes differ in
    resolution.
    places: captions name country, region and nearest town (extra places). languages: of captions:
    en, de, fr, es, it, pt, nl. captions: how many each tile gets in each language. templates: a
    file or folder of sentences and nouns laid over ours; or a text file of sentences with {class},
    {a_class} and {gsd}, one a line.
    format: png keeps every value; jpeg is smaller. quality: of jpeg, 1 to 95.
    acquired: when scenes were taken that do not say it, ISO 8601. license: of the scenes, an SPDX
    name where there is one.
    """

    classes: str | None = None
    class_table: str | None = None
    labels: str | None = None
    labels_crs: str | None = None
    label_column: str = "label"
    boxes: str | None = None
    masks: str | None = None
    mask_table: str | None = None
    mask_category: str = ""
    by_instance: bool = False
    category: str = ""
    category_map: str | None = None
    min_score: float = 0.0
    min_visible: float = 0.3
    min_side_px: float = 2.0
    min_area_px: int = 16
    keep_empty: float = 0.0
    vectors: str | None = None
    layers: tuple[str, ...] = ()
    tags: str | None = None
    around: bool = False
    size_px: int | None = None
    size_m: float | None = None
    whole: bool = False
    stride_px: int | None = None
    stride_m: float | None = None
    edge: Literal["drop", "pad", "shift"] = "drop"
    aoi: str = ""
    crs: str = ""
    gsd_m: float | None = None
    resampling: str = "auto"
    trusted: bool = False
    bounds: tuple[float, ...] = ()
    bounds_crs: str = ""
    pixel_m: float | None = None
    subdatasets: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    sensor: str = ""
    stretch: Literal["scene", "tile", "fixed"] = "scene"
    percentiles: tuple[float, ...] = (2.0, 98.0)
    limits: tuple[float, ...] = ()
    physical: bool = False
    gamma: float = 1.0
    decibels: Literal["", "amplitude", "power"] = ""
    max_nodata: float = 0.05
    clouds: str = ""
    cloud_kind: Literal["auto", "scl", "qa_pixel", "probability", "mask"] = "auto"
    max_cloud: float = 0.1
    geotiff: str | None = None
    inner_px: int | None = None
    purity: float = 0.5
    min_labelled: float = 0.5
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_class: int | None = None
    min_per_class: int = 0
    seed: int = 0
    cell: float | None = None
    places: bool = False
    languages: tuple[str, ...] = ("en",)
    captions: int = 2
    templates: str | None = None
    format: Literal["png", "jpeg"] = "png"
    quality: int = 92
    acquired: str = ""
    license: str = ""

    version = "2"
    inputs_are = "scenes, rows of tiles of them, or labels that fit none"

    def sources(self, root: str) -> Iterator[Source]:
        """One source for each band of rows of tiles; a scene that cannot be cut is one source that
        says why. Raises BadInput (no such file, labels that cannot be used), UsageError,
        MissingExtra."""
        return sources_of(self, (root,))

    def all_sources(self, roots: Sequence[str]) -> Iterator[Source]:
        """Of all roots, and one more source where annotations belong to no scene under any of them,
        which counts these. Raises as sources."""
        return sources_of(self, roots)

    def pairs(self, source: Source) -> Iterator[Pair | Skip]:
        """The tiles of some rows of which something is known and in which there is something to
        see. Raises BadInput where labels cannot be read; rows of the scene that cannot be decoded
        are skipped."""
        return pairs_of(self, source)
