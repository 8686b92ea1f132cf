"""Split pairs by group, stratified by label, with a buffer between the splits of a map.

A group never crosses a split. Groups are placed one by one, the largest first, where their labels
are missing most (Sechidis et al. 2011, "On the stratification of multi-label data", carried from
samples to groups), then moved as long as that evens the labels out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from domainclip.errors import BadInput, UsageError, nearest
from domainclip.pairs._buffer import boxes_of, near_mask
from domainclip.pairs._stratify import place, profiles_of
from domainclip.pairs.schema import PAIR_SCHEMA

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = ["SplitPlan", "assign_splits", "buffered_splits", "plan_splits"]

_TEXT_COLUMNS = [f.name for f in PAIR_SCHEMA if f.type == pa.string()]

# Who keeps a place where two splits meet: the last one. Other names come before all of these.
_PRIORITY = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """A split of every row and how balanced it came out.

    splits: one per row, "" where the buffer took the row out. rows, groups: per split.
    labels: per label, its count in each split (its rows that hold it). buffered: rows taken out.
    deviation: the largest distance, over labels and splits, between a label's share in a split and
    that split's own share of all labelled rows placed (0 is perfect).
    """

    fractions: dict[str, float]
    splits: list[str]
    rows: dict[str, int]
    groups: dict[str, int]
    labels: dict[str, dict[str, int]]
    buffered: int
    deviation: float


def plan_splits(
    pairs: Pairs,
    fractions: Mapping[str, float],
    *,
    seed: int = 0,
    by: str = "group",
    buffer: float | None = None,
) -> SplitPlan:
    """Split every row of ``pairs``; ``pairs.with_splits(plan.splits)`` lays the result over them.

    by: the text column that must not cross splits (a row where it is empty stands alone).
    buffer: distance in units of the CRS (see buffered_splits); None does not look at places.
    """
    if by not in _TEXT_COLUMNS:
        raise UsageError(f"by={by!r} is no text column of pairs.{nearest(by, _TEXT_COLUMNS)}")
    columns = ["key", "labels"] + ([by] if by != "key" else [])
    table = pairs.table(columns + (["where"] if buffer is not None else []))
    groups = _standing_alone(table.column(by).to_pylist(), table.column("key").to_pylist())
    labels = table.column("labels").to_pylist()
    splits = assign_splits(groups, labels, fractions, seed)
    if buffer is not None:
        keys, where = table.column("key").to_pylist(), table.column("where").to_pylist()
        splits = buffered_splits(splits, where, buffer, keys=keys)
    return describe_splits(splits, groups, labels, fractions)


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
    names, shares = _checked_fractions(fractions)
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
    buffer: float,
    *,
    keys: Sequence[str] | None = None,
) -> list[str]:
    """The splits with "" for rows that lie too close to another split.

    A row goes out when its ``where["bounds"]`` = [w, s, e, n] comes within ``buffer`` (units of
    ``where["crs"]``) of, or touches, a row that stays in a split of higher priority: test over val
    over train over any other. In geographic CRSs the map closes at the dateline; distances are
    then degrees, so near the poles they are shorter on the ground. Rows without bounds are left
    alone when buffer is 0; with a real distance they raise BadInput, as do rows in several CRSs.
    """
    if not (buffer >= 0 and math.isfinite(buffer)):
        raise UsageError(f"buffer={buffer!r}: give a distance of 0 or more, in the CRS's units.")
    boxes, geographic = boxes_of(where, buffer, keys)
    result = list(splits)
    others = sorted({s for s in splits if s and s not in _PRIORITY})
    ranked = [s for s in (*others, *_PRIORITY) if s in set(splits)][::-1]
    located = ~np.isnan(boxes[:, 0])
    names = np.asarray(result, dtype=object)
    for position, name in enumerate(ranked[1:], start=1):
        mine = np.flatnonzero((names == name) & located)
        higher = np.flatnonzero(np.isin(names, ranked[:position]) & located)
        near = near_mask(boxes[mine], boxes[higher], buffer, wrap=360.0 if geographic else None)
        names[mine[near]] = ""
    return [str(name) for name in names]


def describe_splits(
    splits: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[Sequence[str] | None],
    fractions: Mapping[str, float],
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
        buffered=counted[""],
        deviation=deviation,
    )


def _checked_fractions(fractions: Mapping[str, float]) -> tuple[list[str], np.ndarray]:
    if not fractions or any(not name for name in fractions):
        raise UsageError("fractions: name at least one split, e.g. train=0.8 val=0.1 test=0.1.")
    shares = np.asarray(list(fractions.values()), dtype=float)
    if not (np.isfinite(shares).all() and (shares > 0).all() and abs(shares.sum() - 1) < 1e-6):
        shown = " ".join(f"{name}={share:g}" for name, share in fractions.items())
        raise UsageError(f"fractions {shown}: they must be above 0 and add up to 1.")
    return list(fractions), shares


def _standing_alone(groups: Sequence[str | None], keys: Sequence[str]) -> list[str]:
    return [group or f"\0{key}" for group, key in zip(groups, keys, strict=True)]
