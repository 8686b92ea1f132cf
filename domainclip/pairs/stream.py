"""The training stream: a block shuffle, striped over ranks and workers, resumable at any sample.

An epoch's order is a pure function of (seed, epoch): row groups are permuted, ``window`` of them
form a block, and a block's samples are permuted among themselves. Sample i of that order belongs to
rank i mod world_size and, among a rank's workers, goes by turns of ``batch`` samples. So every
sample comes exactly once an epoch, a torch DataLoader yields the same batches whatever its number
of workers, and a restart skips whole row groups: it costs one block, not the epoch so far.

Of an open row group a worker holds the texts of its own samples only, and reads each image when its
turn comes, so memory depends neither on the data nor on the images (benchmarks/read_pairs.py).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from domainclip.errors import BadInput, UsageError
from domainclip.pairs._order import permutation, uniform
from domainclip.pairs.reader import Pairs, checked_columns
from domainclip.pairs.schema import Pair

__all__ = ["PairStream"]

Keep = Mapping[str, float] | Callable[[str], float]


class PairStream:
    """Iterates over the Pairs of one split for one worker of one rank, from ``consumed`` on.

    pairs: one directory or several, streamed as one. split: None for all rows.
    batch: consecutive samples of a rank that go to one worker; give the loader's batch size.
    window: row groups shuffled together and held at once. columns: only these are read.
    weights: mean copies of a sample per epoch, by ``source`` (absent: 1); of a fraction, another
    part is drawn each epoch. keep: probability to be in the stream at all, by key (absent: 1), the
    same in every epoch. Both draws hash (seed, key), so neither order nor sharding matters.
    last: ranks are uneven when world_size does not divide what is left of the epoch. "keep" leaves
    them so (no sample lost or doubled), "drop" cuts the remainder, "pad" repeats the first samples.

    ``index`` is the place in the epoch's order of the sample given last.
    """

    def __init__(
        self,
        pairs: Pairs | Sequence[Pairs],
        *,
        split: str | None = "train",
        seed: int = 0,
        rank: int = 0,
        world_size: int = 1,
        worker: int = 0,
        num_workers: int = 1,
        batch: int = 1,
        window: int = 64,
        columns: Sequence[str] | None = None,
        weights: Mapping[str, float] | None = None,
        keep: Keep | None = None,
        last: Literal["keep", "drop", "pad"] = "keep",
        shuffle: bool = True,
    ) -> None:
        self.pairs = (pairs,) if isinstance(pairs, Pairs) else tuple(pairs)
        self.columns = checked_columns(columns)
        if window < 1 or batch < 1:
            raise UsageError(f"window={window} and batch={batch} must be 1 or more.")
        if last not in ("keep", "drop", "pad"):
            raise UsageError(f"last={last!r}: one of 'keep', 'drop', 'pad'.")
        for source, weight in (weights or {}).items():
            if not (weight >= 0 and np.isfinite(weight)):
                raise UsageError(f"weights: {source!r} has {weight!r}; give a number from 0 up.")
        self.split, self.seed, self.window, self.batch = split, seed, window, batch
        self.weights, self.keep, self.last, self.shuffle = dict(weights or {}), keep, last, shuffle
        self.epoch, self.consumed, self.index = 0, 0, -1
        # per directory, the number of its first row group in the stream
        self._first = np.cumsum([0] + [len(each.groups) for each in self.pairs])
        self._counted: tuple[int | None, np.ndarray] | None = None
        self._set_shard(rank, world_size, worker, num_workers)
        if self.total == 0:
            asked = "no pairs" if split is None else f"no pairs with split {split!r}"
            where = ", ".join(str(each.path) for each in self.pairs)
            raise BadInput(f"{where}: {asked}; see `domainclip pairs show`.")

    def shard(self, *, rank: int, world_size: int, worker: int = 0, num_workers: int = 1) -> Self:
        """This stream for one worker of one rank; shares what is known about the parts."""
        self._counts()
        other = copy.copy(self)
        other._set_shard(rank, world_size, worker, num_workers)
        return other

    def set_epoch(self, epoch: int, consumed: int = 0) -> None:
        """Go to an epoch, after ``consumed`` of its samples were used by all ranks together."""
        if epoch < 0 or consumed < 0:
            raise UsageError(f"epoch={epoch} and consumed={consumed} must be 0 or more.")
        self.epoch, self.consumed, self.index = epoch, consumed, -1

    def state(self) -> dict[str, int]:
        """(epoch, samples consumed by all ranks), as far as this rank alone can tell.

        With several workers each sees only its own part: count optimiser steps times the global
        batch instead.
        """
        if self.index < 0:
            return {"epoch": self.epoch, "consumed": self.consumed}
        turns = (self.index - self.consumed) // self.world_size + 1
        done = self.consumed + turns * self.world_size
        return {"epoch": self.epoch, "consumed": min(done, self.length)}

    def load_state(self, state: Mapping[str, int]) -> None:
        """Go on where ``state`` was taken, with any number of ranks and workers."""
        self.set_epoch(state["epoch"], state["consumed"])

    @property
    def total(self) -> int:
        """Samples in this epoch, before ``last`` is applied."""
        return int(self._counts().sum())

    @property
    def length(self) -> int:
        """Where this epoch ends for all ranks together, with ``last`` applied to what is left."""
        left = max(0, self.total - self.consumed)
        if self.last == "drop":
            left -= left % self.world_size
        elif self.last == "pad":
            left += -left % self.world_size
        return self.consumed + left

    def __len__(self) -> int:
        """Samples that iterating now gives to this worker of this rank."""
        mine = len(range(self.consumed + self.rank, self.length, self.world_size))
        if self.num_workers == 1:
            return mine
        rounds, rest = divmod(mine, self.batch * self.num_workers)
        return rounds * self.batch + min(max(rest - self.worker * self.batch, 0), self.batch)

    def __iter__(self) -> Iterator[Pair]:
        counts = self._counts()
        present = np.flatnonzero(counts)
        order = present
        if self.shuffle:
            order = present[permutation(len(present), self.seed, self.epoch)]
        blocks = [order[at : at + self.window] for at in range(0, len(order), self.window)]
        edges = np.cumsum([0] + [int(counts[block].sum()) for block in blocks])
        start, total, length = self.consumed, int(edges[-1]), self.length
        self.index = -1
        while start < length:
            # "pad" goes past the end: there the order begins again
            lap, within = divmod(start, total)
            number = int(np.searchsorted(edges, within, side="right")) - 1
            stop = min(lap * total + int(edges[number + 1]), length)
            positions = self._mine(start, stop)
            if len(positions):
                inside = positions - lap * total - edges[number]
                samples = self._block(blocks[number], counts, number, inside)
                for position, pair in zip(positions.tolist(), samples, strict=True):
                    self.index = position
                    yield pair
            start = stop

    def _block(
        self, block: np.ndarray, counts: np.ndarray, number: int, inside: np.ndarray
    ) -> Iterator[Pair]:
        """The samples at the positions ``inside`` a block, each row group read when first met."""
        edges = np.cumsum([0, *counts[block].tolist()])
        slots = inside
        if self.shuffle:
            slots = permutation(int(edges[-1]), self.seed, self.epoch, number + 1)[inside]
        of_group = np.searchsorted(edges, slots, side="right") - 1
        open_groups: dict[int, Iterator[Pair]] = {}
        for group in of_group.tolist():
            if group not in open_groups:
                mine = slots[of_group == group] - edges[group]
                open_groups[group] = self._read(int(block[group]), mine)
            yield next(open_groups[group])

    def _read(self, group: int, nth: np.ndarray) -> Iterator[Pair]:
        """The nth samples of a row group, counted among those that are in the stream."""
        at = int(np.searchsorted(self._first, group, side="right")) - 1
        pairs = self.pairs[at]
        address = pairs.groups[group - int(self._first[at])]
        if deciding := self._deciding():
            repeats = self._repeats(pairs.read_group(address, deciding))
            nth = np.repeat(np.arange(address.rows), repeats)[nth]
        return pairs.read_rows(address, self.columns, nth)

    def _counts(self) -> np.ndarray:
        """(row groups,) samples of each one in this epoch; reads only the columns that decide."""
        drawn = any(weight % 1 for weight in self.weights.values())
        epoch = self.epoch if drawn else None
        if self._counted is None or self._counted[0] != epoch:
            counts = [self._count(pairs) for pairs in self.pairs]
            self._counted = (epoch, np.concatenate(counts) if counts else np.zeros(0, np.int64))
        return self._counted[1]

    def _count(self, pairs: Pairs) -> np.ndarray:
        rows = pairs.groups.rows.astype(np.int64)
        columns = self._deciding()
        if not columns:
            return rows
        counts = [
            np.add.reduceat(self._repeats(table), edges)
            for table, edges in pairs.read_parts(columns)
        ]
        return np.concatenate(counts) if counts else rows

    def _deciding(self) -> list[str]:
        columns = ["split"] if self.split is not None else []
        columns += ["key"] if self.keep is not None or self.weights else []
        return columns + (["source"] if self.weights else [])

    def _repeats(self, table: pa.Table) -> np.ndarray:
        """(rows,) how often each row is in this epoch."""
        repeats = np.ones(len(table), dtype=np.int64)
        if self.split is not None:
            repeats[:] = pc.equal(table.column("split"), self.split).to_numpy()
        keys = table.column("key").to_pylist() if "key" in self._deciding() else []
        if self.keep is not None:
            chance = self.keep if callable(self.keep) else _lookup(self.keep)
            repeats *= uniform(keys, self.seed) < np.array([chance(key) for key in keys])
        if self.weights:
            sources = table.column("source").to_pylist()
            weight = np.array([self.weights.get(source, 1.0) for source in sources])
            drawn = uniform(keys, self.seed, self.epoch) < weight % 1
            repeats *= weight.astype(np.int64) + drawn
        return repeats

    def _mine(self, start: int, stop: int) -> np.ndarray:
        """The positions in [start, stop) that this worker of this rank takes."""
        turns = np.arange(start - self.consumed, stop - self.consumed)
        mine = (turns % self.world_size == self.rank) & (
            turns // self.world_size // self.batch % self.num_workers == self.worker
        )
        return turns[mine] + self.consumed

    def _set_shard(self, rank: int, world_size: int, worker: int, num_workers: int) -> None:
        if not (0 <= rank < world_size and 0 <= worker < num_workers):
            raise UsageError(
                f"rank {rank} of {world_size} and worker {worker} of {num_workers}: "
                "each counts from 0 and stays below its total."
            )
        self.rank, self.world_size = rank, world_size
        self.worker, self.num_workers = worker, num_workers


def _lookup(chances: Mapping[str, float]) -> Callable[[str], float]:
    return lambda key: chances.get(key, 1.0)
