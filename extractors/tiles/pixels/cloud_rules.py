"""Clouds by rules from the bands alone, for scenes without a mask: rough, and off by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from domainclip.errors import BadInput

from ..reading.scenes import Scene
from .bands import band_number, composite_of

__all__ = ["RULES", "Rule", "bright_and_white", "potential_clouds"]

Bands = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Rule:
    """needed, wanted: names of bands without which it cannot be, and those that sharpen it.
    cloudy: (values by name, (scale, offset) by name, type of the values) -> bool (h, w)."""

    name: str
    needed: tuple[str, ...]
    wanted: tuple[str, ...]
    cloudy: Callable[[Bands, Mapping[str, tuple[float, float]], np.dtype[Any]], np.ndarray]

    def bands_of(self, scene: Scene, sensor: str) -> dict[str, int]:
        """The bands that a scene has, by name. Raises BadInput where a needed one is missing or
        its values are of no use."""
        found = {}
        for name in (*self.needed, *self.wanted):
            try:
                found[name] = band_number(scene, name, sensor)
            except BadInput as error:
                if name in self.needed:
                    found = self._by_default(scene)
                    if not found:
                        raise BadInput(
                            f"{scene.name}: the cloud rule {self.name} needs the bands "
                            f"{', '.join(self.needed)}: {error}"
                        ) from error
                    return found
        dtypes = {scene.dataset.dtypes[number - 1] for number in found.values()}
        scaled = all(
            (scene.dataset.scales[n - 1], scene.dataset.offsets[n - 1]) != (1.0, 0.0)
            for n in found.values()
        )
        if self.name == "potential_clouds" and not scaled and not _may_be_reflectance(dtypes):
            raise BadInput(
                f"{scene.name}: the cloud rule {self.name} needs reflectances: 16-bit integers in "
                "ten-thousandths, floating point, or a scale in the file."
            )
        return found

    def _by_default(self, scene: Scene) -> dict[str, int]:
        """What is shown as colours, for a rule that asks for no more."""
        composite = composite_of(scene)
        if self.wanted or len(composite.channels) != 3:
            return {}
        numbers = [composite.bands[channel.at[0]] for channel in composite.channels]
        return dict(zip(("red", "green", "blue"), numbers, strict=True))


def potential_clouds(
    bands: Bands, scales: Mapping[str, tuple[float, float]], dtype: np.dtype[Any]
) -> np.ndarray:
    """Potential cloud pixels of Fmask's first pass, without its thermal test.

    reflectances (h, w) -> bool (h, w). Whiteness below 0.7, haze: blue - 0.5 red - 0.08 above 0,
    NDVI and NDSI below 0.8, nir / swir16 above 0.75, swir22 above 0.03: equations 1 to 4 of Zhu and
    Woodcock 2012, doi:10.1016/j.rse.2011.10.028; without the temperature as Zhu, Wang and Woodcock
    2015 do for Sentinel-2, doi:10.1016/j.rse.2014.12.014. Tests whose bands are not there are not
    made. Snow, sand and bright roofs may pass: it takes the place of no mask.

    Values are reflectances by the file's scale and offset; without these, whole numbers are
    ten-thousandths.
    """
    of = {name: _reflectance(values, scales[name], dtype) for name, values in bands.items()}
    visible = np.stack([of["blue"], of["green"], of["red"]])
    mean = visible.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray(np.abs((visible - mean) / mean).sum(axis=0) < 0.7)
        found &= of["blue"] - 0.5 * of["red"] - 0.08 > 0
        if "nir" in of:
            found &= (of["nir"] - of["red"]) / (of["nir"] + of["red"]) < 0.8
        if "swir16" in of:
            found &= (of["green"] - of["swir16"]) / (of["green"] + of["swir16"]) < 0.8
        if "nir" in of and "swir16" in of:
            found &= of["nir"] / of["swir16"] > 0.75
        if "swir22" in of:
            found &= of["swir22"] > 0.03
    return found


def bright_and_white(
    bands: Bands, scales: Mapping[str, tuple[float, float]], dtype: np.dtype[Any]
) -> np.ndarray:
    """Pixels that are bright and without colour: red, green and blue all at least 0.8 of what their
    type can hold and within 0.08 of it of each other.

    (h, w) -> bool (h, w). A rule of thumb, and no cloud detection: snow, salt, sand and white roofs
    are bright and white as well. Only for pictures of 8 bits or whole-range 16 bits.
    """
    full = float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
    visible = np.stack([bands[name] for name in ("red", "green", "blue")]).astype(np.float32) / full
    low, high = visible.min(axis=0), visible.max(axis=0)
    return np.asarray((low >= 0.8) & (high - low <= 0.08))


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "potential_clouds",
            ("blue", "green", "red"),
            ("nir", "swir16", "swir22"),
            potential_clouds,
        ),
        Rule("bright_and_white", ("red", "green", "blue"), (), bright_and_white),
    )
}


def _may_be_reflectance(dtypes: set[str]) -> bool:
    return all(np.dtype(each).kind == "f" or np.dtype(each).itemsize > 1 for each in dtypes)


def _reflectance(
    values: np.ndarray, scale: tuple[float, float], dtype: np.dtype[Any]
) -> np.ndarray:
    factor, offset = scale
    if (factor, offset) == (1.0, 0.0) and dtype.kind in "iu":
        factor = 1e-4
    return np.asarray(values.astype(np.float32) * np.float32(factor) + np.float32(offset))
