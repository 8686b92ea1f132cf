"""Where a picture has lettering burned into it, by numpy and Pillow alone; nothing is read.

Letters are sought bright and dark, in three sizes of the picture and at two thresholds of the
top-hat (``text_blobs``); rows of them (``text_lines``) are judged by a logistic regression of their
measures and the squares of these. Its weights (``text_weights.json``) are fitted by
``benchmarks/dicom_burned_in.py --fit`` on chest radiographs and CT and MR slices with rendered
words. Letters of about 6 to 120 pixels are found in pictures of up to 2,048 pixels; larger ones are
reduced first.

A single letter, or two that stand alone ("R", "L", "AP", "CC"), are no line and not reported: side
and projection markers tell of nobody. A word of three letters or more is, for nothing here can tell
"MLO" from a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from domainclip.errors import BadInput

from .text_blobs import Blobs, blobs_of, top_hat
from .text_lines import Line, lines_of

__all__ = ["Box", "candidates", "text_regions"]

_LONGEST_SIDE = 2048
_PEN = 11  # pixels, wider than the stroke of any letter of up to 32 pixels
_THRESHOLDS = (32, 90)
_SMALLEST, _TALLEST = 5, 34
_SURE, _POSSIBLE = 0.75, 0.15
_SURE_UPRIGHT, _LETTERS_UPRIGHT = 0.93, 4


class Box(NamedTuple):
    """Pixels: right and bottom outside."""

    left: int
    top: int
    right: int
    bottom: int


def text_regions(picture: npt.NDArray[np.uint8]) -> list[Box]:
    """Boxes around lettering, some pixels wider than it, from top to bottom.

    picture: (h, w) or (h, w, 3) or (h, w, 4), uint8; raises BadInput for another.
    """
    if picture.dtype != np.uint8 or picture.ndim not in (2, 3) or 0 in picture.shape:
        raise BadInput("lettering is sought in pictures of 8 bits, (h, w) or (h, w, channels)")
    height, width = picture.shape[:2]
    boxes = [_padded(box, width, height) for box in _rows(picture, _SURE, 3)]
    # from the right: a row that runs up or down is one that runs along; ribs and edges are likelier
    # to look like one, so more is asked of it
    for left, top, right, bottom in _rows(np.rot90(picture), _SURE_UPRIGHT, _LETTERS_UPRIGHT):
        boxes.append(_padded((width - bottom, left, width - top, right), width, height))
    return sorted(boxes, key=lambda box: (box.top, box.left))


def _rows(
    picture: npt.NDArray[np.uint8], least: float, letters: int
) -> list[tuple[int, int, int, int]]:
    """Rows of at least so many letters that score at least so much, one box where they meet."""
    sure: list[tuple[int, int, int, int]] = []
    possible: list[tuple[int, int, int, int]] = []
    for box, features, count in candidates(picture):
        score = _score(features)
        if score >= least and (count >= letters or (letters == 3 and features[1] > 2.4)):
            sure.append(box)
        elif score >= _POSSIBLE:
            possible.append(box)
    _absorb(sure, possible)
    return list(_united(sure))


def candidates(
    picture: npt.NDArray[np.uint8],
) -> Iterator[tuple[tuple[int, int, int, int], tuple[float, ...], int]]:
    """Rows of what may be letters: box in the picture's pixels, measures, number of letters."""
    bright, dark = _planes(picture)
    reduce = -(-max(bright.shape) // _LONGEST_SIDE)
    scales: tuple[float, ...] = (1, 2, 4) if max(bright.shape) > 700 else (0.5, 1, 2)
    for scale in scales:
        for polarity, plane in enumerate((bright, dark)):
            small = _scaled(plane, scale * reduce)
            if min(small.shape) < 2 * _PEN:
                continue
            hat = top_hat(small, _PEN)
            for number, threshold in enumerate(_THRESHOLDS):
                blobs = _letters(blobs_of(small, hat, threshold=threshold, longest_run=64))
                for line in lines_of(blobs):
                    box = _in_picture(line, scale * reduce)
                    yield box, (*line.features, polarity, number), len(line.members)


def _planes(picture: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """One to seek bright letters in, and a negative to seek dark ones in. Of colours the brightest
    channel and the darkest: yellow letters are bright, blue ones on white dark."""
    if picture.ndim == 2 or picture.shape[2] < 3:
        grey = picture if picture.ndim == 2 else picture[:, :, 0]
        return grey, 255 - grey
    return picture[:, :, :3].max(axis=2), 255 - picture[:, :, :3].min(axis=2)


def _scaled(plane: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.uint8]:
    if scale == 1:
        return plane
    image = Image.fromarray(np.ascontiguousarray(plane))
    if scale > 1:
        return np.asarray(image.reduce(int(scale)))
    size = round(image.width / scale), round(image.height / scale)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR))


def _letters(blobs: Blobs) -> Blobs:
    height, width = blobs.bottom - blobs.top, blobs.right - blobs.left
    likely = (height >= _SMALLEST) & (height <= _TALLEST) & (width <= 10 * height)
    return blobs.take(likely & (blobs.area >= _SMALLEST))


def _in_picture(line: Line, scale: float) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(value * scale) for value in line.box)
    return left, top, right, bottom


@cache
def _weights() -> dict[str, npt.NDArray[np.float64]]:
    text = files(__package__).joinpath("text_weights.json").read_text("utf-8")
    return {name: np.asarray(values, np.float64) for name, values in json.loads(text).items()}


def _score(features: tuple[float, ...]) -> float:
    """0 to 1, how like lettering."""
    weights = _weights()
    values = np.clip((np.asarray(features) - weights["mean"]) / weights["scale"], -6, 6)
    total = values @ weights["linear"] + values**2 @ weights["square"] + float(weights["bias"])
    return float(1 / (1 + np.exp(-np.clip(total, -50, 50))))


def _absorb(
    sure: list[tuple[int, int, int, int]], possible: list[tuple[int, int, int, int]]
) -> None:
    """Add to the sure rows those less sure that continue one, within three of its heights."""
    for _ in range(3):
        added = [box for box in possible if any(_continues(box, other) for other in sure)]
        possible[:] = [box for box in possible if box not in added]
        sure.extend(added)
        if not added:
            return


def _continues(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    tall, its = one[3] - one[1], other[3] - other[1]
    shared = min(one[3], other[3]) - max(one[1], other[1])
    gap = max(one[0], other[0]) - min(one[2], other[2])
    return (
        shared >= 0.6 * min(tall, its) and max(tall, its) <= 1.8 * min(tall, its) and gap <= 3 * its
    )


def _united(boxes: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Boxes that touch on a row become one, until none do."""
    boxes = list(boxes)
    changed = True
    while changed:
        changed = False
        kept: list[tuple[int, int, int, int]] = []
        for box in sorted(
            boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]), reverse=True
        ):
            for number, other in enumerate(kept):
                if _overlap(box, other):
                    kept[number] = (
                        min(box[0], other[0]),
                        min(box[1], other[1]),
                        max(box[2], other[2]),
                        max(box[3], other[3]),
                    )
                    changed = True
                    break
            else:
                kept.append(box)
        boxes = kept
    return boxes


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    across = min(one[2], other[2]) - max(one[0], other[0])
    along = min(one[3], other[3]) - max(one[1], other[1])
    least = min(one[3] - one[1], other[3] - other[1])
    most = max(one[3] - one[1], other[3] - other[1])
    return across > -least and along > (0.4 if most <= 2 * least else 0.9) * least


def _padded(box: tuple[int, int, int, int], width: int, height: int) -> Box:
    """Wider by a fifth of its height, at least 2 pixels, for blurred edges, dots and accents."""
    margin = max(2, round(0.2 * (box[3] - box[1])))
    left, top, right, bottom = box
    return Box(
        max(0, left - margin),
        max(0, top - margin),
        min(width, right + margin),
        min(height, bottom + margin),
    )
