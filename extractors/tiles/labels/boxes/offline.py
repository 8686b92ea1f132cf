"""GeoJSON that would make GDAL ask the network: a CRS given as a link is fetched when it is opened.

(OGRGeoJSONReader follows ``"crs": {"type": "link", ...}`` of GeoJSON 2008, section 3.2; measured
with GDAL 3.12: one request for each opening.)
"""

from __future__ import annotations

import json
import mmap
import re
from pathlib import Path

from domainclip.errors import BadInput

__all__ = ["refuse_remote_crs"]

# the key crs in either case, also with its letters escaped or in the single quotes that GDAL takes
_KEY = re.compile(
    rb"[\"'](?:c|\\u00[46]3)(?:r|\\u00[57]2)(?:s|\\u00[57]3)[\"'](\s*:\s*)?", re.IGNORECASE
)
_LONGEST = 1 << 16  # of a CRS's description


def refuse_remote_crs(path: Path) -> None:
    """Raises BadInput for a file whose CRS is anything else than a name or nothing."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for found in _KEY.finditer(data):
                after = data[found.end() : found.end() + _LONGEST]
                if not _is_harmless(found[1] is not None, after):
                    raise BadInput(
                        f"{path}: its CRS is a link or cannot be made out; write it as a name, "
                        "such as urn:ogc:def:crs:EPSG::32616."
                    )
    except (OSError, ValueError) as error:  # an empty file cannot be mapped
        raise BadInput(f"{path}: the annotations cannot be read ({error}).") from error


def _is_harmless(is_key: bool, after: bytes) -> bool:
    if not is_key:  # a value that reads crs
        return after.lstrip()[:1] in (b",", b"}", b"]")
    try:
        found, _ = json.JSONDecoder().raw_decode(after.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return not isinstance(found, dict) or str(found.get("type", "name")).lower() in ("name", "epsg")
