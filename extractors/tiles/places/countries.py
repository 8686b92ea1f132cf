"""The country of a point, by the polygons of time zones.

No package of country borders on PyPI is small, kept up and free to use. Time zones are: the
polygons of timezone-boundary-builder (OpenStreetMap, ODbL 1.0) come in the wheel tzfpy, true to
112 m, with the territorial sea of 12 nautical miles, and every zone of the tz database's zone.tab
(wheel tzdata, public domain) belongs to one country. Where they say less than a map of countries:

- northern Vietnam keeps Bangkok's time and is told from Thailand by its longitude and latitude;
- zones of several countries overlap in contested places (the West Bank, South Ossetia): no country;
- Kosovo keeps Belgrade's time: lookup.py gives no country where its towns are nearest;
- Crimea is Ukraine's, Western Sahara's zone its own (EH), the Golan Heights are Israel's and
  Kashmir is divided along the line of control, as OpenStreetMap maps who rules there;
- south of 60° S everything is Antarctica (AQ), as ISO 3166 has it, the sea there included.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from types import ModuleType

import numpy as np

from domainclip.errors import MissingExtra

__all__ = ["country_codes", "country_names", "country_of_zones"]

EXTRA = "places"
_ANTARCTIC = -60.0

# iso3166.tab has short names for menus; in a sentence these are called
_CALLED = {
    "AS": "American Samoa",
    "BL": "Saint Barthélemy",
    "BQ": "Caribbean Netherlands",
    "CC": "Cocos Islands",
    "CD": "Democratic Republic of the Congo",
    "CF": "Central African Republic",
    "CG": "Republic of the Congo",
    "CI": "Ivory Coast",
    "CZ": "Czechia",
    "GB": "United Kingdom",
    "KP": "North Korea",
    "KR": "South Korea",
    "MF": "Saint Martin",
    "MM": "Myanmar",
    "PN": "Pitcairn Islands",
    "ST": "São Tomé and Príncipe",
    "SX": "Sint Maarten",
    "SZ": "Eswatini",
    "TC": "Turks and Caicos Islands",
    "TF": "French Southern Territories",
    "UM": "United States Minor Outlying Islands",
    "VC": "Saint Vincent and the Grenadines",
    "VG": "British Virgin Islands",
    "VI": "United States Virgin Islands",
    "WS": "Samoa",
}


def country_codes(lons: np.ndarray, lats: np.ndarray) -> tuple[list[str], list[bool]]:
    """(n,) degrees, lons from -180 to 180 -> n codes (ISO 3166-1 alpha-2, "" for none or contested)
    and n bools: the open sea. Raises MissingExtra without the extra ``places``."""
    zones = _finder()
    of_zone = country_of_zones()
    codes: list[str] = []
    water: list[bool] = []
    for lon, lat in zip(lons.tolist(), lats.tolist(), strict=True):
        if lat < _ANTARCTIC:
            codes.append("AQ")
            water.append(False)
            continue
        found = zones.get_tzs(lon, lat)
        held = {_told_apart(of_zone[zone], zone, lon, lat) for zone in found if zone in of_zone}
        codes.append(held.pop() if len(held) == 1 else "")
        # the zones of the sea, Etc/GMT+5, belong to no country
        water.append(bool(found) and not any(zone in of_zone for zone in found))
    return codes, water


@lru_cache(maxsize=1)
def country_names() -> dict[str, str]:
    """Code -> its English name as one says it: ``CI`` -> ``Ivory Coast``."""
    names = dict(line.split("\t")[:2] for line in _table("iso3166.tab"))
    names = {
        code: name.replace("&", "and").replace("St ", "Saint ") for code, name in names.items()
    }
    return names | _CALLED


@lru_cache(maxsize=1)
def country_of_zones() -> dict[str, str]:
    """Time zone -> the code of its country: ``Europe/Rome`` -> ``IT``."""
    rows = (line.split("\t") for line in _table("zone.tab"))
    return {zone: code for code, _, zone, *_ in rows}


def _told_apart(code: str, zone: str, lon: float, lat: float) -> str:
    if zone == "Asia/Bangkok" and ((lon > 102 and lat > 18.6) or (lon > 105 and lat > 16.5)):
        return "VN"  # Thailand has no land or sea there
    return code


def _table(name: str) -> list[str]:
    try:
        text = (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise MissingExtra(EXTRA, "tzdata") from error
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _finder() -> ModuleType:
    try:
        import tzfpy
    except ImportError as error:
        raise MissingExtra(EXTRA, "tzfpy") from error
    return tzfpy
