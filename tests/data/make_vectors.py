"""Small vector files whose every feature is known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import shapely

__all__ = ["geojson", "write_layer"]


def geojson(path: Path, features: list[tuple[Any, dict[str, Any]]], crs: str | None = None) -> Path:
    """(shapely geometry, properties) each, as a GeoJSON file; crs: as in its 2008 form."""
    document: dict[str, Any] = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": None if shape is None else json.loads(shapely.to_geojson(shape)),
            }
            for shape, properties in features
        ],
    }
    if crs:
        document["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(document))
    return path


def write_layer(
    path: Path,
    features: list[tuple[Any, dict[str, str]]],
    *,
    driver: str,
    crs: str | None = "EPSG:4326",
    layer: str | None = None,
    append: bool = False,
) -> Path:
    """The same in any format that OGR writes; every feature has the same properties and kind."""
    fields = list(features[0][1])
    pyogrio.raw.write(
        str(path),
        geometry=shapely.to_wkb(np.array([shape for shape, _ in features], object)),
        field_data=[np.array([each[field] for _, each in features], object) for field in fields],
        fields=fields,
        driver=driver,
        crs=crs,
        layer=layer,
        append=append,
        geometry_type=features[0][0].geom_type,
    )
    return path
