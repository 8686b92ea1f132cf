"""Trainings of a tiny vision transformer in a process of their own, as one of two ranks.

    python -m tests.data.train_tiny JOBS

JOBS: a JSON list of the arguments of ``train``; each prints a line of JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from domainclip.adapters._protocol import inject_for
from domainclip.catalogue import load
from domainclip.data.module import PairsDataModule
from domainclip.data.settings import DataSettings
from domainclip.errors import DomainclipError
from domainclip.pairs import open_pairs
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import ToyTower
from tests.data.train_toy import Watched

CLASSES = (["a", "b", "c"], ("a photo of {}.",))


def train(
    pairs: str, out: str, batch: int, *, adapter: str = "full", objective: str = "infonce",
    nan: str = "", options: dict[str, Any] | None = None, **trainer: Any,
) -> dict[str, Any]:  # fmt: skip
    """Two epochs. What is left is the model that was given: no parameter of it is another one."""
    clip, made = make_backbone("vit"), load("adapters", adapter)(**(options or {}))
    inject_for(made, clip, *CLASSES)
    before = list(clip.model.named_parameters())
    kinds = [type(module) for module in clip.model.modules()]
    data = PairsDataModule(
        open_pairs(pairs), DataSettings(batch_size=batch), ToyTower(px=64), seed=1
    )
    settings = TrainerSettings(
        **{"epochs": 2, "lr": 1e-3, "checkpoint_every": 1, "ema": 0.9, "keep": "last", **trainer}
    )
    watched = Watched(load("objectives", objective)(), Path(out), 0, nan)
    try:
        result = fit(clip, made, watched, data, settings, out=Path(out), seed=1, class_text=CLASSES)
    except DomainclipError as error:
        return {"error": str(error)}
    after = list(clip.model.named_parameters())
    assert all(a is b and n == m for (n, a), (m, b) in zip(before, after, strict=True))
    assert [type(module) for module in clip.model.modules()] == kinds
    with torch.no_grad():
        features = clip.image(torch.ones(1, 3, 64, 64))[0, :4].tolist()
    return {
        "history": [row.train_loss for row in result.history], "features": features,
        "weights": sum(float(p.detach().double().abs().sum()) for _, p in after),
        "resumed": result.resumed,
    }  # fmt: skip


if __name__ == "__main__":
    for job in json.loads(sys.argv[1]):
        print(json.dumps(train(**job)), flush=True)
