"""WiSE-FT: an interpolated adapter computes with the interpolated weights, whatever the method."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.adapters.interpolation import (
    diagonal_fisher,
    fisher_interpolate,
    interpolate,
)
from domainclip.backbones import Backbone
from domainclip.catalogue import load
from domainclip.errors import UsageError
from tests.data.tiny_towers import images, make_backbone, token_ids

METHODS: list[tuple[str, dict[str, Any]]] = [
    ("full", {"towers": ("image", "text"), "logit_scale": True}),
    ("svd", {}),
    ("svd", {"paper_mode": True}),
    ("lora", {"rank": 3, "alpha": 2.0}),
]


def _moved(name: str, options: dict[str, Any], kind: str = "vit") -> tuple[Backbone, Any]:
    """An injected adapter whose trained weights lie far from where they started."""
    backbone = make_backbone(kind)
    adapter = load("adapters", name)(**options)
    adapter.inject(backbone)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in adapter.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=generator))
    return backbone, adapter


def _merged(name: str, options: dict[str, Any], alpha: float | None) -> dict[str, Tensor]:
    backbone, adapter = _moved(name, options)
    if alpha is not None:
        interpolate(adapter, alpha)
    adapter.merge()
    return {key: value.clone() for key, value in backbone.model.state_dict().items()}


@pytest.mark.parametrize(("name", "options"), METHODS)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0, 1.5])
def test_merged_weights_are_interpolated_state_dicts(
    name: str, options: dict[str, Any], alpha: float
) -> None:
    plain = make_backbone("vit").model.state_dict()
    tuned, found = _merged(name, options, None), _merged(name, options, alpha)
    assert any(not torch.equal(plain[key], tuned[key]) for key in plain)
    for key, value in found.items():
        expected = (1 - alpha) * plain[key] + alpha * tuned[key]
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_the_trained_state_comes_back_and_serves_another_alpha(
    name: str, options: dict[str, Any]
) -> None:
    _, adapter = _moved(name, options)
    before = adapter.state()
    trained = interpolate(adapter, 0.25)
    halved = interpolate(adapter, 0.5, trained)
    assert halved is trained
    expected = _by_hand(adapter, before, 0.5)
    assert all(torch.equal(adapter.state()[key], expected[key]) for key in before)
    interpolate(adapter, 1.0, trained)
    assert all(torch.equal(adapter.state()[key], value) for key, value in before.items())


def _by_hand(adapter: Any, trained: dict[str, Tensor], alpha: float) -> dict[str, Tensor]:
    start = adapter.start(trained)
    return {key: (1 - alpha) * start[key] + alpha * value for key, value in trained.items()}


def test_what_is_no_line_is_refused_by_name() -> None:
    _, adapter = _moved("lora", {"dora": True})
    with pytest.raises(UsageError, match=r"DoRA .* dora: false"):
        interpolate(adapter, 0.5)

    class Prompt:
        def state(self) -> dict[str, Tensor]:
            return {}

    with pytest.raises(UsageError, match="Prompt does not change weights"):
        interpolate(Prompt(), 0.5)


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_fisher_takes_each_weight_by_its_certainty(name: str, options: dict[str, Any]) -> None:
    backbone, adapter = _moved(name, options)
    trained = adapter.state()
    start = adapter.start(trained)
    generator = torch.Generator().manual_seed(4)
    first, second = (
        {key: torch.rand(value.shape, generator=generator) - 0.2 for key, value in trained.items()}
        for _ in range(2)
    )
    fisher_interpolate(adapter, 0.3, first, second)
    for key, value in adapter.state().items():
        low, high = 0.7 * first[key].clamp(min=1e-8), 0.3 * second[key].clamp(min=1e-8)
        expected = (low * start[key] + high * trained[key]) / (low + high)
        torch.testing.assert_close(value, expected)
    # equal certainty is plain interpolation
    fisher_interpolate(adapter, 0.3, first, first, trained)
    expected_state = _by_hand(adapter, trained, 0.3)
    for key, value in adapter.state().items():
        torch.testing.assert_close(value, expected_state[key])
    with pytest.raises(UsageError, match="lacks"):
        fisher_interpolate(adapter, 0.3, {}, second, trained)
    assert backbone is not None


@pytest.mark.parametrize(("name", "options"), METHODS)
def test_diagonal_fisher_is_the_mean_squared_gradient(name: str, options: dict[str, Any]) -> None:
    backbone, adapter = _moved(name, {**options, **({"dropout": 0.0} if name == "lora" else {})})

    def losses() -> Any:
        for number in range(3):
            image = backbone.image(images()[number : number + 1])
            logits = backbone.logit_scale * image @ backbone.text(token_ids(backbone)).T
            yield -logits.log_softmax(1)[0, number]

    found = diagonal_fisher(adapter, losses())
    assert list(found) == list(adapter.state())
    parameters = list(adapter.parameters())
    sums = [torch.zeros_like(p) for p in parameters]
    for loss in losses():
        for p in parameters:
            p.grad = None
        loss.backward()
        for total, p in zip(sums, parameters, strict=True):
            total += 0 if p.grad is None else p.grad**2
    for value, total in zip(found.values(), sums, strict=True):
        torch.testing.assert_close(value, total / 3)
    assert sum(float(value.sum()) for value in found.values()) > 0
    with pytest.raises(UsageError, match="no loss"):
        diagonal_fisher(adapter, [])
