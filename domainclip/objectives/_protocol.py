"""What an objective is given: the embeddings, the batch, and how to see those of other ranks.

Most need no more. What else one can ask for, in ``wants``, comes by keyword under the same name:

    teacher     (image (b, d'), text (b, d')): the same features by a frozen model, see ``teacher``
    views       (b, v, d): of ``views`` more random views of each image
    second      (b, d): of another caption of each pair, the same where it has no other, or of
                ``second_texts``
    negatives   (b, k, d): of texts that are not of the image, see ``negative_texts``
    negative_images (b, d): of the images of ``batch.negative_captions``, zeros where there is none
    patches     (b, n, d): of every image position, ``backbones.dense``
    crops       (feature (b, c, d'), mean of patches (b, c, d')): by the teacher, of the c cells of
                a ``grid`` x ``grid`` over each image, each enlarged to an image of its own
    regions     (b, m, d): of ``region_texts``, one a box of ``batch.regions``, zeros beyond them
    words       (words (b, t, d), real (b, t) bool): of every token of the caption
    masked      (z (b, t, w), targets (b, t) on the CPU, token embedding): the text tower's last
                layer at every token of captions of which some are masked, and what those were, -100
                for the others (``text._masking``)
    momentum    (image (b, d), views (b, v, d)): by an exponential average of the model
    parts       the module that ``make_parts`` made: weights of its own, which train too
    weights     [(weight, its value before training)] of everything that trains
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

from domainclip.backbones._unit import widened

__all__ = [
    "WANTS",
    "Alone",
    "Batch",
    "Gather",
    "Objective",
    "Region",
    "Words",
    "numbers_of",
    "parts_of",
    "products",
    "rows_mean",
    "wants_of",
]

WANTS = (
    "teacher", "views", "second", "negatives", "negative_images", "patches", "crops", "regions",
    "words", "masked", "momentum", "parts", "weights",
)  # fmt: skip


Region = tuple[str, tuple[float, float, float, float]]  # category, (x0, y0, x1, y1) from 0 to 1


class Words(NamedTuple):
    """width: of the text tower's last layer. tokens, embedding: shape of its token embedding."""

    width: int
    tokens: int
    embedding: int


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

    @property
    def groups(self) -> Sequence[str]:
        """b names of what never crosses a split (article, patient), empty for none. Pairs without a
        group have that of their document."""

    @property
    def tags(self) -> Sequence[Sequence[int]]:
        """Every class of each pair, b lists."""

    @property
    def negatives(self) -> Sequence[Sequence[str]]:
        """b lists of texts that are not of the image: a pair's texts in the role ``negative``."""

    @property
    def negative_captions(self) -> Sequence[str]:
        """b texts, each of another image and not of this one; empty for none (``triplet``)."""

    @property
    def regions(self) -> Sequence[Sequence[Region]]:
        """b lists of objects: category, and box (x0, y0, x1, y1) as shares of the image."""


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

    Class or instance attributes may ask for more. wants: names of the list above. raw = True:
    features come as the towers give them, not of unit length. captions = "classes": captions are
    the class prompts of the images. views: how many more views, an int. teacher: (name, pretrained)
    of a backbone; without it the teacher is the model as training found it. momentum: decay of the
    average; averaged_views = False where it need not see views. grid: an int.
    ``make_parts(dim)``: an nn.Module for features of width d, ``make_parts(dim, words)`` where it
    wants ``masked``, see ``Words``. Modules in it may have
    ``after_step()``, which is called once a step: what changes but by gradients (a queue, an
    average) changes there, not in a loss; checkpoints hold it. ``negative_texts(batch)``:
    b lists of equally many texts; without it the batch's own negatives. given_negatives = True
    where a training without such texts is to stop. ``second_texts(batch)``:
    b texts; without it another caption. ``region_texts(batch)``: b lists of m texts, empty
    ones beyond an image's boxes. Rules on weights and parts
    (``logit_scale`` of its own) stand in the docstring of each.
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
        **more: Any,
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


def wants_of(objective: Any) -> tuple[str, ...]:
    """What an objective asks for beside the two features, in the order of ``WANTS``."""
    asked = set(getattr(objective, "wants", ()))
    return tuple(name for name in WANTS if name in asked)


def parts_of(objective: Any, dim: int, words: Words | None) -> Any:
    """The module that an objective makes; words: None where it does not want ``masked``."""
    if "masked" in wants_of(objective):
        return objective.make_parts(dim, words)
    return objective.make_parts(dim)


def rows_mean(loss: Tensor, rows: int, gather: Gather) -> Tensor:
    """The sum of losses over this rank's rows as its part of the mean over all ranks' rows.

    Ranks average their losses afterwards, however unequally the rows are dealt: sum * ranks / n.
    Call it after a gather of these rows.
    """
    return loss * (gather.world_size / max(gather.total(rows), 1))


def numbers_of(names: Sequence[str], device: torch.device) -> Tensor:
    """(b,) int64: the same number for the same text on every rank and machine."""
    digests = [blake2b(name.encode(), digest_size=8).digest() for name in names]
    numbers = [int.from_bytes(digest, "little", signed=True) for digest in digests]
    return torch.tensor(numbers, dtype=torch.int64, device=device)


def products(image: Tensor, text: Tensor) -> Tensor:
    """(b, c) of features (b, d) and class texts (c, d), or (b, c, d) that depend on the image; in
    single precision, also under autocast, whose equal logits would make the first class win."""
    with torch.autocast(image.device.type, enabled=False):
        image, text = widened(image), widened(text)
        return (image[:, None] * text).sum(-1) if text.ndim == 3 else image @ text.T
