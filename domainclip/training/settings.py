"""The ``trainer`` section of a recipe: how long, how fast, how carefully. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

__all__ = ["TrainerSettings"]


@dataclass(frozen=True)
class TrainerSettings:
    """How the weights are trained; a step is one update of the weights.

    epochs: passes over the training split. steps: that many steps instead, in whole or part epochs.
    lr: peak learning rate. warmup: linear, a share of all steps below 1, else that many steps.
    schedule: what follows the warm-up, down to ``min_lr``. weight_decay: not on biases and other
    one-dimensional weights. layer_decay: lr of a block times this per block above it (FT-CLIP).
    clip_norm: of the whole gradient; null leaves it. accumulate: batches to a step.
    chunk: images and texts that a tower reads at once; the loss is still that of the whole batch,
    at one more forward pass and the memory of one chunk (gradient caching); null reads all at once.
    patch_dropout: share of an image's patches that a step does not read (FLIP); 0.5 is about twice
    as fast; a frozen image tower reads all. checkpoint_blocks: less memory for one more forward
    pass of every block.
    precision: Lightning's names. devices: how many of this machine's. strategy: ``ddp`` has the
    model on each, ``fsdp`` deals the blocks that train over them.
    ema: decay of an exponential average of the weights, which is then what is validated and kept.
    frozen_eval: what is not trained runs in evaluation mode (batch-norm statistics, dropout).
    patience: epochs without a better validation until the training stops; null never stops it.
    monitor: what is better; ``auto`` takes accuracy where there are classes, else the loss.
    keep: the weights of the best validated epoch, or of the last one.
    wise_ft: after training, the weights are put at this point between the plain (0) and the trained
    ones (1), which forgets less (WiSE-FT); of a list, at the point with the best validation.
    validate_every: epochs from one validation to the next. checkpoint_every, log_every: steps.
    """

    epochs: Annotated[int, ">= 1"] = 10
    steps: Annotated[int, ">= 1"] | None = None
    lr: Annotated[float, "> 0"] = 1e-4
    weight_decay: Annotated[float, ">= 0"] = 0.05
    optimizer: Literal["adamw", "sgd"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: Annotated[float, ">= 0 < 1"] = 0.9
    warmup: Annotated[float, ">= 0"] = 0.1
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    min_lr: Annotated[float, ">= 0"] = 0.0
    layer_decay: Annotated[float, "> 0 <= 1"] = 1.0
    clip_norm: Annotated[float, "> 0"] | None = 1.0
    accumulate: Annotated[int, ">= 1"] = 1
    chunk: Annotated[int, ">= 1"] | None = None
    patch_dropout: Annotated[float, ">= 0 < 1"] = 0.0
    checkpoint_blocks: bool = False
    precision: Literal["32-true", "bf16-mixed", "16-mixed", "bf16-true"] = "32-true"
    devices: Literal["auto"] | Annotated[int, ">= 1"] = "auto"
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    ema: Annotated[float, "> 0 < 1"] | None = None
    frozen_eval: bool = True
    patience: Annotated[int, ">= 1"] | None = None
    monitor: Literal["auto", "accuracy", "balanced_accuracy", "loss"] = "auto"
    keep: Literal["best", "last"] = "best"
    wise_ft: Annotated[float, ">= 0 <= 1"] | tuple[float, ...] | None = None
    validate_every: Annotated[int, ">= 1"] = 1
    checkpoint_every: Annotated[int, ">= 1"] = 50
    log_every: Annotated[int, ">= 1"] = 10

    def problems(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """(path inside, message) of what no field can tell alone."""
        alphas = self.wise_ft if isinstance(self.wise_ft, tuple) else (0.5,)
        if not alphas or not all(0 <= alpha <= 1 for alpha in alphas):
            yield ("wise_ft",), "give numbers from 0 (plain weights) to 1 (trained ones)."
