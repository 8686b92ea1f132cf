"""The season of a day and place: meteorological seasons, whole months, turned in the south."""

from __future__ import annotations

import re
from datetime import datetime

__all__ = ["season_of"]

TROPIC = 23.44  # degrees: the obliquity of the ecliptic, where the tropics end

_NORTH = ("winter", "spring", "summer", "autumn")


def season_of(acquired: str, lat: float) -> str:
    """``spring``, ``summer``, ``autumn`` or ``winter`` at a date (ISO 8601, at least year and
    month) and latitude; December to February is winter in the north and summer in the south (WMO).

    "" within the tropics (|lat| < 23.44), where the year has rains and no such seasons, and where
    the date is not one or the latitude not known: absent is absent.
    """
    month = _month_of(acquired)
    if month is None or not TROPIC <= abs(lat) <= 90:
        return ""
    return _NORTH[(month % 12 // 3 + (2 if lat < 0 else 0)) % 4]


def _month_of(acquired: str) -> int | None:
    try:
        return datetime.fromisoformat(acquired.strip()).month
    except ValueError:
        found = re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", acquired.strip(), re.ASCII)
        return int(found[1]) if found else None
