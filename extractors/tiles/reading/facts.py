"""What a file says of the whole scene: when it was taken, by what, under how many clouds.

In this order: what is known beforehand, the metadata in the file, the metadata file beside it, the
names of the file and its folders. A date that software wrote (TIFF's DateTime, the processing date
in a name) is no date of acquisition and is not taken for one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..records import SceneFacts
from .file_names import facts_of_name
from .remote import environment, is_remote
from .side_files import facts_beside
from .spelling import as_iso, as_percent, as_said

__all__ = ["facts_of", "merged"]

# attributes of NetCDF and HDF files by the Climate and Forecast and ACDD conventions
STARTS = ("time_coverage_start", "start_time", "sensing_start_time", "acquisition_date")
PLATFORMS = ("platform", "platform_ID", "satellite", "instrument", "sensor")


def facts_of(path: str, dataset: Any, known: SceneFacts) -> SceneFacts:
    """What is known of a scene that GDAL opened from ``path``."""
    with environment(path):
        found = merged(known, _of_file(dataset))
    if not is_remote(path):
        found = merged(found, facts_beside(path))
    return merged(found, facts_of_name(path))


def merged(first: SceneFacts, second: SceneFacts) -> SceneFacts:
    """The first, completed by the second."""
    missing = {
        name: getattr(second, name)
        for name in SceneFacts.__dataclass_fields__
        if getattr(first, name) in (None, "", ())
    }
    return replace(first, **missing)


def _of_file(dataset: Any) -> SceneFacts:
    general = dataset.tags()
    imagery = dataset.tags(ns="IMAGERY")  # filled by GDAL's readers of products' metadata
    netcdf = {
        name.rpartition("#")[2]: value
        for name, value in general.items()
        if name.startswith("NC_GLOBAL#")
    }
    acquired = (
        imagery.get("ACQUISITIONDATETIME")
        or general.get("PRODUCT_START_TIME")  # Sentinel-2's driver
        or next((netcdf[name] for name in STARTS if netcdf.get(name)), "")
        or general.get("EXIF_DateTimeOriginal")  # of cameras on aircraft
        or ""
    )
    sensor = imagery.get("SATELLITEID") or general.get("DATATAKE_1_SPACECRAFT_NAME")
    if not sensor:
        sensor = next((netcdf[name] for name in PLATFORMS if netcdf.get(name)), "")
    cloud = imagery.get("CLOUDCOVER") or general.get("CLOUD_COVERAGE_ASSESSMENT") or ""
    names = [text.strip() if text else "" for text in dataset.descriptions]
    return SceneFacts(
        acquired=as_iso(acquired),
        sensor=as_said(sensor),
        cloud_percent=as_percent(cloud),
        bands=tuple(names) if any(names) else (),
        license=netcdf.get("license", "").strip()[:200],
    )
