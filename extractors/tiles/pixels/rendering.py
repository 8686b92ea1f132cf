"""From a tile's raw values to its picture of 8 bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np

from domainclip.errors import UsageError
from domainclip.images.stretch import Stretch, percentile_limits

from .composites import Composite

__all__ = ["Limits", "Look", "Renderer", "known_limits", "stays"]

Limits = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Look:
    """How values are shown.

    stretch: between percentiles of the ``scene``, or of each ``tile``, or between ``fixed``
    numbers, of which there are two for all bands or two for each. physical: these are physical
    values, as of reflectance, and the file's scale and offset lead from its numbers to them.
    What already has 8 bits is stretched between fixed limits alone. gamma: above 1 brightens what
    is dark. decibels: radar values are ``amplitude`` or ``power`` and are shown in decibels;
    complex ones always are.

    An index is shown from -1 to 1 where no limits are fixed. Raises UsageError.
    """

    stretch: Literal["scene", "tile", "fixed"] = "scene"
    percentiles: tuple[float, float] = (2.0, 98.0)
    fixed: tuple[float, ...] = ()
    physical: bool = False
    gamma: float = 1.0
    decibels: Literal["", "amplitude", "power"] = ""

    def __post_init__(self) -> None:
        for problem, wrong in self._problems().items():
            if wrong:
                raise UsageError(f"{problem}.")

    def _problems(self) -> dict[str, bool]:
        low, high = self.percentiles if len(self.percentiles) == 2 else (1.0, 0.0)
        pairs = list(zip(self.fixed[::2], self.fixed[1::2], strict=False))
        return {
            f"--stretch {self.stretch!r}: choose one of scene, tile, fixed": self.stretch
            not in ("scene", "tile", "fixed"),
            f"--percentiles {_listed(self.percentiles)}: give two from 0 to 100, the lower "
            "first": not 0 <= low < high <= 100,
            "--stretch fixed needs --limits LOW,HIGH": self.stretch == "fixed" and not self.fixed,
            f"--limits {_listed(self.fixed)}: give LOW,HIGH, or such a pair for each of three "
            "bands, in numbers, the lower first": bool(self.fixed)
            and (len(self.fixed) not in (2, 6) or not all(-inf < a < b < inf for a, b in pairs)),
            f"--limits {_listed(self.fixed)} are of --stretch fixed; give that too": (
                bool(self.fixed) and self.stretch != "fixed"
            ),
            f"--gamma {self.gamma:g}: must be above 0; 1 leaves values as they are": (
                not 0 < self.gamma < inf
            ),
            f"--decibels {self.decibels!r}: choose amplitude or power": self.decibels
            not in ("", "amplitude", "power"),
        }


def _listed(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def stays(composite: Composite, look: Look) -> bool:
    """Are its values shown as they are: 8 bits, and nothing asked of them?"""
    if composite.palette:
        return True
    asked = look.stretch == "fixed" or bool(look.decibels)
    whole = composite.dtype == "uint8" and composite.bits in (0, 8)
    return composite.is_plain and not asked and (whole or composite.dtype == "bool")


def known_limits(composite: Composite, look: Look) -> Limits | None:
    """(low, high) of each channel where no pixel is needed to tell; None where it is."""
    channels = len(composite.channels)
    if look.stretch == "fixed":
        pairs = list(zip(look.fixed[::2], look.fixed[1::2], strict=True))
        pairs = pairs if len(pairs) == channels else pairs[:1] * channels
        if look.physical and composite.is_plain and not look.decibels:
            of_bands = [composite.scales[channel.at[0]] for channel in composite.channels]
            pairs = [
                ((low - offset) / scale, (high - offset) / scale)
                for (low, high), (scale, offset) in zip(pairs, of_bands, strict=True)
            ]
        return tuple(pairs)
    if composite.is_index:
        return ((-1.0, 1.0),)
    if 0 < composite.bits < 8 and composite.dtype == "uint8":
        return ((0.0, float(2**composite.bits - 1)),) * channels
    return None


class Renderer:
    """Raw values of tiles to pictures.

    limits: of each channel, from ``known_limits`` or the scene; None: of each tile's own values,
    or, where these stay as they are, none.
    """

    def __init__(self, composite: Composite, look: Look, limits: Limits | None = None) -> None:
        self._composite, self._look = composite, look
        self._known: Stretch | None = None
        if stays(composite, look):
            self._known = Stretch(None, look.gamma)
        elif limits is not None:
            self._known = Stretch(tuple((low, high) for low, high in limits), look.gamma)

    def __call__(self, values: np.ndarray, valid: np.ndarray) -> np.ndarray:
        """values (bands, h, w) as the composite's bands are read, valid (h, w) bool
        -> uint8 (h, w, 3). What is not valid is black, unless values are shown as they are."""
        channels, valid = self._composite.channels_of(values, valid, self._look.decibels)
        stretch = self._known
        if stretch is None:
            limits = percentile_limits(channels, valid, self._look.percentiles)
            stretch = Stretch(limits, self._look.gamma, once=True)
        shown = stretch(channels)
        # as it is, a pixel keeps the colour that it has: no data is often a white that is 255
        if not (valid.all() or stays(self._composite, self._look)):
            shown[~valid] = 0
        return shown
