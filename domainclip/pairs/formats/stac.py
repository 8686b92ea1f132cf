"""A static STAC 1.1 catalogue: a collection of items, one for each tile, with its image beside it.

``collection.json`` -> folders of at most 1,000 items (``00000/catalog.json``) -> ``<key>.json`` and
``<key>.png``. All links are relative, so the folder can be moved or published as it is.

STAC wants a time of every item: ``datetime``, or a start and an end. A date, month or year becomes
the span that it is, with ``datetime`` null. A tile whose time nobody knows cannot be an item, and
none is made up for it: such tiles are left out and counted (GeoParquet takes them).

Specification: https://github.com/radiantearth/stac-spec/tree/v1.1.0, extensions projection 2.0.0
and eo 1.1.0. Written as JSON by hand: pystac would hold the whole catalogue in memory.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from rasterio import CRS

from domainclip.errors import BadInput
from domainclip.pairs._outlines import nothing_placed, placed, sentences
from domainclip.pairs._output import new_directory
from domainclip.pairs.formats._shared import ExportReport, Progress, extension
from domainclip.pairs.reader import Pairs
from domainclip.pairs.schema import Pair
from domainclip.pairs.writer import output_errors

__all__ = ["write"]

LOST = (
    "Hashes and meta are not in it, nor texts beside the first; where is spread over STAC's own "
    "fields.",
    "Quarantined inputs (_errors.parquet) are no items.",
)
FOLDER_ITEMS = 1000
BATCH = 256  # items whose footprints are made at once, held with their images
VERSION = "1.1.0"
_EXTENSIONS = {
    "proj:": "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "eo:": "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
}
_MEDIA = {"jpg": "image/jpeg", "png": "image/png", "tif": "image/tiff", "webp": "image/webp"}
_LICENSE = re.compile(r"[\w.+-]+")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?")


def write(
    pairs: Pairs, out: Path, *, split: str | None = None, progress: Progress | None = None
) -> ExportReport:
    """Write the catalogue into the new directory ``out``; its id is that directory's name.

    Pairs without a place on the Earth or without a time are left out and counted in the report's
    ``lost``. Raises BadInput where that leaves none.
    """
    made = _Made(out.name)
    with new_directory(out) as directory, output_errors(out):
        for number, (pair, shape, times) in enumerate(_placed(pairs, split, made, progress)):
            if number % FOLDER_ITEMS == 0:
                made.close_folder(directory)
            folder = directory / made.folder
            folder.mkdir(exist_ok=True)
            stem = made.stem(folder, pair.key)
            name = f"{stem}.{extension(pair.image)}"
            item = _item(pair, shape, times, stem=stem, image=name, collection=made.id)
            (folder / name).write_bytes(pair.image)
            _write_json(folder / f"{stem}.json", item)
            made.add(pair, shape, item)
        if not made.items:
            if made.timeless:
                raise BadInput(
                    f"{pairs.path}: no pair says when its scene was acquired (where.acquired), and "
                    "STAC needs that of an item; state it when extracting, or export with -f "
                    "geoparquet, which does not need it."
                )
            raise BadInput(nothing_placed(pairs.path, made.left_out))
        made.close_folder(directory)
        _write_json(directory / "collection.json", made.collection())
    lost = [*LOST, *sentences(made.left_out)]
    if made.timeless:
        lost.append(
            f"{made.timeless:,} pairs have no time of acquisition, which STAC needs of an item, "
            "and were left out; -f geoparquet holds them."
        )
    return ExportReport("stac", out, made.items, 2 * made.items + len(made.folders) + 1, (*lost,))


@dataclass(slots=True)
class _Made:
    """What is known of the collection so far; its size grows by the folder, not by the item."""

    id: str
    items: int = 0
    timeless: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    folders: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)  # of the open folder
    box: list[float] = field(default_factory=list)
    first: str = ""
    last: str = ""
    licenses: set[str] = field(default_factory=set)
    extensions: set[str] = field(default_factory=set)

    @property
    def folder(self) -> str:
        return f"{len(self.folders):05d}"

    def stem(self, folder: Path, key: str) -> str:
        """A key as file name and id: characters that mean the same in a URL and a path, since some
        readers of links decode percent signs and others do not."""
        stem = _UNSAFE.sub("-", key)[:150].strip(".-")
        if stem != key:
            stem = f"{stem}-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:8]}"
        # of two that differ in case only, on a file system that ignores it
        taken = stem == "catalog" or (folder / f"{stem}.json").exists()
        return f"{stem}~{self.items}" if taken else stem

    def add(self, pair: Pair, shape: Any, item: Mapping[str, Any]) -> None:
        self.items += 1
        self.links.append(f"./{item['id']}.json")
        low, high = np.array(shape.bounds).reshape(2, 2).tolist()
        if self.box:
            low = np.minimum(self.box[:2], low).tolist()
            high = np.maximum(self.box[2:], high).tolist()
        self.box = [*low, *high]
        times = item["properties"]
        start = times["datetime"] or times["start_datetime"]
        end = times["datetime"] or times["end_datetime"]
        # without the Z, which a fraction of a second would sort before
        self.first = min(self.first or start, start, key=lambda time: time.rstrip("Z"))
        self.last = max(self.last, end, key=lambda time: time.rstrip("Z"))
        if len(self.licenses) < 2:
            self.licenses.add(pair.license)

    def close_folder(self, directory: Path) -> None:
        if not self.links:
            return
        links = [
            {"rel": "root", "href": "../collection.json", "type": "application/json"},
            {"rel": "parent", "href": "../collection.json", "type": "application/json"},
            *({"rel": "item", "href": href, "type": "application/geo+json"} for href in self.links),
        ]
        catalog = {
            "type": "Catalog",
            "stac_version": VERSION,
            "id": f"{self.id}-{self.folder}",
            "description": f"{len(self.links):,} tiles of {self.id}.",
            "links": links,
        }
        _write_json(directory / self.folder / "catalog.json", catalog)
        self.folders.append(self.folder)
        self.links = []

    def collection(self) -> dict[str, Any]:
        children = [
            {"rel": "child", "href": f"./{folder}/catalog.json", "type": "application/json"}
            for folder in self.folders
        ]
        only = self.licenses.pop() if len(self.licenses) == 1 else ""
        return {
            "type": "Collection",
            "stac_version": VERSION,
            "id": self.id,
            "description": f"{self.items:,} tiles with text, made by domainclip.",
            "license": only if _LICENSE.fullmatch(only) else "other",
            "extent": {
                "spatial": {"bbox": [self.box]},
                "temporal": {"interval": [[self.first, self.last]]},
            },
            "links": [
                {"rel": "root", "href": "./collection.json", "type": "application/json"},
                *children,
            ],
        }


def _placed(
    pairs: Pairs, split: str | None, made: _Made, progress: Progress | None
) -> Iterator[tuple[Pair, Any, dict[str, str | None]]]:
    """(pair, footprint, time properties) of those that have both."""
    rows = pairs.rows(split=split)
    seen = 0
    while batch := list(islice(rows, BATCH)):
        for pair, shape in zip(*placed(batch, made.left_out), strict=True):
            times = _times(pair.where.get("acquired"))
            if times is None:
                made.timeless += 1
            else:
                yield pair, shape, times
        seen += len(batch)
        if progress is not None:
            progress(seen, len(pairs))


def _times(acquired: Any) -> dict[str, str | None] | None:
    """STAC's time properties of an ISO 8601 text, or None where it says no time.

    A moment without a zone is taken for UTC, as its scenes' own metadata mean it.
    """
    if not isinstance(acquired, str):
        return None
    try:
        date = _DATE.fullmatch(acquired)
        if date is None:
            moment = datetime.fromisoformat(acquired)
            zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return {"datetime": _rfc3339(zoned)}
        year, month, day = (int(part) if part else None for part in date.groups())
        assert year is not None
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        days = calendar.monthrange(year, start.month)[1] if month else 365 + calendar.isleap(year)
        end = start + timedelta(days=1 if day else days) - timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    return {"datetime": None, "start_datetime": _rfc3339(start), "end_datetime": _rfc3339(end)}


def _rfc3339(moment: datetime) -> str:
    # isoformat, since strftime pads no year
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _item(
    pair: Pair, shape: Any, times: Mapping[str, Any], *, stem: str, image: str, collection: str
) -> dict[str, Any]:
    where = pair.where
    properties: dict[str, Any] = {**times, **_projection(pair)}
    if pair.text:
        properties["description"] = pair.text
    if pair.license:
        properties["license"] = pair.license if _LICENSE.fullmatch(pair.license) else "other"
    for name, key in (("gsd", "gsd_m"), ("eo:cloud_cover", "cloud_percent")):
        value = where.get(key)
        if isinstance(value, int | float) and (value > 0 if name == "gsd" else 0 <= value <= 100):
            properties[name] = value
    own = {
        "key": pair.key,
        "labels": list(pair.labels),
        "split": pair.split,
        "group": pair.group,
        "scene": where.get("scene"),
        "sensor": where.get("sensor"),
        "window": where.get("window"),
        "source": pair.source,
        "license": pair.license,
    }
    properties |= {f"domainclip:{name}": value for name, value in own.items() if value}
    kind = _MEDIA.get(extension(pair.image), "application/octet-stream")
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": [
            schema
            for prefix, schema in _EXTENSIONS.items()
            if any(name.startswith(prefix) for name in properties)
        ],
        "id": stem,
        "collection": collection,
        "geometry": shapely.geometry.mapping(shape),
        "bbox": _bbox(shape),
        "properties": properties,
        "links": [
            {"rel": "root", "href": "../collection.json", "type": "application/json"},
            {"rel": "collection", "href": "../collection.json", "type": "application/json"},
            {"rel": "parent", "href": "./catalog.json", "type": "application/json"},
        ],
        "assets": {"image": {"href": f"./{image}", "type": kind, "roles": ["data"]}},
    }


def _projection(pair: Pair) -> dict[str, Any]:
    """The projection extension's fields: of the image's own pixels."""
    where, name = pair.where, pair.where["crs"]
    found: dict[str, Any] = {}
    if re.fullmatch(r"[A-Z]+:\w+", name):
        found["proj:code"] = name
    else:
        found |= {"proj:code": None, "proj:wkt2": CRS.from_user_input(name).to_wkt(version="WKT2")}
    found |= {"proj:bbox": list(where["bounds"]), "proj:shape": [pair.height, pair.width]}
    transform = where.get("transform")
    if isinstance(transform, list) and len(transform) == 6:
        found["proj:transform"] = transform
    return found


def _bbox(shape: Any) -> list[float]:
    """[west, south, east, north]; west above east where the antimeridian is crossed (RFC 7946,
    5.2)."""
    west, south, east, north = shape.bounds
    if shape.geom_type == "MultiPolygon" and west == -180 and east == 180:
        sides = [part.bounds for part in shapely.get_parts(shape)]
        west = min((side[0] for side in sides if side[2] == 180), default=west)
        east = max((side[2] for side in sides if side[0] == -180), default=east)
    return [west, south, east, north]


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
