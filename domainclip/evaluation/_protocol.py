"""What an evaluator is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from domainclip.backbones import Backbone
from domainclip.data.classes import Classes
from domainclip.data.features import Split
from domainclip.errors import BadInput
from domainclip.evaluation._bootstrap import Sampling, Value
from domainclip.pairs import Pairs

__all__ = ["Context", "Evaluator", "Value", "labelled"]


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, eq=False)
class Context:
    """A model and the data it is judged on.

    classes: may be empty. templates: prompts with ``{}``. encode: captions -> (n, d), unit length.
    features: split name -> its Split; asked for twice, it costs once. pairs: with the splits that
    ``features`` names. image_px: side of the square that the tower sees, None for its own.
    progress: (done, total) of a step that takes long.
    """

    backbone: Backbone
    pairs: Pairs
    classes: Classes
    templates: tuple[str, ...]
    encode: Callable[[Sequence[str]], Tensor]
    features: Callable[[str], Split]
    test: str = "test"
    image_px: int | None = None
    seed: int = 0
    resamples: int = 1000
    progress: Callable[[int, int], None] = field(default=_silent)

    @cached_property
    def class_text(self) -> Tensor:
        """(c, d) the classes' prompt ensembles."""
        return self.backbone.classifier(self.classes.names, self.templates)

    def sampling(self, split: Split) -> Sampling:
        """The resamples of a split, by its groups."""
        return Sampling(len(split), split.groups, resamples=self.resamples, seed=self.seed)

    def labelled(self, name: str, needed_by: str) -> Split:
        """The rows of a split that have a class. Raises BadInput where there are none."""
        if len(self.classes) < 2:
            raise BadInput(
                f"{needed_by} needs pairs with labels of two classes or more, and "
                f"{self.pairs.path} has {len(self.classes)}."
            )
        split = labelled(self.features(name))
        if not len(split):
            raise BadInput(
                f"{needed_by} needs labelled rows in the split {name!r}, and {self.pairs.path} has "
                "none; make splits with data.split or `domainclip pairs split`."
            )
        return split

    def validation(self) -> tuple[Tensor, Tensor] | None:
        """(features, labels) of the labelled validation rows, where there are any."""
        split = labelled(self.features("val"))
        return (split.features, split.labels) if len(split) else None


class Evaluator(Protocol):
    """A frozen dataclass whose fields are its options.

    again: whether it is run on the adapted model too; False for what adaptation can't change.
    """

    again: ClassVar[bool]

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
