"""What a picture shows of a scene's bands: three of them, one, or an index."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

__all__ = ["INDICES", "PRESETS", "Channel", "Composite"]

# name -> bands shown red, green and blue, as the providers publish them: EO Browser's composites
# for Sentinel-2 (Sentinel Hub custom scripts), USGS's common Landsat band combinations.
PRESETS: dict[str, tuple[str, str, str]] = {
    "true_colour": ("red", "green", "blue"),
    "false_colour": ("nir", "red", "green"),  # vegetation is red
    "swir": ("swir22", "nir08", "red"),  # vegetation green, soil brown, burnt land red
    "agriculture": ("swir16", "nir", "blue"),
    "geology": ("swir22", "swir16", "blue"),
    "urban": ("swir22", "swir16", "red"),
    "vegetation": ("swir16", "nir", "red"),
    "land_water": ("nir", "swir16", "red"),
    "bathymetry": ("red", "green", "coastal"),
    "dual_pol": ("vv", "vh", "vv/vh"),  # radar: the ratio is the difference of the decibels
}

# name -> (a, b) of (a - b) / (a + b), from -1 to 1
INDICES: dict[str, tuple[str, str]] = {
    "ndvi": ("nir", "red"),  # Rouse et al. 1974, Third ERTS-1 Symposium, NASA SP-351
    "ndwi": ("green", "nir"),  # McFeeters 1996, doi:10.1080/01431169608948714
    "mndwi": ("green", "swir16"),  # Xu 2006, doi:10.1080/01431160600589179
    "ndmi": ("nir", "swir16"),  # Wilson and Sader 2002, doi:10.1016/S0034-4257(01)00318-2
    "nbr": ("nir", "swir22"),  # Key and Benson 2006, USDA RMRS-GTR-164-CD
    "ndbi": ("swir16", "nir"),  # Zha, Gao and Ni 2003, doi:10.1080/01431160304987
    "ndsi": ("green", "swir16"),  # Hall, Riggs and Salomonson 1995, 10.1016/0034-4257(95)00137-P
}


@dataclass(frozen=True, slots=True)
class Channel:
    """One colour of a picture. kind: ``band``, ``difference`` (a - b) / (a + b), or ``ratio`` a / b
    of decibels, which is a - b. at: which of the composite's bands, from 0."""

    kind: Literal["band", "difference", "ratio"]
    at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Composite:
    """Which bands are read, and what is made of them.

    name: a preset, an index, or the bands' names. bands: numbers from 1, each once, in the order in
    which they are read. channels: one or three. dtype: of the values, that all bands fit in.
    scales: (scale, offset) of each band, as its file states: physical value = scale x + offset.
    bits: how many of its 8 or 16 a value uses, 0 where the file does not say. palette: the band is
    an index into colours, and is read as these.
    """

    name: str
    bands: tuple[int, ...]
    channels: tuple[Channel, ...]
    dtype: str
    scales: tuple[tuple[float, float], ...]
    bits: int = 0
    palette: bool = False

    @property
    def is_index(self) -> bool:
        """Is it a normalised difference, from -1 to 1?"""
        return self.channels[0].kind == "difference"

    @property
    def is_plain(self) -> bool:
        """Is each channel a band as it is read?"""
        return all(channel.kind == "band" for channel in self.channels)

    def channels_of(
        self, values: np.ndarray, valid: np.ndarray, decibels: str = ""
    ) -> tuple[np.ndarray, np.ndarray]:
        """Bands as read (bands, ...) and where they hold data (...) -> channels (1 or 3, ...) and
        where these do.

        Complex values become decibels of their amplitude; so do real ones where ``decibels`` is
        ``amplitude`` (20 log10) or ``power`` (10 log10). There zero and less are no data. Indices
        are taken of physical values (scale x + offset), float32; 0 / 0 is no data.
        """
        if self.palette:
            return values, valid
        if np.iscomplexobj(values):
            values = _decibels(np.abs(values), 20.0)
        elif decibels:
            values = _decibels(values, 20.0 if decibels == "amplitude" else 10.0)
        if self.is_plain:
            order = [channel.at[0] for channel in self.channels]
            channels = values if order == list(range(len(values))) else values[order]
        else:
            channels = np.stack([self._channel(channel, values) for channel in self.channels])
        if np.issubdtype(channels.dtype, np.floating):
            valid = valid & np.isfinite(channels).all(axis=0)
        return channels, valid

    def to_part(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "name": self.name,
            "bands": list(self.bands),
            "channels": [[channel.kind, *channel.at] for channel in self.channels],
            "dtype": self.dtype,
            "scales": [list(pair) for pair in self.scales],
            "bits": self.bits,
            "palette": self.palette,
        }

    @classmethod
    def from_part(cls, part: Mapping[str, Any]) -> Composite:
        """What ``to_part`` gave, also after a way through JSON."""
        return cls(
            part["name"],
            tuple(part["bands"]),
            tuple(Channel(kind, tuple(at)) for kind, *at in part["channels"]),
            part["dtype"],
            tuple((scale, offset) for scale, offset in part["scales"]),
            part["bits"],
            part["palette"],
        )

    def _channel(self, channel: Channel, values: np.ndarray) -> np.ndarray:
        if channel.kind == "band":
            return values[channel.at[0]].astype(np.float32)
        if channel.kind == "ratio":
            a, b = (values[at].astype(np.float32) for at in channel.at)
            return np.asarray(a - b)
        a, b = (self._physical(at, values) for at in channel.at)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(((a - b) / (a + b)).astype(np.float32))

    def _physical(self, at: int, values: np.ndarray) -> np.ndarray:
        scale, offset = self.scales[at]
        if (scale, offset) == (1.0, 0.0):
            return values[at].astype(np.float32)
        # float64, in which scale x + offset is 0 where it should be
        return np.asarray(values[at].astype(np.float64) * scale + offset)


def _decibels(values: np.ndarray, factor: float) -> np.ndarray:
    wide = values.astype(np.float32 if values.dtype.itemsize <= 4 else np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (factor * np.log10(wide)).astype(np.float32)
    found[~np.greater(wide, 0)] = np.nan
    return np.asarray(found)
