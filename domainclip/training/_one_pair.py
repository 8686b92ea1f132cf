"""Says where one pair to a step leaves nothing to learn: a contrast needs another pair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning.pytorch as lightning

__all__ = ["OnePair"]


class OnePair(lightning.Callback):
    """For runs with one pair to a batch of all ranks: a line if the first step has no gradient."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._looked = False

    def on_train_batch_end(
        self, trainer: lightning.Trainer, module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        norm = module.gradient_norm
        if self._looked or not outputs or norm is None:
            return
        self._looked = True
        if not float(norm) and trainer.is_global_zero:
            self.say(
                "data.batch_size: with one pair to a batch this objective has nothing to tell it "
                "apart from, and no gradient; nothing is learned. Give 2 or more."
            )
