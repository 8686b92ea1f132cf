"""What a run writes while it trains: CSV files, TensorBoard events, lines, a progress bar."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import lightning.pytorch as lightning
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from domainclip.training.keeper import Journal

__all__ = ["EpochLines", "ProgressBar", "StepLog"]


class StepLog(lightning.Callback):
    """``train.csv``, ``epochs.csv``, TensorBoard events, and ``skipped.csv``: images left out.

    A resumed run leaves no line twice.
    """

    def __init__(self, directory: Path, journal: Journal, every: int) -> None:
        self.directory, self.journal, self.every = directory, journal, every
        self._tensorboard: Any = None

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        if not trainer.is_global_zero:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        _cut(self.directory / "train.csv", self.journal.step)
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        step = self.journal.step
        self._tensorboard = SummaryWriter(
            str(self.directory), purge_step=step + 1 if step else None
        )

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = self.journal.step
        if not outputs or step % self.every:
            return
        # each rank has its part of the joint loss
        loss, lr = float(trainer.strategy.reduce(outputs["loss"], reduce_op="mean")), module.lr
        if not trainer.is_global_zero:
            return
        row = {"step": step, "epoch": trainer.current_epoch + 1, "loss": loss, "lr": lr}
        _append(self.directory / "train.csv", row)
        self._tell({"train/loss": loss, "train/lr": lr}, step)

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        if not trainer.is_global_zero or not self.journal.history:
            return
        skipped = [{"key": key, "reason": why} for key, why in sorted(self.journal.skipped.items())]
        for name, rows in (("epochs.csv", self.journal.history), ("skipped.csv", skipped)):
            (self.directory / name).unlink(missing_ok=True)
            for row in rows:
                _append(self.directory / name, row)
        last = self.journal.history[-1]
        names = ("val_loss", "accuracy", "balanced_accuracy")
        found = {f"val/{name}": last[name] for name in names if last[name] is not None}
        self._tell({"train/epoch_loss": last["train_loss"], **found}, last["step"])

    def teardown(self, trainer: lightning.Trainer, module: Any, stage: str) -> None:
        if self._tensorboard is not None:
            self._tensorboard.close()

    def _tell(self, values: Mapping[str, float], step: int) -> None:
        if self._tensorboard is not None:
            for name, value in values.items():
                self._tensorboard.add_scalar(name, value, step)


class EpochLines(lightning.Callback):
    """A line for each validated epoch, and one where a training goes on."""

    def __init__(self, journal: Journal, total_steps: int, say: Callable[[str], None]) -> None:
        self.journal, self.total_steps, self.say = journal, total_steps, say

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        if trainer.is_global_zero and self.journal.step:
            self.say(f"train: goes on after step {self.journal.step} of {self.total_steps}, "
                     f"in epoch {self.journal.epoch + 1}")  # fmt: skip

    def on_train_epoch_end(self, trainer: lightning.Trainer, module: Any) -> None:
        if not trainer.is_global_zero or not self.journal.history:
            return
        row = self.journal.history[-1]
        if row["val_loss"] is None:
            return
        accuracy = row["accuracy"]
        self.say(f"train: epoch {row['epoch']} of {trainer.max_epochs}, loss "
                 f"{row['train_loss']:.4f}, validation loss {row['val_loss']:.4f}"
                 + ("" if accuracy is None else f", accuracy {accuracy:.3f}"))  # fmt: skip


class ProgressBar(lightning.Callback):
    """Steps with a rate and an estimate on stderr; nothing where stderr is no terminal."""

    def __init__(self, journal: Journal, total_steps: int) -> None:
        self.journal, self.total_steps = journal, total_steps
        self._bar: Progress | None = None
        self._shown = 0.0

    def on_train_start(self, trainer: lightning.Trainer, module: Any) -> None:
        if not trainer.is_global_zero or not sys.stderr.isatty():
            return
        self._bar = Progress(
            TextColumn("train"), BarColumn(), TextColumn("{task.completed}/{task.total} steps"),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"), console=Console(stderr=True), transient=True,
        )  # fmt: skip
        self._task = self._bar.add_task("train", total=self.total_steps, rate="", note="",
                                        completed=self.journal.step)  # fmt: skip
        self._bar.start()
        self._start, self._first = time.monotonic(), self.journal.step

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        now = time.monotonic()
        if self._bar is None or now - self._shown < 0.2:
            return
        self._shown = now
        rate = (self.journal.step - self._first) / max(1e-9, now - self._start)
        note = ""
        if self.journal.history:
            last = self.journal.history[-1]
            shown = ("val_loss", "accuracy")
            note = " ".join(f"{k} {last[k]:.3f}" for k in shown if last[k] is not None)
        self._bar.update(self._task, completed=self.journal.step, rate=f"{rate:.2f}/s", note=note)

    def teardown(self, trainer: lightning.Trainer, module: Any, stage: str) -> None:
        if self._bar is not None:
            self._bar.stop()


def _append(path: Path, row: Mapping[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _cut(path: Path, step: int) -> None:
    """Drop the lines of steps after ``step``: they are trained, and written, once more."""
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]
        path.unlink()
        for row in rows:
            _append(path, row)
