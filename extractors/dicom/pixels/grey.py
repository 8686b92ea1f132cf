"""From a file's header to the parameters of its grey levels: modality, padding, bits, inversion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from domainclip.images.voi import Lut, Rescale

from .attributes import group_item, items_of, little_endian, numbers_of, text_of, value_of
from .luts import read_lut
from .overlays import holds_overlay_bits, without_overlay_bits

__all__ = [
    "Modality",
    "Stored",
    "bits_stored",
    "inverted",
    "modality_of",
    "padding_of",
    "stored_of",
]

# Units of a rescaled value (PS3.3 C.11.1.1.2): free text of the file, so only known ones are told.
_UNITS = {"HU", "HU_MOD", "OD", "US", "MGML", "Z_EFF", "ED", "EDW", "PCT", "PPI"}
# Their modality transformation leads back to beam intensity and is no part of display (PS3.3
# C.8.7.1.1.2): X-Ray Angiographic and X-Ray Radiofluoroscopic Image Storage.
_NOT_FOR_DISPLAY = ("1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2")
_IDENTITY = Rescale()


@dataclass(frozen=True, slots=True)
class Modality:
    """The modality transformation of a frame. told: whether the file gives one; where it does not
    it is the identity. unit: of its values, "" where not known."""

    transform: Rescale | Lut = _IDENTITY
    told: bool = False
    unit: str = ""
    notes: tuple[str, ...] = ()

    def range(self, low: float, high: float) -> tuple[float, float]:
        """The smallest and largest value that stored values of low..high can give."""
        if isinstance(self.transform, Lut):
            return 0.0, float((1 << self.transform.bits) - 1)
        ends = [end * self.transform.slope + self.transform.intercept for end in (low, high)]
        return min(ends), max(ends)

    def facts(self) -> dict[str, Any]:
        """What was applied, as JSON values."""
        if isinstance(self.transform, Lut):
            return {"kind": "lut", "unit": self.unit}
        if not self.told:
            return {"kind": "none"}
        slope, intercept = self.transform.slope, self.transform.intercept
        return {"kind": "rescale", "slope": slope, "intercept": intercept, "unit": self.unit}

    def hounsfield(self, dataset: Dataset) -> bool:
        """Whether the values are Hounsfield units: CT, rescaled, and not to another unit.

        Some scanners write US (unspecified) beside the slope and intercept of Hounsfield units.
        """
        if not self.told or text_of(dataset, "Modality") != "CT":
            return False
        if self.unit != "US":
            return self.unit in ("", "HU", "HU_MOD")
        usual = self.transform
        return isinstance(usual, Rescale) and usual.slope == 1 and -1100 <= usual.intercept <= -900


@dataclass(frozen=True, slots=True)
class Stored:
    """A frame's stored values (h, w), and how many bits they take."""

    values: np.ndarray
    bits: int
    signed: bool
    notes: tuple[str, ...] = ()

    def range(self) -> tuple[float, float]:
        """The smallest and largest value that the bits can hold."""
        if self.signed:
            return -float(1 << (self.bits - 1)), float((1 << (self.bits - 1)) - 1)
        return 0.0, float((1 << self.bits) - 1)


def bits_stored(dataset: Dataset, default: int) -> int:
    """Bits Stored, ``default`` where it is absent, no number, or more than that."""
    told = numbers_of(dataset, "BitsStored")
    return int(told[0]) if told and told[0] is not None and 1 <= told[0] <= default else default


def stored_of(frame: np.ndarray, dataset: Dataset, bits: int | None = None) -> Stored:
    """The frame in the smallest type that a table serves, free of overlay bits.

    bits: of a stored value, by default the file's Bits Stored. They are believed where the values
    keep to them; where they do not, the values are masked if the file puts overlays above them,
    else taken as they are. Floats keep their type, with 64 bits.
    """
    if frame.dtype.kind == "f":
        return Stored(frame, 64, True)
    if frame.dtype == bool:
        return Stored(frame.view(np.uint8), 1, False)
    bits = bits or bits_stored(dataset, 64)
    signed = frame.dtype.kind == "i"
    low, high = int(frame.min()), int(frame.max())
    notes: tuple[str, ...] = ()
    if not _fits(low, high, bits, signed):
        if holds_overlay_bits(dataset):
            frame = without_overlay_bits(frame, dataset)
            low, high = int(frame.min()), int(frame.max())
        else:
            notes = ("pixel values need more bits than the file says",)
    if frame.dtype.itemsize > 2:
        signed = low < 0
        if not _fits(low, high, 16, signed):
            return Stored(frame, frame.dtype.itemsize * 8, signed, notes)
        frame = frame.astype(np.int16 if signed else np.uint16)
    whole = frame.dtype.itemsize * 8
    bits = min(bits, whole) if _fits(low, high, bits, signed) else whole
    return Stored(frame, bits, signed, notes)


def _fits(low: int, high: int, bits: int, signed: bool) -> bool:
    if signed:
        return low >= -(1 << (bits - 1)) and high < 1 << (bits - 1)
    return low >= 0 and high < 1 << bits


def modality_of(dataset: Dataset, frame_index: int, stored: Stored) -> Modality:
    """Of the frame's functional group (Pixel Value Transformation) or of the image: its look-up
    table, else slope and intercept (PS3.3 C.11.1)."""
    sop_class = value_of(dataset, "SOPClassUID")
    if sop_class in _NOT_FOR_DISPLAY:
        return Modality()
    source = group_item(dataset, frame_index, "PixelValueTransformationSequence")
    source = dataset if source is None else source
    items = items_of(source, "ModalityLUTSequence", 1)
    if items:
        unit = text_of(items[0], "ModalityLUTType")
        unit = unit if unit in _UNITS else ""
        found = read_lut(items[0], inputs=stored.range(), little=little_endian(dataset))
        if found.lut is not None:
            return Modality(found.lut, True, unit, found.notes)
        return Modality(notes=found.notes)

    slopes, intercepts = numbers_of(source, "RescaleSlope"), numbers_of(source, "RescaleIntercept")
    if not slopes and not intercepts:
        return Modality()
    slope = slopes[0] if slopes else 1.0
    intercept = intercepts[0] if intercepts else 0.0
    if slope is None or slope == 0 or intercept is None:
        return Modality(notes=("the rescale slope or intercept is no usable number: left out",))
    unit = text_of(source, "RescaleType")
    # a unit that is not known must not pass for "none given", which means Hounsfield units in CT
    unit = unit if unit in _UNITS or not unit else "US"
    return Modality(Rescale(slope, intercept), True, unit)


def padding_of(dataset: Dataset, stored: Stored) -> tuple[float, float] | None:
    """The stored values, from low to high, that fill the frame where there is no image
    (Pixel Padding Value and Range Limit, PS3.3 C.7.5.1.1.2); None where there are none."""
    for name in ("PixelPadding", "FloatPixelPadding", "DoubleFloatPixelPadding"):
        values = numbers_of(dataset, f"{name}Value")
        if values and values[0] is not None:
            limits = numbers_of(dataset, f"{name}RangeLimit")
            ends = [values[0], limits[0] if limits and limits[0] is not None else values[0]]
            if name == "PixelPadding":
                ends = [_as_stored(end, dataset, stored) for end in ends]
            return min(ends), max(ends)
    return None


def _as_stored(value: float, dataset: Dataset, stored: Stored) -> float:
    """The value by its bits, where the file writes it with the other sign than the pixels."""
    told = numbers_of(dataset, "BitsAllocated")
    span = float(1 << (int(told[0]) if told and told[0] in (8.0, 16.0, 32.0) else 16))
    if stored.bits > 32:
        return value
    if stored.signed and value >= span / 2:
        return value - span
    return value + span if not stored.signed and value < 0 else value


def inverted(dataset: Dataset, photometric: str) -> tuple[bool, tuple[str, ...]]:
    """Whether low values are white (PS3.3 C.7.6.3.1.2, C.11.6), and notes.

    Either of MONOCHROME1 and a Presentation LUT Shape of INVERSE says so, and both together say it
    once. Where the shape contradicts the photometric interpretation, which the standard forbids,
    the latter is believed for MONOCHROME1 and the shape for MONOCHROME2.
    """
    shape = text_of(dataset, "PresentationLUTShape")
    white = photometric == "MONOCHROME1"
    if white and shape == "IDENTITY":
        return True, ("the presentation LUT shape contradicts MONOCHROME1 and was passed over",)
    return white or shape == "INVERSE", ()
