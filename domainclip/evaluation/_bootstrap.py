"""The bootstrap behind every interval: units are drawn with replacement, as counts, all at once.

Percentile interval of Efron 1979 over whole groups (patients, map cells) where rows have groups,
since rows of one group are not independent (the cluster bootstrap, Field and Welsh 2007). A
statistic is a function of the units' counts, so a resample costs a column of a matrix product and
not a pass over the rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainclip.errors import UsageError

__all__ = ["Sampling", "Value", "interval"]

Floats = NDArray[np.float64]
_BLOCK = 4 << 20  # numbers held at once, 32 MB, by a statistic that looks at every row
_KEPT = 8 << 20  # counts that are remembered from one statistic to the next, 64 MB


@dataclass(frozen=True, slots=True)
class Value:
    """A measured number with its 95 % interval.

    low, high: None where there are fewer than two units to draw. n: rows it was measured on.
    groups: how many groups were resampled; None where single rows were.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    groups: int | None = None


class Sampling:
    """Bootstrap resamples of n rows, by group where groups are given (an empty one stands alone).

    The same seed gives the same resamples, so two metrics, or two models, see the same ones.
    """

    def __init__(
        self,
        n: int,
        groups: Sequence[str] | None = None,
        *,
        resamples: int = 1000,
        seed: int = 0,
    ) -> None:
        if n < 1:
            raise UsageError("there is no row to measure on.")
        self.n, self.resamples, self.seed = n, resamples, seed
        self.unit: NDArray[np.int64] = np.arange(n)
        if groups is not None:
            if len(groups) != n:
                raise UsageError(f"{len(groups)} groups for {n} rows.")
            names = [group or f"\0{row}" for row, group in enumerate(groups)]
            self.unit = np.unique(names, return_inverse=True)[1].reshape(-1).astype(np.int64)
        self.units = int(self.unit.max()) + 1
        # groups of one row each are rows
        self.grouped = self.units < n
        self._kept: list[Floats] | None = None

    def total(self, rows: Any) -> Floats:
        """Rows (n,) or (n, k) summed over each unit -> (units,) or (units, k)."""
        values = np.asarray(rows, dtype=np.float64)
        if values.ndim == 1:
            return np.asarray(np.bincount(self.unit, values, self.units), dtype=np.float64)
        summed = np.zeros((self.units, values.shape[1]))
        np.add.at(summed, self.unit, values)
        return summed

    def counts(self) -> Iterator[Floats]:
        """How often each unit was drawn: blocks (units, r) whose first column of all is ones."""
        if self._kept is None:
            blocks = self._draw()
            if self.units * (self.resamples + 1) > _KEPT:
                yield from blocks
                return
            self._kept = list(blocks)
        yield from self._kept

    def value(self, statistic: Callable[[Floats], Floats], *, n: int | None = None) -> Value:
        """The statistic of the rows as they are, and its interval.

        statistic: counts (units, r) -> (r,); NaN where a resample cannot tell.
        """
        found = np.concatenate([statistic(block) for block in self.counts()])
        low, high = interval(found[1:]) if self.units > 1 else (None, None)
        return Value(
            float(found[0]), low, high, self.n if n is None else n,
            self.units if self.grouped else None,
        )  # fmt: skip

    def mean(self, rows: Any) -> Value:
        """The mean of (n,) numbers."""
        total, size = self.total(rows), self.total(np.ones(self.n))
        return self.value(lambda counts: (total @ counts) / (size @ counts))

    def _draw(self) -> Iterator[Floats]:
        stream = np.random.default_rng(self.seed)
        yield np.ones((self.units, 1))
        left = self.resamples if self.units > 1 else 0
        while left:
            many = min(left, max(1, _BLOCK // self.n))
            drawn = stream.integers(0, self.units, (many, self.units))
            drawn += np.arange(many)[:, None] * self.units
            counted = np.bincount(drawn.reshape(-1), minlength=many * self.units)
            yield counted.reshape(many, self.units).T.astype(np.float64)
            left -= many


def interval(found: Floats) -> tuple[float | None, float | None]:
    """The middle 95 % of resampled statistics; None where none could tell."""
    told = found[~np.isnan(found)]
    if not len(told):
        return None, None
    low, high = np.quantile(told, (0.025, 0.975))
    return float(low), float(high)
