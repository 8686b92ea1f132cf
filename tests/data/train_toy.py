"""Trainings of the toy tower in a process of their own: to be killed, or to be one of two ranks.

    python -m tests.data.train_toy JOBS

JOBS: a JSON list of the arguments of ``train``. Each prints a line of JSON: history and the sum of
each weight, in hex so that no bit is lost; or the error that it ended with.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from domainclip.catalogue import load
from domainclip.data.module import PairsDataModule
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.errors import DomainclipError
from domainclip.pairs import open_pairs
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.toy_tower import ToyTower, Whole


class Watched:
    """An objective that notes the pairs it is given in training, in ``OUT/seen-RANK.jsonl``; ends
    the process in call ``die_at``, as a power cut would; and has no number for the pair ``nan``, or
    for the gradient of the pair ``slope``.
    """

    def __init__(self, objective: Any, out: Path, die_at: int, nan: str, slope: str = "") -> None:
        self.objective, self.needs, self.left = objective, objective.needs, die_at
        self.nan, self.slope = nan, slope
        out.mkdir(parents=True, exist_ok=True)
        self.seen = out / f"seen-{os.environ.get('RANK', '0')}.jsonl"

    def __call__(self, image: Any, text: Any, batch: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if image.requires_grad:
            with self.seen.open("a", encoding="utf-8") as file:
                file.write(json.dumps([batch.consumed, list(batch.keys)]) + "\n")
        loss = self.objective(image, text, batch, **options)
        if self.slope in batch.keys:
            loss = loss + (image * 0).sum().sqrt()
        return loss * float("nan") if self.nan in batch.keys else loss

    def __repr__(self) -> str:
        return repr(self.objective)


def train(
    pairs: str,
    out: str,
    objective: str,
    batch: int,
    *,
    die_at: int = 0,
    nan: str = "",
    slope: str = "",
    dropout: bool = True,
    parts: Sequence[str] = ("visual", "table"),
    **trainer: Any,
) -> dict[str, Any]:
    """Three epochs, or what the trainer's settings say."""
    tower = ToyTower()
    if not dropout:
        tower.model.visual[5].p = 0.0
    data = PairsDataModule(
        open_pairs(pairs),
        DataSettings(batch_size=batch, augment=AugmentSettings(flip=True, crop_scale=(0.5, 1.0))),
        tower,
        seed=1,
    )
    settings = TrainerSettings(
        **{"epochs": 3, "lr": 1e-2, "checkpoint_every": 2, "ema": 0.9, **trainer}
    )
    lines: list[str] = []
    try:
        result = fit(
            tower,
            Whole(tower, *parts),
            Watched(load("objectives", objective)(), Path(out), die_at, nan, slope),
            data,
            settings,
            out=Path(out),
            seed=1,
            class_text=(data.classes.names, ("a photo of {}.",)),
            say=lines.append,
        )
    except DomainclipError as error:
        return {"error": str(error)}
    numbers = [[row.train_loss, row.val_loss, row.accuracy] for row in result.history]
    sums = {n: float(p.detach().double().sum()).hex() for n, p in tower.model.named_parameters()}
    return {
        "history": numbers, "steps": [row.step for row in result.history], "weights": sums,
        "resumed": result.resumed, "skipped": [key for key, _ in result.skipped], "lines": lines,
    }  # fmt: skip


if __name__ == "__main__":
    for job in json.loads(sys.argv[1]):
        print(json.dumps(train(**job)), flush=True)
