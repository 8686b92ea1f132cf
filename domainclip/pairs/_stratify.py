"""Place whole groups in splits so that every label keeps its share (see splits.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Profiles", "place", "profiles_of"]

_PASSES = 4  # of evening out; the first two do nearly all of it


@dataclass(slots=True)
class Profiles:
    """What each group holds: class numbers and rows of each; class 0 counts every row."""

    classes: list[np.ndarray]
    counts: list[np.ndarray]
    totals: np.ndarray  # (classes,) rows over all groups


def profiles_of(
    of_row: Sequence[int], groups: int, labels: Sequence[Sequence[str] | None]
) -> Profiles:
    """The profiles of ``groups`` groups from each row's group number and labels."""
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
    return Profiles(classes, counts, totals)


def place(profiles: Profiles, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
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
