"""Training an adapter that needs no image, on the captions of a run's training split."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from domainclip.adapters._captions import named_classes
from domainclip.adapters._protocol import Schedule
from domainclip.data._loading import captions_of
from domainclip.data.classes import Classes
from domainclip.errors import BadInput
from domainclip.pairs import Pairs
from domainclip.recipe import Recipe
from domainclip.training.fit import FitResult
from domainclip.training.keeper import EpochRow

__all__ = ["fit_captions"]


def fit_captions(adapter: Any, pairs: Pairs, classes: Classes, recipe: Recipe) -> FitResult:
    """Train an injected adapter on every text of the training pairs in the recipe's roles.

    What a caption is of: the labels of its pair, or without any the classes that it names. All
    captions lie in memory, no image is read, and an interrupted training starts anew. Of the
    trainer, epochs, lr, weight decay and optimiser count; a batch has ``data.batch_size`` captions.
    """
    captions: list[str] = []
    labels: list[list[int]] = []
    for pair in pairs.rows(("text", "texts", "labels"), split="train"):
        mine = [row for row, label in enumerate(classes.labels) if label in pair.labels]
        texts = [text for text in captions_of(pair, recipe.data.text_roles) if text]
        captions += texts
        labels += [mine] * len(texts)
    if not captions:
        raise BadInput(f"{pairs.path}: no pair of the training split has a caption to learn from.")
    targets = torch.zeros(len(captions), len(classes), dtype=torch.bool)
    for row, mine in enumerate(labels):
        targets[row, mine] = True
    bare = [row for row, mine in enumerate(labels) if not mine]
    if bare:
        targets[bare] = named_classes(
            [captions[row] for row in bare], classes.names, getattr(adapter, "synonyms", {})
        )
    given = recipe.trainer
    schedule = Schedule(
        given.optimizer, given.lr, given.weight_decay, given.epochs, recipe.data.batch_size
    )
    start = time.perf_counter()
    adapter.fit_captions(captions, targets, schedule, recipe.seed)
    adapter.eval()
    seconds = time.perf_counter() - start
    steps = -(-int(targets.any(1).sum()) // schedule.batch_size)
    rows = [
        EpochRow(
            epoch, epoch * steps, given.lr * (1 + math.cos(math.pi * epoch / given.epochs)) / 2,
            loss, seconds / given.epochs,
        )
        for epoch, loss in enumerate(adapter.losses, 1)
    ]  # fmt: skip
    return FitResult(tuple(rows), best_epoch=0, seconds=seconds, resumed=0)
