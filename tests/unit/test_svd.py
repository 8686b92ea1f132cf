"""SVD: the weight it stands for, what weight decay pulls towards, and no needless products."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from domainclip.adapters import _factors as factors_module
from domainclip.adapters import _spectrum as module
from domainclip.adapters._spectrum import Spectrum
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


def _spectrum(width: int = 6, paper_mode: bool = False) -> tuple[Spectrum, Tensor]:
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(width, width, generator=generator, dtype=torch.float64)
    part = Spectrum(torch.linalg.svd(weight), weight, paper_mode)
    with torch.no_grad():
        part.values.add_(0.3 * torch.randn(width, generator=generator, dtype=torch.float64))
    return part, weight


@pytest.mark.parametrize("paper_mode", [False, True])
@pytest.mark.parametrize("rows", [2, 30])  # below and above what W' is made for
def test_each_order_of_products_has_the_gradients_of_the_whole_graph(
    rows: int, paper_mode: bool
) -> None:
    part, weight = _spectrum(paper_mode=paper_mode)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, rows // 2, 6, generator=generator, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(6, generator=generator, dtype=torch.float64)
    pull = torch.randn(2, rows // 2, 6, generator=generator, dtype=torch.float64)
    y = part.product(x, weight, bias)
    found = torch.autograd.grad((y * pull).sum(), (x, part.values))
    changed = part.u @ torch.diag(part.s + part.delta) @ part.vt
    slow = x @ changed.T + bias
    torch.testing.assert_close(y, slow)
    gradient = torch.autograd.grad((slow * pull).sum(), (x, part.values))
    torch.testing.assert_close(found, gradient)
    by_hand = torch.stack(
        [
            part.u[:, k] @ (pull.flatten(0, 1).T @ x.detach().flatten(0, 1)) @ part.vt[k]
            for k in range(6)
        ]
    )
    torch.testing.assert_close(found[1], by_hand)


def test_from_enough_rows_on_only_the_input_is_kept() -> None:
    part, weight = _spectrum()

    def kept(x: Tensor) -> list[Tensor]:
        """Of what the backward pass needs, that which has a row for each of x."""
        held: list[Tensor] = []
        with torch.autograd.graph.saved_tensors_hooks(lambda t: held.append(t) or t, lambda t: t):
            part.product(x, weight, None)
        return [tensor for tensor in held if len(tensor) == len(x)]

    few, many = (torch.randn(n, 6, dtype=torch.float64, requires_grad=True) for n in (7, 60))
    assert [tensor.data_ptr() for tensor in kept(many)] == [many.data_ptr()]
    (found,) = kept(few)
    torch.testing.assert_close(found, few @ part.vt.T)


@pytest.mark.parametrize("rows", [4, 90])
def test_autocast_trains_what_it_trains_without(rows: int) -> None:
    part, weight = _spectrum(16)
    part, weight = part.float(), weight.float()
    x = torch.randn(rows, 16, generator=torch.Generator().manual_seed(2), requires_grad=True)
    plain = torch.autograd.grad(part.product(x, weight, None).square().sum(), (x, part.values))
    with torch.autocast("cpu", torch.bfloat16):
        y = part.product(x, weight, None)
    assert y.dtype == torch.bfloat16
    mixed = torch.autograd.grad(y.float().square().sum(), (x, part.values))
    for one, other in zip(plain, mixed, strict=True):
        assert other.dtype == torch.float32
        assert float((one - other).norm() / one.norm()) < 0.03


@pytest.mark.parametrize("kind", ["vit", "vit_own_attention", "timm_vit", "bert", "timm_eva"])
@pytest.mark.parametrize("count", [2, 24])
def test_training_and_evaluation_compute_the_same(kind: str, count: int) -> None:
    backbone = make_backbone(kind)
    adapter = SVD(targets=("q", "v", "mlp"))
    adapter.inject(backbone)
    with torch.no_grad():
        for values in adapter.parameters():
            values.add_(0.1)
    trained = backbone.image(images(count))
    assert trained.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(backbone.image(images(count)), trained, rtol=1e-4, atol=1e-5)


def test_half_precision_weights_come_back_well() -> None:
    backbone = make_backbone("vit").to(dtype=torch.bfloat16)
    with torch.no_grad():
        plain = backbone.image(images())
    SVD(towers=("image",)).inject(backbone)
    torch.testing.assert_close(backbone.image(images()).detach(), plain, rtol=0.02, atol=0.02)


def test_factors_are_kept_on_disk_and_made_anew_where_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path))
    monkeypatch.setattr(factors_module, "_SMALL", 0)
    calls = []
    real = factors_module._decomposed
    monkeypatch.setattr(factors_module, "_decomposed", lambda m: calls.append(m) or real(m))

    def merged(**options: Any) -> dict[str, Tensor]:
        backbone = make_backbone("vit")
        adapter = SVD(towers=("image",), blocks=(0,), **options)
        adapter.inject(backbone)
        with torch.no_grad():
            for values in adapter.parameters():
                values.copy_(torch.linspace(0, 1, len(values)))
        adapter.merge()
        return dict(backbone.model.state_dict())

    fresh = merged()
    files = sorted((tmp_path / "svd").rglob("*.safetensors"))
    assert len(files) == len(calls) == 6 and not list(tmp_path.rglob("*.tmp"))
    assert files[0].parent.name == make_backbone("vit").weights_hash()[:32]
    kept = merged()
    assert len(calls) == 6
    files[0].write_bytes(files[0].read_bytes()[:50])
    files[1].write_bytes(b"no tensors")
    save_file({"u": torch.zeros(1), "s": torch.zeros(1), "vt": torch.zeros(1)}, files[2])
    again = merged()
    assert len(calls) == 9
    off = merged(cache=False)
    assert len(calls) == 15
    for other in (kept, again, off):
        assert all(torch.equal(fresh[name], other[name]) for name in fresh)
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(files[3]))  # a file: nothing can be written there
    assert all(torch.equal(fresh[name], value) for name, value in merged().items())


def test_signs_and_order_of_factors_do_not_depend_on_the_decomposition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    weight = torch.randn(7, 5, generator=torch.Generator().manual_seed(3))
    u, s, vt = factors_module.factors(weight, None)
    real = torch.linalg.svd

    def mirrored(*arguments: Any, **options: Any) -> tuple[Tensor, Tensor, Tensor]:
        u, s, vt = real(*arguments, **options)
        flip = torch.tensor([1.0, -1, 1, -1, -1])
        return u * flip, s, vt * flip[:, None]

    monkeypatch.setattr(torch.linalg, "svd", mirrored)
    for one, other in zip((u, s, vt), factors_module.factors(weight, None), strict=True):
        assert torch.equal(one, other)
    assert bool((s.diff() <= 0).all())
    torch.testing.assert_close((u * s) @ vt, weight)
