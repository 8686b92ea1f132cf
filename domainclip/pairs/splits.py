"""Split pairs by group, stratified by label, with a buffer between the splits of a map.

A group never crosses a split. Groups are placed one by one, the largest first, where their labels
are missing most (Sechidis et al. 2011, "On the stratification of multi-label data", carried from
samples to groups), then moved as long as that evens the labels out.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from domainclip.errors import BadInput, UsageError, nearest
from domainclip.pairs._buffer import near_mask
from domainclip.pairs.schema import PAIR_SCHEMA

if TYPE_CHECKING:
    from domainclip.pairs.reader import Pairs

__all__ = ["SplitPlan", "assign_splits", "buffered_splits", "plan_splits"]

_PASSES = 4  # of evening out; the first two do nearly all of it
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
    profiles = _profiles(of_row, len(numbers), labels)
    placed = _place(profiles, shares, np.random.default_rng(seed))
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
    boxes, geographic = _boxes(where, buffer, keys)
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


@dataclass(slots=True)
class _Profiles:
    """What each group holds: class numbers and rows of each; class 0 counts every row."""

    classes: list[np.ndarray]
    counts: list[np.ndarray]
    totals: np.ndarray  # (classes,) rows over all groups


def _profiles(
    of_row: Sequence[int], groups: int, labels: Sequence[Sequence[str] | None]
) -> _Profiles:
    names: dict[str, int] = {}
    tallies: list[dict[int, int]] = [{} for _ in range(groups)]
    for group, row_labels in zip(of_row, labels, strict=True):
        tally = tallies[group]
        tally[0] = tally.get(0, 0) + 1
        for label in set(row_labels or ()):
            number = names.setdefault(label, len(names) + 1)
            tally[number] = tally.get(number, 0) + 1
    classes = [np.fromiter(t.keys(), dtype=np.int64, count=len(t)) for t in tallies]
    counts = [np.fromiter(t.values(), dtype=float, count=len(t)) for t in tallies]
    totals = np.zeros(len(names) + 1)
    for c, n in zip(classes, counts, strict=True):
        totals[c] += n
    return _Profiles(classes, counts, totals)


def _place(profiles: _Profiles, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The split number of every group: greedy, then moves that lower the summed squared error."""
    groups = len(profiles.classes)
    # relative counts, so that a rare class weighs as much as a common one
    relative = [
        n / profiles.totals[c] for c, n in zip(profiles.classes, profiles.counts, strict=True)
    ]
    held = np.zeros((len(shares), len(profiles.totals)))  # (splits, classes), each to reach share
    size = np.array([n[0] for n in profiles.counts])
    # largest first, by powers of two, in random order among the like
    shuffled = rng.permutation(groups)
    order = shuffled[np.argsort(-np.floor(np.log2(size[shuffled])), kind="stable")]
    placed = np.full(groups, -1)
    for g in order:
        c, r = profiles.classes[g], relative[g]
        gap = held[:, c] - shares[:, None]  # (splits, classes of g)
        placed[g] = int(np.argmin((2 * gap * r + r**2).sum(axis=1)))
        held[placed[g], c] += r
    members = np.bincount(placed, minlength=len(shares))
    for _ in range(_PASSES):
        moved = 0
        for g in order[::-1]:
            c, r, now = profiles.classes[g], relative[g], placed[g]
            gap = held[:, c] - shares[:, None]  # (splits, classes of g)
            leave = ((gap[now] - r) ** 2 - gap[now] ** 2).sum()
            enter = ((gap + r) ** 2 - gap**2).sum(axis=1)
            enter[now] = -leave
            best = int(np.argmin(enter))
            if best != now and enter[best] + leave < -1e-12 and members[now] > 1:
                held[now, c] -= r
                held[best, c] += r
                placed[g] = best
                members[now] -= 1
                members[best] += 1
                moved += 1
        if not moved:
            break
    _fill_empty(placed, size, len(shares))
    return placed


def _fill_empty(placed: np.ndarray, size: np.ndarray, splits: int) -> None:
    # so few groups that a split came out empty: it takes the smallest group of the fullest split
    for split in range(splits):
        if not (placed == split).any():
            counts = np.bincount(placed, minlength=splits)
            donors = np.flatnonzero(placed == int(np.argmax(counts)))
            placed[donors[np.argmin(size[donors])]] = split


def _boxes(
    where: Sequence[str | Mapping[str, Any]], buffer: float, keys: Sequence[str] | None
) -> tuple[np.ndarray, bool]:
    boxes = np.full((len(where), 4), np.nan)
    systems: set[str] = set()
    for row, place in enumerate(where):
        place = json.loads(place or "{}") if isinstance(place, str) else place
        name = repr(keys[row]) if keys is not None else f"row {row}"
        bounds = place.get("bounds")
        if bounds is None:
            if buffer > 0:
                raise BadInput(
                    f"{name}: no where.bounds, so its distance is unknown; use a buffer of 0 or "
                    "none for pairs that lie on no map."
                )
            continue
        try:
            w, s, e, n = map(float, bounds)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{name}: where.bounds {bounds!r} is not [w, s, e, n].") from error
        systems.add(str(place.get("crs", "")))
        if e < w and _is_geographic(str(place.get("crs", ""))):
            e += 360.0  # a box across the dateline
        if not (w <= e and s <= n):
            raise BadInput(f"{name}: where.bounds {bounds!r} is not [w, s, e, n].")
        boxes[row] = w, s, e, n
    if len(systems) > 1:
        raise BadInput(
            f"where.crs differs among the rows ({', '.join(sorted(systems)[:4])}), so their "
            "distances cannot be compared; extract the tiles in one CRS, or split without a buffer."
        )
    return boxes, any(map(_is_geographic, systems))


def _is_geographic(crs: str) -> bool:
    name = crs.strip().upper().replace(" ", "")
    return name in ("EPSG:4326", "OGC:CRS84", "CRS84", "EPSG:4269", "EPSG:4258", "EPSG:4979") or (
        name.startswith(("GEOGCS", "GEOGCRS", "GEODCRS"))
    )
