"""Whether a picture has text burned into it, where, and the picture without it.

What the headers say (``device_rules``) and what the picture shows (``text_regions``) are put
together; a header that says NO is not believed over lettering that is seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from domainclip.errors import BadInput

from .device_rules import device, scanners_own
from .text_regions import Box, text_regions

__all__ = ["Box", "BurnedIn", "blank", "verdict"]


# Letters cover a tenth to two fifths of their box.
_THINNEST, _FULLEST = 0.01, 0.6
_FEWEST = 8  # pixels; in a box of noise two or three come near its highest by chance
_LOSSY = 0.01


@dataclass(frozen=True, slots=True)
class BurnedIn:
    """risk: "certain" where lettering was seen or the header declares it; "possible" where none was
    seen and pictures of this kind carry it as a rule; "none" otherwise. boxes: to be blanked, in
    pixels of the picture: all lettering that was seen, and all that the headers tell to be no part
    of the image. why: reasons, in words without values of the file.

    "certain" without a box is a declared text that was not found: only a person can clear it.
    """

    risk: Literal["none", "possible", "certain"]
    boxes: tuple[Box, ...]
    why: tuple[str, ...]


def verdict(
    dataset: Dataset,
    picture: npt.NDArray[np.uint8],
    *,
    stored: npt.NDArray[np.generic] | None = None,
) -> BurnedIn:
    """What is known of text in a picture.

    dataset: headers of the image, without pixels for all that matters here; malformed values tell
    nothing. picture: as it will be seen, (h, w) or (h, w, 3) uint8, of the stored size or reduced;
    raises BadInput for another. stored: its stored values, (h, w). A scanner's own image (CT, MR,
    PET, NM of more than 8 bits) holds measurements: lettering in it was drawn in one bright value,
    while noise, vessels and bone that look like letters through a narrow window have many.
    """
    seen = text_regions(picture)
    if seen and stored is not None and scanners_own(dataset):
        seen = [box for box in seen if _drawn(stored, box)]
    height, width = picture.shape[:2]
    columns, rows = _size(dataset, width, height)
    told = device(dataset, columns, rows)
    boxes = [_scaled(box, width / columns, height / rows, width, height) for box in told.boxes]
    boxes += [box for box in seen if not any(_holds(other, box) for other in boxes)]
    why = list(told.why)
    if seen:
        why.append(f"lettering in {len(seen)} places of the picture")
    risk: Literal["none", "possible", "certain"] = "none"
    if seen or told.declared:
        risk = "certain"
    elif told.often or told.boxes:
        risk = "possible"
    return BurnedIn(risk, tuple(boxes), tuple(why))


def blank(picture: npt.NDArray[np.uint8], boxes: Sequence[Box]) -> npt.NDArray[np.uint8]:
    """A copy with each box in one colour: the median of the frame of two pixels around it, or black
    where a box leaves none. What was under the text is lost."""
    if picture.ndim not in (2, 3):
        raise BadInput("boxes are blanked in pictures of (h, w) or (h, w, channels)")
    result = picture.copy()
    height, width = picture.shape[:2]
    for box in boxes:
        left, top = max(0, box.left), max(0, box.top)
        right, bottom = min(width, box.right), min(height, box.bottom)
        if left >= right or top >= bottom:
            continue
        frame = (
            picture[max(0, top - 2) : top, left:right],
            picture[bottom : bottom + 2, left:right],
            picture[top:bottom, max(0, left - 2) : left],
            picture[top:bottom, right : right + 2],
        )
        channels = picture.shape[2:]
        around = np.concatenate([piece.reshape(-1, *channels) for piece in frame])
        result[top:bottom, left:right] = np.median(around, axis=0) if len(around) else 0
    return result


def _size(dataset: Dataset, width: int, height: int) -> tuple[int, int]:
    """Columns and rows as stored, or the picture's own where they are not told."""
    try:
        columns, rows = dataset.get("Columns"), dataset.get("Rows")
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        return width, height
    if not (isinstance(columns, int) and isinstance(rows, int)) or min(columns, rows) < 1:
        return width, height
    # A picture of another shape is cut, not reduced: its pixels count as they stand.
    alike = abs(columns / width - rows / height) <= 0.02 * columns / width
    return (columns, rows) if alike else (width, height)


def _scaled(box: Box, across: float, along: float, width: int, height: int) -> Box:
    return Box(
        int(box.left * across),
        int(box.top * along),
        min(width, int(np.ceil(box.right * across))),
        min(height, int(np.ceil(box.bottom * along))),
    )


def _drawn(stored: npt.NDArray[np.generic], box: Box) -> bool:
    """Whether a fair share of a box has its highest value, within what a lossy codec changes."""
    values = stored[max(0, box.top) : box.bottom, max(0, box.left) : box.right].astype(np.float64)
    if not values.size:
        return False
    top = values.max()
    near = _LOSSY * (top - values.min())
    drawn = int((values >= top - near).sum())
    return drawn >= _FEWEST and _THINNEST <= drawn / values.size <= _FULLEST


def _holds(one: Box, other: Box) -> bool:
    return (
        one.left <= other.left
        and one.top <= other.top
        and one.right >= other.right
        and one.bottom >= other.bottom
    )
