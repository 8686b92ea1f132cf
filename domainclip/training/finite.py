"""A loss, gradient or weight that is no number ends the training, and says whose samples made it.

Losses and the norm of each step's gradient, which clipping needs anyway, stay on the device until
they are looked at: at every step on a CPU, elsewhere every ``log_every`` steps, and always before
anything is kept. Then the weights are looked at too, which alone can overflow by a finite gradient.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import lightning.pytorch as lightning
import torch
import torch.distributed as dist
from torch import Tensor

from domainclip.errors import NotFinite
from domainclip.training.keeper import Journal
from domainclip.training.settings import TrainerSettings
from domainclip.training.sharding import local

__all__ = ["FiniteLoss"]

_SAYS = {
    "loss": "the loss of step {} is no finite number",
    "gradient": "the gradient of step {} is no finite number",
    "weights": "the weights after step {} are no finite numbers",
}


@dataclass(frozen=True)
class _Number:
    """What must be finite. value: () on the device. keys: of the samples that it came from."""

    step: int
    what: Literal["loss", "gradient", "weights"]
    keys: tuple[str, ...]
    value: Tensor


class FiniteLoss(lightning.Callback):
    """Raises NotFinite, on all ranks, before a checkpoint, best weights or an average would hold
    what is no number. Must precede the keeper, which counts the run's steps in ``journal``.

    A gradient that a loss scaler leaves out (``16-mixed``) is no error. What was wrong first is in
    ``not_finite.json``: step and ranks, with the keys of their pairs.
    """

    AT_EVERY_STEP: ClassVar[tuple[str, ...]] = ("cpu",)  # devices that a look does not hold up

    def __init__(self, directory: Path, settings: TrainerSettings, journal: Journal) -> None:
        self.directory, self.settings, self.journal = directory, settings, journal
        self._numbers: list[_Number] = []
        self._of_step: tuple[str, ...] = ()  # keys of the batches of the last step
        self._global_step = 0
        self._stepped = True  # whether a batch came since the last one that ended a step
        self._changed = False  # since the weights were looked at

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step, keys = self.journal.step + 1, tuple(batch.keys)  # the keeper counts it after this
        self._of_step = keys if self._stepped else self._of_step + keys
        if outputs:
            self._numbers.append(_Number(step, "loss", keys, outputs["loss"].detach()))
        self._stepped = trainer.global_step != self._global_step
        self._global_step = trainer.global_step
        self._changed = self._changed or self._stepped
        kept = self._stepped and step % self.settings.checkpoint_every == 0
        due = kept or (self._stepped and step % self.settings.log_every == 0)
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if self._stepped and module.gradient_norm is not None and scaler is None:
            norm = _Number(step, "gradient", self._of_step, module.gradient_norm)
            self._numbers.append(norm)
        if due or module.device.type in self.AT_EVERY_STEP:
            self._check(trainer, module, step, weights=kept)

    def on_validation_start(self, trainer: lightning.Trainer, module: Any) -> None:
        self._check(trainer, module, self.journal.step, weights=True)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        self._check(trainer, module, self.journal.step, weights=True)

    def _check(self, trainer: lightning.Trainer, module: Any, step: int, *, weights: bool) -> None:
        numbers, self._numbers = self._numbers, []
        if weights and self._changed:
            total = _finite_sum([tensor for _, tensor in module.changed()])
            numbers.append(_Number(step, "weights", self._of_step, total))
            self._changed = False
        values = [number.value.reshape(()).float() for number in numbers]
        finite = torch.isfinite(torch.stack(values)) if values else torch.ones(0, dtype=torch.bool)
        wrong = (~finite).any().to(torch.int32).reshape(1).to(module.device)
        if trainer.world_size > 1:
            dist.all_reduce(wrong, dist.ReduceOp.MAX)
        if not bool(wrong):
            return
        found = _first([
            {"step": number.step, "what": number.what, "rank": trainer.global_rank,
             "keys": list(number.keys)}
            for number, good in zip(numbers, finite.tolist(), strict=True) if not good
        ], trainer.world_size)  # fmt: skip
        path = self.directory / "not_finite.json"
        if trainer.is_global_zero:
            self.directory.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        names = [key for each in found for key in each["keys"]]
        shown = ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
        raise NotFinite(
            f"{path}: {_SAYS[found[0]['what']].format(found[0]['step'])} (pairs {shown}); "
            "start anew, with -o or without this directory, with a lower trainer.lr, precision "
            "32-true or bf16-mixed, or without these pairs. No checkpoint holds it: after a fault "
            "that does not repeat the same command goes on."
        )


def _finite_sum(tensors: Sequence[Tensor]) -> Tensor:
    """() 0 if all numbers of this rank's parts are finite, else NaN."""
    good = torch.stack([torch.isfinite(local(tensor.detach())).all() for tensor in tensors]).all()
    return torch.where(good, 0.0, float("nan"))


def _first(found: list[dict[str, Any]], world_size: int) -> list[dict[str, Any]]:
    """Of what every rank found, the first thing that went wrong: the rest follows from it."""
    if world_size > 1:
        ranks: list[Any] = [None] * world_size
        dist.all_gather_object(ranks, found)
        found = [each for rank in ranks for each in rank]
    order = list(_SAYS)

    def place(each: dict[str, Any]) -> tuple[int, int]:
        return each["step"], order.index(each["what"])

    first = min(map(place, found))
    return sorted((each for each in found if place(each) == first), key=lambda each: each["rank"])
