"""Dates, sensors and cloud shares out of the many ways in which files write them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["as_iso", "as_percent", "as_said", "known_sensor"]

FIRST_YEAR = 1840  # none was taken from above before

# as one says it, from how headers, products, platforms and collections spell it
SENSORS = tuple(
    (re.compile(pattern), spoken)
    for pattern, spoken in (
        (r"sentinel[-_ ]?([1-6])(?:[-_ ]?[a-d])?(?:\b|_).*", r"Sentinel-\1"),
        (r"s([1-6])[a-d]", r"Sentinel-\1"),
        (r"landsat[-_ ]?0?([1-9])(?:\b|_).*", r"Landsat \1"),
        (r"hls2?[-_ .]?l30.*", "Landsat"),
        (r"hls2?[-_ .]?s30.*", "Sentinel-2"),
        (r"naip(?:\b|_).*", "NAIP"),
        (r"(?:worldview|wv)[-_ ]?0?([1-4])", r"WorldView-\1"),
        (r"(?:worldview[-_ ]?)?legion.*", "WorldView Legion"),
        (r"(?:geoeye|ge)[-_ ]?0?1", "GeoEye-1"),
        (r"(?:quickbird|qb)[-_ ]?0?2?", "QuickBird"),
        (r"ikonos.*", "IKONOS"),
        (r"(?:pleiades[-_ ]?neo|pneo).*", "Pléiades Neo"),
        (r"(?:pleiades|phr)(?:[-_ ]?1[ab])?", "Pléiades"),
        (r"spot[-_ ]?([1-7])", r"SPOT \1"),
        (r"skysat.*", "SkySat"),
        (r"(?:planetscope|psscene).*", "PlanetScope"),
        (r"rapideye.*", "RapidEye"),
        (r"alos[-_ ]?([24])", r"ALOS-\1"),
        (r"alos", "ALOS"),
        (r"cbers[-_ ]?(4a?)", r"CBERS-\1"),
        (r"goes[-_ ]?(1\d)", r"GOES-\1"),
        (r"radarsat[-_ ]?([12])", r"RADARSAT-\1"),
        (r"(?:terrasar[-_ ]?x|tsx)(?:[-_ ]?1)?", "TerraSAR-X"),
        (r"capella.*", "Capella"),
        (r"umbra.*", "Umbra"),
        (r"iceye.*", "ICEYE"),
        (r"modis(?:\b|_).*|terra|aqua", "MODIS"),
        (r"viirs(?:\b|_).*", "VIIRS"),
        (r"aster(?:\b|_).*", "ASTER"),
    )
)


def as_iso(text: str) -> str:
    """A date, with its time where there is one, in ISO 8601; empty for what is no date.

    Times without a zone are UTC, which is what satellites' metadata is in; one with a zone is
    brought to UTC.
    """
    text = text.strip().strip('"')
    exif = re.fullmatch(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)", text)
    if exif:  # the local time of a camera whose zone is not known: the date alone
        text = f"{exif[1]}-{exif[2]}-{exif[3]}"
    found = re.match(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?", text)
    if found is None:
        return ""
    zone = re.search(r"(Z|[+-]\d\d:?\d\d)$", text[10:])
    try:
        if not found[1]:
            day = datetime.strptime(found[0], "%Y-%m-%d").date()
            return day.isoformat() if day.year >= FIRST_YEAR else ""
        shift = zone[1] if zone and zone[1] != "Z" else "+00:00"
        when = datetime.fromisoformat(found[0].replace(" ", "T") + shift).astimezone(UTC)
    except ValueError:
        return ""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when.year >= FIRST_YEAR else ""


def as_said(sensor: str | None) -> str:
    """A satellite's name as one says it; others stay as they are."""
    text = " ".join((sensor or "").strip().strip('"').split())[:80]
    return known_sensor(text) or text


def known_sensor(text: str) -> str:
    """A satellite's name as one says it, "" for what is none that is known here."""
    for pattern, said in SENSORS:
        found = pattern.fullmatch(text.lower())
        if found:
            return found.expand(said).upper() if "CBERS" in said else found.expand(said)
    return ""


def as_percent(text: Any) -> float | None:
    """0 to 100; None for what is none, as the 999 and -1 that mean not known."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and 0 <= value <= 100 else None
