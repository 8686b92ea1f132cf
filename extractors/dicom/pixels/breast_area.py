"""Where the breast lies in a mammogram: the largest bright area of a small copy of it."""

from __future__ import annotations

import numpy as np

__all__ = ["breast_area"]

_CELLS = 256  # along the longer side of the small copy
_SMALLEST = 0.02  # of the picture: less is no breast
_BESIDE = 0.25  # of the largest area: others as large belong to the breast (a dark band parts them)
# Upper and lower rows that are not looked at: films have a bright rim there, which joins what it
# touches, and a breast is widest between them.
_RIM = 0.03
_FAINTEST = 8.0  # grey levels between breast and air; less is noise alone
_DEVIATIONS = 6.0
_LEAST_STEP = 2.0  # grey levels above the background


def breast_area(picture: np.ndarray) -> tuple[int, int] | None:
    """The first column of the breast and the one after its last, None where there is none.

    picture (h, w) uint8. Columns of one value from top to bottom are padding, dark or bright.
    """
    height, width = picture.shape
    if height < 16 or width < 16:
        return None
    varied = np.asarray(picture.min(axis=0) != picture.max(axis=0))
    if not varied.any():
        return None
    first, last = _ends(varied)
    inner = picture[:, first:last]
    step = max(1, -(-max(inner.shape) // _CELLS))
    cells = _means(inner, step)
    rim = round(_RIM * len(cells))
    cells = cells[rim : len(cells) - rim]
    above = cells > _threshold(cells)
    labels, sizes = _areas(above)
    if not sizes.size or sizes.max() < _SMALLEST * cells.size:
        return None
    breast = np.isin(labels, np.flatnonzero(sizes >= _BESIDE * sizes.max()))
    if not above.all() and cells[breast].mean() - cells[~above].mean() < _FAINTEST:
        return None
    left, right = _ends(np.asarray(breast.any(axis=0)))
    # one cell more on each side: a cell that tissue fills by half may lie below the threshold
    return max(first, first + (left - 1) * step), min(last, first + (right + 1) * step)


def _ends(flags: np.ndarray) -> tuple[int, int]:
    """The first true place and the one after the last."""
    at = np.flatnonzero(flags)
    return int(at[0]), int(at[-1]) + 1


def _means(picture: np.ndarray, step: int) -> np.ndarray:
    """Means of step x step blocks, float64; the last ones repeat the edge."""
    down, across = -picture.shape[0] % step, -picture.shape[1] % step
    padded = np.pad(picture, ((0, down), (0, across)), mode="edge")
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    blocks = padded.reshape(rows, step, columns, step)
    means: np.ndarray = blocks.sum(axis=(1, 3), dtype=np.uint32) / float(step * step)
    return means


def _threshold(cells: np.ndarray) -> float:
    """Just above the background: the most common level of the dark half, and its spread.

    Tissue at the skin is hardly brighter than air, so that the middle between breast and air (Otsu)
    would cut it off; it only bounds what counts as dark.
    """
    levels = np.bincount(cells.astype(np.int64).ravel(), minlength=256).astype(np.float64)
    middle = _otsu(levels)
    dark = cells[cells <= middle]
    background = float(np.argmax(levels[: middle + 1]))
    near = dark[np.abs(dark - background - 0.5) <= 4 * _LEAST_STEP]
    centre = float(np.median(near)) if near.size else background
    spread = 1.4826 * float(np.median(np.abs(near - centre))) if near.size else 0.0
    return min(centre + max(_DEVIATIONS * spread, _LEAST_STEP), middle + 0.5)


def _otsu(levels: np.ndarray) -> int:
    """The level that parts a histogram (256,) best (Otsu 1979)."""
    below = np.cumsum(levels)
    weighted = np.cumsum(levels * np.arange(levels.size))
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = below * above * (weighted / below - (weighted[-1] - weighted) / above) ** 2
    return int(np.argmax(np.nan_to_num(apart)))


def _areas(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Connected areas (also over corners) of a mask (h, w) bool: label of each place, -1 outside,
    and the size of each label. Runs of a row are joined with those that touch them above."""
    parents: list[int] = []

    def root(label: int) -> int:
        while parents[label] != label:
            parents[label] = parents[parents[label]]
            label = parents[label]
        return label

    labels = np.full(mask.shape, -1, np.int64)
    above: list[tuple[int, int, int]] = []
    for row, line in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]])))
        here = []
        for start, end in edges.reshape(-1, 2).tolist():
            label = len(parents)
            parents.append(label)
            for other_start, other_end, other in above:
                if other_start <= end and start <= other_end:
                    parents[root(other)] = root(label)
            labels[row, start:end] = label
            here.append((start, end, label))
        above = here
    if not parents:
        return labels, np.zeros(0, np.int64)
    roots = np.array([root(label) for label in range(len(parents))])
    labels[mask] = roots[labels[mask]]
    return labels, np.bincount(labels[mask], minlength=len(parents))
