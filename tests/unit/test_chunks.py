"""Gradient caching: chunks read twice give what chunks kept give, whatever is random or frozen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from domainclip.adapters._protocol import inject_for
from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data.batch import PairBatch
from domainclip.data.settings import DataSettings
from domainclip.errors import UsageError
from domainclip.objectives._protocol import Alone
from domainclip.training import _encoder as encoder
from domainclip.training._chunks import in_chunks
from domainclip.training.fit import fit
from domainclip.training.module import Tuning
from domainclip.training.settings import TrainerSettings
from domainclip.training.thrift import thrift
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import ToyTower, striped_pairs

SIZE = 6
CLASSES = (["sea ice", "bush", "a road"], ("a photo of {}.",))


def gradients(
    adapter: str, *, objective: str = "infonce", kind: str = "vit", bf16: bool = False,
    settings: TrainerSettings | None = None, **options: Any,
) -> tuple[Tensor, dict[str, Tensor]]:  # fmt: skip
    settings = settings or TrainerSettings()
    clip = make_backbone(kind)
    made = load("adapters", adapter)(**options)
    inject_for(made, clip, *CLASSES)
    trained = {id(p) for p in made.parameters()}
    for parameter in clip.model.parameters():
        parameter.requires_grad_(id(parameter) in trained)
    with thrift(clip.model, settings):
        module = Tuning(
            clip, made, load("objectives", objective)(), settings, classnames=CLASSES[0],
            templates=CLASSES[1], long=None, seed=0, total_steps=1,
        )  # fmt: skip
        module._trainer = SimpleNamespace(  # type: ignore[assignment]
            training=True, current_epoch=0, global_rank=0, world_size=1
        )
        module.on_train_start()
        batch = PairBatch(
            torch.randn(SIZE, 3, 64, 64, generator=torch.Generator().manual_seed(2)),
            torch.tensor([0, 1, 2, 0, 1, 2]),
            tuple(f"caption {number}" for number in range(SIZE)),
            tuple(f"key {number}" for number in range(SIZE)),
            class_counts=torch.tensor([2, 2, 2]),
        )
        torch.manual_seed(5)
        with torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext():
            loss = module._loss(batch, Alone())[0]
        loss.backward()
        return loss.detach(), {n: p.grad for n, p in module.trained() if p.grad is not None}


def kept(read: Callable[[Tensor], Tensor], x: Tensor, size: int | None) -> Tensor:
    """The slow version: chunks whose graphs all stay in memory."""
    return torch.cat([read(part) for part in torch.split(x, size or len(x))])


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("towers", [("image",), ("image", "text")])
def test_second_readings_have_the_dropout_and_the_precision_of_the_first(
    monkeypatch: pytest.MonkeyPatch, towers: tuple[str, ...], bf16: bool
) -> None:
    options = {"towers": towers, "dropout": 0.5, "bf16": bf16,
               "settings": TrainerSettings(chunk=4)}  # fmt: skip
    loss, found = gradients("lora", **options)
    monkeypatch.setattr(encoder, "in_chunks", kept)
    slow_loss, slow = gradients("lora", **options)
    assert loss == slow_loss and found.keys() == slow.keys()
    assert any(value.abs().max() > 0 for value in found.values())
    for name, value in slow.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", ["vit", "timm_vit"])
def test_second_readings_leave_out_the_same_patches(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    settings = TrainerSettings(chunk=4, patch_dropout=0.5)
    _, found = gradients("full", kind=kind, settings=settings)
    monkeypatch.setattr(encoder, "in_chunks", kept)
    _, slow = gradients("full", kind=kind, settings=settings)
    for name, value in slow.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("adapter", ["full", "lora", "svd", "bitfit", "maple"])
def test_a_frozen_text_tower_and_any_adapter_agree_with_the_joint_batch(adapter: str) -> None:
    plain: dict[str, Any] = {"towers": ("image",)}
    if adapter == "maple":
        plain = {"objective": "class_prompts"}
    if adapter == "lora":
        plain["dropout"] = 0.0
    loss, whole = gradients(adapter, **plain)
    for chunk in (1, 4, 100):  # larger than the batch: all at once
        other, found = gradients(adapter, settings=TrainerSettings(chunk=chunk), **plain)
        torch.testing.assert_close(other, loss, rtol=1e-5, atol=1e-6)
        for name, value in whole.items():
            scale = value.abs().max().item()
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4 * scale + 1e-7)


@pytest.mark.parametrize("kind", ["vit", "timm_vit", "bert"])
@pytest.mark.parametrize("adapter", ["coop", "cocoop", "lora", "full"])
def test_blocks_computed_again_go_with_adapters(adapter: str, kind: str) -> None:
    options: dict[str, Any] = {"objective": "class_prompts", "kind": kind}
    options |= {"n_ctx": 2} if adapter == "coop" else {}
    _, whole = gradients(adapter, **options)
    _, found = gradients(adapter, settings=TrainerSettings(checkpoint_blocks=True), **options)
    assert whole.keys() == found.keys() and whole
    for name, value in whole.items():
        scale = value.abs().max().item()
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-4 * scale + 1e-7)


def test_what_changes_blocks_from_outside_cannot_have_them_computed_again(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 12)
    clip, maple = make_backbone("vit"), load("adapters", "maple")()
    data = PairsDataModule(pairs, DataSettings(batch_size=4), ToyTower(px=64))
    inject_for(maple, clip, *CLASSES)
    with pytest.raises(UsageError, match=r"trainer\.checkpoint_blocks: MaPLe .* trainer\.chunk"):
        fit(
            clip, maple, load("objectives", "class_prompts")(), data,
            TrainerSettings(epochs=1, checkpoint_blocks=True), out=tmp_path / "run",
            class_text=CLASSES,
        )  # fmt: skip


def test_patches_that_an_objective_reads_are_not_left_out(tmp_path: Path) -> None:
    clip, full = make_backbone("vit"), load("adapters", "full")()
    full.inject(clip)
    data = PairsDataModule(striped_pairs(tmp_path / "pairs", 12), DataSettings(), ToyTower(px=64))
    with pytest.raises(UsageError, match=r"trainer\.patch_dropout: LocalAlignment .* give 0"):
        fit(
            clip, full, load("objectives", "local_alignment")(), data,
            TrainerSettings(patch_dropout=0.5), out=tmp_path / "run",
        )  # fmt: skip


def test_batch_norm_in_training_mode_sees_a_chunk_and_moves_its_statistics_twice() -> None:
    """What the documentation says; trainer.frozen_eval, the default, has no such layer."""
    torch.manual_seed(0)
    x = torch.randn(6, 3)
    whole, parts = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    x.requires_grad_()
    in_chunks(whole, x, None).square().sum().backward()
    in_chunks(parts, x, 3).square().sum().backward()
    assert parts.num_batches_tracked == 4 and whole.num_batches_tracked == 1
