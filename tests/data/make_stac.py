"""STAC items, collections and catalogues around small GeoTIFFs, as providers publish them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.transform import from_origin

EO = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
SENTINEL_2 = {"blue": 10, "green": 10, "red": 10, "nir": 10, "rededge1": 20, "swir16": 20}


def write_band(path: Path, number: int, *, side_m: float = 10, count: int = 1, px: int = 64,
               **profile: Any) -> Path:  # fmt: skip
    """A GeoTIFF over 64 x 64 pixels of 10 m, whatever its own pixels; values from ``number``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = int(px * 10 / side_m)
    values = np.random.default_rng(number).integers(1, 3000, (count, size, size), dtype=np.uint16)
    options = {
        "driver": "GTiff", "dtype": "uint16", "count": count, "width": size, "height": size,
        "crs": "EPSG:32618", "transform": from_origin(500_000, 4_000_000, side_m, side_m),
        "nodata": 0, "tiled": True, "blockxsize": 16, "blockysize": 16,
    } | profile  # fmt: skip
    with rasterio.open(path, "w", **options) as dataset:
        dataset.write(values.astype(options["dtype"]))
    return path


def item(name: str, assets: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The JSON of an item; ``properties`` in changes are added to the usual ones."""
    properties = {
        "datetime": "2019-07-14T10:32:11.024Z", "platform": "sentinel-2b",
        "constellation": "sentinel-2", "instruments": ["msi"], "eo:cloud_cover": 12.5, "gsd": 10,
        "proj:code": "EPSG:32618",
    } | changes.pop("properties", {})  # fmt: skip
    return {
        "type": "Feature", "stac_version": "1.0.0", "stac_extensions": [EO], "id": name,
        "geometry": None, "properties": properties, "links": [], "assets": assets,
    } | changes  # fmt: skip


def sentinel_assets(folder: Path, base: str = ".") -> dict[str, Any]:
    """The assets of a Sentinel-2 item as Earth Search has them, with their files written."""
    assets: dict[str, Any] = {}
    for number, (name, side_m) in enumerate(SENTINEL_2.items()):
        write_band(folder / f"{name}.tif", number, side_m=side_m)
        common = "rededge" if name.startswith("rededge") else name
        assets[name] = {
            "href": f"{base}/{name}.tif", "roles": ["data", "reflectance"],
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "eo:bands": [{"name": f"B{number:02d}", "common_name": common}],
            "raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": -0.1,
                              "spatial_resolution": side_m}],
        }  # fmt: skip
    write_band(folder / "scl.tif", 90, side_m=20, dtype="uint8")
    write_band(folder / "visual.tif", 91, count=3, dtype="uint8")
    tiff = "image/tiff; application=geotiff"
    return assets | {
        "scl": {"href": f"{base}/scl.tif", "type": tiff, "roles": ["data", "reflectance"]},
        "visual": {
            "href": f"{base}/visual.tif", "type": tiff, "roles": ["visual"],
            "eo:bands": [{"name": n, "common_name": n} for n in ("red", "green", "blue")],
        },
        "thumbnail": {"href": f"{base}/t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        "granule_metadata": {"href": f"{base}/m.xml", "type": "application/xml",
                             "roles": ["metadata"]},
    }  # fmt: skip


def write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def catalog(name: str, links: list[tuple[str, str]], **changes: Any) -> dict[str, Any]:
    """A catalogue with (rel, href) links; a collection where ``changes`` give it an extent."""
    return {
        "type": "Collection" if "extent" in changes else "Catalog", "stac_version": "1.0.0",
        "id": name, "description": name, "links": [{"rel": r, "href": h} for r, h in links],
    } | changes  # fmt: skip


def sentinel_catalog(folder: Path, items: int = 3) -> Path:
    """A catalogue of a collection of items, each in a folder of its own with its assets."""
    names = [f"S2B_{number}" for number in range(items)]
    for name in names:
        assets = sentinel_assets(folder / "s2" / name)
        value = item(name, assets, collection="s2",
                     links=[{"rel": "collection", "href": "../collection.json"}])  # fmt: skip
        write_json(folder / "s2" / name / f"{name}.json", value)
    links = [("item", f"./{name}/{name}.json") for name in names]
    extent = {"spatial": {"bbox": [[-75, 36, -74, 37]]}, "temporal": {"interval": [[None, None]]}}
    collection = catalog("s2", [("root", "../catalog.json"), *links], extent=extent,
                         license="CC-BY-4.0")  # fmt: skip
    write_json(folder / "s2" / "collection.json", collection)
    return write_json(
        folder / "catalog.json",
        catalog("root", [("self", "./catalog.json"), ("child", "./s2/collection.json")]),
    )
