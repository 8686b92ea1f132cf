"""The features that evaluators ask for, encoded once, and no more rows than they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from domainclip.backbones import Backbone
from domainclip.data.classes import Classes, find_classes
from domainclip.data.features import Split, split_features
from domainclip.pairs import Pairs

__all__ = ["Features", "class_ranks", "evenly"]

_CHOSEN = "chosen"


@dataclass(eq=False)
class Features:
    """Image features of splits and of some of their rows.

    cache: a folder that keeps features by weights and image; None for an adapted model, whose
    weights it can't tell. views, classnames, text_roles: see ``data.split_features``. progress:
    (rows done, rows in all).
    """

    backbone: Backbone
    pairs: Pairs
    image_px: int | None = None
    cache: Path | None = None
    classnames: Mapping[str, str] | None = None
    text_roles: Sequence[str] = ("caption",)
    progress: Callable[[int, int], None] | None = None
    views: str = "plain"
    _splits: dict[str, Split] = field(default_factory=dict, init=False, repr=False)
    _labels: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)
    _classes: Classes | None = field(default=None, init=False, repr=False)

    @property
    def classes(self) -> Classes:
        """The classes of the pairs; may be none."""
        if self._classes is None:
            self._classes = find_classes(self.pairs, self.classnames)
        return self._classes

    def split(self, name: str) -> Split:
        """All rows of a split."""
        if name not in self._splits:
            self._splits[name] = self._encoded(self.pairs, name)
        return self._splits[name]

    def labels(self, name: str) -> Tensor:
        """(n,) class indices of a split's rows in file order, -1 for none; reads no image."""
        if name not in self._labels:
            column = self.pairs.table(["labels"], split=name).column("labels").to_pylist()
            found = [self.classes.index(labels or ()) for labels in column]
            self._labels[name] = torch.tensor(found, dtype=torch.int64)
        return self._labels[name]

    def rows(self, name: str, rows: Sequence[int]) -> Split:
        """Some rows of a split by their number in it; fewer where images can't be decoded."""
        wanted = np.unique(np.asarray(rows, dtype=np.int64))
        if name in self._splits and not self._splits[name].skipped:
            return _taken(self._splits[name], wanted)
        splits = self.pairs.table(["split"]).column("split").to_pylist()
        places = np.flatnonzero(np.asarray(splits, dtype=object) == name)
        chosen = [""] * len(splits)
        for place in places[wanted]:
            chosen[place] = _CHOSEN
        return self._encoded(self.pairs.with_splits(chosen), _CHOSEN)

    def skipped(self) -> list[tuple[tuple[str, str], ...]]:
        """(key, reason) of images that could not be decoded, by split encoded so far."""
        return [split.skipped for split in self._splits.values()]

    def _encoded(self, pairs: Pairs, name: str) -> Split:
        total, progress = pairs.count_splits().get(name, 0), self.progress
        return split_features(
            self.backbone, pairs, name, cache=self.cache, image_px=self.image_px,
            views=self.views, classnames=self.classnames, text_roles=self.text_roles,
            progress=None if progress is None else lambda done: progress(done, total),
        )  # fmt: skip


def evenly(labels: NDArray[np.generic], most: int | None) -> NDArray[np.int64]:
    """Row numbers, at most so many, the classes in turn, each in its own order."""
    order = np.lexsort((labels, class_ranks(labels)))
    return np.asarray(order[: len(labels) if most is None else most])


def class_ranks(labels: NDArray[np.generic]) -> NDArray[np.int64]:
    """(n,) the number of each row among those of its class, from 0."""
    rank = np.zeros(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        mine = labels == label
        rank[mine] = np.arange(mine.sum())
    return rank


def _taken(split: Split, rows: NDArray[np.int64]) -> Split:
    at = torch.from_numpy(rows)
    return Split(
        split.features[at],
        split.labels[at],
        tuple(split.keys[row] for row in rows),
        tuple(split.groups[row] for row in rows),
        tuple(split.texts[row] for row in rows),
        split.classnames,
    )
