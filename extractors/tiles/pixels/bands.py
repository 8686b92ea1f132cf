"""From the bands that a user names to the numbers of a file's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from rasterio.enums import ColorInterp

from domainclip.errors import BadInput, UsageError, nearest

from ..reading.rows import default_bands
from ..reading.scenes import Scene
from ..reading.values import common_type
from .composites import INDICES, PRESETS, Channel, Composite
from .sensors import COMMON, band_names, key_of, sensor_of, why_no_names

__all__ = ["band_number", "bands_there", "check_bands", "composite_of"]

WHOLE = (*PRESETS, *INDICES)
# Where a sensor has no band of that name, the one that its users take for it.
_STANDS_FOR = {"nir": "nir08", "nir08": "nir", "lwir": "lwir11"}


def composite_of(scene: Scene, bands: tuple[str, ...] = (), sensor: str = "") -> Composite:
    """What ``bands`` mean in a scene: one preset or index, or one or three bands.

    A band is a number from 1, or a name: that of the file's description, of the scene's facts, of
    the sensor (``B04``), or a common one (``red``, ``nir``, ``swir16``). sensor: ``Sentinel-2``;
    by default what the scene's facts say. Without bands: a palette's colours, what the file calls
    red, green and blue, bands so named, else its first three, or first.

    Raises UsageError for what fits no scene, BadInput where this scene has no such band.
    """
    check_bands(bands)
    names = _names(scene, sensor)
    if not bands:
        return _default(scene, names)
    if len(bands) == 1 and _word(bands[0]) in INDICES and not _find(bands[0], names):
        return _index(scene, _word(bands[0]), names, sensor)
    preset = len(bands) == 1 and _word(bands[0]) in PRESETS and not _find(bands[0], names)
    wanted = PRESETS[_word(bands[0])] if preset else bands
    numbers: list[int] = []
    channels = []
    for band in wanted:
        parts = band.split("/") if preset else [band]
        at = []
        for part in parts:
            number = _number(scene, part, names, sensor, what=bands[0] if preset else "")
            if number not in numbers:
                numbers.append(number)
            at.append(numbers.index(number))
        channels.append(Channel("ratio" if len(at) == 2 else "band", tuple(at)))
    name = _word(bands[0]) if preset else ",".join(bands)
    return _made(scene, name, numbers, channels)


def band_number(scene: Scene, band: str, sensor: str = "", *, option: str = "--bands") -> int:
    """The number, from 1, of a band given by number or name. option: the one that names it.
    Raises BadInput."""
    return _number(scene, band, _names(scene, sensor), sensor, option=option)


def bands_there(scene: Scene, bands: Sequence[str], sensor: str = "") -> dict[str, int]:
    """The numbers, from 1, of those of these bands that a scene has, in their order."""
    names = _names(scene, sensor)
    numbers = {band: _find(band, names) for band in bands}
    return {band: number for band, number in numbers.items() if number is not None}


def check_bands(bands: tuple[str, ...]) -> None:
    """Raises UsageError for bands that no scene can have.

    A word near a preset or an index is taken for a slip, unless it only has other digits
    (``ndvi_2``): should a file call a band so, its number says which it is.
    """
    shown = f"--bands {','.join(bands)}"
    special = [band for band in bands if _word(band) in WHOLE]
    if special and len(bands) > 1:
        raise UsageError(f"{shown}: {special[0]!r} stands for all of them; give it alone.")
    if len(bands) not in (0, 1, 3):
        raise UsageError(
            f"{shown}: give one or three, a preset ({', '.join(PRESETS)}) or an index "
            f"({', '.join(INDICES)})."
        )
    for band in bands:
        if not key_of(band) or re.fullmatch(r"0+|[-+]\d+|\d*\.\d*", band.strip()):
            raise UsageError(f"{shown}: {band!r} is no band; they are counted from 1.")
    if len(bands) == 1 and not special and not _is_common(bands[0]):
        meant = get_close_matches(_word(bands[0]), WHOLE, n=1, cutoff=0.75)
        if meant and re.sub(r"[^a-z]", "", key_of(bands[0])) != re.sub(r"[^a-z]", "", meant[0]):
            raise UsageError(
                f"{shown}: no such preset or index. Did you mean {meant[0]!r}? A band that a file "
                "calls so is given by its number."
            )


def _is_common(band: str) -> bool:
    return any(key_of(band) in (name, *others) for name, others in COMMON.items())


def _names(scene: Scene, sensor: str) -> list[set[str]]:
    dataset = scene.dataset
    facts = scene.facts
    descriptions = [each or "" for each in dataset.descriptions]
    known = sensor_of(sensor or facts.sensor, descriptions)
    if sensor and known is None:
        known = sensor_of("", descriptions)
    colours = [each.name for each in dataset.colorinterp]
    return band_names(dataset.count, descriptions, facts.bands, colours, known)


def _default(scene: Scene, names: list[set[str]]) -> Composite:
    dataset = scene.dataset
    numbers = list(default_bands(dataset))
    meaning = set(dataset.colorinterp)
    colours = {ColorInterp.red, ColorInterp.green, ColorInterp.blue}
    named = [_find(name, names) for name in PRESETS["true_colour"]]
    if not colours <= meaning and ColorInterp.palette not in meaning:
        found = [number for number in named if number is not None]
        if len(found) == 3:
            numbers = found
    unique = list(dict.fromkeys(numbers))
    channels = [Channel("band", (unique.index(number),)) for number in numbers]
    return _made(scene, "", unique, channels)


def _index(scene: Scene, name: str, names: list[set[str]], sensor: str) -> Composite:
    a, b = (_number(scene, band, names, sensor, what=name) for band in INDICES[name])
    return _made(scene, name, [a, b], [Channel("difference", (0, 1))])


def _made(scene: Scene, name: str, numbers: list[int], channels: Sequence[Channel]) -> Composite:
    dataset = scene.dataset
    meaning = dataset.colorinterp[numbers[0] - 1]
    return Composite(
        name,
        tuple(numbers),
        tuple(channels),
        common_type([dataset.dtypes[number - 1] for number in numbers]),
        tuple((float(dataset.scales[n - 1]), float(dataset.offsets[n - 1])) for n in numbers),
        bits=_bits(dataset, numbers[0]),
        palette=len(numbers) == 1
        and len(channels) == 1
        and meaning == ColorInterp.palette
        and dataset.dtypes[numbers[0] - 1] == "uint8",
    )


def _bits(dataset: Any, number: int) -> int:
    text = dataset.tags(number, ns="IMAGE_STRUCTURE").get("NBITS", "")
    return int(text) if text.isdigit() and int(text) <= 16 else 0


def _number(
    scene: Scene,
    band: str,
    names: list[set[str]],
    sensor: str,
    *,
    what: str = "",
    option: str = "--bands",
) -> int:
    number = _find(band, names)
    if number is not None:
        return number
    there = sorted({key for own in names for key in own})
    raised = f"{what} needs the band {band}" if what else f"band {band} is asked for"
    if band.strip().isdigit():
        raise BadInput(f"{scene.name}: {raised}, and it has {len(names)}; choose with {option}.")
    known = {*there, *COMMON, *(WHOLE if option == "--bands" else ())}
    # a name that is well known is no slip for the one that is spelt most like it
    hint = "" if what or _is_common(band) else nearest(band, known - {_word(band)})
    if not there:
        said = sensor or scene.facts.sensor
        why = why_no_names(said, len(names)) if said else f"give numbers, or its --sensor.{hint}"
        none = f"none of its bands ({len(names)}) has a name"
        raise BadInput(f"{scene.name}: {raised}, and {none}{', and' if said else ';'} {why}")
    raise BadInput(
        f"{scene.name}: {raised}, and it has {', '.join(there[:20])}; choose with {option}.{hint}"
    )


def _find(band: str, names: list[set[str]]) -> int | None:
    text = band.strip()
    if text.isdigit():
        return int(text) if 1 <= int(text) <= len(names) else None
    key = key_of(text)
    aliases = [key, *(name for name, others in COMMON.items() if key in others)]
    aliases += [_STANDS_FOR[each] for each in aliases if each in _STANDS_FOR]
    for alias in aliases:
        for at, own in enumerate(names):
            if alias in own:
                return at + 1
    return None


def _word(band: str) -> str:
    plain = band.strip().lower().replace("-", "_").replace(" ", "_")
    return plain.replace("color", "colour") if "colour" not in plain else plain
