"""What heads with a few weights share: minibatch steps on features that lie in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.heads._protocol import checked

__all__ = ["accuracy", "held_out", "train"]


def train(
    logits: Callable[[Tensor], Tensor],
    parameters: Sequence[Tensor],
    optimizer: torch.optim.Optimizer,
    z: Tensor,
    y: Tensor,
    *,
    epochs: int,
    batch_size: int,
    seed: int,
    after_epoch: Callable[[], None] | None = None,
) -> None:
    """Cross-entropy over shuffled minibatches, the learning rate on a cosine to zero by step."""
    generator = torch.Generator().manual_seed(seed)
    steps = epochs * -(-len(z) // batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    with torch.enable_grad():
        for parameter in parameters:
            parameter.requires_grad_(True)
        for _ in range(epochs):
            for rows in torch.split(torch.randperm(len(z), generator=generator), batch_size):
                loss = functional.cross_entropy(logits(z[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
            if after_epoch is not None:
                with torch.no_grad():
                    after_epoch()
    for parameter in parameters:
        parameter.requires_grad_(False)


def accuracy(logits: Tensor, y: Tensor) -> float:
    """Share of rows (n, c) whose largest logit is at y (n,)."""
    return float((logits.argmax(1) == y).float().mean())


def held_out(
    validation: tuple[Any, Any] | None, width: int, classes: int, *, unit: bool = True
) -> tuple[Tensor, Tensor] | None:
    """Validation features and labels, None where there are none. unit: brought to unit length."""
    if validation is None or not len(validation[0]):
        return None
    z, y, _ = checked(validation[0], validation[1], torch.ones(classes, width))
    return functional.normalize(z, dim=-1) if unit else z, y
