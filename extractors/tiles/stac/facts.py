"""What a STAC item knows of its scene: time, sensor, cloud, resolution, licence.

Common metadata and the extensions eo, sar and view of STAC 1.0 and 1.1:
https://github.com/radiantearth/stac-spec/blob/v1.1.0/commons/common-metadata.md
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..reading.spelling import known_sensor
from ..records import SceneFacts

__all__ = ["band_entries", "facts_of", "number"]

ALIKE = 1.5  # at most, of a resolution and the pixels it is sampled with
LONGEST = timedelta(days=31)
_PRINTABLE = re.compile(r"[^\x00-\x1f\x7f]{1,40}")


def facts_of(
    item_id: str,
    properties: Mapping[str, Any],
    *,
    collection: str = "",
    license: str = "",
    bands: Sequence[str] = (),
    assets: Iterable[Mapping[str, Any]] = (),
    pixel_m: float | None = None,
) -> SceneFacts:
    """The facts in an item's properties and in the fields of the assets that are used.

    license: its collection's, where the item states none. pixel_m: side of a pixel of these assets;
    an item's gsd is that of its finest bands and says nothing of coarser ones. A value of another
    type, or one that cannot be (200 % cloud), counts as not stated.
    """
    cloud = number(properties.get("eo:cloud_cover"))
    stated = [_gsd(asset) for asset in assets]
    gsd = number(properties.get("gsd")) or 0.0
    if stated and all(stated):
        gsd = Counter(sorted(stated)).most_common(1)[0][0]  # thermal bands among them are coarser
    elif pixel_m and not 1 / ALIKE < gsd / pixel_m < ALIKE:
        gsd = 0.0
    return SceneFacts(
        acquired=_acquired(properties),
        sensor=_sensor(properties, collection),
        cloud_percent=cloud if cloud is not None and 0 <= cloud <= 100 else None,
        gsd_m=gsd if gsd > 0 else None,
        bands=tuple(bands),
        license=_license(properties.get("license")) or _license(license),
        item=item_id,
    )


def band_entries(asset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What an asset says of its bands, one mapping each without prefixes of extensions.

    STAC 1.1 has ``bands``, 1.0 ``eo:bands`` and ``raster:bands`` beside each other. ``spectral``
    is set where an entry states a colour or wavelength, or stands in eo:bands.
    """
    lists = [asset.get(name) for name in ("bands", "eo:bands", "raster:bands")]
    plain = [
        [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []
        for found in lists
    ]
    entries: list[Mapping[str, Any]] = []
    for at in range(max(map(len, plain))):
        entry: dict[str, Any] = {}
        for found in reversed(plain):
            for name, value in found[at].items() if at < len(found) else ():
                entry[str(name).rpartition(":")[2]] = value
        entry["spectral"] = at < len(plain[1]) or any(
            name in entry for name in ("common_name", "center_wavelength")
        )
        entries.append(entry)
    return entries


def number(value: Any) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 else None


def _acquired(properties: Mapping[str, Any]) -> str:
    """``2019-07-14T10:32:11Z``: the start of the acquisition, in UTC, in whole seconds.

    Nothing for a composite of more than a month: its start says neither season nor day.
    """
    start, end, nominal = (
        _moment(properties.get(name)) for name in ("start_datetime", "end_datetime", "datetime")
    )
    if start and end and end - start > LONGEST:
        return ""
    moment = start or nominal
    return moment.isoformat().replace("+00:00", "Z") if moment else ""


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is None:
            return None
        zoned = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # STAC's times are UTC
        return zoned.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def _sensor(properties: Mapping[str, Any], collection: str) -> str:
    instruments = properties.get("instruments")
    words = [properties.get(name) for name in ("platform", "constellation", "mission")]
    words += instruments if isinstance(instruments, list) else []
    texts = [word.strip() for word in [*words, collection] if isinstance(word, str)]
    for text in texts:
        if known_sensor(text):
            return known_sensor(text)
    for word in (properties.get("constellation"), properties.get("platform")):
        if isinstance(word, str) and _PRINTABLE.fullmatch(word):
            return word
    return ""


def _license(value: Any) -> str:
    """What STAC calls other or various is no licence but where to look for one."""
    if not isinstance(value, str) or not _PRINTABLE.fullmatch(value):
        return ""
    return "" if value.lower() in ("other", "various") else value


def _gsd(asset: Mapping[str, Any]) -> float:
    """In metres, or 0: the raster extension's spatial_resolution is in metres too."""
    for entry in (asset, *band_entries(asset)):
        for name in ("gsd", "raster:spatial_resolution", "spatial_resolution"):
            if (found := number(entry.get(name))) is not None:
                return found
    return 0.0
