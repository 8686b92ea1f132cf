"""The classes of a pairs directory: which there are, what they are called, who has which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from domainclip.errors import BadInput, nearest
from domainclip.pairs import Pairs

__all__ = ["Classes", "find_classes"]


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

    def counts(self, pairs: Pairs, split: str | None) -> np.ndarray:
        """(c,) int64: rows of a split in each class."""
        column = pairs.table(["labels"], split=split).column("labels").to_pylist()
        found = np.array([self.index(labels or ()) for labels in column], dtype=np.int64)
        return np.bincount(found[found >= 0], minlength=len(self))


def find_classes(pairs: Pairs, classnames: Mapping[str, str] | None = None) -> Classes:
    """The classes that ``classnames`` lists, in its order; without it every label, sorted.

    Raises BadInput where a listed class has no row, which is a misspelt label.
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
    return Classes(tuple(classnames), tuple(classnames.values()))
