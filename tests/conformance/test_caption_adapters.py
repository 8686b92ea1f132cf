"""Every adapter that learns from captions alone, on every kind of tower."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from domainclip._benchmark_fit import NotApplicable, fitted
from domainclip.adapters._captions import CaptionFeatures, named_classes
from domainclip.backbones import Backbone
from domainclip.catalogue import entries, load
from domainclip.classifier import few_shot, load_classifier
from domainclip.errors import BadInput, UsageError
from tests.data.tiny_towers import KINDS, images, make_backbone, token_ids

METHODS = [
    entry.name
    for entry in entries("adapters")
    if getattr(load("adapters", entry.name), "learns_from", "images") == "captions"
]
NAMES = ["cat", "polar_bear", "sea"]
CAPTIONS = ["A cat by the sea", "polar bears asleep", "the sea.", "two cats", "nothing here"]
SMALL: dict[str, Any] = {"n_ctx": 4}
# has no features of words or positions in the space of both towers
REFUSED = {("tai_dpt", "coca")}


def _learned(backbone: Backbone, name: str, labels: Any = None, **more: Any) -> Any:
    options = {**SMALL, **more.pop("options", {})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return few_shot(
            backbone, CAPTIONS, labels, NAMES, method=name, options=options,
            epochs=more.pop("epochs", 3), lr=0.1, **more,
        )  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", METHODS)
def test_life_cycle(name: str, kind: str, tmp_path: Path) -> None:
    backbone = make_backbone(kind)
    before = {n: p.clone() for n, p in backbone.model.state_dict().items()}
    flags = {n: p.requires_grad for n, p in backbone.model.named_parameters()}
    plain, captions = backbone.classifier(NAMES), backbone.encode_ids(token_ids(backbone))
    if (name, kind) in REFUSED:
        with pytest.raises(UsageError, match=f"{name}: .*tiny-{kind}"):
            _learned(backbone, name)
        assert list(backbone.model.state_dict()) == list(before)
        return

    start = load("adapters", name)(**SMALL, seed=1)
    start.inject(backbone)
    first = start.state()
    start.eject()
    found = _learned(backbone, name)
    trained = found.component.state()
    assert all((trained[n] - first[n]).abs().max() > 1e-6 for n in first)  # every context learned
    assert {id(p) for p in found.component.parameters()} == {
        id(p) for p in backbone.model.parameters() if p.requires_grad
    }
    scores = found.logits(images())
    assert scores.shape == (3, 3) and scores.dtype == torch.float32
    assert len(found.predict(images())) == 3
    torch.testing.assert_close(backbone.encode_ids(token_ids(backbone)), captions)
    with pytest.raises(UsageError, match="cannot be merged"):
        found.component.merge()
    found.save(tmp_path / "mine")
    found.component.eject()
    after = backbone.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[n], before[n]) for n in before)
    assert {n: p.requires_grad for n, p in backbone.model.named_parameters()} == flags
    assert torch.equal(backbone.classifier(NAMES), plain)

    again = load_classifier(tmp_path / "mine", backbone)
    assert torch.equal(again.logits(images()), scores)
    with pytest.raises(BadInput, match="do not belong"):
        again.component.load_state({})


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_prompts(name: str) -> None:
    one, two, other = (_learned(make_backbone("vit"), name, seed=seed) for seed in (1, 1, 2))
    for key, value in one.component.state().items():
        assert torch.equal(two.component.state()[key], value)
        assert not torch.equal(other.component.state()[key], value)


@pytest.mark.parametrize("name", METHODS)
def test_labels_are_found_in_the_captions(name: str) -> None:
    told = [["cat", "sea"], ["polar_bear"], ["sea"], ["cat"], []]
    found = _learned(make_backbone("vit"), name).component.state()
    given = _learned(make_backbone("vit"), name, told).component.state()
    assert all(torch.equal(found[key], given[key]) for key in found)
    with pytest.warns(UserWarning, match="1 of 5 captions name no class"):
        few_shot(make_backbone("vit"), CAPTIONS, None, NAMES, method=name, epochs=1, options=SMALL)


@pytest.mark.parametrize("name", METHODS)
def test_captions_that_teach_nothing_are_refused(name: str) -> None:
    backbone = make_backbone("vit")
    before = list(backbone.model.state_dict())
    with pytest.raises(BadInput, match="none of the 5 captions names a class"):
        few_shot(backbone, CAPTIONS, None, ["dog", "gnu"], method=name, options=SMALL)
    with pytest.raises(BadInput, match="at least two"):
        few_shot(backbone, CAPTIONS, None, ["cat"], method=name, options=SMALL)
    with pytest.raises(BadInput, match="texts in place of images"):
        few_shot(backbone, list(images()), None, NAMES, method=name, options=SMALL)
    with pytest.raises(UsageError, match="'cats' is no class"):
        _learned(backbone, name, options={"synonyms": {"cats": ("tom",)}})
    with pytest.raises(UsageError, match="16 positions"):
        _learned(backbone, name, options={"n_ctx": 15})
    assert list(backbone.model.state_dict()) == before


@pytest.mark.parametrize("name", METHODS)
def test_contexts_a_class_know_their_classes_alone(name: str, tmp_path: Path) -> None:
    backbone = make_backbone("vit")
    with pytest.raises(UsageError, match="for_classes"):
        load("adapters", name)(class_specific=True, **SMALL).inject(backbone)
    options = {"class_specific": True, "synonyms": {"sea": ["ocean"]}}
    found = _learned(backbone, name, options=options)
    assert {tuple(p.shape) for p in found.component.parameters()} == {(3, 4, 32)}
    expected = found.logits(images())
    found.save(tmp_path / "mine")
    found.component.eject()
    again = load_classifier(tmp_path / "mine", backbone)
    assert torch.equal(again.logits(images()), expected)
    assert again.component.synonyms == {"sea": ["ocean"]}


def test_classes_are_named_by_whole_words() -> None:
    names = ["cat", "polar_bear", "X-ray", "city", "class"]
    captions = {
        "Cats and CAT": ["cat"], "a catalogue, concatenated": [], "Polar bears!": ["polar_bear"],
        "polar\nbear": ["polar_bear"], "chest x ray": ["X-ray"], "X-rays of": ["X-ray"],
        "two cities, one class": ["city", "class"], "classes": ["class"], "kitten": ["cat"],
    }  # fmt: skip
    found = named_classes(list(captions), names, {"cat": ["kitten"]})
    named = [[names[i] for i in row.nonzero()[:, 0].tolist()] for row in found]
    assert named == list(captions.values())


@pytest.mark.parametrize("kind", ["vit", "timm_siglip", "bert"])
def test_captions_too_many_to_keep_are_encoded_again(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, rows = make_backbone(kind), torch.tensor([3, 1, 3])
    kept = CaptionFeatures(backbone, CAPTIONS).batch(rows)
    monkeypatch.setattr("domainclip.adapters._captions.KEPT_BYTES", 0)
    again = CaptionFeatures(backbone, CAPTIONS).batch(rows)
    torch.testing.assert_close(again[0], kept[0], rtol=1e-4, atol=1e-6)
    assert torch.equal(again[2][:, : kept[2].shape[1]], kept[2])
    torch.testing.assert_close(again[1], kept[1], rtol=1e-4, atol=1e-6)


def test_captions_are_encoded_once() -> None:
    backbone, seen = make_backbone("vit"), [0]
    backbone.model.token_embedding.register_forward_hook(
        lambda module, given, output: seen.append(len(given[0]))
    )
    few_shot(
        backbone, CAPTIONS[:4] * 3, None, NAMES, method="tai_dpt", epochs=5, options=SMALL
    ).component.eject()
    # four different captions, and two prompts of each of three classes at each of five steps
    assert [count for count in seen if count == 4] == [4]
    assert seen.count(3) == 2 * 5


@pytest.mark.parametrize("name", METHODS)
def test_a_benchmark_on_images_says_that_it_does_not_apply(name: str) -> None:
    drawn: Any = SimpleNamespace(val=(), train=None)
    given: Any = None
    with (
        pytest.raises(NotApplicable, match=f"{name} learns from captions"),
        fitted(make_backbone("vit"), given, name, {}, given, drawn, 1, False),
    ):
        pass


@pytest.mark.parametrize("name", METHODS)
def test_mixed_precision_scores_are_those_of_the_weights_own(name: str) -> None:
    backbone = make_backbone("vit")
    found = _learned(backbone, name)
    expected = found.logits(images())
    backbone.autocast = torch.bfloat16
    torch.testing.assert_close(found.logits(images()), expected, rtol=0, atol=0.05)
