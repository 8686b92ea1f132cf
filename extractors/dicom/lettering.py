"""Whether images that leave with their own pixels, as copies and volumes do, have lettering."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from .pixels.decoding import Decoded
from .pixels.rendering import render
from .privacy.burned_in import verdict

if TYPE_CHECKING:
    from . import Dicom

__all__ = ["is_lettered", "looked_at", "looks"]

MOST = 8  # a name is drawn into a whole series, or into its first or last pictures


def looks(options: Dicom) -> bool:
    """Whether the options ask for lettering to be looked for at all."""
    return not options.keep_identifiers and options.burned_in != "keep"


def looked_at(count: int, most: int = MOST) -> list[int]:
    """Which of ``count`` pictures are looked at, from 0: all of at most ``most``, else the first,
    the last, the middle and evenly spaced ones between them."""
    if count <= most:
        return list(range(count))
    last = count - 1
    return sorted({round(i * last / (most - 1)) for i in range(most)} | {count // 2})


def is_lettered(
    options: Dicom, dataset: Dataset, frames: Decoded, number: int, *, doubtful: bool = False
) -> bool:
    """Whether lettering is seen in a frame, counted from 0, or told by its header. doubtful: where
    it may be counts too, as with ``burned_in="quarantine"`` it always does. Raises BadInput for a
    frame that cannot be shown."""
    stored = frames.frame(number)
    picture = render(dataset, stored, frame_index=number,
                     photometric=frames.photometric, bits=frames.bits).picture  # fmt: skip
    alike = picture.shape == stored.shape
    risk = verdict(dataset, picture, stored=stored if alike else None).risk
    return risk == "certain" or (
        risk == "possible" and (doubtful or options.burned_in == "quarantine")
    )
