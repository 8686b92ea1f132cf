"""Tiles out of a band of rows, and those in which there is nothing to see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from domainclip.errors import BadInput
from domainclip.pairs import Skip

from ..reading.rows import Rows

__all__ = ["cut_row"]


def cut_row(
    scene: str, rows: Rows, row: int, columns: np.ndarray, size: int, max_nodata: float
) -> Iterator[np.ndarray | Skip]:
    """The pixels (bands, size, size) of the tiles at (columns, row), or why there are none.

    Where the rows cannot be decoded as a whole, each tile is read alone, so that one bad block
    costs the tiles on it and no others.
    """
    band = None
    whole = False
    with suppress(BadInput):
        band = rows.at(row, size)
        whole = bool(band[1].all())
    for column in columns.tolist():
        where = f"{scene} x{column} y{row}"
        try:
            if band is None:
                values, valid = rows.window(column, row, size, size)
            else:
                values, valid = (part[..., column : column + size] for part in band)
        except BadInput as error:
            yield Skip(where=where, reason="unreadable", detail=str(error))
            continue
        if not (whole or _holds_data(valid, max_nodata)):
            yield Skip(where=where, reason="nodata", quarantine=False)
        elif _is_constant(values[:, ::16, ::16]) and _is_constant(values):
            yield Skip(where=where, reason="constant", quarantine=False)
        else:
            yield values


def _holds_data(valid: np.ndarray, max_nodata: float) -> bool:
    held = int(valid.sum())
    return held > 0 and valid.size - held <= max_nodata * valid.size


def _is_constant(values: np.ndarray) -> bool:
    return bool((values == values[:, :1, :1]).all())
