"""Every adapter that learns prompts, on every kind of text tower."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.adapters._prompting import PromptAdapter
from domainclip.backbones import Backbone
from domainclip.catalogue import entries, load
from domainclip.errors import BadInput, UsageError
from tests.data.tiny_towers import KINDS, images, make_backbone, token_ids

PROMPTS = [
    entry.name
    for entry in entries("adapters")
    if issubclass(load("adapters", entry.name), PromptAdapter)
]
NAMES, OTHERS = ["cat", "polar_bear", "sea"], ["dog", "grand piano"]
OPTIONS: dict[str, dict[str, Any]] = {"coop": {"n_ctx": 4}, "eco": {"n_ctx": (2, 3)}}


def _injected(name: str, backbone: Backbone, **options: Any) -> Any:
    adapter = load("adapters", name)(**{**OPTIONS.get(name, {}), **options})
    adapter.for_classes(NAMES, ["a photo of a {}."])
    adapter.inject(backbone)
    return adapter


def _logits(backbone: Backbone, names: list[str] = NAMES) -> Tensor:
    with torch.no_grad():
        return backbone.classify(backbone.image(images()), names)


def _step(backbone: Backbone, adapter: Any, steps: int = 3) -> None:
    optimizer = torch.optim.SGD(list(adapter.parameters()), lr=0.1)
    labels = torch.arange(3)
    adapter.train()
    for _ in range(steps):
        image = backbone.image(images())
        text = backbone.class_text(NAMES, None, image)
        loss = torch.nn.functional.cross_entropy(backbone.cosines(image, text), labels)
        if hasattr(adapter, "penalty"):
            loss = loss + adapter.penalty(image, labels, text)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    adapter.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PROMPTS)
def test_life_cycle(name: str, kind: str) -> None:
    backbone = make_backbone(kind)
    before = {n: p.clone() for n, p in backbone.model.state_dict().items()}
    flags = {n: p.requires_grad for n, p in backbone.model.named_parameters()}
    plain, captions = _logits(backbone), backbone.encode_ids(token_ids(backbone))

    adapter = _injected(name, backbone)
    trained = {id(p) for p in adapter.parameters()}
    assert trained
    assert trained == {id(p) for p in backbone.model.parameters() if p.requires_grad}
    assert set(backbone.state_dict_plain()) == set(before)
    start = _logits(backbone)
    _step(backbone, adapter)
    moved, elsewhere = _logits(backbone), _logits(backbone, OTHERS)
    assert (moved - start).abs().max() > 1e-5
    assert elsewhere.shape == (3, 2)
    torch.testing.assert_close(backbone.encode_ids(token_ids(backbone)), captions)
    state = adapter.state()
    with pytest.raises(UsageError, match="cannot be merged"):
        adapter.merge()
    adapter.eject()
    after = backbone.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[n], before[n]) for n in before)
    assert {n: p.requires_grad for n, p in backbone.model.named_parameters()} == flags
    assert torch.equal(_logits(backbone), plain)

    again = _injected(name, backbone)
    again.load_state(state)
    assert torch.equal(_logits(backbone), moved)
    with pytest.raises(BadInput, match="do not belong"):
        again.load_state({})
    with pytest.raises(UsageError, match="injected already"):
        again.inject(backbone)
    with pytest.raises(UsageError, match="one prompt"):
        _injected(name, backbone)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_context_that_leaves_no_room_is_refused(name: str) -> None:
    too_many = (15,) if name == "eco" else 15
    options: dict[str, Any] = {"n_ctx": too_many} | (
        {} if name in ("coop", "eco") else {"init": ""}
    )
    backbone = make_backbone("vit")
    before = list(backbone.model.state_dict())
    with pytest.raises(UsageError, match="16 positions"):
        _injected(name, backbone, **options)
    assert list(backbone.model.state_dict()) == before
