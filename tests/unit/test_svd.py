"""SVD: the weight it stands for, what weight decay pulls towards, and no needless products."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from domainclip.adapters import _spectrum as module
from domainclip.adapters.svd import SVD
from tests.data.tiny_towers import images, make_backbone


@pytest.mark.parametrize("paper_mode", [False, True])
def test_merged_weight_is_the_formula(paper_mode: bool) -> None:
    backbone = make_backbone("vit")
    attention = backbone.model.visual.transformer.resblocks[0].attn
    plain = attention.in_proj_weight.detach().clone()
    adapter = SVD(targets=("q", "v"), paper_mode=paper_mode)
    adapter.inject(backbone)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in adapter.parameters():
            values.add_(0.1 * torch.randn(values.shape, generator=generator))
    state = adapter.state()
    adapter.merge()
    for number, kind in enumerate("qkv"):
        weight = plain.chunk(3)[number].numpy()
        if kind != "k":
            u, s, vt = np.linalg.svd(weight, full_matrices=False)
            values = state[f"visual.transformer.resblocks.0.attn.in_proj_weight.{kind}"].numpy()
            weight = (u * (values if paper_mode else s + values)) @ vt
        found = attention.in_proj_weight.detach().chunk(3)[number].numpy()
        np.testing.assert_allclose(found, weight, rtol=1e-4, atol=1e-5)


def test_decay_pulls_to_the_pretrained_weight_and_in_paper_mode_to_zero() -> None:
    found = {}
    for paper_mode in (False, True):
        backbone = make_backbone("vit")
        adapter = SVD(targets=("o",), towers=("image",), blocks=(0,), paper_mode=paper_mode)
        adapter.inject(backbone)
        optimizer = torch.optim.AdamW(adapter.parameters(), lr=0.1, weight_decay=1.0)
        for values in adapter.parameters():
            values.grad = torch.zeros_like(values)
        before = backbone.model.visual.transformer.resblocks[0].attn.out_proj.weight.clone()
        optimizer.step()
        adapter.merge()
        after = backbone.model.visual.transformer.resblocks[0].attn.out_proj.weight
        found[paper_mode] = float(after.detach().norm() / before.detach().norm())
    assert found[False] == 1.0
    assert found[True] == pytest.approx(0.9, rel=1e-5)


def test_only_values_of_the_chosen_matrices_train() -> None:
    adapter = SVD(towers=("image",), blocks=(1,), targets=("q", "k", "v", "o", "mlp"))
    adapter.inject(make_backbone("vit"))
    assert [len(values) for values in adapter.parameters()] == [64] * 6  # 6 r a block, r = 64


def test_without_gradient_a_weight_is_multiplied_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    kept = module.Spectrum.forward
    monkeypatch.setattr(module.Spectrum, "forward", lambda self: calls.append(self) or kept(self))
    backbone = make_backbone("vit")
    adapter = SVD(towers=("image",))
    adapter.inject(backbone)
    calls.clear()
    with torch.no_grad():
        first = backbone.image(images())
    once = len(calls)
    assert once <= len(adapter.state())
    with torch.inference_mode():
        assert torch.equal(backbone.image(images()), first)
    assert len(calls) == once
    with torch.no_grad():
        next(adapter.parameters()).add_(1.0)  # as an optimiser does
        assert not torch.equal(backbone.image(images()), first)
