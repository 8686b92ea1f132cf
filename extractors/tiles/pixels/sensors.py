"""Which band is which: by the names in a file, and by what sensors call theirs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from domainclip.errors import UsageError, nearest

from ..reading.spelling import known_sensor

__all__ = ["COMMON", "Sensor", "band_names", "check_sensor", "key_of", "sensor_of", "why_no_names"]

# Names of the STAC Electro-Optical Extension, and what else they are called.
COMMON = {
    "coastal": ("coastalaerosol", "coastalblue", "deepblue", "ultrablue"),
    "blue": ("b",),
    "green": ("g",),
    "green05": ("greeni",),
    "yellow": ("y",),
    "red": ("r",),
    "rededge071": ("rededge", "rededge1", "vegetationrededge", "vegetationrededge1", "re1", "re"),
    "rededge075": ("rededge2", "vegetationrededge2", "re2"),
    "rededge078": ("rededge3", "vegetationrededge3", "re3"),
    "nir": ("nearinfrared", "nir1", "n", "infrared", "ir", "nearir", "nearinfraredreflectance"),
    "nir08": ("nirnarrow", "narrownir", "nir8", "nearinfrared2"),
    "nir09": ("nir2", "watervapour", "watervapor", "nir9"),
    "cirrus": (),
    "swir16": ("swir1", "shortwaveinfrared1", "swir16um"),
    "swir22": ("swir2", "shortwaveinfrared2", "swir22um"),
    "lwir": ("thermal", "tir"),
    "lwir11": ("thermalinfrared1", "tirs1"),
    "lwir12": ("thermalinfrared2", "tirs2"),
    "pan": ("panchromatic",),
    "vv": (),
    "vh": (),
    "hh": (),
    "hv": (),
}
_COMMON_OF = {each: name for name, others in COMMON.items() for each in (name, *others)}
# "B4, central wavelength 665 nm", "Band 4 (Red)", "B04 - red", "SR_B4"
_PARTS = re.compile(r"[,;()\[\]:|]|\s-\s|\s+band\b")
_NUMBERED = re.compile(r"^(?:[st][rt]|toa|boa|reflectance)?(?:band|b)0*(\d+a?)$")
_PADDED = re.compile(r"\bB(?:0\d|8A)\b")
# Of those that are counted, the last that flies; of others none of its number is known to be wrong.
_LAST = {"Landsat": 9, "Sentinel": 6, "WorldView": 4}
_COUNTED = re.compile(rf"({'|'.join(_LAST).lower()})[-_ ]*(\d+)")


@dataclass(frozen=True)
class Sensor:
    """name: as in sensors.yaml. bands: key of a band -> its common name, or "".
    layouts: number of bands -> keys in their order."""

    name: str
    bands: Mapping[str, str]
    layouts: Mapping[int, tuple[str, ...]]


def key_of(name: str) -> str:
    """A spelling that all spellings of a band share: ``B04``, ``Band 4`` and ``SR_B4`` are b4."""
    plain = re.sub(r"[^a-z0-9+]", "", name.lower())
    numbered = _NUMBERED.match(plain)
    return f"b{numbered[1]}" if numbered else plain


def sensor_of(name: str, descriptions: Sequence[str] = ()) -> Sensor | None:
    """A sensor by any of its names, else by descriptions that only one sensor writes: ``B04`` and
    ``B8A`` are Sentinel-2's; None where it is not known."""
    table = _sensors()
    plain = _plain(name)
    for sensor, aliases in table:
        if plain and plain in aliases:
            return sensor
    starts = (
        []
        if _never_flew(name)
        else [
            (len(alias), sensor)
            for sensor, aliases in table
            for alias in aliases
            if len(alias) >= 4 and plain.startswith(alias)  # Landsat 8 OLI/TIRS, Sentinel-2A MSI
        ]
    )
    if starts:
        return max(starts, key=lambda start: start[0])[1]
    if not plain and any(_PADDED.search(each) for each in descriptions):
        return next(sensor for sensor, _ in table if sensor.name == "sentinel-2")
    return None


def check_sensor(name: str) -> None:
    """Raises UsageError for what looks like a slip in a known sensor's name, or in its number.

    Any other name may be that of a sensor that is not known here: captions say it, and bands are
    named by their files alone.
    """
    family = _never_flew(name)
    if family:
        raise UsageError(
            f"--sensor {name!r} is not known: there are {family} 1 to {_LAST[family]}; give one of "
            "these, or leave it out."
        )
    if sensor_of(name) or known_sensor(name) or _COUNTED.match(name.lower()):  # Sentinel-5P
        return
    known = [sensor.name for sensor, _ in _sensors()]
    meant = get_close_matches(_letters(name), map(_letters, known), n=1, cutoff=0.8)
    if meant and meant[0] != _letters(name):
        raise UsageError(
            f"--sensor {name!r} is not known.{nearest(name.lower(), known)} Bands are known of "
            f"{', '.join(known)}."
        )


def why_no_names(name: str, count: int) -> str:
    """Why a sensor (``Gaofen-2``) names no band of a file with so many, in a clause; and a hint
    where its name is near a known one's."""
    known = [sensor.name for sensor, _ in _sensors()]
    found = sensor_of(name)
    if found is None:
        return (
            f"the bands of {name!r} are not known (known are those of {', '.join(known)}); give "
            f"numbers.{nearest(name.lower(), known)}"
        )
    orders = " or ".join(map(str, sorted(found.layouts)))
    has = f"of {orders} bands alone" if orders else "of no files"
    return f"the order of {found.name} bands is known {has}, and it has {count}; give numbers."


def band_names(
    count: int,
    descriptions: Sequence[str],
    stated: Sequence[str],
    colours: Sequence[str],
    sensor: Sensor | None,
) -> list[set[str]]:
    """What each of ``count`` bands may be called: keys and common names, all from ``key_of``.

    descriptions: of the file's bands. stated: names known from elsewhere (STAC), used where there
    is one for each band. colours: what the file says each shows (``red``). The sensor gives common
    names to its own, and the order where nothing else names any band.
    """
    names: list[set[str]] = [set() for _ in range(count)]
    given = [descriptions] if len(descriptions) == count else []
    given += [stated] if len(stated) == count else []
    for texts in given:
        for at, text in enumerate(texts):
            names[at] |= {key_of(part) for part in (text, *_PARTS.split(text)) if key_of(part)}
    if sensor is not None and not any(names) and count in sensor.layouts:
        names = [{key} for key in sensor.layouts[count]]
    for own in names:
        for key in sorted(own):
            common = sensor.bands.get(key) if sensor is not None else None
            if common:
                own.add(common)
            elif key in _COMMON_OF and (sensor is None or key not in sensor.bands):
                own.add(_COMMON_OF[key])
    for own, colour in zip(names, colours, strict=False):
        if colour in COMMON and not own & COMMON.keys():
            own.add(colour)
    return names


def _never_flew(name: str) -> str:
    """``Landsat`` of Landsat 9000, "" of what may fly. ``Landsat 8-9`` is a product of both."""
    found = _COUNTED.match(name.lower())
    if found is None:
        return ""
    family = next(each for each in _LAST if each.lower() == found[1])
    return "" if 1 <= int(found[2][:9]) <= _LAST[family] else family


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())


@lru_cache(maxsize=1)
def _sensors() -> list[tuple[Sensor, frozenset[str]]]:
    text = (files(__package__) / "sensors.yaml").read_text(encoding="utf-8")
    found = []
    for name, entry in yaml.safe_load(text).items():
        bands: dict[str, Any] = entry["bands"]
        sensor = Sensor(
            name,
            {key_of(key): band.get("common", "") for key, band in bands.items()},
            {
                count: tuple(key_of(key) for key in keys)
                for count, keys in entry.get("layouts", {}).items()
            },
        )
        found.append((sensor, frozenset(_plain(each) for each in (name, *entry["aliases"]))))
    return found
