"""Blobs of a picture that may be letters: small, thin, unlike their surroundings; with measures.

numpy alone. A letter is what a morphological opening with a square wider than a pen takes away (the
top-hat of Meyer 1979): bright letters of the picture, dark ones of its negative. Blobs are the
8-connected sets of pixels above a threshold of that difference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domainclip.images.blobs import blob_runs

__all__ = ["Blobs", "blobs_of", "top_hat"]

Plane = npt.NDArray[np.uint8]
_MOST_RUNS = 200_000


@dataclass(frozen=True, slots=True)
class Blobs:
    """Arrays of (n,) for the blobs. left, top, right, bottom: box, right and bottom outside. area:
    pixels. level: the brightest of the plane in it. contrast: the largest top-hat. solid: share of
    its pixels with at least 0.6 of that contrast. edge: steps from inside to outside, in pixels."""

    left: npt.NDArray[np.int64]
    top: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    bottom: npt.NDArray[np.int64]
    area: npt.NDArray[np.int64]
    level: npt.NDArray[np.int64]
    contrast: npt.NDArray[np.int64]
    solid: npt.NDArray[np.float64]
    edge: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.left)

    def take(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Blobs:
        """Some of them."""
        return Blobs(*(getattr(self, name)[which] for name in self.__dataclass_fields__))


def top_hat(plane: Plane, size: int) -> Plane:
    """What an opening with a square of odd ``size`` takes away, (h, w) in 0..255."""
    opened = _sliding(_sliding(plane, size, np.minimum), size, np.maximum)
    return plane - np.minimum(opened, plane)  # above it only at edges, which were repeated


def _sliding(plane: Plane, size: int, choose: np.ufunc) -> Plane:
    """The smallest or largest in a square around each pixel, by doubling shifts, edges repeated."""
    half = size // 2
    for axis in (0, 1):
        padded = np.pad(plane, [(half, half) if a == axis else (0, 0) for a in (0, 1)], "edge")
        padded = np.ascontiguousarray(padded)
        width = 1
        while width < size:
            step = min(width, size - width)
            length = padded.shape[axis] - step
            first, second = (
                padded[:length] if axis == 0 else padded[:, :length],
                padded[step:] if axis == 0 else padded[:, step:],
            )
            padded = choose(first, second)
            width += step
        plane = padded
    return plane


def blobs_of(plane: Plane, hat: Plane, *, threshold: int, longest_run: int) -> Blobs:
    """The blobs of the pixels whose top-hat reaches the threshold. Runs of more than
    ``longest_run`` pixels in a row are left out, being no letters; none is given for a picture of
    more than 200,000 runs, which is noise."""
    mask = hat >= threshold
    width = mask.shape[1]
    runs = blob_runs(mask, longest_run=longest_run, most_runs=_MOST_RUNS)
    if runs is None:
        none = np.zeros(0, np.int64)
        return Blobs(none, none, none, none, none, none, none, np.zeros(0), none)
    rows, lefts, rights, firsts = runs

    # The pixels, blob after blob.
    lengths = rights - lefts
    behind = np.cumsum(lengths)
    pixels = np.arange(behind[-1]) + np.repeat(rows * width + lefts - behind + lengths, lengths)
    begins = (behind - lengths)[firsts]
    area = np.diff(np.append(begins, behind[-1]))
    differences = hat.ravel()[pixels]
    contrast = np.maximum.reduceat(differences, begins)
    strong = differences >= np.repeat(contrast * 0.6, area)
    return Blobs(
        np.minimum.reduceat(lefts, firsts),
        np.minimum.reduceat(rows, firsts),
        np.maximum.reduceat(rights, firsts),
        np.maximum.reduceat(rows, firsts) + 1,
        area,
        np.maximum.reduceat(plane.ravel()[pixels], begins).astype(np.int64),
        contrast.astype(np.int64),
        np.add.reduceat(strong, begins, dtype=np.int64) / area,
        np.add.reduceat(_edges(mask).ravel()[pixels], begins, dtype=np.int64),
    )


def _edges(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """How many of a pixel's four neighbours are outside of the mask, the picture's edge inside."""
    count = np.zeros(mask.shape, np.uint8)
    count[1:] += ~mask[:-1]
    count[:-1] += ~mask[1:]
    count[:, 1:] += ~mask[:, :-1]
    count[:, :-1] += ~mask[:, 1:]
    return count
