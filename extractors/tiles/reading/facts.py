"""What a file says of the whole scene: when it was taken, by what, under how many clouds.

In this order: what is known beforehand, the metadata in the file, the metadata file beside it, the
names of the file and its folders. A date that software wrote (the processing date in a name, or
TIFF's DateTime, "date and time of image creation" in TIFF 6.0, section 8) is no date of acquisition
and is not taken for one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..records import SceneFacts
from .coordinates import times_of_bands
from .file_names import facts_of_name
from .remote import environment, is_remote
from .side_files import facts_beside
from .spelling import as_iso, as_percent, as_said

__all__ = ["facts_of", "merged"]

# attributes of NetCDF and HDF files by the Climate and Forecast and ACDD conventions
STARTS = ("time_coverage_start", "start_time", "sensing_start_time", "acquisition_date")
# of GDAL's readers of Sentinel-1 and -2, TerraSAR-X, RADARSAT-2, of HLS and of NITF
SENSED = ("PRODUCT_START_TIME", "SENSING_TIME", "ACQUISITION_START_TIME", "NITF_IDATIM")
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
    times = times_of_bands(dataset)
    said = [
        imagery.get("ACQUISITIONDATETIME"),
        *(general.get(name) for name in SENSED),
        dataset.tags(ns="ENVI").get("acquisition_time"),
        *(netcdf.get(name) for name in STARTS),
        times[0] if len(set(times)) == 1 else "",
        # of cameras on aircraft; GDAL has it in a domain of its own for TIFF
        general.get("EXIF_DateTimeOriginal"),
        dataset.tags(ns="EXIF").get("EXIF_DateTimeOriginal"),
    ]
    sensor = imagery.get("SATELLITEID") or general.get("DATATAKE_1_SPACECRAFT_NAME")
    if not sensor:
        sensor = next((netcdf[name] for name in PLATFORMS if netcdf.get(name)), "")
    cloud = imagery.get("CLOUDCOVER") or general.get("CLOUD_COVERAGE_ASSESSMENT") or ""
    names = [text.strip() if text else "" for text in dataset.descriptions]
    if not any(names) and all(times) and len(set(times)) == len(times):
        names = list(times)  # so that one can be asked for by its date
    return SceneFacts(
        acquired=next(filter(None, (_as_iso(text or "") for text in said)), ""),
        sensor=as_said(sensor),
        cloud_percent=as_percent(cloud),
        bands=tuple(names) if any(names) else (),
        license=netcdf.get("license", "").strip()[:200],
    )


def _as_iso(text: str) -> str:
    """Also of NITF's CCYYMMDDhhmmss, MIL-STD-2500C; parts that are not known are hyphens."""
    if found := re.fullmatch(r"((?:19|20)\d\d)(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)|[-\d]{6})", text):
        year, month, day, *time = found.groups()
        text = f"{year}-{month}-{day}" + (f"T{':'.join(time)}Z" if time[0] else "")
    return as_iso(text)
