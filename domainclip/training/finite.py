"""A loss that is no number ends the training, and says which samples it came from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
import torch.distributed as dist
from torch import Tensor

from domainclip.errors import NotFinite
from domainclip.training.settings import TrainerSettings

__all__ = ["FiniteLoss"]


class FiniteLoss(lightning.Callback):
    """Looks at every loss, on a GPU only now and then, and always before a checkpoint is written,
    so that no checkpoint holds what such a loss made of the weights. Must precede the keeper.

    What it found is in ``not_finite.json``: steps and ranks, with the keys of their pairs.
    """

    def __init__(self, directory: Path, settings: TrainerSettings) -> None:
        self.directory, self.settings = directory, settings
        self._losses: list[Tensor] = []
        self._keys: list[tuple[int, tuple[str, ...]]] = []

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if outputs is not None:
            self._losses.append(outputs["loss"].detach().reshape(()))
            self._keys.append((trainer.global_step, tuple(batch.keys)))
        every = (self.settings.log_every, self.settings.checkpoint_every)
        # the keeper counts a step once its weights have changed; it is at the same step next
        due = any(trainer.global_step % each == 0 for each in every)
        if due or module.device.type == "cpu":
            self._check(trainer, module)

    def on_validation_start(self, trainer: lightning.Trainer, module: Any) -> None:
        self._check(trainer, module)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        self._check(trainer, module)

    def _check(self, trainer: lightning.Trainer, module: Any) -> None:
        losses, keys = self._losses, self._keys
        self._losses, self._keys = [], []
        finite = torch.isfinite(torch.stack(losses)) if losses else torch.ones(0, dtype=torch.bool)
        wrong = (~finite).any().to(torch.int32).reshape(1).to(module.device)
        if trainer.world_size > 1:
            dist.all_reduce(wrong, dist.ReduceOp.MAX)
        if not bool(wrong):
            return
        found = [
            {"step": step, "rank": trainer.global_rank, "keys": list(names)}
            for (step, names), good in zip(keys, finite.tolist(), strict=True) if not good
        ]  # fmt: skip
        found = _of_all(found, trainer.world_size)
        path = self.directory / "not_finite.json"
        if trainer.is_global_zero:
            self.directory.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        names = found[0]["keys"]
        shown = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
        raise NotFinite(
            f"{path}: the loss of step {found[0]['step']} is no finite number (pairs {shown}); "
            "lower trainer.lr, use precision 32-true or bf16-mixed, or look at these pairs. The "
            "last checkpoint before it is kept, from which the same command goes on."
        )


def _of_all(found: list[dict[str, Any]], world_size: int) -> list[dict[str, Any]]:
    """What every rank found, by step."""
    if world_size > 1:
        ranks: list[Any] = [None] * world_size
        dist.all_gather_object(ranks, found)
        found = [each for rank in ranks for each in rank]
    return sorted(found, key=lambda each: (each["step"], each["rank"]))
