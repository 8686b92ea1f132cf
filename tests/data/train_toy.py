"""A training of the toy tower in a process of its own: to be killed, or to be one of two ranks.

    python -m tests.data.train_toy PAIRS OUT OBJECTIVE,... BATCH [DIE_AT]

DIE_AT: the process kills itself (SIGKILL) in that call of the objective, counted from 1. Each
objective prints a line of JSON: history and the sum of each weight, in hex so that no bit is lost.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from domainclip.catalogue import load
from domainclip.data.module import PairsDataModule
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.pairs import open_pairs
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.toy_tower import ToyTower, Whole


class Deadly:
    """An objective that ends the process, as a power cut would."""

    def __init__(self, objective: Any, die_at: int) -> None:
        self.objective, self.needs, self.left = objective, objective.needs, die_at

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.objective(*arguments, **options)

    def __repr__(self) -> str:
        return repr(self.objective)


def train(
    pairs: str,
    out: str,
    objective: str,
    batch: int,
    *,
    die_at: int = 0,
    dropout: bool = True,
    keep: str = "best",
) -> dict[str, Any]:
    tower = ToyTower()
    if not dropout:
        tower.model.visual[5].p = 0.0
    data = PairsDataModule(
        open_pairs(pairs),
        DataSettings(batch_size=batch, augment=AugmentSettings(flip=True, crop_scale=(0.5, 1.0))),
        tower,
        seed=1,
    )
    settings = TrainerSettings(epochs=3, lr=1e-2, checkpoint_every=2, ema=0.9, keep=keep)  # type: ignore[arg-type]
    result = fit(
        tower,
        Whole(tower, "visual", "table"),
        Deadly(load("objectives", objective)(), die_at),
        data,
        settings,
        out=Path(out),
        seed=1,
        class_text=(data.classes.names, ("a photo of {}.",)),
    )
    numbers = [[row.train_loss, row.val_loss, row.accuracy] for row in result.history]
    sums = {n: float(p.detach().double().sum()).hex() for n, p in tower.model.named_parameters()}
    return {"history": numbers, "weights": sums, "resumed": result.resumed}


if __name__ == "__main__":
    place, out, objectives, batch, *rest = sys.argv[1:]
    options: dict[str, Any] = {"die_at": int(rest[0])} if rest else {}
    if "WORLD_SIZE" in os.environ:  # ranks draw other dropouts than one process does
        options = {"dropout": False, "keep": "last"}
    for name in objectives.split(","):
        print(json.dumps(train(place, f"{out}/{name}", name, int(batch), **options)))
