"""A window from the values themselves: from the smallest to the largest, or between percentiles."""

from __future__ import annotations

import numpy as np

from domainclip.images.voi import Lut, Rescale, Window, modality_values

from .grey import Stored

__all__ = ["PERCENTILES", "window_of_values"]

PERCENTILES = (0.5, 99.5)
_PIECE_PX = 1 << 22
_LARGEST = 8e307  # so that the width is a number too
_FEWEST = 16  # values that make a picture; masks and label maps have fewer


def window_of_values(
    stored: Stored,
    modality: Rescale | Lut,
    padding: tuple[float, float] | None,
    percentiles: tuple[float, float] = (0, 100),
) -> tuple[Window, tuple[str, ...]]:
    """A LINEAR_EXACT window, low is black and high white, over the modality's values of the pixels
    that are neither padding nor NaN; and notes.

    Where the percentiles fall together, as in images that are mostly empty, it reaches from the
    smallest to the largest value. Where all pixels have one value, that value is black. A value at
    an end that is farther from all others than these are from each other, as scanners fill corners
    with -32768 and say nothing of it, counts for no percentile.
    """
    values, counts = _counted(stored, padding)
    values = modality_values(values, modality)
    kept = np.isfinite(values)
    values, counts = values[kept], counts[kept]
    if not len(values):
        return Window(0.5, 1, "LINEAR_EXACT"), ("no pixel holds a value",)
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    notes: tuple[str, ...] = ()
    if percentiles != (0, 100):
        inner = _without_fill(values, counts, percentiles)
        if inner != slice(None):
            values, counts = values[inner], counts[inner]
            notes = ("a value far from all others was taken as padding",)
    reached = np.cumsum(counts)
    low, high = (
        float(values[min(int(np.searchsorted(reached, part / 100 * reached[-1])), len(values) - 1)])
        for part in percentiles
    )
    if low == high:
        low, high = float(values[0]), float(values[-1])
    low, high = max(low, -_LARGEST), min(high, _LARGEST)
    if not high > low:
        return Window(low + 0.5, 1, "LINEAR_EXACT"), ("all pixels have one value",)
    return Window(low + (high - low) / 2, high - low, "LINEAR_EXACT"), notes


def _without_fill(
    values: np.ndarray, counts: np.ndarray, percentiles: tuple[float, float]
) -> slice:
    """Of sorted values (n,), those that are no padding that the file does not tell of: one far away
    that so many pixels have that the percentiles would reach it."""
    distinct, first = np.unique(values, return_index=True)
    if len(distinct) <= _FEWEST:
        return slice(None)
    low, high, share = int(first[1]), int(first[-1]), counts.sum() / 100
    if (
        distinct[1] - distinct[0] > distinct[-1] - distinct[1]
        and counts[:low].sum() > percentiles[0] * share
    ):
        return slice(low, None)
    if (
        distinct[-1] - distinct[-2] > distinct[-2] - distinct[0]
        and counts[high:].sum() > (100 - percentiles[1]) * share
    ):
        return slice(None, high)
    return slice(None)


def _counted(stored: Stored, padding: tuple[float, float] | None) -> tuple[np.ndarray, np.ndarray]:
    """Distinct stored values and how many pixels have each, padding left out. Values beyond 16 bits
    are a sample, evenly spaced, of at most four million pixels, with the two ends."""
    flat = stored.values.reshape(-1)
    if flat.dtype.kind in "iu" and flat.dtype.itemsize <= 2:
        words = np.ascontiguousarray(flat).view(f"u{flat.dtype.itemsize}")
        span = 1 << (8 * flat.dtype.itemsize)
        counts = np.zeros(span, np.int64)
        for at in range(0, len(words), _PIECE_PX):
            counts += np.bincount(words[at : at + _PIECE_PX], minlength=span)
        values = np.arange(span, dtype=words.dtype).view(flat.dtype).astype(np.float64)
    else:
        step = max(1, -(-len(flat) // _PIECE_PX))
        with np.errstate(invalid="ignore"):
            ends = [np.nanmin(flat), np.nanmax(flat)] if np.isfinite(flat[::step]).any() else []
        values = np.concatenate([flat[::step], ends]).astype(np.float64)
        counts = np.ones(len(values), np.int64)
    kept = counts > 0
    if padding is not None:
        kept &= ~((values >= padding[0]) & (values <= padding[1]))
    return values[kept], counts[kept]
