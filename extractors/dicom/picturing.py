"""A frame as the picture of a pair: decoded, shown, cropped, freed of lettering, sized, encoded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from domainclip.errors import BadInput
from domainclip.images.encoded import decoded, encode
from domainclip.images.phash import phash
from domainclip.images.rgb import rgb_of

from .lettering import looks
from .pixels.decoding import Decoded
from .pixels.mammography import crop_breast
from .pixels.rendering import Rendered, render
from .privacy.burned_in import blank, verdict

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["BurnedInText", "Picture", "picture_of_frame", "picture_of_web_image"]


class BurnedInText(BadInput):
    """An image with lettering that must not leave."""

    reason = "burned_in_text"


@dataclass(frozen=True, slots=True)
class Picture:
    """data: encoded. facts: of the rendering. notes: repairs and doubts in words. blanked: the
    share of the picture that was blanked for lettering, 0 to 1."""

    data: bytes
    width: int
    height: int
    phash: int
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    blanked: float = 0.0


def picture_of_frame(options: Dicom, dataset: Dataset, frames: Decoded, number: int) -> Picture:
    """The picture of one frame, counted from 0. Raises BadInput, with a ``reason`` where it has
    one."""

    stored = frames.frame(number)

    def with_window(window: str) -> Rendered:
        return render(
            dataset,
            stored,
            frame_index=number,
            photometric=frames.photometric,
            bits=frames.bits,
            window=window,
            overlays=options.overlays,
        )

    more: tuple[str, ...] = ()
    try:
        shown = with_window(options.window)
    except BadInput:
        if options.window == "auto":
            raise
        shown = with_window("auto")
        more = ("the window that was asked for does not fit this image: auto was taken",)
    picture = shown.picture
    notes = (*frames.repairs, *shown.notes, *more)
    if options.crop and picture.ndim == 2 and str(dataset.get("Modality", "")) == "MG":
        left, top, right, bottom = crop_breast(picture)
        picture = picture[top:bottom, left:right]
    uncut = picture.shape == stored.shape
    picture, blanked, doubts = _freed(options, dataset, picture, stored if uncut else None)
    return _encoded(options, picture, dict(shown.facts), (*notes, *doubts), blanked)


def picture_of_web_image(options: Dicom, data: bytes) -> Picture:
    """The picture of a PNG or JPEG, drawn anew: its metadata stays behind. Raises BadInput."""
    try:
        image = decoded(data)
    except ValueError as error:
        raise BadInput(f"It is no image that can be decoded ({error}).") from None
    if image.width * image.height > options.max_mpx * 1_000_000:
        raise BadInput(f"It has more than {options.max_mpx} million pixels (max_mpx).")
    grey = image.mode in ("1", "L", "I;16", "I")
    rgb = np.asarray(rgb_of(image))
    picture, blanked, doubts = _freed(options, Dataset(), rgb[..., 0] if grey else rgb)
    return _encoded(options, np.ascontiguousarray(picture), {}, doubts, blanked)


def _freed(
    options: Dicom,
    dataset: Dataset,
    picture: np.ndarray,
    stored: np.ndarray | None = None,
) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """(picture without lettering, share blanked, doubts that are left). Raises BurnedInText."""
    if not looks(options):
        return picture, 0.0, ()
    found = verdict(dataset, picture, stored=stored)
    if found.risk == "none":
        return picture, 0.0, ()
    declared = found.risk == "certain" and not found.boxes
    if options.burned_in == "quarantine" or declared:
        raise BurnedInText(
            f"Its pixels hold lettering, or may ({'; '.join(found.why)}); look at it, then use "
            "--burned-in keep for images that you know to be clean."
        )
    if not found.boxes:
        return picture, 0.0, ("images of its kind often carry lettering; none was seen",)
    covered = np.zeros(picture.shape[:2], bool)
    for box in found.boxes:
        covered[max(0, box.top) : box.bottom, max(0, box.left) : box.right] = True
    return blank(picture, found.boxes), float(covered.mean()), ()


def _encoded(
    options: Dicom,
    picture: np.ndarray,
    facts: Mapping[str, Any],
    notes: Sequence[str],
    blanked: float,
) -> Picture:
    image = Image.fromarray(picture)
    if options.max_px and max(image.size) > options.max_px:
        image.thumbnail((options.max_px, options.max_px), Image.Resampling.LANCZOS)
    data = encode(image, options.format, quality=options.quality)
    return Picture(data, image.width, image.height, phash(image), facts, tuple(notes), blanked)
