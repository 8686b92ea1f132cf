"""Every objective of the catalogue through the training module: in chunks as at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.catalogue import entries, load
from domainclip.data.batch import PairBatch
from domainclip.objectives._protocol import Alone
from domainclip.training.module import Tuning
from domainclip.training.settings import TrainerSettings
from tests.conformance.test_objectives import OPTIONS as CONFORMANCE
from tests.data.tiny_towers import make_backbone

NAMES = [entry.name for entry in entries("objectives")]
SIZE = 6
# a teacher that is the student itself has no gradient but rounding
OPTIONS: dict[str, dict[str, object]] = {
    **{name: CONFORMANCE[name] for name in ("slip", "self_distillation")},
    "distillation": {"teacher_scale": 5.0},
}


def tuning(name: str, chunk: int | None) -> Tuning:
    clip = make_backbone("vit")
    adapter = load("adapters", "full")(towers=("image", "text"))
    adapter.inject(clip)
    objective = load("objectives", name)(**OPTIONS.get(name, {}))
    made = Tuning(
        clip, adapter, objective, TrainerSettings(chunk=chunk),
        classnames=["sea ice", "bush"], templates=("a {}.",), long=None, seed=0, total_steps=1,
    )  # fmt: skip
    made._trainer = SimpleNamespace(  # type: ignore[assignment]
        training=True, current_epoch=0, global_rank=0, world_size=1
    )
    return made


def batch(objective: Any) -> PairBatch:
    random = torch.Generator().manual_seed(2)
    views = int(getattr(objective, "views", 0))
    return PairBatch(
        torch.randn(SIZE, 3, 64, 64, generator=random),
        torch.tensor([0, 1, -1, 0, 1, 1]),
        tuple(f"the left caption {number % 5}. And more of it" for number in range(SIZE)),
        tuple(f"key {number}" for number in range(SIZE)),
        class_counts=torch.tensor([3, 3]),
        groups=tuple(f"group {number // 2}" for number in range(SIZE)),
        tags=((0,), (1,), (), (0, 1), (1,), (1,)),
        seconds=tuple(f"another text {number}" for number in range(SIZE)),
        views=torch.randn(SIZE, views, 3, 64, 64, generator=random) if views else None,
        negatives=tuple((f"no {number}", f"not {number}") for number in range(SIZE)),
        negative_images=torch.randn(SIZE - 1, 3, 64, 64, generator=random),
        negative_captions=tuple(
            f"the right caption {number % 4}" * (number != 2) for number in range(SIZE)
        ),
        regions=((), (("ship", (0.1, 0.2, 0.6, 1.0)), ("roof", (0.0, 0.0, 0.3, 0.3)))) * 3,
    )


def gradients(name: str, chunk: int | None) -> tuple[Tensor, dict[str, Tensor]]:
    module = tuning(name, chunk)
    torch.manual_seed(5)
    loss = module._loss(batch(module._objective), Alone())[0]
    loss.backward()
    found = {n: p.grad for n, p in module.trained() if p.grad is not None}
    assert found
    return loss.detach(), found


@pytest.mark.parametrize("name", NAMES)
def test_chunks_give_the_loss_and_gradients_of_the_joint_batch(name: str) -> None:
    loss, whole = gradients(name, None)
    chunked, parts = gradients(name, 4)  # a last chunk that is shorter
    torch.testing.assert_close(chunked, loss, rtol=1e-5, atol=1e-6)
    assert whole.keys() == parts.keys()
    for each, value in whole.items():
        scale = value.abs().max().item()
        torch.testing.assert_close(parts[each], value, rtol=1e-4, atol=1e-4 * scale + 1e-7)
