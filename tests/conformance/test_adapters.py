"""Every adapter of the catalogue on every kind of tower keeps the promises of the protocol."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.adapters._prompting import PromptAdapter
from domainclip.backbones import Backbone
from domainclip.catalogue import entries, load
from domainclip.errors import BadInput, UsageError
from tests.data.tiny_towers import KINDS, images, make_backbone, token_ids

# prompts change no tower and have a suite of their own
ADAPTERS = [
    entry.name
    for entry in entries("adapters")
    if not issubclass(load("adapters", entry.name), PromptAdapter)
]
CASES = [(name, kind) for name in ADAPTERS for kind in KINDS]
# dropout cannot act where a tower takes the weight out of a layer
OPTIONS: dict[tuple[str, str], dict[str, Any]] = {("lora", "timm_eva"): {"dropout": 0.0}}
PARTS = ({"name": "svd", "towers": ("image",)}, {"name": "lora", "towers": ("text",), "dropout": 0})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Factors of random weights are no use to anybody later."""
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path))


def _make(name: str, kind: str, **options: Any) -> Any:
    parts = {"parts": PARTS} if name == "combined" else {}
    return load("adapters", name)(**{**parts, **OPTIONS.get((name, kind), {}), **options})


def _features(backbone: Backbone) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        return backbone.image(images()), backbone.text(token_ids(backbone))


def _train(backbone: Backbone, adapter: Any, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW(adapter.parameters(), lr=1e-2)
    adapter.train()
    for _ in range(steps):
        loss = -(backbone.image(images()) @ backbone.text(token_ids(backbone)).T).diagonal().sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    adapter.eval()


def _snapshot(backbone: Backbone) -> tuple[Any, ...]:
    model = backbone.model
    return (
        [(name, value.clone()) for name, value in model.state_dict().items()],
        [
            (name, id(parameter), parameter.requires_grad)
            for name, parameter in model.named_parameters()
        ],
        [(name, id(module)) for name, module in model.named_modules()],
    )


def _same(before: tuple[Any, ...], after: tuple[Any, ...]) -> None:
    assert [name for name, _ in before[0]] == [name for name, _ in after[0]]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(before[0], after[0], strict=True))
    assert before[1] == after[1]
    assert before[2] == after[2]


def _close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_life_cycle(name: str, kind: str) -> None:
    backbone = make_backbone(kind)
    before, (image, text) = _snapshot(backbone), _features(backbone)

    adapter = _make(name, kind)
    adapter.inject(backbone)
    injected = _features(backbone)
    _close(injected[0], image)
    _close(injected[1], text)
    trained = {id(p) for p in adapter.parameters()}
    assert trained
    assert trained == {id(p) for p in backbone.model.parameters() if p.requires_grad}

    _train(backbone, adapter)
    moved, state = _features(backbone), adapter.state()
    assert (moved[0] - image).abs().max() > 1e-4
    adapter.eject()
    _same(before, _snapshot(backbone))

    again = _make(name, kind)
    again.inject(backbone)
    again.load_state(state)
    again.eval()
    reloaded = _features(backbone)
    _close(reloaded[0], moved[0])
    _close(reloaded[1], moved[1])

    again.merge()
    merged = _features(backbone)
    _close(merged[0], moved[0])
    _close(merged[1], moved[1])
    assert [n for n, _ in backbone.model.state_dict().items()] == [n for n, _ in before[0]]
    assert [m for _, m in before[2]] == [id(m) for _, m in backbone.model.named_modules()]


@pytest.mark.parametrize("kind", ["vit", "coca", "timm_vit", "efficientnet"])
@pytest.mark.parametrize("name", ADAPTERS)
def test_a_move_while_injected_changes_nothing(name: str, kind: str) -> None:
    """Training moves the model to its device after inject; other dtypes stand for devices here."""
    backbone, plain = make_backbone(kind), make_backbone(kind)
    adapter = _make(name, kind)
    adapter.inject(backbone)
    backbone.model.double()
    adapter.eject()
    assert {p.dtype for p in backbone.model.parameters()} == {torch.float64}
    backbone.model.float()
    before = plain.model.state_dict()
    assert all(torch.equal(v, before[n]) for n, v in backbone.model.state_dict().items())

    adapter.inject(backbone)
    backbone.model.double().float()
    _train(backbone, adapter)
    moved = _features(backbone)
    copied = copy.deepcopy(backbone.model).double()
    with torch.no_grad():
        _close(copied.encode_image(images().double(), normalize=True).float(), moved[0])
    backbone.model.double().float()
    adapter.merge()
    _close(_features(backbone)[0], moved[0])
    _close(_features(backbone)[1], moved[1])


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_tower_that_cannot_be_adapted_is_named_before_any_work(name: str) -> None:
    wrong: dict[str, list[dict[str, Any]]] = {
        "lora": [{"targets": ("q",)}, {"targets": ("depthwise",)}, {"blocks": (99,)}],
        "svd": [{"targets": ("q",)}, {"blocks": (99,)}],
    }
    for options in wrong.get(name, []):
        backbone = make_backbone("efficientnet")
        before = _snapshot(backbone)
        with pytest.raises(UsageError, match="image tower of 'tiny-efficientnet'"):
            load("adapters", name)(towers=("image",), **options).inject(backbone)
        _same(before, _snapshot(backbone))


@pytest.mark.parametrize("name", ADAPTERS)
def test_gradients_are_those_of_the_whole_graph(name: str) -> None:
    """Finite differences along the gradient: what is trained is what the features depend on."""
    backbone = make_backbone("vit")
    adapter = _make(name, "vit", **({"dropout": 0.0} if name == "lora" else {}))
    adapter.inject(backbone)
    backbone.model.double()
    parameters = list(adapter.parameters())
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in parameters:
            p.add_(0.02 * torch.randn(p.shape, generator=generator, dtype=torch.float64))

    def loss() -> Tensor:
        image = backbone.image(images().double())
        return (backbone.logit_scale * image @ backbone.text(token_ids(backbone)).T)[0, 1]

    gradients = torch.autograd.grad(loss(), parameters, allow_unused=False)
    norm = sum(float((g**2).sum()) for g in gradients) ** 0.5
    step = 1e-5 / norm
    with torch.no_grad():
        for p, g in zip(parameters, gradients, strict=True):
            p.add_(step * g)
        up = loss()
        for p, g in zip(parameters, gradients, strict=True):
            p.sub_(2 * step * g)
        down = loss()
    assert float((up - down) / (2 * step)) == pytest.approx(norm**2, rel=1e-4)


@pytest.mark.parametrize("name", ADAPTERS)
def test_misuse_is_answered_by_name(name: str) -> None:
    backbone, adapter = make_backbone("vit"), _make(name, "vit")
    with pytest.raises(UsageError, match="inject"):
        adapter.eject()
    adapter.inject(backbone)
    with pytest.raises(UsageError, match="already"):
        adapter.inject(backbone)
    with pytest.raises(BadInput, match="do not belong to"):
        adapter.load_state({"nonsense": torch.zeros(1)})
    if hasattr(adapter, "towers"):
        with pytest.raises(UsageError, match="'sound'"):
            load("adapters", name)(towers=("sound",)).inject(make_backbone("vit"))
