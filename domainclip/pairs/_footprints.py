"""What ``where`` says of each row: its box, the CRS of that, and when it was taken."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from domainclip.errors import BadInput

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = [
    "NO_DAY", "Footprints", "Keys", "RowKeys", "is_geographic", "is_lonlat", "read_footprints",
    "where_of",
]  # fmt: skip

NO_DAY = np.iinfo(np.int32).min
_WORLD = ("EPSG:4326", "OGC:CRS84", "CRS84", "EPSG:4269", "EPSG:4258", "EPSG:4979")


@dataclass(frozen=True, eq=False)
class Footprints:
    """n rows. boxes: (n, 4) [w, s, e, n] in units of their CRS, NaN where a row has none; in
    geographic CRSs e may exceed 180, across the dateline. systems: (n,) number of the CRS in
    ``names``, -1 where there is no box. days: (n,) days since 1970 (UTC), NO_DAY where no date."""

    boxes: np.ndarray
    systems: np.ndarray
    names: tuple[str, ...]
    days: np.ndarray

    @property
    def located(self) -> np.ndarray:
        """(n,) bool: has a box."""
        return self.systems >= 0


class Keys(Protocol):
    """The key of each row; a list will do."""

    def __getitem__(self, row: int, /) -> str: ...


class RowKeys:
    """The keys of pairs, each read with its row group, and only when a message names it."""

    def __init__(self, pairs: Pairs) -> None:
        self._pairs = pairs

    def __getitem__(self, row: int, /) -> str:
        group = self._pairs.groups[self._pairs.groups.holding(row)]
        return str(self._pairs.read_group(group, ["key"]).column("key")[row - group.start])


def where_of(pairs: Pairs) -> Iterator[str]:
    """The ``where`` of all rows, a part at a time: the JSON is large."""
    for table, _ in pairs.read_parts(["where"]):
        yield from table.column("where").to_pylist()


def read_footprints(
    where: Iterable[str | Mapping[str, Any]], keys: Keys | None = None
) -> Footprints:
    """The footprints of rows' ``where``: ``bounds`` [w, s, e, n], ``crs``, ``acquired`` (ISO 8601).

    keys: for messages. Raises BadInput for bounds that are none; a date that is none is absent.
    """
    boxes: list[tuple[float, float, float, float]] = []
    systems: list[int] = []
    days: list[int] = []
    numbers: dict[str, int] = {}
    for row, place in enumerate(where):
        place = json.loads(place or "{}") if isinstance(place, str) else place
        days.append(_day(str(place.get("acquired") or "")))
        bounds = place.get("bounds")
        if bounds is None:
            boxes.append(_NOWHERE)
            systems.append(-1)
            continue
        crs = str(place.get("crs") or "")
        box = _box(bounds, crs)
        if box is None:
            name = repr(keys[row]) if keys is not None else f"row {row}"
            raise BadInput(f"{name}: where.bounds {bounds!r} is not [w, s, e, n].")
        boxes.append(box)
        systems.append(numbers.setdefault(crs, len(numbers)))
    return Footprints(
        boxes=np.array(boxes, dtype=float).reshape(-1, 4),
        systems=np.array(systems, dtype=np.int32),
        names=tuple(numbers),
        days=np.array(days, dtype=np.int32),
    )


@lru_cache(maxsize=256)
def is_geographic(crs: str) -> bool:
    """Degrees, so that the map closes at the dateline."""
    return is_lonlat(crs) or crs.strip().upper().startswith(("GEOGCS", "GEOGCRS", "GEODCRS"))


@lru_cache(maxsize=256)
def is_lonlat(crs: str) -> bool:
    """Longitude and latitude of WGS 84, or of a datum within two metres of it."""
    return re.sub(r"\s", "", crs).upper() in _WORLD


_NOWHERE = (np.nan,) * 4


def _box(bounds: Any, crs: str) -> tuple[float, float, float, float] | None:
    try:
        w, s, e, n = map(float, bounds)
    except (TypeError, ValueError):
        return None
    if e < w and is_geographic(crs):
        e += 360.0  # a box across the dateline
    sound = -np.inf < w <= e < np.inf and -np.inf < s <= n < np.inf
    return (w, s, e, n) if sound else None


@lru_cache(maxsize=4096)
def _day(acquired: str) -> int:
    try:
        time = datetime.fromisoformat(acquired.strip())
    except ValueError:
        return NO_DAY
    if time.tzinfo is not None:
        try:
            time = time.astimezone(UTC)
        except OverflowError:
            return NO_DAY
    return time.date().toordinal() - date(1970, 1, 1).toordinal()
