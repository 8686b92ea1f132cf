"""A frame's stored values as the picture that a reader would see, in 8 bits.

Grey, in the order of PS3.4 N.2: modality LUT or rescale; VOI LUT or window; inversion for
MONOCHROME1 last. Colour: palette or colour space to RGB, then the file's ICC profile to sRGB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.images.voi import GreyParams, grey_picture

from ..quiet import quiet
from .attributes import text_of
from .choosing import Image, choose
from .colour import icc_profile_of, palette_to_rgb, to_rgb, to_srgb
from .grey import Stored, bits_stored, inverted, modality_of, padding_of, stored_of
from .overlays import burn_overlays
from .windows import Asked, parse_windows

__all__ = ["Rendered", "render", "window_words"]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A picture, uint8 (h, w) or (h, w, 3).

    facts, as JSON values: ``colour_space`` (MONOCHROME1, MONOCHROME2, RGB, YBR_FULL, PALETTE COLOR,
    ...); of grey images also ``inverted``, ``modality`` (kind none, rescale or lut; slope,
    intercept, unit) and ``windows``, one a channel (source, function; centre and width in the
    modality's unit unless it is a LUT; explanation); of colour images ``icc``, whether a profile
    was applied. No text of the file is in them but words of fixed lists. notes: what was repaired
    or assumed, in words that hold no value of the file.
    """

    picture: np.ndarray
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def render(
    dataset: Dataset,
    frame: np.ndarray,
    *,
    frame_index: int = 0,
    photometric: str | None = None,
    bits: int | None = None,
    window: str = "auto",
    padding: bool = True,
    overlays: bool = False,
    icc: bool = True,
) -> Rendered:
    """The picture of one frame.

    frame: stored values (h, w), or (h, w, 3) of colour images, integers or floats. photometric
    and bits: what they are, where that is not what the file says (decoders turn YBR into RGB, and
    repair headers). window: see ``pixels/windows.py``; three of them give (h, w, 3). padding:
    pixels of the padding value are black and count for no statistics. overlays: drawn in white.
    icc: colours go through the file's profile.

    Without a window in the file, ``auto`` shows unsigned values of up to 8 bits as they are, CT in
    Hounsfield units through the preset of its body part, and all else between the 0.5th and the
    99.5th percentile.

    Raises BadInput for a window that does not fit the image (a preset for what is no CT in
    Hounsfield units, a view that the file does not have), for retired colour spaces, for broken
    palettes and for frames without pixels.
    """
    asked = parse_windows(window)
    with quiet():
        kind = (photometric or text_of(dataset, "PhotometricInterpretation")).strip().upper()
        if frame.ndim == 3 and frame.shape[-1] == 1:
            frame = frame[..., 0]
        if not frame.size or frame.ndim not in (2, 3) or frame.dtype.kind not in "biuf":
            raise BadInput("a frame needs rows, columns and numbers to be shown.")
        if kind == "PALETTE COLOR" or frame.ndim == 3:
            shown = _colour(dataset, frame, kind, bits, asked, icc)
        else:
            stored = stored_of(frame, dataset, bits)
            shown = _grey(dataset, stored, frame_index, kind, asked, padding)
        if not overlays:
            return shown
        picture, notes = burn_overlays(shown.picture, dataset, frame_index)
        return Rendered(picture, {**shown.facts, "overlays": True}, shown.notes + notes)


def window_words(rendered: Rendered) -> str:
    """The ``window`` that shows another image as this one was shown, however it was chosen: all
    slices of a volume through the range of one of them. "auto" for colours."""
    told = []
    for window in rendered.facts.get("windows", ()):
        if window["function"] == "LUT":
            told.append(window["source"])
            continue
        numbers = f"{window['centre']!r}/{window['width']!r}".replace("e+", "e")  # + joins windows
        told.append(f"{numbers}/{window['function'].lower()}")
    return "+".join(told) or "auto"


def _colour(
    dataset: Dataset,
    frame: np.ndarray,
    kind: str,
    bits: int | None,
    asked: tuple[Asked, ...],
    icc: bool,
) -> Rendered:
    if any(each.kind == "preset" for each in asked):
        raise BadInput("this image is in colour: no window in Hounsfield units fits; use auto.")
    notes: tuple[str, ...] = ()
    if any(each.kind == "numbers" for each in asked):
        notes = ("an image in colour has no window",)
    if kind == "PALETTE COLOR" and frame.ndim == 2:
        picture, more = palette_to_rgb(frame, dataset)
        notes += more
    else:
        picture = to_rgb(frame, kind, bits or bits_stored(dataset, frame.dtype.itemsize * 8))
    profile = icc_profile_of(dataset) if icc else b""
    if profile:
        picture, note = to_srgb(picture, profile)
        notes += (note,) if note else ()
        profile = b"" if note else profile
    return Rendered(picture, {"colour_space": kind, "icc": bool(profile)}, notes)


def _grey(
    dataset: Dataset,
    stored: Stored,
    frame_index: int,
    kind: str,
    asked: tuple[Asked, ...],
    padding: bool,
) -> Rendered:
    notes: list[str] = []
    if kind not in ("MONOCHROME1", "MONOCHROME2"):
        kind = "MONOCHROME2"
        notes.append("one sample a pixel was taken as MONOCHROME2")
    if text_of(dataset, "PixelPresentation") in ("COLOR", "MIXED"):
        notes.append("the supplemental palette was not applied")
    modality = modality_of(dataset, frame_index, stored)
    padded = padding_of(dataset, stored) if padding else None
    white, odd = inverted(dataset, kind)
    notes.extend((*stored.notes, *modality.notes, *odd))

    image = Image(dataset, frame_index, stored, modality, padded)
    channels, windows = [], []
    for each in asked:
        chosen = choose(each, image)
        notes.extend(chosen.notes)
        windows.append(chosen.facts())
        params = GreyParams(
            chosen.voi, modality.transform, stored.bits, stored.signed, white, padded
        )
        picture = grey_picture(stored.values, params)
        if padded is not None and not picture.any() and _all_padding(stored.values, padded):
            notes.append("all pixels have the padding value, which was therefore passed over")
            picture = grey_picture(stored.values, replace(params, padding=None))
        channels.append(picture)
    facts = {
        "colour_space": kind,
        "inverted": white,
        "modality": modality.facts(),
        "windows": windows,
    }
    shown = channels[0] if len(channels) == 1 else np.stack(channels, axis=-1)
    return Rendered(shown, facts, tuple(dict.fromkeys(notes)))


def _all_padding(values: np.ndarray, padded: tuple[float, float]) -> bool:
    return bool(((values >= padded[0]) & (values <= padded[1])).all())
