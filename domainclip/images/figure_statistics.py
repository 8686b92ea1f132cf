"""Cheap numbers that tell kinds of figures apart: tones, colours, edges, lines, layout.

They are taken of a copy of at most 256 pixels a side: how much is paper, ink, flat, smooth; which
colours; long straight lines and their directions; how ink alternates with paper along rows and
columns, which is what text, tables and formulas differ in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["statistics"]

Plane = NDArray[np.float32]

_SIDE_PX = 256
_PAPER = 235  # levels: brighter is paper
_INK = 128  # darker than this is ink, on paper
_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_SATURATED = 40  # levels between the strongest and the weakest channel


def statistics(image: Image.Image) -> NDArray[np.float64]:
    """(60,) numbers, most of them shares between 0 and 1, that tell kinds of figures apart."""
    rgb, dark = _small(image)  # (h, w, 3), (h, w)
    grey = rgb @ _LUMA
    thin = rgb[::2, ::2]  # enough for means over areas
    found = [*_tones(grey), *_colours(thin), *_edges(grey), *_evenness(thin), *_octaves(grey)]
    found += [*_lines(dark), *_layout(dark)]
    return np.array(found, dtype=np.float64)


def _small(image: Image.Image) -> tuple[Plane, Plane]:
    """The picture at _SIDE_PX, and the darkest grey levels under each of its pixels.

    Thin lines and letters fade in the one and stay in the other.
    """
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(paper, image)
    elif image.mode.startswith(("I", "F")):  # 16 bits and more: their whole range as grey
        levels = np.nan_to_num(np.asarray(image, dtype=np.float64))
        span = max(1e-9, float(np.ptp(levels)))
        image = Image.fromarray(((levels - levels.min()) / span * 255).astype(np.uint8))
    factor = max(1, max(image.size) // (2 * _SIDE_PX))
    if image.mode in ("RGB", "L") and factor > 1:
        image = image.reduce(factor)  # means over squares: fast
    if image.mode != "RGB":
        image = image.convert("RGB")
    scale = min(1.0, _SIDE_PX / max(image.size))
    width, height = (max(8, round(size * scale)) for size in image.size)
    small = image.resize((width, height), Image.Resampling.BILINEAR)
    grey = image.convert("L").resize((2 * width, 2 * height), Image.Resampling.BILINEAR)
    fine = np.asarray(grey)
    rows = np.minimum(fine[::2], fine[1::2])
    darkest = np.minimum(rows[:, ::2], rows[:, 1::2])
    return np.asarray(small, dtype=np.float32), darkest.astype(np.float32)


def _tones(grey: Plane) -> list[float]:
    """Paper and black as shares, mean and spread of the rest, how many tones there are."""
    paper = grey > _PAPER
    rest = grey[~paper]
    counts = np.sort(np.bincount((grey[~paper] / 8).astype(int), minlength=32))[::-1]
    covered = np.cumsum(counts) / max(1, counts.sum())
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    return [
        float(paper.mean()),
        float((grey < 40).mean()),
        float(rest.mean() / 255) if rest.size else 1.0,
        float(rest.std() / 128) if rest.size else 0.0,
        float(np.searchsorted(covered, 0.95) / 32) if rest.size else 0.0,
        float((border > _PAPER).mean()),
        float((border < 40).mean()),
    ]


def _colours(rgb: Plane) -> list[float]:
    """Share of saturated pixels, of each of twelve hues among them, their variety and strength."""
    strongest = rgb.max(axis=2)
    spread = strongest - rgb.min(axis=2)
    vivid = spread > _SATURATED
    if vivid.mean() < 0.002:
        return [0.0] * 15
    red, green, blue = (rgb[..., channel][vivid] for channel in range(3))
    # hue on a circle by the projection onto it (a hexagon would do, and needs more lines)
    hue = np.arctan2(np.sqrt(3.0) * (green - blue), 2 * red - green - blue)
    shares = np.bincount(((hue + np.pi) / (2 * np.pi) * 12).astype(int) % 12, minlength=12)
    shares = shares / shares.sum()
    variety = -(shares * np.log(np.maximum(shares, 1e-9))).sum() / np.log(12)
    return [
        float(vivid.mean()),
        *shares.tolist(),
        float(variety),
        float(spread[vivid].mean()) / 255,
    ]


def _edges(grey: Plane) -> list[float]:
    """Shares of flat, smooth and hard steps between neighbours, off paper; how fine they are."""
    step = np.maximum(np.abs(np.diff(grey, axis=1))[:-1], np.abs(np.diff(grey, axis=0))[:, :-1])
    off_paper = step[grey[:-1, :-1] <= _PAPER]
    if not off_paper.size:
        return [0.0] * 5
    return [
        float((off_paper < 1.5).mean()),
        float(((off_paper >= 1.5) & (off_paper < 12)).mean()),
        float((off_paper >= 60).mean()),
        float(off_paper.mean() / 64),
        float((step >= 30).mean()),
    ]


def _evenness(rgb: Plane) -> list[float]:
    """How alike the 4 x 4 tiles of the picture are: in tone, in colour, in contrast."""
    height, width = (size // 4 for size in rgb.shape[:2])
    tiles = rgb[: 4 * height, : 4 * width].reshape(4, height, 4, width, 3)
    means = tiles.mean(axis=(1, 3)).reshape(16, 3)
    spreads = np.sqrt(
        np.maximum(0, (tiles**2).mean(axis=(1, 3)) - tiles.mean(axis=(1, 3)) ** 2)
    ).mean(axis=2)
    return [
        float((means @ _LUMA).std() / 64),
        float((means - means.mean(axis=1, keepdims=True)).std(axis=0).mean() / 32),
        float(spreads.std() / (spreads.mean() + 1)),
        float(spreads.min() / (spreads.max() + 1)),
    ]


def _octaves(grey: Plane) -> list[float]:
    """How much the picture varies within squares of 2, 4, 8, 16, 32 pixels, on a log scale.

    Scenes vary as much in every octave (Field 1987, https://doi.org/10.1364/JOSAA.4.002379), cells
    and grains most at their own size, radiographs little in the finest.
    """
    found = []
    grey = grey - np.float32(grey.mean())  # squares of small numbers lose no digits
    for _ in range(5):
        height, width = (size // 2 for size in grey.shape)
        if not height or not width:
            found.append(0.0)
            continue
        grey = grey[: 2 * height, : 2 * width]
        upper, lower = grey[::2], grey[1::2]
        means = (upper[:, ::2] + upper[:, 1::2] + lower[:, ::2] + lower[:, 1::2]) * np.float32(0.25)
        within = float(np.vdot(grey, grey) / grey.size - np.vdot(means, means) / means.size)
        found.append(float(np.log(max(within, 0.0) + 1)) / 8)
        grey = means
    return found


def _lines(dark: Plane) -> list[float]:
    """Straight thin lines along rows and along columns: the longest, how many, and where."""
    ink = dark < 190
    found = []
    for plane in (ink, ink.T):
        # thin: ink with paper two pixels off on either side, so that dark areas count nothing
        thin = plane.copy()
        thin[2:-2] &= ~(plane[:-4] & plane[4:])
        runs = _longest_runs(thin) / plane.shape[1]
        long = runs > 0.35
        starts = np.flatnonzero(long & ~np.concatenate([[False], long[:-1]]))
        found += [
            float(runs.max()),
            min(1.0, len(starts) / 8),
            float(starts[0] / len(runs)) if len(starts) else 0.5,
            float(starts[-1] / len(runs)) if len(starts) else 0.5,
            float(((runs > 0.08) & (runs <= 0.35)).mean()),
        ]
    return found


def _longest_runs(plane: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Length of the longest run of True in each row."""
    at = np.arange(plane.shape[1])
    since = np.maximum.accumulate(np.where(plane, -1, at), axis=1)
    return (at - since).max(axis=1)


def _layout(dark: Plane) -> list[float]:
    """How ink and paper alternate: bands of rows and columns, changes along them, the shape."""
    ink = dark < _INK
    found = [float(np.log2(dark.shape[1] / dark.shape[0]) / 4), float(ink.mean())]
    for plane in (ink, ink.T):
        share = plane.mean(axis=1)
        inked = share > 0.004
        bands = float(np.count_nonzero(inked[1:] & ~inked[:-1]) + inked[0])
        changes = np.count_nonzero(plane[:, 1:] != plane[:, :-1], axis=1)
        found += [
            float(inked.mean()),
            min(1.0, bands / 32),
            float(changes[inked].mean() / plane.shape[1]) if inked.any() else 0.0,
            _rhythm(share),
            float(share[: len(share) // 5].sum() / (share.sum() + 1e-6)),
            float(share[-(len(share) // 5) :].sum() / (share.sum() + 1e-6)),
        ]
    return found


def _rhythm(profile: Plane) -> float:
    """How regular a profile is: its highest autocorrelation after the first fall, 0 to 1."""
    around = profile - profile.mean()
    spectrum = np.abs(np.fft.rfft(around, 2 * len(around))) ** 2
    correlation = np.fft.irfft(spectrum)[: len(around) // 2]
    if correlation[0] <= 0:
        return 0.0
    correlation = correlation / correlation[0]
    fallen = np.flatnonzero(correlation < 0)
    return float(max(0.0, correlation[fallen[0] :].max())) if len(fallen) else 0.0
