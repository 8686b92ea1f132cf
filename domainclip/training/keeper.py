"""A run's journal, its best weights, and the checkpoints that it goes on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
import torch
import torch.distributed as dist
from torch import Tensor

from domainclip.training import _checkpoints as checkpoints
from domainclip.training._pace import Leg
from domainclip.training._validation import Validation
from domainclip.training.averaging import Average
from domainclip.training.module import Tuning
from domainclip.training.settings import TrainerSettings
from domainclip.training.sharding import dealt, whole

__all__ = ["EpochRow", "Journal", "Keeper", "score"]


@dataclass(frozen=True)
class EpochRow:
    """One line of a run's history. epoch counts from 1; accuracies are 0 to 1."""

    epoch: int
    step: int
    lr: float
    train_loss: float
    seconds: float
    val_loss: float | None = None
    accuracy: float | None = None
    balanced_accuracy: float | None = None


@dataclass
class Journal:
    """Where a run stands: plain values, all of which a checkpoint keeps.

    epoch, consumed: where the data goes on. leg: of what size steps are, and since when. stale:
    validations since the best one.
    """

    step: int = 0
    epoch: int = 0
    consumed: int = 0
    loss_sum: float = 0.0
    loss_count: int = 0
    best: float | None = None
    best_epoch: int = 0
    stale: int = 0
    seconds: float = 0.0
    done: bool = False
    leg: Leg = field(default_factory=Leg)
    skipped: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, content: Mapping[str, Any] | None) -> Journal:
        """What a checkpoint says; None: that nothing was done yet."""
        if content is None:
            return cls()
        return cls(**{**content["journal"], "leg": Leg(**content["journal"]["leg"])})


class Keeper(lightning.Callback):
    """Keeps the journal, the average and the best weights, and writes checkpoints.

    A checkpoint is written every ``checkpoint_every`` steps and after each epoch; it holds what the
    next step depends on, so that a killed run goes on to the same numbers. samples: how many an
    epoch has, from 0. say: takes a line for the user.
    """

    def __init__(
        self,
        module: Tuning,
        settings: TrainerSettings,
        journal: Journal,
        directory: Path,
        *,
        identity: Mapping[str, Any],
        total_steps: int,
        samples: Callable[[int], int],
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.module, self.settings, self.journal, self.directory = (
            module, settings, journal, directory
        )  # fmt: skip
        self.identity, self.total_steps = dict(identity), total_steps
        self.samples, self.say = samples, say
        self.tensors: dict[str, Tensor] = dict(module.trained())
        self.average = Average(list(self.tensors.values()), settings.ema)
        self._buffers: dict[str, Tensor] = {}
        self._started = time.monotonic()
        self._resumed: Mapping[str, Any] | None = None
        self._global_step = 0
        self._said_no_number = False

    def restore(self, content: Mapping[str, Any]) -> None:
        """Take up a checkpoint, whose journal is taken up already, before the loop starts."""
        self._resumed = content
        _copy(content["weights"], self.tensors)
        _copy(content["buffers"], dict(self.module.named_buffers()))
        self.module.extras.load_state(content.get("extras", {}))
        for mean, saved in zip(self.average.mean, content["average"], strict=True):
            mean.copy_(saved)

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        self._started = time.monotonic() - self.journal.seconds
        self._take_up()
        # totals over all ranks, which are added up again: one rank carries them on
        first = trainer.is_global_zero
        self.module.loss_sum = self.journal.loss_sum if first else 0.0
        self.module.loss_count = self.journal.loss_count if first else 0
        if self._resumed is None:
            return
        _load_optimizer(trainer.optimizers[0], self.tensors, self._resumed["optimizer"])
        schedule: Any = trainer.lr_scheduler_configs[0].scheduler
        where = {name: self._resumed["schedule"][name] for name in ("last_epoch", "_step_count")}
        schedule.load_state_dict({**schedule.state_dict(), **where})
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        if scaler is not None and self._resumed["scaler"]:
            scaler.load_state_dict(self._resumed["scaler"])
        self._resumed = None

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        journal = self.journal
        journal.consumed = batch.consumed
        journal.skipped.update(batch.skipped)
        if trainer.global_step == self._global_step:
            return  # in the middle of an accumulation
        self._global_step = trainer.global_step
        self.average.update(journal.step)
        journal.step += 1
        if journal.step >= self.total_steps:
            trainer.should_stop = True
        at_end = journal.consumed >= self.samples(journal.epoch) or trainer.should_stop
        if journal.step % self.settings.checkpoint_every == 0 and not at_end:
            self._save(trainer)

    def on_validation_epoch_start(self, trainer: lightning.Trainer, module: Any) -> None:
        if self.settings.ema is not None:
            self.average.swap()

    def on_validation_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        if self.settings.ema is not None:
            self.average.swap()

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        journal, validated = self.journal, self.module.validated
        self.module.validated = None
        loss_sum, count = self.module.loss_totals()
        row = EpochRow(
            epoch=journal.epoch + 1,
            step=journal.step,
            lr=self.module.lr,
            train_loss=loss_sum / max(1, count),
            seconds=time.monotonic() - self._started,
        )
        if validated is not None:
            row = replace(row, val_loss=validated.loss, accuracy=validated.accuracy,
                          balanced_accuracy=validated.balanced_accuracy)  # fmt: skip
            self._compare(validated, row.epoch, trainer)
        journal.history.append(asdict(row))
        _share(journal.skipped, trainer.world_size)
        journal.epoch, journal.consumed = journal.epoch + 1, 0
        self.module.loss_sum, self.module.loss_count = 0.0, 0
        journal.done = trainer.should_stop or journal.epoch >= (trainer.max_epochs or 0)
        self._save(trainer)

    def on_train_end(self, trainer: lightning.Trainer, module: Any) -> None:
        if self.module.shards is not None:
            self.module.shards.put_together()
            self._take_up()
        trainer.strategy.barrier()  # no rank reads the best weights before they are written

    def finish(self) -> None:
        """Leave the weights to keep in the model."""
        best = checkpoints.load_file(self.directory / "best.pt")
        if self.settings.keep == "best" and best is not None:
            _copy(best["weights"], self.tensors)
            _copy(best["buffers"], dict(self.module.named_buffers()))
        elif self.settings.ema is not None:
            self.average.swap()

    def _compare(self, validated: Validation, epoch: int, trainer: lightning.Trainer) -> None:
        journal, found = self.journal, score(validated, self.settings.monitor)
        if not math.isfinite(found) and not self._said_no_number and trainer.is_global_zero:
            self._said_no_number = True
            self.say(
                f"train: the validation of epoch {epoch} gave no number ({found}), so no epoch "
                "like it can be the best one"
            )
        if math.isfinite(found) and (journal.best is None or found > journal.best):
            journal.best, journal.best_epoch, journal.stale = found, epoch, 0
            with self.average.in_place():
                weights = self._weights()  # every rank has its part to give
                if trainer.is_global_zero:
                    checkpoints.save_file(self.directory / "best.pt", weights)
        else:
            journal.stale += 1
            if self.settings.patience is not None and journal.stale >= self.settings.patience:
                trainer.should_stop = True

    def _take_up(self) -> None:
        """The tensors that train, which are others once blocks are dealt over ranks."""
        self.tensors = dict(self.module.trained())
        self.average = self.average.over(list(self.tensors.values()))

    def _weights(self) -> dict[str, Any]:
        buffers = {name: value.detach().cpu() for name, value in self.module.statistics()}
        weights = {name: whole(value.detach()).cpu() for name, value in self.tensors.items()}
        return {"weights": weights, "buffers": buffers}

    def _save(self, trainer: lightning.Trainer) -> None:
        journal = self.journal
        journal.loss_sum, journal.loss_count = self.module.loss_totals()
        journal.seconds = time.monotonic() - self._started
        if not trainer.is_global_zero and self.module.shards is None:
            return
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        content = {
            **self._weights(),
            "identity": self.identity,
            "average": [whole(mean).cpu() for mean in self.average.mean],
            "optimizer": _optimizer_state(trainer.optimizers[0], self.tensors),
            "schedule": trainer.lr_scheduler_configs[0].scheduler.state_dict(),
            "scaler": scaler.state_dict() if scaler is not None else {},
            "extras": self.module.extras.state(),
            "journal": asdict(journal),
        }
        if trainer.is_global_zero:
            checkpoints.save(self.directory, journal.step, content)


def score(validated: Validation, monitor: str) -> float:
    """What ``monitor`` names, so that more is better."""
    if monitor == "auto":
        monitor = "accuracy"
    value: float | None = None if monitor == "loss" else getattr(validated, monitor)
    return -validated.loss if value is None else value


def _optimizer_state(optimizer: Any, named: Mapping[str, Tensor]) -> dict[str, Any]:
    """By name, with every tensor whole, so that it does not matter who has which part. Every rank
    must call it."""
    names = {id(parameter): name for name, parameter in named.items()}
    state = {
        names[id(p)]: {k: whole(v) if isinstance(v, Tensor) else v for k, v in values.items()}
        for p, values in optimizer.state.items()
    }
    groups = {
        names[id(p)]: {k: v for k, v in group.items() if k != "params"}
        for group in optimizer.param_groups for p in group["params"]
    }  # fmt: skip
    return {"state": state, "groups": groups}


def _load_optimizer(optimizer: Any, named: Mapping[str, Tensor], saved: Mapping[str, Any]) -> None:
    names = {id(parameter): name for name, parameter in named.items()}
    groups = optimizer.state_dict()["param_groups"]
    state = {}
    for group, real in zip(groups, optimizer.param_groups, strict=True):
        group.update(saved["groups"][names[id(real["params"][0])]])
        for number, p in zip(group["params"], real["params"], strict=True):
            known = saved["state"].get(names[id(p)], {})
            state[number] = {k: dealt(v, p) if isinstance(v, Tensor) else v
                             for k, v in known.items()}  # fmt: skip
    kept = {number: values for number, values in state.items() if values}
    optimizer.load_state_dict({"state": kept, "param_groups": groups})


def _share(skipped: dict[str, str], world_size: int) -> None:
    if world_size > 1:
        found: list[Any] = [None] * world_size
        dist.all_gather_object(found, skipped)
        for each in found:
            skipped.update(each)


def _copy(saved: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in saved.items():
            tensors[name].copy_(value)
