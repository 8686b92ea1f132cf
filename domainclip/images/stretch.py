"""Any numbers as a picture of 8 bits: stretched between two percentiles, band by band."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["Stretch", "percentile_limits"]


def percentile_limits(
    values: np.ndarray, valid: np.ndarray | None = None, percentiles: tuple[float, float] = (2, 98)
) -> tuple[tuple[float, float], ...]:
    """The two percentiles of each band, the robust ends of a stretch.

    values (bands, ...) of any real type; valid (...) bool: what counts, besides finite numbers.
    A band without a value gives (0, 0).
    """
    found = []
    for band in values:
        kept = band[valid] if valid is not None else band.ravel()
        if np.issubdtype(kept.dtype, np.floating):
            kept = kept[np.isfinite(kept)]
        low, high = np.percentile(kept, percentiles) if kept.size else (0.0, 0.0)
        found.append((float(low), float(high)))
    return tuple(found)


@dataclass
class Stretch:
    """Numbers to 8 bits: ``low`` is 0, ``high`` is 255, linear between and cut beyond them.

    limits: (low, high) of each band; None takes the values as they are, for 8-bit ones.
    16-bit integers go through a table of all 65,536 values, which gives the same bytes.
    """

    limits: tuple[tuple[float, float], ...] | None
    _tables: dict[int, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """values (bands, h, w) -> uint8 (h, w, 3) of three bands, else (h, w, 1 -> 3): one band is
        grey. Numbers that are not finite are 0."""
        if self.limits is None:
            shown = values.astype(np.uint8, copy=False)
        else:
            shown = np.stack([self._band(at, band) for at, band in enumerate(values)])
        if len(shown) == 1:
            shown = shown.repeat(3, axis=0)
        return np.ascontiguousarray(np.moveaxis(shown, 0, -1))

    def _band(self, at: int, band: np.ndarray) -> np.ndarray:
        assert self.limits is not None
        low, high = self.limits[at]
        if band.dtype not in (np.uint16, np.int16):
            return _scaled(band, low, high)
        if at not in self._tables:
            every = np.arange(65536, dtype=np.uint16)  # int16 by its bits: -1 is row 65535
            self._tables[at] = _scaled(every.view(band.dtype), low, high)
        shown: np.ndarray = self._tables[at][band.view(np.uint16)]
        return shown


def _scaled(band: np.ndarray, low: float, high: float) -> np.ndarray:
    """round(255 (x - low) / (high - low)), 0 everywhere where the limits are one."""
    if not high > low:
        return np.zeros(band.shape, np.uint8)
    scaled = (band.astype(np.float64) - low) * (255.0 / (high - low))
    return np.nan_to_num(scaled, nan=0.0).clip(0, 255).round().astype(np.uint8)
