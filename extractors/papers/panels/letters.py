"""Panel letters in a picture without text: connected blobs that look like an isolated letter.

Blobs of dark and of bright pixels of a letter's size are laid over a grid of 10 x 10 cells and
compared with the letters of six typefaces (glyphs.txt, made by
tests/data/make_panel_glyphs.py). Words and numbers fall away because their letters have neighbours.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from domainclip.images.blobs import blob_boxes

__all__ = ["Letter", "PlacedText", "find_letters"]

Box = tuple[int, int, int, int]

_CELLS = 10
_INK, _DARK, _BRIGHT = 180, 90, 225  # of 255: thin strokes on paper; black, white in pictures
_BLOCK = 16
_APART = 0.5  # of a letter's height: nearer letters make a word
_LEAST_SCORE, _NEAR_BEST = 0.62, 0.08
_MOST_BLOBS = 4000
_SHORT = frozenset("acemnorsuvwxz")  # lower-case letters without ascender or descender
_TWINS = frozenset("copsuvwxz")  # drawn alike in both cases
_CAP, _X_HEIGHT = 0.72, 0.53  # of the font's size


@dataclass(frozen=True, slots=True)
class PlacedText:
    """A word and its box in a picture: left, top, right, bottom in pixels."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter that stands alone. box: pixels, with its brackets. size: of its font, pixels.

    bracketed: "(a)" or "a)". score: likeness to the nearest typeface, at most 1.
    """

    label: str
    box: Box
    size: float
    bracketed: bool
    score: float


@functools.cache
def _glyphs() -> tuple[str, npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Letters (n), their shapes (n, 100; zero mean, unit length) and log of width over height."""
    rows = [
        line.split()
        for line in (Path(__file__).parent / "glyphs.txt").read_text("ascii").splitlines()
    ]
    shapes = np.array([[int(digit, 16) for digit in row[3]] for row in rows], np.float32)
    aspects = np.log(np.array([float(row[2]) for row in rows], np.float32))
    return "".join(row[1] for row in rows), _unit(shapes), aspects


def find_letters(gray: npt.NDArray[np.uint8], labels: Collection[str]) -> list[Letter]:
    """Isolated blobs of a picture (height, width) that may be one of ``labels``, dark or bright.

    A blob may be given for several of them, as for "c" and "C".
    """
    height, width = gray.shape
    tallest = max(12, round(0.09 * max(height, width)))
    found: list[Letter] = []
    for mask in (gray < _ink_below(gray), gray > _BRIGHT):
        boxes = blob_boxes(mask, longest_run=tallest)
        if not {"i", "j"}.isdisjoint(labels):
            boxes = _with_dots(boxes)
        tall = boxes[:, 3] - boxes[:, 1]
        wide = boxes[:, 2] - boxes[:, 0]
        able = (tall >= 6) & (tall <= tallest) & (wide <= 1.6 * tall) & (wide >= 0.12 * tall)
        boxes = boxes[able]
        if 0 < len(boxes) <= _MOST_BLOBS:
            found.extend(_read(mask, boxes, labels))
    return found


def _with_dots(boxes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Boxes, those of stems grown by the dot above them ("i", "j")."""
    left, top, right, bottom = boxes.T
    tall, wide = bottom - top, right - left
    stems = np.flatnonzero((tall >= 5) & (wide <= 0.6 * tall))
    dots = np.flatnonzero((tall <= 12) & (wide <= 1.6 * tall) & (tall <= 2 * wide))
    if not 0 < len(stems) * len(dots) <= _MOST_BLOBS * _MOST_BLOBS // 4:
        return boxes
    gap = top[stems, None] - bottom[dots]  # (stems, dots)
    above = (gap > 0) & (gap <= 0.4 * tall[stems, None]) & (tall[dots] <= 0.4 * tall[stems, None])
    level = np.minimum(right[stems, None], right[dots]) - np.maximum(left[stems, None], left[dots])
    pairs = above & (level >= 0.6 * wide[dots])
    stem, dot = stems[pairs.any(axis=1)], dots[pairs.argmax(axis=1)[pairs.any(axis=1)]]
    grown = boxes.copy()
    grown[stem, :2] = np.minimum(boxes[stem, :2], boxes[dot, :2])
    grown[stem, 2] = np.maximum(right[stem], right[dot])
    return grown


def _ink_below(gray: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """What counts as ink at each pixel: thin grey strokes do on paper, only black in pictures."""
    height, width = gray.shape
    padded = np.pad(gray > _BRIGHT, ((0, -height % _BLOCK), (0, -width % _BLOCK)), mode="edge")
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, -1, _BLOCK)
    levels = np.where(blocks.mean(axis=(1, 3)) > 0.3, _INK, _DARK).astype(np.uint8)
    return levels.repeat(_BLOCK, axis=0).repeat(_BLOCK, axis=1)[:height, :width]


def _read(
    mask: npt.NDArray[np.bool_], boxes: npt.NDArray[np.int64], labels: Collection[str]
) -> list[Letter]:
    names, shapes, aspects = _glyphs()
    seen = _unit(_cells(mask, boxes))
    aspect = np.log((boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1])).astype(np.float32)
    scores = seen @ shapes.T - 0.35 * np.abs(aspect[:, None] - aspects[None])  # (blobs, glyphs)
    best = scores.max(axis=1)
    found = []
    for label in labels:
        alike = {label, label.swapcase()} if label.lower() in _TWINS else {label}
        columns = [at for at, name in enumerate(names) if name in alike]
        like = scores[:, columns].max(axis=1)
        for at in np.flatnonzero((like >= _LEAST_SCORE) & (like >= best - _NEAR_BEST)):
            box, bracketed, alone = _surroundings(boxes, int(at))
            if alone:
                x0, y0, x1, y1 = (int(value) for value in box)
                part = _X_HEIGHT if label in _SHORT else _CAP
                size = float(boxes[at, 3] - boxes[at, 1]) / part
                found.append(Letter(label, (x0, y0, x1, y1), size, bracketed, float(like[at])))
    return found


def _surroundings(
    boxes: npt.NDArray[np.int64], at: int
) -> tuple[npt.NDArray[np.int64], bool, bool]:
    """(box with brackets, whether it has some, whether no other letter stands beside it)."""
    x0, y0, x1, y1 = boxes[at]
    tall = y1 - y0
    level = (np.minimum(boxes[:, 3], y1) - np.maximum(boxes[:, 1], y0)) > 0.3 * tall
    heights = boxes[:, 3] - boxes[:, 1]
    like = (heights < 2.2 * tall) & (heights > 0.62 * tall)
    near = level & like
    near[at] = False
    gap_left, gap_right = x0 - boxes[:, 2], boxes[:, 0] - x1
    width = boxes[:, 2] - boxes[:, 0]
    thin = (width <= 0.45 * heights) & (heights >= tall)
    left = near & (gap_left > -2) & (gap_left < _APART * tall)
    right = near & (gap_right > -2) & (gap_right < _APART * tall)
    opening, closing = np.flatnonzero(left & thin), np.flatnonzero(right & thin)
    others = int(left.sum() + right.sum())
    if len(closing) == 1 and len(opening) <= 1 and others == len(opening) + 1:
        around = boxes[[*opening, at, *closing]]
        whole = np.array([*around[:, :2].min(axis=0), *around[:, 2:].max(axis=0)])
        beyond = (
            level
            & like
            & (
                ((boxes[:, 0] > whole[2]) & (boxes[:, 0] - whole[2] < _APART * tall))
                | ((boxes[:, 2] < whole[0]) & (whole[0] - boxes[:, 2] < _APART * tall))
            )
        )
        return whole, True, not beyond.any()
    return boxes[at], False, others == 0


def _cells(mask: npt.NDArray[np.bool_], boxes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """(n, 100): the mask's share in each cell of each box, exact by its integral image."""
    height, width = mask.shape
    total = np.zeros((height + 1, width + 1), np.float64)
    total[1:, 1:] = np.cumsum(np.cumsum(mask, axis=0, dtype=np.int32), axis=1)
    steps = np.linspace(0, 1, _CELLS + 1)
    xs = boxes[:, 0, None] + (boxes[:, 2] - boxes[:, 0])[:, None] * steps  # (n, 11)
    ys = boxes[:, 1, None] + (boxes[:, 3] - boxes[:, 1])[:, None] * steps
    left, top = np.minimum(xs.astype(int), width - 1), np.minimum(ys.astype(int), height - 1)
    u, v = (xs - left)[:, None, :], (ys - top)[:, :, None]
    columns, rows = left[:, None, :], top[:, :, None]
    corner = (total[rows, columns] * (1 - u) + total[rows, columns + 1] * u) * (1 - v) + (
        total[rows + 1, columns] * (1 - u) + total[rows + 1, columns + 1] * u
    ) * v  # (n, 11, 11)
    cells = np.diff(np.diff(corner, axis=1), axis=2)
    return np.asarray(cells.reshape(len(boxes), -1), np.float32)


def _unit(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Rows of zero mean and unit length."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1e-6), np.float32)
