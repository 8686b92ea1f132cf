"""SHIP in use: classes without images are learned, with the same result from the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip._classifier_training import schedule_of, train
from domainclip.adapters.lora import LoRA
from domainclip.adapters.ship import SHIP
from domainclip.backbones import Backbone
from domainclip.classifier import Classifier, few_shot, load_classifier
from domainclip.errors import UsageError
from tests.data.tiny_towers import KINDS, images, make_backbone

NAMES = ["cat", "polar_bear", "sea", "dog"]  # the second and the last have no image
LABELS = [0, 2, 0, 2, 0]
SMALL: dict[str, Any] = {"encoder_width": 16, "generator_width": 16, "generator_epochs": 3}


def _fitted(backbone: Backbone, seed: int = 1, **options: Any) -> Classifier:
    return few_shot(
        backbone, list(images(5)), LABELS, NAMES, method="ship", epochs=3, seed=seed,
        options={**SMALL, **options},
    )  # fmt: skip


def _injected(backbone: Backbone, **options: Any) -> SHIP:
    adapter = SHIP(**{**SMALL, **options})
    adapter.for_classes(NAMES, ["a photo of a {}."])
    adapter.inject(backbone)
    return adapter


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_without_images_gets_features_on_every_tower(kind: str) -> None:
    backbone = make_backbone(kind)
    adapter = _injected(backbone)
    z = backbone.encode_image(images(5))
    labels = torch.tensor(LABELS)
    trained = {id(p) for p in backbone.model.parameters() if p.requires_grad}
    more, of = adapter.synthesize(z, labels, torch.Generator().manual_seed(1))
    assert of.tolist() == [1, 1, 3, 3]  # five images of two classes: 2.5, rounded to even
    assert more.shape == (4, z.shape[1])
    assert (more.dtype, of.dtype) == (z.dtype, labels.dtype)
    torch.testing.assert_close(more.norm(dim=1), torch.ones(4))
    assert not torch.equal(more[0], more[1])  # noise makes each its own
    # the generator leaves nothing behind
    assert {id(p) for p in backbone.model.parameters() if p.requires_grad} == trained
    assert set(adapter.state()) == {"context"}
    assert all(p.grad is None for p in backbone.model.parameters())


def test_few_shot_answers_for_all_names_and_is_saved(tmp_path: Path) -> None:
    backbone = make_backbone("vit")
    found = _fitted(backbone)
    logits = found.logits(images(3))
    assert logits.shape == (3, 4)
    found.save(tmp_path / "mine")
    found.component.eject()
    again = load_classifier(tmp_path / "mine", backbone)
    assert torch.equal(again.logits(images(3)), logits)


def test_features_near_a_name_teach_it() -> None:
    backbone = make_backbone("vit")
    found = _fitted(backbone, generator_epochs=20, per_class=8)
    learned = backbone.classifier(NAMES)
    made, of = found.component.synthesize(
        backbone.encode_image(images(5)), torch.tensor(LABELS), torch.Generator().manual_seed(2)
    )
    assert len(made) == 2 * 8
    said = (made @ learned.T).argmax(1)
    assert set(said.tolist()) >= {1, 3}
    assert (said == of).float().mean() > 0.75  # by a text tower of random weights


def test_the_same_seed_gives_the_same_context() -> None:
    contexts = []
    for seed in (1, 1, 2):
        torch.manual_seed(len(contexts))  # the global stream plays no part
        contexts.append(_fitted(make_backbone("vit"), seed).component.state()["context"])
    assert torch.equal(contexts[0], contexts[1])
    assert not torch.equal(contexts[0], contexts[2])


def test_with_images_of_all_it_is_coop() -> None:
    states = []
    for method in ("ship", "coop"):
        options = {"init": "a photo of a"}
        found = few_shot(
            make_backbone("vit"), list(images(6)), [0, 1, 2] * 2, NAMES[:3], method=method,
            epochs=3, options=options,
        )  # fmt: skip
        states.append(found.component.state()["context"])
    torch.testing.assert_close(states[0], states[1])


def test_classes_weigh_the_same_however_many_features_are_made() -> None:
    assert schedule_of(SHIP()).objective_options == {"weight": "balanced"}


def test_a_trained_image_tower_is_refused() -> None:
    backbone = make_backbone("vit")
    adapter = _injected(backbone)
    LoRA(rank=1, towers=("image",)).inject(backbone)
    with pytest.raises(UsageError, match="frozen image tower"):
        train(
            backbone, adapter, images(5), torch.tensor(LABELS), NAMES, ["a {}."],
            schedule_of(adapter), seed=1, views=1,
        )  # fmt: skip


def test_wrong_options_and_calls_are_refused() -> None:
    backbone = make_backbone("vit")
    for option in ("per_class", "encoder_width", "generator_width", "generator_epochs"):
        with pytest.raises(UsageError, match=f"{option} is 0"):
            SHIP(**{option: 0}).inject(backbone)
    with pytest.raises(UsageError, match="16 positions"):
        SHIP(generator_ctx=15).inject(backbone)
    with pytest.raises(UsageError, match="for_classes"):
        SHIP().synthesize(torch.zeros(1, 32), torch.zeros(1).long(), torch.Generator())
