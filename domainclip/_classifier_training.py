"""Training an adapter on a few images that lie in memory: cross-entropy on class prompts.

What never changes is computed once: class texts where nothing trains the text tower, and the
features of every view of every image where nothing trains the image tower (CoOp and its kin), so
that a step is the text tower's alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.backbones.prompts import filled
from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.objectives._known import Known
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Alone, wants_of
from domainclip.training._encoder import Encoder
from domainclip.training._teacher import Teacher
from domainclip.training.optimizer import bound_logit_scale, parameter_groups
from domainclip.training.settings import TrainerSettings

__all__ = ["schedule_of", "train", "trained_towers"]

IN_MEMORY = 64  # images whose views are encoded together
KEPT_VIEWS = 4


def schedule_of(adapter: Any) -> Schedule:
    """What ``few_shot`` trains an adapter with where the caller does not say."""
    found: Schedule = getattr(adapter, "schedule", Schedule())
    return found


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
    image_trained, text_trained = trained_towers(clip)
    generator = torch.Generator().manual_seed(seed)
    if views is None:
        views = schedule.epochs if image_trained else KEPT_VIEWS
    crops = [_crops(len(x), generator) for _ in range(min(views, schedule.epochs))]
    clip.model.eval()
    known: list[Tensor] = []
    objective: Any = load("objectives", schedule.objective)(**schedule.objective_options)
    sees_pixels = getattr(objective, "raw", False) or "teacher" in wants_of(objective)
    if cache and not image_trained and not sees_pixels:
        known = [_encoded(clip, x, crop) for crop in crops]
    if known and hasattr(adapter, "synthesize"):
        more, of = adapter.synthesize(torch.cat(known), y.repeat(len(known)), generator)
        known, y = [torch.cat([view, more.to(view)]) for view in known], torch.cat([y, of])
    optimizer = _optimizer(clip, adapter, schedule)
    steps = schedule.epochs * -(-len(y) // schedule.batch_size)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    loss_of = _Loss(clip, adapter, objective, classnames, templates, y, text_trained)
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(seed)
        adapter.train()
        for epoch in range(schedule.epochs):
            view = epoch % len(crops)
            order = torch.randperm(len(y), generator=generator)
            for rows in torch.split(order, schedule.batch_size):
                if known:
                    pixels, image = None, known[view][rows].to(clip.device)
                else:
                    pixels = _cut(x[rows], crops[view][rows]).to(clip.device, clip.dtype)
                    with torch.set_grad_enabled(image_trained):
                        image = loss_of.encoder.pixels(pixels)
                loss = loss_of(image, pixels, rows)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                falling.step()
                bound_logit_scale(clip.model)
    adapter.eval()
    if hasattr(adapter, "finish"):

        def losses() -> Iterator[Tensor]:
            with torch.enable_grad():
                for row in torch.arange(len(x)):
                    pixels = x[row[None]].to(clip.device, clip.dtype)
                    yield loss_of(loss_of.encoder.pixels(pixels), pixels, row[None])

        adapter.finish(losses)


def trained_towers(clip: Backbone) -> tuple[bool, bool]:
    """Whether an injected adapter trains what changes image features, and anything beside it."""
    trained = [name for name, p in clip.model.named_parameters() if p.requires_grad]
    image = [name.startswith("visual.") for name in trained]
    prompted = bool(getattr(clip.class_prompts, "prompts_images", False))
    return any(image) or prompted, not all(image)


class _Loss:
    """The objective of a schedule over a batch of the images, with the adapter's penalty."""

    def __init__(
        self, clip: Backbone, adapter: Any, objective: Any, classnames: Sequence[str],
        templates: Sequence[str], y: Tensor, text_trained: bool,
    ) -> None:  # fmt: skip
        self.clip, self.classnames, self.templates, self.y = clip, classnames, templates, y
        self.objective, self.penalty = objective, getattr(adapter, "penalty", None)
        self.encoder = Encoder(
            clip, raw=bool(getattr(objective, "raw", False)), long=None, chunk=None,
            same_views=False,
        )  # fmt: skip
        wanted = wants_of(objective)
        if set(wanted) - {"teacher"}:
            raise UsageError(
                f"{type(objective).__name__} needs {', '.join(wanted)}, which only a recipe gives."
            )
        named = getattr(objective, "teacher", None)
        self.teacher = Teacher(self.encoder, named) if wanted else None
        self.counts = torch.bincount(y, minlength=len(classnames)).to(clip.device)
        with torch.no_grad():
            self.frozen = None if text_trained else clip.class_text(classnames, templates)

    def __call__(self, image: Tensor, pixels: Tensor | None, rows: Tensor) -> Tensor:
        clip, labels = self.clip, self.y[rows].to(self.clip.device)
        of_classes = self.objective.needs == "classes"
        captions = () if of_classes else self._captions(rows)
        more: dict[str, Any] = {}
        if of_classes:
            text = self.frozen
            if text is None:
                text = clip.class_text(self.classnames, self.templates, image)
        else:
            text = self.encoder.texts(captions)
        if self.teacher is not None:
            assert pixels is not None, "a teacher sees the images, so they are not kept as features"
            more["teacher"] = self.teacher.features(pixels, captions)
        known = Known(captions or [""] * len(labels), labels=labels, class_counts=self.counts)
        loss: Tensor = single_precision(self.objective)(
            image, text, known,
            logit_scale=clip.logit_scale, logit_bias=clip.logit_bias, gather=Alone(), **more,
        )  # fmt: skip
        return loss if self.penalty is None else loss + self.penalty(image, labels, text)

    def _captions(self, rows: Tensor) -> tuple[str, ...]:
        """A prompt of each image's class, by a template drawn at every step."""
        drawn = torch.randint(len(self.templates), (len(rows),)).tolist()
        return tuple(
            filled(self.templates[at], self.classnames[label])
            for at, label in zip(drawn, self.y[rows].tolist(), strict=True)
        )


def _optimizer(clip: Backbone, adapter: Any, schedule: Schedule) -> torch.optim.Optimizer:
    parameters: Any = list(adapter.parameters())
    if schedule.layer_decay != 1:
        named = [(n, p) for n, p in clip.model.named_parameters() if p.requires_grad]
        settings = TrainerSettings(
            lr=schedule.lr, weight_decay=schedule.weight_decay, layer_decay=schedule.layer_decay
        )
        parameters = parameter_groups(named, settings)
    return schedule.optimizer_of(parameters)


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
    grid = functional.affine_grid(theta.to(x), list(x.shape), align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="border", align_corners=False)
