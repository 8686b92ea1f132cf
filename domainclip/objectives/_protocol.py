"""What an objective is given beside the embeddings: the batch, and how to see other ranks'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from torch import Tensor

__all__ = ["Alone", "Batch", "Gather", "Objective", "products"]


class Batch(Protocol):
    """What is known about the images of a batch."""

    @property
    def labels(self) -> Tensor:
        """(b,) int64 class indices, -1 for none."""

    @property
    def captions(self) -> Sequence[str]:
        """b texts, one an image."""

    @property
    def class_counts(self) -> Tensor | None:
        """(c,) training images of each class, where there are classes."""


class Gather(Protocol):
    """Rows of every rank, with gradients flowing back to the rank that they came from."""

    @property
    def world_size(self) -> int:
        """How many ranks there are."""

    def __call__(self, rows: Tensor, /) -> Tensor:
        """(b, ...) of each rank -> (n, ...) of all, by rank."""

    def mine(self, rows: int) -> tuple[int, int]:
        """Where this rank's rows start and stop among those of all."""

    def total(self, rows: int) -> int:
        """Rows of all ranks together."""


class Objective(Protocol):
    """A frozen dataclass, its fields the options. needs: ``captions`` (text (b, d), one an image)
    or ``classes`` (text (c, d), one a class).

    Three class or instance attributes may ask for more. raw = True: features come as the towers
    give them, not of unit length. teacher = True: a call also gets ``teacher=(image, text)``, the
    same features by the model as training found it. captions = "classes": captions are the class
    prompts of the images.
    """

    needs: ClassVar[str]

    def __call__(
        self,
        image: Tensor,
        text: Tensor,
        batch: Batch,
        *,
        logit_scale: Tensor,
        logit_bias: Tensor | None,
        gather: Gather,
    ) -> Tensor:
        """A finite scalar; averaged over ranks it is the loss of the joint batch."""


@dataclass(frozen=True)
class Alone:
    """The gather of a single process."""

    world_size: int = 1

    def __call__(self, rows: Tensor) -> Tensor:
        return rows

    def mine(self, rows: int) -> tuple[int, int]:
        return 0, rows

    def total(self, rows: int) -> int:
        return rows


def products(image: Tensor, text: Tensor) -> Tensor:
    """(b, c) of features (b, d) and class texts (c, d), or (b, c, d) that depend on the image."""
    return (image[:, None] * text).sum(-1) if text.ndim == 3 else image @ text.T
