"""What a split is asked for and what came of it, checked: each refusal names its remedy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from domainclip.errors import BadInput, UsageError

__all__ = ["check_distances", "check_enough", "check_none_empty", "checked_fractions"]


def check_distances(
    by: str,
    buffer: float | None,
    buffer_m: float | None,
    cell: float | None,
    cell_m: float | None,
) -> None:
    """Raises UsageError for distances that exclude each other or are none."""
    if buffer is not None and buffer_m is not None:
        raise UsageError("buffer is in units of the CRS and buffer_m in metres: give one of them.")
    for name, value in (("buffer", buffer), ("buffer_m", buffer_m)):
        if value is not None and not (value >= 0 and math.isfinite(value)):
            raise UsageError(f"{name}={value!r}: give a distance of 0 or more.")
    if by != "cell" and not (cell is None and cell_m is None):
        raise UsageError("cell and cell_m are sides of cells: they belong to by='cell'.")
    if by == "cell" and (cell is None) == (cell_m is None):
        raise UsageError("by='cell': give the side of a cell as cell_m (metres) or cell (units).")
    for name, value in (("cell", cell), ("cell_m", cell_m)):
        if value is not None and not (value > 0 and math.isfinite(value)):
            raise UsageError(f"{name}={value!r}: give a side above 0.")
    if cell_m is not None and cell_m < 1:
        raise UsageError(f"cell_m={cell_m!r}: cells on the ground are a metre wide or more.")


def checked_fractions(fractions: Mapping[str, float]) -> tuple[list[str], np.ndarray]:
    """Names of the splits and their shares. Raises UsageError unless they add up to 1."""
    if not fractions or any(not name for name in fractions):
        raise UsageError("fractions: name at least one split, e.g. train=0.8 val=0.1 test=0.1.")
    shares = np.asarray(list(fractions.values()), dtype=float)
    if not (np.isfinite(shares).all() and (shares > 0).all() and abs(shares.sum() - 1) < 1e-6):
        shown = " ".join(f"{name}={share:g}" for name, share in fractions.items())
        raise UsageError(f"fractions {shown}: they must be above 0 and add up to 1.")
    return list(fractions), shares


def check_enough(
    groups: Sequence[str], splits: Sequence[str], *, by: str, placed: Callable[[], bool]
) -> None:
    """Raises BadInput where rows fall into fewer groups than there are splits.

    placed: whether all rows have a place on a map; asked only then.
    """
    found = len(set(groups))
    if not groups or found >= len(splits):
        return
    if by == "cell":
        remedy = "give cells a smaller side (cell_m or cell), of a few tiles' width"
    elif by == "key":
        remedy = "make more pairs"
    elif placed():
        remedy = (
            "split by map cells a few tiles wide (--by cell --cell-m METRES; in a recipe "
            "data.split.by=cell data.split.cell_m=METRES)"
        )
    else:
        remedy = (
            "split by a finer column (--by key, in a recipe data.split.by=key, where no two pairs "
            "show the same)"
        )
    raise BadInput(
        f"{found:,} {by if found == 1 else by + 's'} cannot fill {len(splits)} splits "
        f"({', '.join(splits)}): {remedy}, name fewer splits, or take more documents."
    )


def check_none_empty(
    before: Sequence[str], after: Sequence[str], *, buffer: float | None, buffer_m: float | None
) -> None:
    """Raises BadInput where a split had rows before the buffer and has none after it."""
    left = set(after)
    lost = next((name for name in dict.fromkeys(before) if name and name not in left), None)
    if lost is None:
        return
    distance = f"{buffer_m:g} m" if buffer_m is not None else f"{buffer:g} units of the CRS"
    touching = not (buffer_m or buffer)
    close = "touch" if touching else f"lie within {distance} of"
    smaller = "" if touching else "a smaller buffer (buffer_m or buffer), "
    raise BadInput(
        f"the split {lost!r} is left empty: all its {before.count(lost):,} rows {close} the ground "
        f"of another split. Give {smaller}larger cells that have tiles inside (cell_m or cell), "
        "fewer splits (fractions), or more scenes."
    )
