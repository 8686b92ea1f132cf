"""Dates, sensors and cloud shares out of the many ways in which files write them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

__all__ = ["as_iso", "as_percent", "as_said"]

# satellites as GDAL's readers and products spell them -> as one says it
SENSORS = (
    (r"sentinel[-_ ]?([1-6])[a-d]?$", r"Sentinel-\1"),
    (r"landsat[-_ ]?([1-9])$", r"Landsat \1"),
    (r"(?:wv|worldview)-?_?0?([1-4])$", r"WorldView-\1"),
    (r"(?:ge|geoeye)-?_?0?1$", "GeoEye-1"),
    (r"(?:qb|quickbird)-?_?0?2$", "QuickBird"),
    (r"(?:ph|phr|pleiades)[-_ ]?(1a|1b)$", "Pleiades"),
    (r"spot[-_ ]?([1-7])$", r"SPOT \1"),
    (r"(terra|aqua)$", "MODIS"),
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
            return datetime.strptime(found[0], "%Y-%m-%d").date().isoformat()
        shift = zone[1] if zone and zone[1] != "Z" else "+00:00"
        when = datetime.fromisoformat(found[0].replace(" ", "T") + shift).astimezone(UTC)
    except ValueError:
        return ""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ") if when.year >= 1840 else ""


def as_said(sensor: str | None) -> str:
    """A satellite's name as one says it; others stay as they are."""
    text = " ".join((sensor or "").strip().strip('"').split())[:80]
    for pattern, said in SENSORS:
        found = re.fullmatch(pattern, text, re.IGNORECASE)
        if found:
            return found.expand(said)
    return text


def as_percent(text: Any) -> float | None:
    """0 to 100; None for what is none, as the 999 and -1 that mean not known."""
    try:
        value = float(text)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) and 0 <= value <= 100 else None
