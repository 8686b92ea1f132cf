"""What a tile is known to show: the facts that captions are made of and that ``meta`` keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Box", "Facts", "Listed", "Place", "SceneFacts", "Thing", "View", "told"]

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SceneFacts:
    """What is known of a whole scene; empty or None: not known, and never guessed.

    acquired: start of the acquisition, ISO 8601 (``2019-07-14T10:32:11Z``, or a date alone).
    sensor: as one says it, ``Sentinel-2``. cloud_percent: 0 to 100, the scene's own figure.
    gsd_m: the ground resolution that its provider states. bands: their names, in their order.
    license: SPDX where there is one. item: id of its STAC item.
    """

    acquired: str = ""
    sensor: str = ""
    cloud_percent: float | None = None
    gsd_m: float | None = None
    bands: tuple[str, ...] = ()
    license: str = ""
    item: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """How scenes are to be seen, where it is not as they lie; the grid that tiles are cut from.

    crs: ``EPSG:...`` or whatever PROJ knows, ``utm`` for the zone of each scene's centre; empty:
    the scene's own. gsd_m: ground resolution to resample to, metres; None: the scene's own.
    resampling: of that; ``auto`` averages where pixels grow and is cubic where they shrink.
    bounds: (west, south, east, north) of a plain image that has no place. bounds_crs: theirs, by
    default EPSG:4326, and that of a world file without one.
    pixel_m: metres to a pixel of images that have no place; they stay without one.
    subdatasets: which of a NetCDF or HDF file, by name; none: all that are rasters.
    """

    crs: str = ""
    gsd_m: float | None = None
    resampling: str = "auto"
    bounds: tuple[float, ...] = ()
    bounds_crs: str = ""
    pixel_m: float | None = None
    subdatasets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A scene that was found and not yet opened. name: unique in a run and stable, the path below
    the root that it was found under. path: what GDAL opens (a file, a URL, the XML of a VRT).
    facts: what is known of it beforehand, from its STAC item."""

    name: str
    path: str
    facts: SceneFacts = SceneFacts()


@dataclass(frozen=True, slots=True)
class Thing:
    """One object in a tile.

    category: a noun in the singular, as captions say it. box: (x0, y0, x1, y1) in pixels of the
    tile from its upper left corner, of the part that lies in it. area_px: pixels that this part
    covers (its box where no more is known). visible: share of the whole object that lies in the
    tile, 0 to 1. length_px: of a line, else 0. name: its own (``Rhine``). tags: as the source
    gives them.
    """

    category: str
    box: Box
    area_px: float
    visible: float = 1.0
    length_px: float = 0.0
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a tile's centre lies. country, region, town: English names, "" where not known.

    country_code: ISO 3166-1 alpha-2. town: the nearest of some size; town_km: how far. lon, lat:
    degrees, WGS 84. water: True on the open sea, beyond every country.
    """

    lon: float
    lat: float
    country: str = ""
    country_code: str = ""
    region: str = ""
    town: str = ""
    town_km: float | None = None
    water: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known of one tile. Sources of labels fill in their part; the rest is empty.

    label: its class. purity: share of the tile that is of the class, 0 to 1.
    objects: from boxes or masks; looked: they were looked for, so that none means none.
    features: from vectors with tags, those visible at the tile's resolution, the most telling
    first; focus: the first of them is what the tile is about, the rest its surroundings.
    shares: class -> share of the tile's labelled pixels, falling, together 1. labelled: share of
    the tile that has a class, 0 to 1; None: nothing has classes.
    size_px, gsd_m: side in pixels, metres to a pixel. place, acquired, season, sensor: see there.
    shows: what the picture is made of where that is known not to be natural colour: ``radar``,
    ``grey`` (one band), ``false_colour`` or an index (``ndvi``).
    """

    size_px: int
    gsd_m: float | None = None
    label: str = ""
    purity: float | None = None
    objects: tuple[Thing, ...] = ()
    looked: bool = False
    features: tuple[Thing, ...] = ()
    focus: bool = False
    shares: tuple[tuple[str, float], ...] = ()
    labelled: float | None = None
    place: Place | None = None
    acquired: str = ""
    season: str = ""
    sensor: str = ""
    shows: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON without what is empty, and without ``labelled`` where all of the tile is:
        numbers rounded to a hundredth of a pixel."""
        known = {name: _plain(value) for name, value in told(self).items()}
        if known.get("labelled") == 1:
            del known["labelled"]
        return known


def told(record: Facts | Place | Thing) -> dict[str, Any]:
    """The fields of a record that are not empty."""
    every = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value for name, value in every.items() if value not in (None, "", (), False)}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5 if abs(value) <= 1 else 2)
    if isinstance(value, Place | Thing):
        return {name: _plain(one) for name, one in told(value).items()}
    if isinstance(value, tuple):
        if value and all(isinstance(one, tuple) and isinstance(one[0], str) for one in value):
            return {name: _plain(one) for name, one in value}
        return [_plain(one) for one in value]
    return value
