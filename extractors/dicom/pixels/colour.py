"""Colour pixels as 8-bit sRGB: palettes, the YBR spaces, deep RGB, ICC profiles.

PS3.3 C.7.6.3.1.2 (photometric interpretations), C.7.6.3.1.5 and C.7.9 (palettes), C.11.15 (ICC).
Supplemental palettes (C.7.6.19), which paint single values of a grey image, are not applied.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms
from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.images.voi import apply_table

from .attributes import items_of, little_endian, value_of
from .luts import words_of
from .palettes import palette_tables

__all__ = ["COLOUR_SPACES", "icc_profile_of", "palette_to_rgb", "to_rgb", "to_srgb"]

# What three samples may mean here. JPEG 2000's own two are undone by its decoder.
COLOUR_SPACES = (
    "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT",
)  # fmt: skip

# R, G, B from (Y, Cb, Cr, 1): the inverses of the standard's equations.
_FULL = (
    1.0, 0.0, 1.402, -1.402 * 128,
    1.0, -0.114 * 1.772 / 0.587, -0.299 * 1.402 / 0.587,
    (0.114 * 1.772 + 0.299 * 1.402) / 0.587 * 128,
    1.0, 1.772, 0.0, -1.772 * 128,
)  # fmt: skip
_PARTIAL_FORWARD = np.array(
    [[0.2568, 0.5041, 0.0979], [-0.1482, -0.2910, 0.4392], [0.4392, -0.3678, -0.0714]]
)
_LARGEST_PROFILE = 8 << 20


def to_rgb(frame: np.ndarray, photometric: str, bits_stored: int) -> np.ndarray:
    """Three samples a pixel (h, w, 3), or plane by plane (3, h, w), as uint8 (h, w, 3).

    photometric: what the samples are; chroma is expected at full resolution, and YBR_ICT and
    YBR_RCT as RGB, as decoders give them. Deeper samples are cut to their upper 8 of
    ``bits_stored``.
    Raises BadInput for retired spaces (HSV, ARGB, CMYK) and for other shapes.
    """
    if photometric not in COLOUR_SPACES:
        raise BadInput(
            "the pixels' photometric interpretation is none that can be shown; "
            "convert the image to RGB or MONOCHROME2."
        )
    if frame.ndim == 3 and frame.shape[2] != 3 and frame.shape[0] == 3:
        frame = np.moveaxis(frame, 0, -1)
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype.kind not in "iu":
        raise BadInput("a colour image needs three integer samples a pixel.")
    shown = _eight_bits(frame, bits_stored)
    if not photometric.startswith(("YBR_FULL", "YBR_PARTIAL")) or not shown.size:
        return shown
    matrix = _FULL if photometric.startswith("YBR_FULL") else _partial()
    return np.asarray(Image.fromarray(shown).convert("RGB", matrix))


def _eight_bits(frame: np.ndarray, bits_stored: int) -> np.ndarray:
    if frame.dtype == np.uint8 and bits_stored >= 8:
        return np.ascontiguousarray(frame)
    bits = min(max(bits_stored, 1), frame.dtype.itemsize * 8)
    if bits < 8:
        return (np.clip(frame, 0, (1 << bits) - 1) * (255.0 / ((1 << bits) - 1)) + 0.5).astype(
            np.uint8
        )
    kept = np.maximum(frame, 0) >> (bits - 8)
    return (kept if kept.dtype == np.int8 else np.minimum(kept, 255)).astype(np.uint8)


@lru_cache(maxsize=1)
def _partial() -> tuple[float, ...]:
    back = np.linalg.inv(_PARTIAL_FORWARD)
    rows = np.column_stack([back, -back @ np.array([16.0, 128.0, 128.0])])
    return tuple(float(number) for number in rows.ravel())


def palette_to_rgb(frame: np.ndarray, dataset: Dataset) -> tuple[np.ndarray, tuple[str, ...]]:
    """Palette indices (h, w) as uint8 (h, w, 3), and notes.

    Raises BadInput where the file holds no usable palette, or the indices are no integers.
    """
    if frame.ndim != 2 or frame.dtype.kind not in "iub":
        raise BadInput("an image with a palette needs one integer sample a pixel.")
    little = little_endian(dataset)
    signed = value_of(dataset, "PixelRepresentation") == 1
    segmented = value_of(dataset, "RedPaletteColorLookupTableData") is None
    name = "SegmentedRed" if segmented else "Red"
    descriptors, data = [], []
    for colour in ("Red", "Green", "Blue"):
        words = words_of(value_of(dataset, f"{colour}PaletteColorLookupTableDescriptor"), little)
        found = value_of(dataset, f"{name.replace('Red', colour)}PaletteColorLookupTableData")
        if len(words) < 3 or found is None:
            raise BadInput("the file says PALETTE COLOR, and holds no whole palette.")
        descriptors.append((int(words[0]), int(words[1]), int(words[2])))
        # words in little order, whatever the file's: then bytes of 8-bit entries are in order too
        data.append(words_of(found, little).astype("<u2").tobytes())
    tables, notes = palette_tables(tuple(descriptors), tuple(data), segmented, signed)
    if frame.dtype.itemsize > 2:
        low, high = (-(1 << 15), (1 << 15) - 1) if signed else (0, (1 << 16) - 1)
        frame = np.clip(frame, low, high).astype(np.int16 if signed else np.uint16)
    return np.stack([apply_table(frame, table) for table in tables], axis=-1), notes


def icc_profile_of(dataset: Dataset) -> bytes:
    """The image's ICC profile, b"" where it has none (or several, or one beyond 8 MiB)."""
    found = value_of(dataset, "ICCProfile")
    if found is None:
        paths = items_of(dataset, "OpticalPathSequence")
        told = (value_of(path, "ICCProfile") for path in paths)
        profiles = {profile for profile in told if isinstance(profile, bytes)}
        found = profiles.pop() if len(profiles) == 1 else None
    return found if isinstance(found, bytes) and len(found) <= _LARGEST_PROFILE else b""


def to_srgb(picture: np.ndarray, profile: bytes) -> tuple[np.ndarray, str]:
    """uint8 (h, w, 3) from a profile's colours to sRGB by LittleCMS, with the profile's own intent;
    and a note, where the profile cannot be used and the picture is as it was."""
    try:
        transform = _transform(profile)
        if transform is None:
            return picture, ""
        turned = ImageCms.applyTransform(Image.fromarray(picture), transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return picture, "the ICC profile cannot be used; colours are as stored"
    return (np.asarray(turned) if turned is not None else picture), ""


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> ImageCms.ImageCmsTransform | None:
    """None where the profile is sRGB itself."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if opened.profile.xcolor_space.strip() != "RGB":
        raise ValueError("not a profile of RGB")
    if "srgb" in (ImageCms.getProfileDescription(opened) or "").lower().replace(" ", ""):
        return None
    intent = ImageCms.Intent(ImageCms.getDefaultIntent(opened))
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(opened, srgb, "RGB", "RGB", renderingIntent=intent)
