"""Every adapter that learns prompts, on every kind of text tower."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip._classifier_training import schedule_of, train
from domainclip.adapters._prompting import PromptAdapter
from domainclip.backbones import Backbone
from domainclip.catalogue import entries, load
from domainclip.classifier import few_shot, load_classifier
from domainclip.errors import BadInput, UsageError
from tests.data.tiny_towers import KINDS, images, make_backbone, token_ids

PROMPTS = [
    entry.name
    for entry in entries("adapters")
    if issubclass(load("adapters", entry.name), PromptAdapter)
    # those that no image trains: test_caption_adapters.py
    and getattr(load("adapters", entry.name), "learns_from", "images") == "images"
]
# tokens for the image tower need one that works on tokens
REFUSED = {("maple", kind) for kind in ("resnet", "convnext", "efficientnet")}
# what trains the image features too has none to keep
FROZEN = [name for name in PROMPTS if name != "maple"]
NAMES, OTHERS = ["cat", "polar_bear", "sea"], ["dog", "grand piano"]
OPTIONS: dict[str, dict[str, Any]] = {"coop": {"n_ctx": 4}, "eco": {"n_ctx": (2, 3)}}
BANK = Path(__file__).parents[1] / "data" / "small_bank.jsonl"  # of NAMES and OTHERS
OPTIONS |= {name: {"bank": str(BANK)} for name in ("biomedcoop", "vdt")}


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


CASES = [(name, kind) for name in PROMPTS for kind in KINDS if (name, kind) not in REFUSED]


@pytest.mark.parametrize(("name", "kind"), CASES)
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


@pytest.mark.parametrize("name", [name for name in PROMPTS if name != "vdt"])  # has no context
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


@pytest.mark.parametrize("name", FROZEN)
def test_features_computed_once_train_the_same_prompts(name: str) -> None:
    x, y = images(6), torch.tensor([0, 1, 2, 0, 1, 2])
    schedule = replace(load("adapters", name).schedule, epochs=3, batch_size=4)
    states, encoded = [], []
    for cache in (True, False):
        backbone, count = make_backbone("vit"), [0]
        adapter = _injected(name, backbone)
        backbone.model.visual.register_forward_hook(
            lambda module, given, output, count=count: count.append(len(given[0]))
        )
        train(backbone, adapter, x, y, NAMES, ["a {}."], schedule, seed=1, views=2, cache=cache)
        states.append(adapter.state())
        encoded.append(sum(count))
    assert encoded == [2 * 6, 3 * 6]
    for key, value in states[0].items():
        torch.testing.assert_close(value, states[1][key], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", PROMPTS)
def test_few_shot_learns_saves_and_loads(name: str, tmp_path: Path) -> None:
    backbone = make_backbone("vit")
    given = dict(OPTIONS.get(name, {}))
    found = few_shot(
        backbone, list(images(6)), [0, 1, 2] * 2, NAMES, method=name, epochs=2, options=given
    )
    expected = found.logits(images())
    found.save(tmp_path / "mine")
    found.component.eject()
    again = load_classifier(tmp_path / "mine", backbone)
    assert torch.equal(again.logits(images()), expected)


def test_a_frozen_image_tower_sees_four_views_and_a_trained_one_a_new_one_every_epoch() -> None:
    x, y, seen = images(6), torch.tensor([0, 1, 2, 0, 1, 2]), {}
    for name, options in (("coop", {"n_ctx": 2}), ("lora", {"rank": 1, "towers": ("image",)})):
        backbone, given = make_backbone("vit"), []
        adapter = load("adapters", name)(**options)
        adapter.inject(backbone)
        backbone.model.visual.register_forward_hook(
            lambda module, inputs, output, given=given: given.append(inputs[0].sum().item())
        )
        schedule = replace(schedule_of(adapter), epochs=6)
        train(backbone, adapter, x, y, NAMES, ["a {}."], schedule, seed=1, views=None)
        seen[name] = len(set(given))
    assert seen == {"coop": 4, "lora": 6}


def test_no_view_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="views is 0"):
        few_shot(make_backbone("vit"), list(images()), [0, 1, 2], NAMES, method="coop", views=0)
