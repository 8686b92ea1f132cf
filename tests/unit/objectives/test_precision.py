"""In half precision: parts and averages stay in single, and objectives that have them train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from domainclip.adapters._protocol import inject_for
from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data.settings import DataSettings
from domainclip.objectives._protocol import wants_of
from domainclip.training._encoder import Encoder
from domainclip.training._extras import Extras
from domainclip.training._precision import stays_single
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import ToyTower, striped_pairs

SLIP = {"name": "slip", "hidden": 8, "out": 4}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("slip", {"hidden": 8, "out": 4}),
        ("declip", {"hidden": 8, "queue": 8}),
        ("self_distillation", {"hidden": 8, "prototypes": 8, "bottleneck": 4}),
        ("primary_component", {"components": 3, "basis": "running"}),
        ("weighted", {"terms": ({"name": "anchor"}, SLIP)}),
        ("matryoshka", {"of": SLIP, "dims": (8, 32)}),
    ],
)
def test_objectives_with_weights_train_in_bfloat16(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    clip, adapter = make_backbone("vit"), load("adapters", "full")()
    clip.to(dtype=torch.bfloat16)
    inject_for(adapter, clip, ["a", "b"], ("a {}.",))
    objective = load("objectives", name)(**options)
    pairs = striped_pairs(tmp_path / "pairs", 8, px=32)
    data = PairsDataModule(
        pairs, DataSettings(batch_size=8), ToyTower(px=64), views=getattr(objective, "views", 0),
        second="second" in wants_of(objective),
    )  # fmt: skip
    settings = TrainerSettings(epochs=1, lr=1e-3, precision="bf16-true", keep="last")
    result = fit(clip, adapter, objective, data, settings, out=tmp_path / "out")
    assert 0 < result.history[0].train_loss < 100
    last = max((tmp_path / "out" / "checkpoints").glob("*.pt"), key=str)
    saved = torch.load(last, weights_only=True)
    kept = [*saved["extras"]["parts"].values(), *saved["extras"]["average"].values()]
    assert {z.dtype for z in kept if z.is_floating_point()} <= {torch.float32}


def test_parts_move_and_are_not_cast() -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower, self.parts = nn.Linear(2, 2), stays_single(nn.BatchNorm1d(2))

    outer = Outer()
    with torch.no_grad():
        outer.parts.weight.fill_(1.001)  # type: ignore[union-attr]
    outer.to(torch.bfloat16)
    assert outer.tower.weight.dtype == torch.bfloat16
    assert torch.equal(outer.parts.weight, torch.full((2,), 1.001))  # type: ignore[arg-type]
    assert outer.parts.running_mean.dtype == torch.float32  # type: ignore[union-attr]
    assert outer.parts.num_batches_tracked.dtype == torch.int64  # type: ignore[union-attr]
    outer.to("meta")
    assert all(z.device.type == "meta" for z in outer.state_dict().values())
    assert outer.to(torch.float64).parts.weight.dtype == torch.float64  # type: ignore[union-attr]


def test_an_average_of_a_half_precision_model_moves() -> None:
    clip = make_backbone("vit")
    clip.to(dtype=torch.bfloat16)
    encoder = Encoder(clip, raw=False, long=None, chunk=None, same_views=False)
    objective = load("objectives", "self_distillation")(hidden=8, prototypes=8, momentum=0.99)
    extras, weight = Extras(objective, encoder, [], seed=0), clip.model.visual.proj
    before = weight.detach().clone()
    with torch.no_grad():
        weight.mul_(1.5)
    extras.after_step()
    found = extras.state()["average"]["visual.proj"]
    expected = before.float() + 0.01 * (weight.detach().float() - before.float())
    torch.testing.assert_close(found, expected)
    assert not torch.equal(found, before.float())
