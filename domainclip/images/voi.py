"""Stored grey values as 8 bits, by the formulas of DICOM and by one table of them.

stored value -> modality (look-up table, or slope and intercept; PS3.3 C.11.1) -> values of interest
(window or look-up table; C.11.2) -> inversion, last (C.11.6, MONOCHROME1) -> 0..255.

``grey_levels`` computes it in float64 as the standard writes it. ``grey_table`` holds the rounded
results for every 16-bit word, so that a frame is one look-up. Their difference is the rounding:
at most half a grey level.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from domainclip.errors import BadInput

__all__ = [
    "PRESETS",
    "GreyParams",
    "Lut",
    "Rescale",
    "VoiFunction",
    "Window",
    "apply_table",
    "grey_levels",
    "grey_picture",
    "grey_table",
    "modality_values",
]

# Centre and width in Hounsfield units, as radiology uses them by convention.
PRESETS: dict[str, tuple[float, float]] = {
    "lung": (-600, 1500),
    "mediastinum": (40, 400),
    "bone": (400, 1800),
    "brain": (40, 80),
    "subdural": (80, 200),
    "stroke": (40, 40),
    "liver": (60, 160),
    "angio": (300, 600),
    "soft_tissue": (40, 400),
}

VoiFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]

_BAND_PX = 1 << 20  # of the float way: 8 MiB an array
# One look-up after the other in pieces that stay in the cache: 20 % faster than all at once.
_PIECE_PX = 1 << 14


@dataclass(frozen=True, slots=True)
class Rescale:
    """value = stored * slope + intercept."""

    slope: float = 1.0
    intercept: float = 0.0


@dataclass(frozen=True, slots=True)
class Lut:
    """A look-up table (PS3.3 C.11.1.1, C.11.2.1.1).

    first: the input that entry 0 stands for; inputs below it get entry 0, those beyond the last
    entry get the last. bits: outputs are 0..2^bits - 1. entries: little-endian 16-bit words, as
    bytes so that tables can be compared and hashed.
    """

    first: int
    bits: int
    entries: bytes

    def words(self) -> np.ndarray:
        """The entries (n,) uint16."""
        return np.frombuffer(self.entries, "<u2")


@dataclass(frozen=True, slots=True)
class Window:
    """Centre and width, in units of the modality's values, and what is done with them.

    LINEAR (C.11.2.1.2.1) needs a width of at least 1, the two others (C.11.2.1.3) one above 0.
    """

    centre: float
    width: float
    function: VoiFunction = "LINEAR"

    def __post_init__(self) -> None:
        if not (np.isfinite(self.centre) and np.isfinite(self.width)):
            raise BadInput("a window needs a centre and a width that are finite numbers.")
        if self.function == "LINEAR" and self.width < 1:
            raise BadInput(
                "a LINEAR window needs a width of at least 1; use LINEAR_EXACT for a narrower one."
            )
        if self.width <= 0:
            raise BadInput(f"a {self.function} window needs a width above 0.")


@dataclass(frozen=True, slots=True)
class GreyParams:
    """All that decides the grey level of a stored value.

    bits, signed: of the stored values (bits beyond 16 have no table). modality, voi: the two
    transformations. inverted: low values are white. padding: (low, high), both included, stored
    values that stand for no pixel (C.7.5.1.1.2): they are black, inverted or not.
    """

    voi: Window | Lut
    modality: Rescale | Lut = Rescale()
    bits: int = 16
    signed: bool = False
    inverted: bool = False
    padding: tuple[float, float] | None = None


def modality_values(stored: np.ndarray, modality: Rescale | Lut) -> np.ndarray:
    """Values in the modality's units (Hounsfield, optical density, ...), float64 of any shape."""
    stored = np.asarray(stored, np.float64)
    if isinstance(modality, Lut):
        return _looked_up(stored, modality)
    with np.errstate(over="ignore", invalid="ignore"):
        rescaled: np.ndarray = stored * modality.slope + modality.intercept
    return rescaled


def grey_levels(stored: np.ndarray, params: GreyParams) -> np.ndarray:
    """Exact grey levels 0..255, float64 of the shape of ``stored``; padding and NaN are 0."""
    stored = np.asarray(stored, np.float64)
    values = modality_values(stored, params.modality)
    voi = params.voi
    if isinstance(voi, Lut):
        levels = _looked_up(values, voi) * (255.0 / ((1 << voi.bits) - 1))
    else:
        levels = _windowed(values, voi) * 255.0
    if params.inverted:
        levels = 255.0 - levels
    levels[np.isnan(values)] = 0.0
    if params.padding is not None:
        low, high = params.padding
        levels[(stored >= low) & (stored <= high)] = 0.0
    return levels


@lru_cache(maxsize=64)
def grey_table(params: GreyParams) -> np.ndarray:
    """uint8 (65536,), read-only: the grey level of each 16-bit word; a signed value stands at its
    two's complement. Words beyond ``bits`` get the level of the nearest stored value.

    Raises BadInput where ``bits`` is not 1..16.
    """
    if not 1 <= params.bits <= 16:
        raise BadInput(f"a table holds values of 1 to 16 bits, not of {params.bits}.")
    count = 1 << params.bits
    low = -(count >> 1) if params.signed else 0
    levels = np.empty(count, np.uint8)
    for at in range(0, count, _PIECE_PX):
        some = np.arange(low + at, low + min(at + _PIECE_PX, count), dtype=np.float64)
        levels[at : at + _PIECE_PX] = _rounded(grey_levels(some, params))
    table = np.empty(1 << 16, np.uint8)
    # from 0 up to the largest word of the sign, then round to -1: the order of the words
    zero, half = -low, 1 << (15 if params.signed else 16)
    table[: count - zero] = levels[zero:]
    table[count - zero : half] = levels[-1]
    if params.signed:
        table[half : (1 << 16) - zero] = levels[0]
        table[(1 << 16) - zero :] = levels[:zero]
    table.setflags(write=False)
    return table


def apply_table(stored: np.ndarray, table: np.ndarray) -> np.ndarray:
    """uint8 of the shape of ``stored``, which holds 8- or 16-bit integers (or bools).

    Measured on one core, 512 x 512 of 16 bits: 0.20 ms in pieces, 0.25 ms by one ``take``, 0.51 ms
    by indexing; Pillow's ``point`` 3.0 ms.
    """
    if stored.dtype == bool or stored.dtype == np.uint8:
        words = stored.view(np.uint8)
        table = table[:256]
    elif stored.dtype == np.int8:
        words = stored.view(np.uint8)
        table = np.concatenate([table[:128], table[-128:]])
    elif stored.dtype.kind in "iu" and stored.dtype.itemsize == 2:
        native = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        words = native.view(np.uint16)
    else:
        raise BadInput(f"a table is for integers of 8 or 16 bits, not for {stored.dtype}.")
    flat = np.ascontiguousarray(words).reshape(-1)
    out = np.empty(flat.size, np.uint8)
    for at in range(0, flat.size, _PIECE_PX):
        # no index can be out of range; mode "raise" would make numpy buffer the output
        table.take(flat[at : at + _PIECE_PX], out=out[at : at + _PIECE_PX], mode="clip")
    return out.reshape(stored.shape)


def grey_picture(stored: np.ndarray, params: GreyParams) -> np.ndarray:
    """uint8 of the shape of ``stored``, of any real type: by the table where the values have 8 or
    16 bits, else by the formulas in bands, so that memory stays bounded."""
    if stored.dtype == bool or (stored.dtype.kind in "iu" and stored.dtype.itemsize <= 2):
        return apply_table(stored, grey_table(params))
    flat = np.ascontiguousarray(stored).reshape(-1)
    out = np.empty(flat.size, np.uint8)
    for at in range(0, flat.size, _BAND_PX):
        out[at : at + _BAND_PX] = _rounded(grey_levels(flat[at : at + _BAND_PX], params))
    return out.reshape(stored.shape)


def _looked_up(values: np.ndarray, lut: Lut) -> np.ndarray:
    """Float64; values between two entries take the nearer one, NaN the first."""
    words = lut.words()
    index = np.clip(np.rint(np.nan_to_num(values, nan=lut.first)) - lut.first, 0, len(words) - 1)
    found: np.ndarray = words[index.astype(np.int64)].astype(np.float64)
    return found


def _windowed(values: np.ndarray, window: Window) -> np.ndarray:
    """0..1, the formulas of C.11.2.1.2.1 and C.11.2.1.3 with ymin = 0, ymax = 1."""
    centre, width = window.centre, window.width
    with np.errstate(over="ignore", invalid="ignore"):
        if window.function == "SIGMOID":
            sigmoid: np.ndarray = 1.0 / (1.0 + np.exp(-4.0 * (values - centre) / width))
            return sigmoid
        if window.function == "LINEAR":
            centre, width = centre - 0.5, width - 1.0
        if width == 0:  # LINEAR of width 1: a step
            return (values > centre).astype(np.float64)
        # the standard's two limits are where the line between them reaches 0 and 1
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0)


def _rounded(levels: np.ndarray) -> np.ndarray:
    return (levels + 0.5).astype(np.uint8)
