"""LoRA and SVD against their formulas written out: initial values, gradients, one AdamW step.

The oracle runs the tower's own plain modules on weights that are leaves of a graph of their own:
dL/dW of every weight by autograd, and from it the factors' gradients by the chain rule.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from domainclip.adapters.lora import LoRA
from domainclip.adapters.svd import SVD
from domainclip.backbones import Backbone
from tests.data.tiny_towers import images, make_backbone

PARTS = ("q_proj", "k_proj", "v_proj")


def _loss(features: Tensor) -> Tensor:
    pull = torch.linspace(-1, 1, features.numel(), dtype=features.dtype).reshape(features.shape)
    return (features * pull).sum()


def _weight_gradients(changes: dict[str, Tensor]) -> dict[str, Tensor]:
    """dL/dW of the packed weights of a plain tower in which ``changes`` are added to them."""
    model: Any = make_backbone("vit").model.double()
    leaves = {
        name: (value.detach() + changes.get(name, 0)).requires_grad_()
        for name, value in model.visual.named_parameters()
        if name.endswith("in_proj_weight")
    }
    features = functional_call(model.visual, leaves, images().double())
    found = torch.autograd.grad(_loss(features), list(leaves.values()))
    return dict(zip(leaves, found, strict=True))


def _injected(adapter: Any) -> Backbone:
    backbone = make_backbone("vit")
    backbone.model.double()
    adapter.inject(backbone)
    return backbone


def _gradients(backbone: Backbone, adapter: Any) -> dict[str, Tensor]:
    loss = _loss(backbone.model.visual(images().double()))
    found = torch.autograd.grad(loss, list(adapter.parameters()))
    return dict(zip(adapter.state(), found, strict=True))


def test_first_factors_are_kaiming_uniform_and_zero() -> None:
    adapter = LoRA(rank=8, towers=("image",))
    adapter.inject(make_backbone("vit"))
    bound = math.sqrt(6 / ((1 + 5) * 64))  # of a uniform with a = sqrt(5) over 64 inputs
    for name, factor in adapter.state().items():
        if ".lora_B" in name:
            assert not factor.any()
        else:
            assert float(factor.abs().max()) <= bound
            assert float(factor.std()) == pytest.approx(bound / math.sqrt(3), rel=0.15)
    again, other = LoRA(rank=8, towers=("image",)), LoRA(rank=8, towers=("image",), seed=1)
    again.inject(make_backbone("vit"))
    other.inject(make_backbone("vit"))
    state = adapter.state()
    assert all(torch.equal(value, state[name]) for name, value in again.state().items())
    assert any(not torch.equal(value, state[name]) for name, value in other.state().items())


@pytest.mark.parametrize(("rslora", "scale"), [(True, 3.0 / math.sqrt(2)), (False, 1.5)])
def test_lora_gradients_and_a_step_of_adamw(rslora: bool, scale: float) -> None:
    adapter = LoRA(rank=2, alpha=3.0, rslora=rslora, dropout=0.0, towers=("image",))
    backbone = _injected(adapter)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, p in zip(adapter.state(), adapter.parameters(), strict=True):
            if ".lora_B" in name:
                p.copy_(0.1 * torch.randn(p.shape, generator=generator, dtype=p.dtype))
    state = adapter.state()
    changes, expected = {}, {}
    for block in range(2):
        packed = f"transformer.resblocks.{block}.attn.in_proj_weight"
        stem = f"visual.transformer.resblocks.{block}.attn."
        changes[packed] = torch.cat(
            [
                scale * state[f"{stem}{part}.lora_B.weight"] @ state[f"{stem}{part}.lora_A.weight"]
                for part in PARTS
            ]
        )
    for packed, gradient in _weight_gradients(changes).items():
        stem = f"visual.{packed.removesuffix('in_proj_weight')}"
        for part, of_weight in zip(PARTS, gradient.chunk(3), strict=True):
            a, b = (state[f"{stem}{part}.lora_{x}.weight"] for x in "AB")
            expected[f"{stem}{part}.lora_A.weight"] = scale * b.T @ of_weight
            expected[f"{stem}{part}.lora_B.weight"] = scale * of_weight @ a.T
    found = _gradients(backbone, adapter)
    assert set(found) == set(expected)
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-9, atol=1e-12)

    rate, decay = 0.01, 0.1
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=rate, weight_decay=decay)
    _loss(backbone.model.visual(images().double())).backward()
    optimizer.step()
    for name, value in adapter.state().items():
        # after one step both moments are the gradient's own, so it moves by lr times its sign
        gradient = expected[name]
        stepped = state[name] * (1 - rate * decay) - rate * gradient / (gradient.abs() + 1e-8)
        torch.testing.assert_close(value, stepped, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("paper_mode", [False, True])
def test_svd_gradients_are_diagonals_of_the_weights(paper_mode: bool) -> None:
    adapter = SVD(targets=("q", "k", "v"), towers=("image",), paper_mode=paper_mode)
    backbone = make_backbone("vit")
    adapter.inject(backbone)
    with torch.no_grad():
        for p in adapter.parameters():
            p.add_(0.05)
    backbone.model.double()
    plain = make_backbone("vit").model.visual.state_dict()
    changes, factors = {}, {}
    for block in range(2):
        name = f"transformer.resblocks.{block}.attn.in_proj_weight"
        parts = [torch.linalg.svd(rows.float()) for rows in plain[name].chunk(3)]
        factors[name] = [(u.double(), vt.double()) for u, _, vt in parts]
        changes[name] = torch.cat([0.05 * u @ vt for u, vt in factors[name]])
    found = _gradients(backbone, adapter)
    assert len(found) == 6
    for name, gradient in _weight_gradients(changes).items():
        for kind, of_weight, (u, vt) in zip("qkv", gradient.chunk(3), factors[name], strict=True):
            diagonal = (u.T @ of_weight @ vt.T).diagonal()
            torch.testing.assert_close(
                found[f"visual.{name}.{kind}"], diagonal, rtol=1e-3, atol=1e-4
            )
