"""The classes of a pairs directory: which there are, what they are called, who has which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domainclip.data.settings import namesakes
from domainclip.errors import BadInput, nearest
from domainclip.pairs import Pairs

__all__ = ["Classes", "LeftOut", "find_classes", "left_out"]


@dataclass(frozen=True)
class Classes:
    """Classes in order of their index. labels: as in the pairs; names: their words in prompts."""

    labels: tuple[str, ...]
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def index(self, labels: Sequence[str]) -> int:
        """The class of a pair: the first of its labels that is one; -1 for none."""
        return next((self.labels.index(each) for each in labels if each in self.labels), -1)

    def indices(self, labels: Sequence[str]) -> tuple[int, ...]:
        """Every class of a pair, in the order of its labels."""
        return tuple(self.labels.index(each) for each in labels if each in self.labels)

    def counts(self, pairs: Pairs, split: str | None) -> np.ndarray:
        """(c,) int64: rows of a split in each class."""
        column = pairs.table(["labels"], split=split).column("labels").to_pylist()
        found = np.array([self.index(labels or ()) for labels in column], dtype=np.int64)
        return np.bincount(found[found >= 0], minlength=len(self))


@dataclass(frozen=True)
class LeftOut:
    """Rows with labels of which none is a class. labels: theirs; rows: how many, by split;
    labelled: split -> rows with a label, left out or not."""

    labels: tuple[str, ...]
    rows: Mapping[str, int]
    labelled: Mapping[str, int]


def left_out(pairs: Pairs, classes: Classes) -> LeftOut:
    """What the classes do not cover of the pairs' labels."""
    table = pairs.table(["labels", "split"])
    lost: set[str] = set()
    rows: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    both = (table.column(name).to_pylist() for name in ("labels", "split"))
    for labels, split in zip(*both, strict=True):
        if labels:
            labelled[split or ""] += 1
            if classes.index(labels) < 0:
                lost.update(labels)
                rows[split or ""] += 1
    return LeftOut(tuple(sorted(lost)), rows, labelled)


def find_classes(pairs: Pairs, classnames: Mapping[str, str] | None = None) -> Classes:
    """The classes that ``classnames`` lists, in its order; without it every label, sorted.

    Rows of labels that are not listed are of no class (see ``left_out``). Raises BadInput where a
    listed class has no row, which is a misspelt label, and where two have the same name.
    """
    column = pairs.table(["labels"]).column("labels").to_pylist()
    present = sorted({label for labels in column for label in labels or ()})
    if classnames is None:
        return Classes(tuple(present), tuple(present))
    for label in classnames:
        if label not in present:
            raise BadInput(
                f"text.classnames: no pair of {pairs.path} has the label {label!r}."
                f"{nearest(label, present)}"
            )
    for label, earlier in namesakes(classnames):
        raise BadInput(
            f"text.classnames: {earlier!r} and {label!r} are both called {classnames[label]!r}, so "
            "no prompt tells them apart; give them different words."
        )
    return Classes(tuple(classnames), tuple(classnames.values()))
