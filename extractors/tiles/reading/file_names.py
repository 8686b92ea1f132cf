"""Facts in the names that providers give their files: documented patterns alone."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime
from pathlib import PurePosixPath

from ..records import SceneFacts
from .remote import without_secrets

__all__ = ["facts_of_name"]

DEPTH = 6  # names of a path that are looked at, from the file upwards (a .SAFE is four above)

_LANDSAT = r"L[COTEM]0(?P<n>[1-9])_L[12]\w{2}_\d{6}_(?P<t>\d{8})_\d{8}_\d\d_(?:T1|T2|RT)"
# pattern, format of t, sensor. Sources: the product specifications of ESA, USGS, NASA, Planet,
# USDA and NOAA.
PATTERNS = [
    # not within a longer word
    (re.compile(rf"(?<![A-Za-z0-9]){pattern}", re.IGNORECASE), kind, sensor)
    for pattern, kind, sensor in (
        # Sentinel-2 products, their granules and band files, and the COGs on Amazon
        (r"S2[A-D]_MSIL(?:1C|2A)_(?P<t>\d{8}T\d{6})_", "%Y%m%dT%H%M%S", "Sentinel-2"),
        (r"T\d\d[A-Z]{3}_(?P<t>\d{8}T\d{6})_(?:B\d[\dA]|TCI|SCL|AOT|WVP)", "%Y%m%dT%H%M%S",
         "Sentinel-2"),
        (r"S2[A-D]_(?:T?\d{1,2}[C-X][A-Z]{2})_(?P<t>\d{8})_\d+_L(?:1C|2A)", "%Y%m%d",
         "Sentinel-2"),
        (r"S1[A-D]_(?:IW|EW|SM|WV|S\d)_(?:SLC|GRD|RAW|OCN).{1,9}_(?P<t>\d{8}T\d{6})_\d{8}T",
         "%Y%m%dT%H%M%S", "Sentinel-1"),
        (r"S1[A-D]-(?:IW|EW|SM|WV|S)\d?-(?:SLC|GRD|OCN)-[HV]{2}-(?P<t>\d{8}T\d{6})-\d{8}T",
         "%Y%m%dT%H%M%S", "Sentinel-1"),
        (r"S3[A-D]_(?:OL|SL)_\d_\w{6}_(?P<t>\d{8}T\d{6})_", "%Y%m%dT%H%M%S", "Sentinel-3"),
        (_LANDSAT, "%Y%m%d", "Landsat {n}"),
        (r"L[COTEM](?P<n>[1-9])\d{6}(?P<t>\d{7})[A-Z]{3}\d\d", "%Y%j", "Landsat {n}"),
        (r"HLS\.S30\.T\d\d[A-Z]{3}\.(?P<t>\d{7}T\d{6})\.v", "%Y%jT%H%M%S", "Sentinel-2"),
        (r"HLS\.L30\.T\d\d[A-Z]{3}\.(?P<t>\d{7}T\d{6})\.v", "%Y%jT%H%M%S", "Landsat"),
        (r"M[OYC]D\w{2,6}\.A(?P<t>\d{7})\.h\d\dv\d\d\.", "%Y%j", "MODIS"),
        (r"V(?:NP|J1)\w{2,6}\.A(?P<t>\d{7})\.h\d\dv\d\d\.", "%Y%j", "VIIRS"),
        (r"AST_L1[ABT]_\d{3}(?P<t>\d{14})_", "%m%d%Y%H%M%S", "ASTER"),
        (r"OR_ABI-L\w+-\w+-M\d\w*_G(?P<n>\d\d)_s(?P<t>\d{13})\d_", "%Y%j%H%M%S", "GOES-{n}"),
        (r"m_\d{7}_(?:ne|nw|se|sw)_\d{1,2}_(?P<gsd>\d{1,3}|h)_(?P<t>\d{8})(?:_\d{8})?(?=\.|$)",
         "%Y%m%d", "NAIP"),
        (r"(?P<t>\d{8}_\d{6})_ssc?\d+(?:d\d)?_", "%Y%m%d_%H%M%S", "SkySat"),
        (r"(?P<t>\d{8}_\d{6})(?:_\d\d)?_[0-9a-f]{4}_(?:1B|3A|3B)", "%Y%m%d_%H%M%S",
         "PlanetScope"),
        # Maxar's images: the sensor is not in the name
        (r"(?P<t>\d\d[A-Z]{3}\d{8})-[MPS]\d[A-Z]{2}", "%y%b%d%H%M%S", ""),
    )
]  # fmt: skip
_NAIP_GSD = {"1": 1.0, "h": 0.5, "100": 1.0, "060": 0.6, "030": 0.3, "0": None}


def facts_of_name(path: str) -> SceneFacts:
    """What the name of a file, or else that of a folder above it, says."""
    plain = without_secrets(path).replace("\\", "/") if not path.startswith("<") else ""
    for name in list(reversed(PurePosixPath(plain).parts))[:DEPTH]:
        for pattern, kind, sensor in PATTERNS:
            found = pattern.search(name)
            when = _date(found["t"], kind) if found else ""
            if found and when:
                parts = found.groupdict()
                number = (parts.get("n") or "").lstrip("0")
                gsd = _NAIP_GSD.get((parts.get("gsd") or "").lower())
                return SceneFacts(acquired=when, sensor=sensor.format(n=number), gsd_m=gsd)
    return SceneFacts()


def _date(text: str, kind: str) -> str:
    with suppress(ValueError):
        when = datetime.strptime(text.upper(), kind)
        if 1972 <= when.year <= 2100:
            return when.strftime("%Y-%m-%dT%H:%M:%SZ" if "%H" in kind else "%Y-%m-%d")
    return ""
