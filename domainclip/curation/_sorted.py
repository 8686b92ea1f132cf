"""A growing set of fixed-width values in plain arrays: no object per value, fast in bulk."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SortedSet"]


class SortedSet:
    """Membership over sorted arrays whose sizes at least double: adding costs n log n in all,
    asking log^2 n."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.runs: list[NDArray[Any]] = [np.empty(0, dtype)]

    def add(self, values: NDArray[Any]) -> None:
        """Add values, (n,)."""
        self.runs.append(np.sort(values))
        while len(self.runs) > 1 and len(self.runs[-2]) < 2 * len(self.runs[-1]):
            last = self.runs.pop()
            # timsort merges two sorted halves in one pass
            self.runs[-1] = np.sort(np.concatenate([self.runs[-1], last]), kind="stable")

    def contains(self, values: NDArray[Any]) -> NDArray[np.bool_]:
        """(n,) bool: which of the values were added before."""
        found = np.zeros(len(values), dtype=bool)
        for run in self.runs:
            if len(run):
                at = np.minimum(np.searchsorted(run, values), len(run) - 1)
                found |= run[at] == values
        return found
