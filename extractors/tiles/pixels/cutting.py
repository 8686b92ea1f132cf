"""Tiles out of a band of rows, and those in which there is nothing to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

import numpy as np

from domainclip.errors import BadInput
from domainclip.pairs import Skip

from ..reading.rows import Rows

__all__ = ["tiles_of_row"]


def tiles_of_row(
    scene: str,
    rows: Rows,
    row: int,
    columns: np.ndarray,
    size: int,
    *,
    shape: tuple[int, int],
    max_nodata: float = 0.05,
    clouds: Sequence[float] | np.ndarray | None = None,
    max_cloud: float = 1.0,
) -> Iterator[tuple[np.ndarray, np.ndarray] | Skip]:
    """The pixels of the tiles at (columns, row): values (bands, size, size) and where they hold
    data (size, size) bool, or why there are none: ``nodata``, ``constant``, ``unreadable``,
    ``cloudy``.

    shape: (height, width) of the scene; tiles may stick out of it to the right and below, where
    they are 0 and hold no data. Such pixels do not count: at most ``max_nodata`` of those that lie
    in the scene may be without data. A tile whose pixels with data are all the same is constant.
    clouds: the cloudy share of each tile; NaN, where it is not known, is let pass.

    Where the rows cannot be decoded as a whole, each tile is read alone, so that one bad block
    costs the tiles on it and no others.
    """
    height, width = shape
    high = min(size, height - row)
    band = None
    whole = False
    with suppress(BadInput):
        band = rows.at(row, high)
        whole = bool(band[1].all())
    for number, column in enumerate(columns.tolist()):
        where = f"{scene} x{column} y{row}"
        if clouds is not None and clouds[number] > max_cloud:
            yield Skip(where=where, reason="cloudy", quarantine=False)
            continue
        wide = min(size, width - column)
        try:
            if band is None:
                values, valid = rows.window(column, row, wide, high)
            else:
                values, valid = (part[..., column : column + wide] for part in band)
        except BadInput as error:
            yield Skip(where=where, reason="unreadable", detail=str(error))
            continue
        full = whole or bool(valid.all())
        if not (full or _holds_data(valid, max_nodata)):
            yield Skip(where=where, reason="nodata", quarantine=False)
        elif _is_constant(values, None if full else valid):
            yield Skip(where=where, reason="constant", quarantine=False)
        elif wide < size or high < size:
            yield _padded(values, valid, size)
        else:
            yield values, valid


def _holds_data(valid: np.ndarray, max_nodata: float) -> bool:
    held = int(valid.sum())
    return held > 0 and valid.size - held <= max_nodata * valid.size


def _is_constant(values: np.ndarray, valid: np.ndarray | None) -> bool:
    if valid is not None:
        kept = values[:, valid]
        return bool((kept == kept[:, :1]).all())
    few = values[:, ::16, ::16]  # most tiles show here already that they are not
    first = values[:, :1, :1]
    return bool((few == first).all()) and bool((values == first).all())


def _padded(values: np.ndarray, valid: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    bands, high, wide = values.shape
    square = np.zeros((bands, size, size), values.dtype)
    square[:, :high, :wide] = values
    held = np.zeros((size, size), bool)
    held[:high, :wide] = valid
    return square, held
