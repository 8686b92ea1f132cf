"""Fit an adapter to pairs: one call, on Lightning, that an interruption only delays.

Everything random is a function of the seed and of where the data stands, and a checkpoint holds
what the next step depends on; so a run that was killed and called again ends, on the same machine,
with the numbers of one that was not.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import lightning.pytorch as lightning
import torch
from lightning.pytorch.strategies import DDPStrategy, ModelParallelStrategy
from torch import nn
from torch.utils.checkpoint import CheckpointError

from domainclip.backbones._streaming import prefer_channels_last
from domainclip.errors import BadInput, UsageError
from domainclip.objectives._protocol import Objective, wants_of
from domainclip.text._protocol import TextEncoder
from domainclip.training import _checkpoints as checkpoints
from domainclip.training._identity import identity_of, refuse_other_run
from domainclip.training._one_pair import OnePair
from domainclip.training._pace import Leg, Pace
from domainclip.training.finite import FiniteLoss
from domainclip.training.keeper import EpochRow, Journal, Keeper
from domainclip.training.logs import EpochLines, ProgressBar, StepLog
from domainclip.training.module import Adapter, Tower, Tuning, from_classes
from domainclip.training.optimizer import bound_logit_scale
from domainclip.training.settings import TrainerSettings
from domainclip.training.sharding import check_shards
from domainclip.training.thrift import check_thrift, thrift
from domainclip.training.wise_ft import check_line, finish, settle

__all__ = ["FitResult", "TrainingData", "check_plan", "fit"]


@dataclass(frozen=True)
class FitResult:
    """What came of a training.

    history: one row an epoch. best_epoch: from 1; 0 where no validation gave a number. seconds: of
    training, over all attempts. resumed: the step that this call went on from, 0 for a fresh run.
    skipped: (key, reason) of training images that could not be decoded. alpha: where between the
    plain and the trained weights the model was left (``wise_ft``); None for the trained ones.
    """

    history: tuple[EpochRow, ...]
    best_epoch: int
    seconds: float
    resumed: int
    skipped: tuple[tuple[str, str], ...] = ()
    alpha: float | None = None


class TrainingData(Protocol):
    """A LightningDataModule that knows where it stands (``domainclip.data.PairsDataModule``)."""

    @property
    def batch_size(self) -> int: ...
    def samples(self, epoch: int) -> int: ...
    def place(self, epoch: int, consumed: int) -> None: ...
    def val_dataloader(self) -> Any: ...


def fit(
    backbone: Tower,
    adapter: Adapter,
    objective: Objective,
    data_module: TrainingData,
    settings: TrainerSettings,
    *,
    out: Path,
    seed: int = 0,
    class_text: tuple[Sequence[str], Sequence[str]] = ((), ()),
    long: TextEncoder | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> FitResult:
    """Train the adapter, which is injected into the backbone already, and leave the best weights.

    class_text: (class names, templates), for objectives over classes. long: how captions
    longer than the context are read; None cuts them. Checkpoints go to ``out/checkpoints``, CSV
    and TensorBoard logs to ``out/logs``. A directory with checkpoints is gone on with. say: a line
    per validated epoch, and one where a training goes on.

    Raises BadInput (nothing to train, no classes, no validation split to choose by), UsageError
    (settings that exclude each other), OutputInUse (the checkpoints are another run's), OutputError
    (they cannot be written), NotFinite.
    """
    if next(iter(adapter.parameters()), None) is None:
        raise BadInput(f"{type(adapter).__name__} has nothing to train; check its options.")
    check_plan(backbone, objective, settings, class_text[0], long)
    if settings.wise_ft is not None:
        check_line(adapter, settings, data_module)
    content = checkpoints.newest(out / "checkpoints")
    journal = Journal.of(content)
    before = journal.leg
    pace = _pace(data_module, settings, journal)
    device, ranks = backbone.device, _world_size(settings)
    with (
        _only_trained(backbone.model, adapter),
        thrift(backbone.model, settings),
        torch.random.fork_rng(),
    ):
        module = Tuning(
            backbone, adapter, objective, settings, classnames=class_text[0],
            templates=class_text[1], long=long, seed=seed, total_steps=pace.whole, at=pace.at,
            same_views=getattr(data_module, "same_views", False), say=say,
        )  # fmt: skip
        bound_logit_scale(backbone.model)  # the first loss too
        prefer_channels_last(backbone.model)
        keeper = Keeper(
            module, settings, journal, out / "checkpoints",
            identity=identity_of(
                settings, objective, adapter, backbone, data_module, seed=seed,
                ranks=ranks, class_text=class_text, long=long,
                shapes={name: parameter.shape for name, parameter in module.trained()},
            ),
            total_steps=pace.leg.total, samples=data_module.samples, say=say,
        )  # fmt: skip
        if content is not None:
            refuse_other_run(content["identity"], keeper.identity, out)
            keeper.restore(content)
            if not journal.done:
                _say_other_steps(before, pace.leg, ranks, say)
        resumed = journal.step
        if not journal.done:
            data_module.place(journal.epoch, journal.consumed)
            with _quiet():
                trainer = _trainer(settings, device, pace.epochs, out, [
                    FiniteLoss(out / "logs", settings, journal),
                    keeper,
                    StepLog(out / "logs", journal, settings.log_every),
                    EpochLines(journal, pace.leg.total, say),
                    ProgressBar(journal, pace.leg.total),
                    *([OnePair(say)] if ranks * data_module.batch_size == 1 else ()),
                ])  # fmt: skip
                # epochs are counted from the start of the run, not of this attempt
                trainer.fit_loop.epoch_progress.current.processed = journal.epoch
                trainer.fit_loop.epoch_progress.current.completed = journal.epoch
                try:
                    trainer.fit(module, datamodule=data_module)
                except SystemExit as stop:  # what Lightning makes of Ctrl-C
                    raise KeyboardInterrupt from stop
                except CheckpointError as error:
                    raise UsageError(
                        f"trainer.checkpoint_blocks: {type(adapter).__name__} changes what blocks "
                        "read from outside of them, so they cannot be computed again; leave it "
                        "out, or give trainer.chunk."
                    ) from error
        keeper.finish()
        with _quiet():
            alpha = settle(
                adapter, settings, module, data_module,
                lambda: _trainer(settings, device, pace.epochs, out, []),
            )  # fmt: skip
        finish(adapter, module, data_module)
        backbone.model.to(device)  # Lightning hands GPU models back on the CPU
        backbone.model.eval()
    return FitResult(
        history=tuple(EpochRow(**row) for row in journal.history),
        best_epoch=journal.best_epoch,
        seconds=journal.seconds,
        resumed=resumed,
        skipped=tuple(sorted(journal.skipped.items())),
        alpha=alpha,
    )


def check_plan(
    backbone: Tower, objective: Objective, settings: TrainerSettings, classnames: Sequence[str],
    long: TextEncoder | None,
) -> None:  # fmt: skip
    """Raises BadInput or UsageError for what ``fit`` would refuse, as far as it can be told before
    an adapter is there."""
    check_shards(settings, objective)
    check_thrift(backbone.model, settings)
    if getattr(objective, "raw", False) and long is not None:
        raise BadInput(
            f"{type(objective).__name__} needs features before they get unit length, which only "
            "text.name 'truncate' gives."
        )
    if settings.patch_dropout and "patches" in wants_of(objective):
        raise UsageError(
            f"trainer.patch_dropout: {type(objective).__name__} reads the patches that it would "
            "leave out; give 0."
        )
    classes = objective.needs == "classes" or from_classes(objective)
    if classes and len(classnames) < 2:
        raise BadInput(
            f"{type(objective).__name__} needs at least two classes, and the pairs have "
            f"{len(classnames)}; train on captions with {{name: infonce}} instead."
        )


def _pace(data: TrainingData, settings: TrainerSettings, journal: Journal) -> Pace:
    """The journal's leg, or a new one where this process's ranks make steps of another size."""
    pace = Pace.of(
        settings, samples=data.samples, ranks=_world_size(settings), batch=data.batch_size,
        leg=journal.leg, step=journal.step, epoch=journal.epoch, consumed=journal.consumed,
    )  # fmt: skip
    journal.leg = pace.leg
    return pace


def _say_other_steps(before: Leg, now: Leg, ranks: int, say: Callable[[str], None]) -> None:
    if before.samples not in (0, now.samples) and not int(os.environ.get("RANK", "0")):
        say(
            f"train: steps of {now.samples} samples from here on, not of {before.samples}, "
            f"until step {now.total}; what they teach differs with their size (data.batch_size"
            f" is of each of the {ranks} ranks)"
        )


def _world_size(settings: TrainerSettings) -> int:
    if settings.devices != "auto":
        return settings.devices * int(os.environ.get("DOMAINCLIP_NODES", "1"))
    return int(os.environ.get("WORLD_SIZE", "1"))  # torchrun's


def _trainer(
    settings: TrainerSettings, device: torch.device, epochs: int, out: Path,
    callbacks: list[lightning.Callback],
) -> lightning.Trainer:  # fmt: skip
    world_size = _world_size(settings)
    strategy: Any = settings.strategy
    if world_size == 1:
        strategy = "auto"
    elif strategy == "fsdp":
        strategy = ModelParallelStrategy(data_parallel_size=world_size, tensor_parallel_size=1)
    else:
        # an adapter may train weights that a batch does not reach
        strategy = DDPStrategy(find_unused_parameters=True)
    devices: Any = settings.devices
    if devices == "auto":
        one = [device.index or 0] if device.type == "cuda" else 1
        devices = int(os.environ.get("LOCAL_WORLD_SIZE", world_size)) if world_size > 1 else one
    return lightning.Trainer(
        accelerator={"cuda": "gpu"}.get(device.type, device.type),
        devices=devices,
        num_nodes=max(1, world_size // devices) if isinstance(devices, int) else 1,
        strategy=strategy,
        precision=settings.precision,
        max_epochs=epochs,
        accumulate_grad_batches=settings.accumulate,
        gradient_clip_val=settings.clip_norm,
        check_val_every_n_epoch=settings.validate_every,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        inference_mode=False,  # class embeddings made while validating serve training too
        default_root_dir=out,
        callbacks=callbacks,
    )


@contextmanager
def _only_trained(model: nn.Module, adapter: Adapter) -> Iterator[None]:
    """Gradients for the adapter's parameters alone; afterwards the flags are as they were."""
    trained = {id(parameter) for parameter in adapter.parameters()}
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    before += [(p, p.requires_grad) for p in adapter.parameters()]
    for parameter, _ in before:
        parameter.requires_grad_(id(parameter) in trained)
    try:
        yield
    finally:
        for parameter, flag in before:
            parameter.requires_grad_(flag)
            parameter.grad = None


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning's tips and the warnings that our own choices cause, left out."""
    names = ("lightning.pytorch", "lightning.fabric", "pytorch_lightning")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        for text in (
            "in eval mode",
            "many workers",
            "no `val_dataloader`",
            "GPU available but",
            "treespec",
            "Total length of",
            "You have overridden `on_before_batch_transfer`",
        ):
            warnings.filterwarnings("ignore", message=f".*{text}")
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
