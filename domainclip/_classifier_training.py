"""Training an adapter on a few images that lie in memory: cross-entropy on class prompts.

What never changes is computed once: class texts where nothing trains the text tower, and the
features of every view of every image where nothing trains the image tower (CoOp and its kin), so
that a step is the text tower's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones import Backbone

__all__ = ["Schedule", "schedule_of", "train", "trained_towers"]

IN_MEMORY = 64  # images whose views are encoded together
KEPT_VIEWS = 4


@dataclass(frozen=True)
class Schedule:
    """How an adapter is trained on a few images; the learning rate falls on a cosine to zero."""

    optimizer: str = "adamw"
    lr: float = 2e-3
    weight_decay: float = 0.01
    epochs: int = 30
    batch_size: int = 32


_PROMPTS = Schedule("sgd", 2e-3, 5e-4, 50)
# as published, but for the epochs, which CoOp and KgCoOp take more of
_SCHEDULES = {
    "full": Schedule(lr=1e-5),
    "coop": _PROMPTS,
    "kgcoop": _PROMPTS,
    "eco": _PROMPTS,
    "cocoop": Schedule("sgd", 2e-3, 5e-4, 10, 1),
}


def schedule_of(method: str) -> Schedule:
    """What ``few_shot`` trains a method with where the caller does not say."""
    return _SCHEDULES.get(method, Schedule())


def train(
    clip: Backbone,
    adapter: Any,
    x: Tensor,
    y: Tensor,
    classnames: Sequence[str],
    templates: Sequence[str],
    schedule: Schedule,
    *,
    seed: int,
    views: int | None,
    cache: bool = True,
) -> None:
    """Train an injected adapter on preprocessed images x (n, 3, h, w) with labels y (n,).

    views: how many random crops and mirrorings of each image there are; epoch e sees number
    e mod views. None takes a new one every epoch, and ``KEPT_VIEWS`` where the image tower is
    frozen, since each is encoded once. cache: false encodes the views of a frozen image tower at
    every step again, with the same result.
    """
    parameters = list(adapter.parameters())
    image_trained, text_trained = trained_towers(clip)
    generator = torch.Generator().manual_seed(seed)
    if views is None:
        views = schedule.epochs if image_trained else KEPT_VIEWS
    crops = [_crops(len(x), generator) for _ in range(min(views, schedule.epochs))]
    clip.model.eval()
    known: list[Tensor] = []
    if cache and not image_trained:
        known = [_encoded(clip, x, crop) for crop in crops]
    with torch.no_grad():
        frozen = None if text_trained else clip.class_text(classnames, templates)
    optimizer = _optimizer(parameters, schedule)
    steps = schedule.epochs * -(-len(x) // schedule.batch_size)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    penalty = getattr(adapter, "penalty", None)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(seed)
        adapter.train()
        for epoch in range(schedule.epochs):
            view = epoch % len(crops)
            order = torch.randperm(len(x), generator=generator)
            for rows in torch.split(order, schedule.batch_size):
                if known:
                    image = known[view][rows]
                elif image_trained:
                    image = clip.image(_cut(x[rows], crops[view][rows]))
                else:
                    image = _encoded(clip, x[rows], crops[view][rows])
                image = image.to(clip.device)
                if frozen is not None:
                    text = frozen
                else:
                    text = clip.class_text(classnames, templates, image)
                labels = y[rows].to(clip.device)
                loss = functional.cross_entropy(clip.cosines(image, text).float(), labels)
                if penalty is not None:
                    loss = loss + penalty(image, labels, text)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                falling.step()
    adapter.eval()


def trained_towers(clip: Backbone) -> tuple[bool, bool]:
    """Whether an injected adapter trains anything of the image tower, and of all beside it."""
    trained = [name for name, p in clip.model.named_parameters() if p.requires_grad]
    image = [name.startswith("visual.") for name in trained]
    return any(image), not all(image)


def _optimizer(parameters: Sequence[Tensor], schedule: Schedule) -> torch.optim.Optimizer:
    if schedule.optimizer == "sgd":
        return torch.optim.SGD(
            parameters, lr=schedule.lr, momentum=0.9, weight_decay=schedule.weight_decay
        )
    return torch.optim.AdamW(parameters, lr=schedule.lr, weight_decay=schedule.weight_decay)


def _encoded(clip: Backbone, x: Tensor, crops: Tensor) -> Tensor:
    """Features (n, d) of one view of each image, without gradient."""
    with torch.no_grad():
        parts = [
            clip.image(_cut(images, crop))
            for images, crop in zip(
                torch.split(x, IN_MEMORY), torch.split(crops, IN_MEMORY), strict=True
            )
        ]
    return torch.cat(parts)


def _crops(count: int, generator: torch.Generator) -> Tensor:
    """Affine maps (n, 2, 3): cuts of 50 to 100 % of the area, half of them mirrored."""
    side = torch.empty(count).uniform_(0.5, 1.0, generator=generator).sqrt()
    mirror = torch.randint(0, 2, (count,), generator=generator) * 2 - 1
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = side * mirror, side
    theta[:, :, 2] = (torch.rand(count, 2, generator=generator) * 2 - 1) * (1 - side)[:, None]
    return theta


def _cut(x: Tensor, theta: Tensor) -> Tensor:
    """Images (b, 3, h, w), each seen through its map."""
    grid = functional.affine_grid(theta, list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
