"""Split pairs by group, map cell or time, stratified by label, with a buffer between the splits.

A group never crosses a split. Groups are placed one by one, the largest first, where their labels
are missing most (Sechidis et al. 2011, "On the stratification of multi-label data", carried from
samples to groups), then moved as long as that evens the labels out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from domainclip.errors import BadInput, UsageError, nearest
from domainclip.pairs._buffer import (
    check_located,
    check_one_map,
    placed_on_ground,
    without_near,
)
from domainclip.pairs._footprints import NO_DAY, Footprints, read_footprints, where_of
from domainclip.pairs._split_checks import (
    check_distances,
    check_enough,
    check_none_empty,
    checked_fractions,
)
from domainclip.pairs._split_units import chronological, day_names, earth_cells, map_cells
from domainclip.pairs._stratify import place, profiles_of
from domainclip.pairs.schema import PAIR_SCHEMA

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = ["SplitPlan", "assign_splits", "buffered_splits", "plan_splits"]

_TEXT_COLUMNS = [f.name for f in PAIR_SCHEMA if f.type == pa.string()]

_UNITS = ("cell", "time")


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """A split of every row and how balanced it came out.

    splits: one per row, "" where the row is in none. rows, groups: per split.
    labels: per label, its count in each split (its rows that hold it). buffered: rows that the
    buffer took out. untimed: rows left out of a split by time, since they have none.
    deviation: the largest distance, over labels and splits, between a label's share in a split and
    that split's own share of all labelled rows placed (0 is perfect).
    units: per row, what no split divides: its group, document, cell or day; "" stands alone. Pairs
    that are written with these splits are to have them as their groups.
    skewed: splits whose share of the rows the buffer has moved to be off by more than half of what
    was asked.
    """

    fractions: dict[str, float]
    splits: list[str]
    rows: dict[str, int]
    groups: dict[str, int]
    labels: dict[str, dict[str, int]]
    buffered: int
    deviation: float
    untimed: int = 0
    units: list[str] = field(default_factory=list)
    skewed: frozenset[str] = frozenset()

    def warning(self) -> str:
        """A sentence on what the buffer did to the shares; "" where little."""
        if not self.skewed:
            return ""
        total = sum(self.rows.values())
        shares = ", ".join(
            f"{name} {self.rows[name] / total:.1%} (asked {share:.0%})"
            for name, share in self.fractions.items()
            if name in self.skewed
        )
        return (
            f"{self.buffered:,} of {total + self.buffered:,} pairs lie too near another split and "
            f"are left out, and of the rest {shares}; larger cells, less distance between splits "
            "or more scenes keep the shares."
        )


def plan_splits(
    pairs: Pairs,
    fractions: Mapping[str, float],
    *,
    seed: int = 0,
    by: str = "group",
    buffer: float | None = None,
    buffer_m: float | None = None,
    cell: float | None = None,
    cell_m: float | None = None,
) -> SplitPlan:
    """Split every row of ``pairs``; ``pairs.with_splits(plan.splits)`` lays the result over them.

    by: the text column that must not cross splits (a row where it is empty stands alone):
    ``group``, ``document`` (of tiles: the scene), ...; or one of

    - ``cell``: map cells made now from ``where.bounds``, whatever cells the pairs were extracted
      with: cell_m metres wide, one grid for scenes of every CRS of a planet (earth_cells), or cell
      units of the one CRS wide (map_cells). A tile belongs to the cell of its middle. Without a
      buffer the tiles that touch another split are left out all the same, so no two overlap;
    - ``time``: days of ``where.acquired``, the oldest in the split named first; no day is cut, and
      rows without a time are left out (``untimed``). Labels and the seed have no say.

    buffer: distance in units of the CRS; buffer_m: in metres on the ground, across CRSs; see
    buffered_splits. None does not look at places.

    Raises BadInput, with its remedy, where there are fewer groups than splits or the buffer leaves
    a split empty, and where rows lack the place or all the dates that ``by`` asks for.
    """
    if by not in _TEXT_COLUMNS and by not in _UNITS:
        known = [*_TEXT_COLUMNS, *_UNITS]
        raise UsageError(f"by={by!r} is no text column of pairs.{nearest(by, known)}")
    if by == "cell" and buffer is None and buffer_m is None:
        buffer, buffer_m = (0.0, None) if cell_m is None else (None, 0.0)
    check_distances(by, buffer, buffer_m, cell, cell_m)
    names, _ = checked_fractions(fractions)
    table = pairs.table(
        list(dict.fromkeys(["key", "labels", *([by] if by in _TEXT_COLUMNS else [])]))
    )
    keys, labels = table.column("key").to_pylist(), table.column("labels").to_pylist()
    footprints = ground = None
    if by in _UNITS or buffer is not None or buffer_m is not None:
        footprints = read_footprints(where_of(pairs), keys)
    if footprints is not None and (buffer_m is not None or cell_m is not None):
        ground = placed_on_ground(footprints, keys, cells=cell_m is not None)
    if by == "time":
        assert footprints is not None
        splits = chronological(footprints.days, fractions)
        groups = day_names(footprints.days)
    elif by == "cell":
        assert footprints is not None
        check_located(footprints, keys)
        if ground is not None and cell_m is not None:
            groups = earth_cells(ground, cell_m)
        else:
            if buffer_m is None:
                check_one_map(footprints)
            groups = map_cells(footprints, cell or 0.0)
        check_enough(groups, names, by=by, placed=lambda: True)
        splits = assign_splits(groups, labels, fractions, seed)
    else:
        groups = _standing_alone(table.column(by).to_pylist(), keys)
        check_enough(groups, names, by=by, placed=lambda: _placed(pairs, footprints))
        splits = assign_splits(groups, labels, fractions, seed)
    untimed = int((footprints.days == NO_DAY).sum()) if by == "time" and footprints else 0
    skewed = frozenset[str]()
    if footprints is not None and (buffer is not None or buffer_m is not None):
        before = splits
        splits = without_near(before, footprints, ground, buffer, buffer_m, keys)
        check_none_empty(before, splits, buffer=buffer, buffer_m=buffer_m)
        skewed = _off(splits, fractions) - _off(before, fractions)
    plan = describe_splits(splits, groups, labels, fractions, untimed=untimed)
    return replace(plan, skewed=skewed)


def assign_splits(
    groups: Sequence[str],
    labels: Sequence[Sequence[str] | None],
    fractions: Mapping[str, float],
    seed: int,
) -> list[str]:
    """The split of every row: whole groups, labels in proportion, the same for the same seed.

    groups: n names; an empty one stands alone. labels: n lists of class names, maybe empty.
    fractions: {"train": 0.8, "test": 0.2}, positive, sum 1. Raises UsageError for other fractions,
    and BadInput where there are fewer groups than splits.
    """
    names, shares = checked_fractions(fractions)
    if len(groups) != len(labels):
        raise UsageError(f"{len(groups)} groups for {len(labels)} rows of labels.")
    numbers: dict[str, int] = {}
    of_row = [
        numbers.setdefault(g or f"\0{i}", len(numbers))  # \0: no name of a group
        for i, g in enumerate(groups)
    ]
    if not of_row:
        return []
    if len(numbers) < len(names):
        raise BadInput(
            f"{len(numbers)} groups cannot fill {len(names)} splits; use fewer splits or split by "
            "a finer column."
        )
    profiles = profiles_of(of_row, len(numbers), labels)
    placed = place(profiles, shares, np.random.default_rng(seed))
    return [names[placed[g]] for g in of_row]


def buffered_splits(
    splits: Sequence[str],
    where: Sequence[str | Mapping[str, Any]],
    buffer: float | None = None,
    *,
    buffer_m: float | None = None,
    keys: Sequence[str] | None = None,
) -> list[str]:
    """The splits with "" for rows that lie too close to another split.

    A row goes out when its ``where["bounds"]`` = [w, s, e, n] comes within the buffer of, or
    touches, a row that stays in a split of higher priority: test over val over train over any
    other. Give one of

    - buffer: in units of ``where["crs"]``, which must be one for all rows. In geographic CRSs the
      map closes at the dateline; distances are then degrees, so near the poles they are shorter on
      the ground. Rows without bounds are left alone when buffer is 0; with a real distance they
      raise BadInput;
    - buffer_m: metres on the ground between footprints of any CRSs, at the poles and the dateline
      too, never less; on other planets and moons too, of which none is near another. Rows without
      a place on the ground raise BadInput. CRSs other than longitude and latitude need the extra
      ``tiles``.
    """
    check_distances("", buffer, buffer_m, None, None)
    footprints = read_footprints(where, keys)
    ground = placed_on_ground(footprints, keys) if buffer_m is not None else None
    return without_near(splits, footprints, ground, buffer, buffer_m, keys)


def describe_splits(
    splits: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[Sequence[str] | None],
    fractions: Mapping[str, float],
    *,
    untimed: int = 0,
) -> SplitPlan:
    """The SplitPlan of given splits: counts by split and by label."""
    names = list(fractions)
    counted = Counter(splits)
    of_label: dict[str, Counter[str]] = {}
    members: dict[str, set[str]] = {name: set() for name in names}
    for row, (split, group) in enumerate(zip(splits, groups, strict=True)):
        if split:
            members.setdefault(split, set()).add(group or f"\0{row}")
            for label in set(labels[row] or ()):
                of_label.setdefault(label, Counter())[split] += 1
    placed = sum(n for split, n in counted.items() if split)
    deviation = max(
        (
            abs(of[name] / of.total() - counted[name] / placed)
            for of in of_label.values()
            for name in names
        ),
        default=0.0,
    )
    return SplitPlan(
        fractions=dict(fractions),
        splits=list(splits),
        rows={name: counted[name] for name in names},
        groups={name: len(members[name]) for name in names},
        labels={
            label: {name: of_label[label][name] for name in names} for label in sorted(of_label)
        },
        buffered=counted[""] - untimed,
        deviation=deviation,
        untimed=untimed,
        units=["" if group.startswith("\0") else group for group in groups],
    )


def _off(splits: Sequence[str], fractions: Mapping[str, float]) -> frozenset[str]:
    """The splits whose share of the rows is off by more than half of what was asked."""
    counted = Counter(split for split in splits if split)
    return frozenset(
        name
        for name, share in fractions.items()
        if abs(counted[name] / max(counted.total(), 1) - share) > share / 2
    )


def _placed(pairs: Pairs, footprints: Footprints | None) -> bool:
    """Whether every row lies on a map."""
    found = footprints if footprints is not None else read_footprints(where_of(pairs))
    return bool(found.located.all())


def _standing_alone(groups: Sequence[str | None], keys: Sequence[str]) -> list[str]:
    return [group or f"\0{key}" for group, key in zip(groups, keys, strict=True)]
