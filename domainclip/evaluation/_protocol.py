"""What an evaluator is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor

from domainclip.backbones import Backbone
from domainclip.data.classes import Classes
from domainclip.data.features import Split
from domainclip.errors import BadInput
from domainclip.evaluation._bootstrap import Sampling, Value
from domainclip.evaluation._features import Features, evenly
from domainclip.pairs import Pairs

__all__ = ["Context", "Evaluator", "Value", "labelled"]


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(eq=False)
class Context:
    """A model and the data it is judged on.

    features: of the model on the pairs. templates: prompts with ``{}``. encode: captions -> (n, d),
    unit length. test: the split that is measured. progress: (done, total) of a step.
    """

    features: Features
    templates: tuple[str, ...]
    encode: Callable[[Sequence[str]], Tensor]
    test: str = "test"
    seed: int = 0
    resamples: int = 1000
    progress: Callable[[int, int], None] = field(default=_silent)

    @property
    def backbone(self) -> Backbone:
        return self.features.backbone

    @property
    def pairs(self) -> Pairs:
        return self.features.pairs

    @property
    def classes(self) -> Classes:
        return self.features.classes

    @property
    def image_px(self) -> int | None:
        """Side of the square that the image tower sees, pixels; None for its own."""
        return self.features.image_px

    @cached_property
    def class_text(self) -> Tensor:
        """(c, d) the classes' prompt ensembles."""
        return self.backbone.classifier(self.classes.names, self.templates)

    def sampling(self, split: Split) -> Sampling:
        """The resamples of a split, by its groups."""
        return Sampling(len(split), split.groups, resamples=self.resamples, seed=self.seed)

    def require_labels(self, name: str, needed_by: str) -> None:
        """Raises BadInput where a split has no labelled row."""
        if len(self.classes) < 2:
            raise BadInput(
                f"{needed_by} needs pairs with labels of two classes or more, and "
                f"{self.pairs.path} has {len(self.classes)}."
            )
        if not bool((self.features.labels(name) >= 0).any()):
            raise BadInput(
                f"{needed_by} needs labelled rows in the split {name!r}, and {self.pairs.path} has "
                "none; make splits with data.split or `domainclip pairs split`."
            )

    def labelled(self, name: str, needed_by: str, most: int | None = None) -> Split:
        """The rows of a split that have a class, at most so many, evenly over the classes.

        Raises BadInput where there are none.
        """
        self.require_labels(name, needed_by)
        labels = self.features.labels(name).numpy()
        known = np.flatnonzero(labels >= 0)
        if most is None or most >= len(known):
            found = labelled(self.features.split(name))
        else:
            rows = known[evenly(labels[known], most)]
            found = self.features.rows(name, rows.tolist())
        if not len(found):
            raise BadInput(f"{needed_by}: no labelled image of the split {name!r} can be decoded.")
        return found

    def validation(self) -> tuple[Tensor, Tensor] | None:
        """(features, labels) of the labelled validation rows, where there are any."""
        if not bool((self.features.labels("val") >= 0).any()):
            return None
        split = labelled(self.features.split("val"))
        return (split.features, split.labels) if len(split) else None


class Evaluator(Protocol):
    """A frozen dataclass whose fields are its options.

    again: whether it is run on the adapted model too; False for what adaptation can't change.
    of_classes: whether it measures how well classes are told apart.
    """

    again: ClassVar[bool]
    of_classes: ClassVar[bool]

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        """Names and values, one by one. Raises BadInput where the data can't tell."""
        ...


def labelled(split: Split) -> Split:
    """The rows that have a class."""
    known = torch.nonzero(split.labels >= 0).reshape(-1)
    if len(known) == len(split):
        return split
    rows = known.tolist()
    return Split(
        split.features[known],
        split.labels[known],
        tuple(split.keys[row] for row in rows),
        tuple(split.groups[row] for row in rows),
        tuple(split.texts[row] for row in rows),
        split.classnames,
        split.skipped,
    )
