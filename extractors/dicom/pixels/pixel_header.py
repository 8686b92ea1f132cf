"""Group 0028 of a data set: what it says of the pixels, not what they are (PS3.3 C.7.6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from .reading import attribute

__all__ = ["COLOURS", "SUBSAMPLED", "PixelHeader", "header_of"]

# Photometric Interpretations of three samples a pixel, and those whose chroma is halved.
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")
SUBSAMPLED = ("YBR_FULL_422", "YBR_PARTIAL_422")


@dataclass(frozen=True, slots=True)
class PixelHeader:
    """Group 0028, 0 or "" where it says nothing. stored, high: Bits Stored, High Bit. signed: None
    where it does not say. padding: Pixel Padding Value. overlays: bits above the stored ones hold
    them (group 6000 with a bit position)."""

    rows: int
    columns: int
    samples: int
    photometric: str
    planar: int
    allocated: int
    stored: int
    high: int
    signed: bool | None
    frames: int
    padding: int = 0
    overlays: bool = False

    @property
    def pixels(self) -> int:
        """Of one frame."""
        return self.rows * self.columns

    @property
    def frame_bits(self) -> int:
        """Of one uncompressed frame. Half of the chroma is left out where it is subsampled."""
        samples = 2 if self.samples == 3 and self.photometric in SUBSAMPLED else self.samples
        return self.pixels * samples * self.allocated

    @property
    def size(self) -> int:
        """Bytes of all uncompressed frames."""
        return (self.frame_bits * self.frames + 7) // 8


def _integer(dataset: Dataset, keyword: str) -> int:
    value = attribute(dataset, keyword)
    if isinstance(value, list | tuple) or hasattr(value, "append"):
        value = next(iter(value), 0)
    try:
        number = int(value or 0)
    except (TypeError, ValueError, OverflowError):
        return 0
    return number


def header_of(dataset: Dataset, notes: list[str]) -> PixelHeader:
    """As the header says it, with what it leaves out filled in where there is only one choice."""
    samples = _integer(dataset, "SamplesPerPixel")
    photometric = str(attribute(dataset, "PhotometricInterpretation") or "").strip().upper()
    if samples <= 0:
        samples = 3 if photometric in COLOURS else 1
        notes.append(f"Samples per Pixel is missing: taken as {samples}")
    if not photometric:
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
        notes.append(f"Photometric Interpretation is missing: taken as {photometric}")
    allocated, stored = _integer(dataset, "BitsAllocated"), _integer(dataset, "BitsStored")
    if allocated <= 0 and stored > 0:
        allocated = 1 if stored == 1 else 8 if stored <= 8 else 16 if stored <= 16 else 32
        notes.append(f"Bits Allocated is missing: taken as {allocated} from Bits Stored")
    frames = _integer(dataset, "NumberOfFrames")
    if frames < 1:
        if attribute(dataset, "NumberOfFrames") is not None:
            notes.append("Number of Frames is no number: taken as 1")
        frames = 1
    representation: Any = attribute(dataset, "PixelRepresentation")
    signed = None if representation is None else _integer(dataset, "PixelRepresentation") == 1
    planar = _integer(dataset, "PlanarConfiguration")
    return PixelHeader(
        rows=max(0, _integer(dataset, "Rows")),
        columns=max(0, _integer(dataset, "Columns")),
        samples=samples,
        photometric=photometric,
        planar=planar if planar in (0, 1) else 0,
        allocated=allocated,
        stored=stored,
        high=_integer(dataset, "HighBit") if attribute(dataset, "HighBit") is not None else -1,
        signed=signed,
        frames=frames,
        padding=_integer(dataset, "PixelPaddingValue"),
        overlays=_has_embedded_overlay(dataset),
    )


def _has_embedded_overlay(dataset: Dataset) -> bool:
    """An overlay in unused bits (retired, PS3.3 C.9.2) has a bit position but no data."""
    return any(
        (group << 16 | 0x0102) in dataset and (group << 16 | 0x3000) not in dataset
        for group in range(0x6000, 0x6020, 2)
    )
