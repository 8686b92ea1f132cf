"""The loop trains the real adapters in a real open_clip model, from a recipe's own words."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor

from domainclip.backbones import Backbone, load_backbone
from domainclip.catalogue import load
from domainclip.data import PairsDataModule, split_features
from domainclip.data.batch import PairBatch
from domainclip.data.settings import DataSettings
from domainclip.errors import BadInput, RecipeError, UsageError
from domainclip.objectives._protocol import Alone
from domainclip.objectives.clip_refine import CLIPRefine
from domainclip.objectives.infonce import InfoNCE
from domainclip.pairs import Pairs
from domainclip.recipe import load_recipe
from domainclip.text.window import Window
from domainclip.training.fit import FitResult, fit
from domainclip.training.module import Tuning
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_clip import write_tiny_clip
from tests.data.toy_tower import ToyTower, Whole, striped_pairs

RECIPE = """\
name: tiny
backbone: {{name: tiny}}
data: {{pairs: here, batch_size: 8}}
text: {{classnames: {{a: asphalt, b: bush, c: crops}}}}
adapter: {adapter}
objective: {objective}
trainer: {{epochs: 2, lr: 5e-2, layer_decay: 0.9, checkpoint_every: 2, keep: last}}
"""


@pytest.mark.parametrize(
    ("adapter", "objective"),
    [
        ("{name: lora, rank: 2}", "{name: class_prompts}"),
        ("{name: full, towers: [image, text], logit_scale: true}", "{name: infonce}"),
        ("{name: full, towers: [image, text]}", "{name: infonce, captions: classes}"),
        ("{name: svd}", "{name: clip_refine}"),
    ],
)
def test_recipe_trains_and_its_state_loads_elsewhere(
    tmp_path: Path, adapter: str, objective: str
) -> None:
    (tmp_path / "r.yaml").write_text(RECIPE.format(adapter=adapter, objective=objective))
    recipe = load_recipe(tmp_path / "r.yaml", ["backbone.name=hf-hub:tiny"])
    pairs = striped_pairs(tmp_path / "pairs", 30)
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    assert recipe.adapter is not None and recipe.objective is not None
    plain = split_features(clip, pairs, "val", cache=tmp_path / "cache")
    tuned = recipe.adapter.build("adapters")
    tuned.inject(clip)
    data = PairsDataModule(pairs, recipe.data, clip, classnames=recipe.text.classnames)
    result = fit(
        clip, tuned, recipe.objective.build("objectives"), data, recipe.trainer,
        out=tmp_path / "run", class_text=(data.classes.names, recipe.text.templates),
    )  # fmt: skip
    assert result.history[1].train_loss < result.history[0].train_loss
    after = split_features(clip, pairs, "val")
    assert not torch.allclose(plain.features, after.features)
    other = load_backbone(str(tmp_path / "clip"))
    loaded = recipe.adapter.build("adapters")
    loaded.inject(other)
    loaded.load_state(tuned.state())
    torch.testing.assert_close(split_features(other, pairs, "val").features, after.features)


def test_a_frozen_image_tower_encodes_each_image_once_with_the_same_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, seen = [], []
    for kept in (True, False):
        clip = load_backbone(str(write_tiny_clip(tmp_path / f"clip{kept}")))
        count = [0]
        clip.model.visual.register_forward_hook(
            lambda module, given, out, count=count: count.__setitem__(0, count[0] + len(given[0]))
        )
        pairs = striped_pairs(tmp_path / f"pairs{kept}", 30)
        data = PairsDataModule(pairs, DataSettings(pairs="here", batch_size=8), clip, seed=0)
        adapter = load("adapters", "coop")(n_ctx=2)
        adapter.for_classes(data.classes.names, ["a {}."])
        adapter.inject(clip)
        if not kept:
            monkeypatch.setattr(PairsDataModule, "same_views", False)
        settings = TrainerSettings(epochs=3, lr=1e-2, keep="last")
        fit(
            clip, adapter, load("objectives", "class_prompts")(), data, settings,
            out=tmp_path / f"run{kept}", class_text=(data.classes.names, ["a {}."]),
        )  # fmt: skip
        states.append(adapter.state())
        seen.append(count[0])
    splits = pairs.count_splits()
    images = splits["train"] + splits.get("val", 0)
    # padding to whole batches shows some images twice, which are kept too; one more is read to see
    # that the tower is frozen
    assert seen[0] == images + 1
    assert seen[1] >= 3 * images
    torch.testing.assert_close(states[0], states[1], rtol=1e-5, atol=1e-7)


def test_features_come_with_their_rows_and_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 20, broken=4)  # row 4 is in validation
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    found = split_features(clip, pairs, "val", cache=tmp_path / "cache", batch_size=3)
    assert found.keys == ("pair-000009", "pair-000014", "pair-000019")
    assert found.labels.tolist() == [0, 2, 1] and found.classnames == ("a", "b", "c")
    assert [key for key, _ in found.skipped] == ["pair-000004"]
    assert found.texts[0] == ("a picture of a 3",)
    assert found.groups[0] == "group 2"
    torch.testing.assert_close(found.features.norm(dim=1), torch.ones(3))
    # the plain view is the backbone's own
    rows = [pair for pair in pairs.rows(split="val") if pair.key in found.keys]
    images = [Image.open(BytesIO(pair.image)) for pair in rows]
    torch.testing.assert_close(found.features, clip.encode_image(images), rtol=1e-4, atol=1e-5)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the features are in the cache")

    monkeypatch.setattr(type(clip), "encode_image", refuse)
    again = split_features(clip, pairs, "val", cache=tmp_path / "cache")
    assert torch.equal(again.features, found.features)
    monkeypatch.undo()
    assert len(split_features(clip, pairs, None)) == 19


def _tuned(
    tmp_path: Path, pairs: Pairs, name: str, out: str, *overrides: str
) -> tuple[FitResult, dict[str, Tensor], Backbone]:
    (tmp_path / "r.yaml").write_text(
        RECIPE.format(adapter=f"{{name: {name}}}", objective="{name: class_prompts}")
    )
    recipe = load_recipe(tmp_path / "r.yaml", ["backbone.name=hf-hub:tiny", *overrides])
    clip = load_backbone(str(tmp_path / "clip"))
    assert recipe.adapter is not None and recipe.objective is not None
    adapter = recipe.adapter.build("adapters")
    adapter.inject(clip)
    data = PairsDataModule(pairs, recipe.data, clip, classnames=recipe.text.classnames)
    result = fit(
        clip, adapter, recipe.objective.build("objectives"), data, recipe.trainer,
        out=tmp_path / out, class_text=(data.classes.names, recipe.text.templates),
    )  # fmt: skip
    adapter.merge()
    return result, {n: v.clone() for n, v in clip.model.state_dict().items()}, clip


@pytest.mark.parametrize("name", ["full", "svd", "lora"])
def test_wise_ft_leaves_the_weights_between_plain_and_trained(tmp_path: Path, name: str) -> None:
    write_tiny_clip(tmp_path / "clip")
    pairs = striped_pairs(tmp_path / "pairs", 30)
    plain = load_backbone(str(tmp_path / "clip")).model.state_dict()
    whole, trained, _ = _tuned(tmp_path, pairs, name, "whole")
    half, between, _ = _tuned(tmp_path, pairs, name, "half", "trainer.wise_ft=0.5")
    assert whole.alpha is None and half.alpha == 0.5
    assert any(not torch.equal(plain[key], value) for key, value in trained.items())
    for key, value in between.items():
        expected = (plain[key] + trained[key]) / 2
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-6)


def test_of_several_points_the_best_validated_is_left(tmp_path: Path) -> None:
    write_tiny_clip(tmp_path / "clip")
    pairs = striped_pairs(tmp_path / "pairs", 30)
    losses = {}
    for alpha in (0.0, 0.4, 1.0):
        _, _, clip = _tuned(tmp_path, pairs, "full", f"at {alpha}", f"trainer.wise_ft={alpha}")
        found = split_features(clip, pairs, "val")
        text = clip.classifier(["asphalt", "bush", "crops"], ["a photo of a {}."])
        logits = clip.logit_scale.detach() * found.features @ text.T
        losses[alpha] = float(torch.nn.functional.cross_entropy(logits, found.labels))
    best = min(losses, key=lambda alpha: losses[alpha])
    words = ["trainer.wise_ft=[0, 0.4, 1]", "trainer.monitor=loss"]
    result, left, _ = _tuned(tmp_path, pairs, "full", "chosen", *words)
    assert result.alpha == best
    again, same, _ = _tuned(tmp_path, pairs, "full", "chosen", *words)  # nothing is trained anew
    assert again.alpha == best and all(torch.equal(left[key], same[key]) for key in left)


def test_a_list_without_validation_and_dora_are_refused_before_training(tmp_path: Path) -> None:
    write_tiny_clip(tmp_path / "clip")
    pairs = striped_pairs(tmp_path / "pairs", 12)
    only_train = pairs.with_splits(["train"] * 12)
    with pytest.raises(BadInput, match="no validation split"):
        _tuned(tmp_path, only_train, "full", "a", "trainer.wise_ft=[0.5, 1]")
    assert _tuned(tmp_path, only_train, "full", "b", "trainer.wise_ft=0.5")[0].alpha == 0.5
    with pytest.raises(UsageError, match="DoRA"):
        _tuned(tmp_path, pairs, "lora", "c", "trainer.wise_ft=0.5", "adapter.dora=true")
    assert not (tmp_path / "c").exists()
    with pytest.raises(RecipeError, match=r"trainer\.wise_ft: give numbers from 0"):
        _tuned(tmp_path, pairs, "full", "d", "trainer.wise_ft=[0.5, 2]")
    with pytest.raises(RecipeError, match=r"trainer\.wise_ft: expected a number \(>= 0 <= 1\)"):
        _tuned(tmp_path, pairs, "full", "d", "trainer.wise_ft=2")


def _tuning(tmp_path: Path, objective: object, templates: tuple[str, ...] = ("a {}.",)) -> Tuning:
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    adapter = load("adapters", "full")(towers=("image", "text"))
    adapter.inject(clip)
    tuning = Tuning(
        clip, adapter, objective, TrainerSettings(), classnames=["sea ice", "bush"],  # type: ignore[arg-type]
        templates=templates, long=None, seed=0, total_steps=1,
    )  # fmt: skip
    tuning._trainer = SimpleNamespace(training=True, current_epoch=0, global_rank=0)  # type: ignore[assignment]
    return tuning


class Seen:
    """An objective that notes what it is given."""

    needs, raw, wants, captions = "captions", True, ("teacher",), "pairs"

    def __call__(self, image: Tensor, text: Tensor, batch: Any, **more: Any) -> Tensor:
        self.given = image, text, batch, more
        return image.sum()


def _batch(count: int = 3) -> PairBatch:
    x = torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    names = tuple(f"caption {number}" for number in range(count))
    return PairBatch(x, torch.tensor([0, 1, -1]), names, names)


def test_raw_features_and_a_teacher_that_stays_where_training_began(tmp_path: Path) -> None:
    seen = Seen()
    tuning = _tuning(tmp_path, seen)
    clip, batch = tuning._backbone, _batch()
    began = clip.model.encode_image(batch.images, normalize=False).detach()
    with torch.no_grad():
        for p in clip.model.parameters():
            p.mul_(1.3)
    tuning._loss(batch, Alone())
    image, text, _, more = seen.given
    torch.testing.assert_close(image, clip.model.encode_image(batch.images, normalize=False))
    ids = clip.tokenize(batch.captions)
    torch.testing.assert_close(text, clip.model.encode_text(ids, normalize=False))
    torch.testing.assert_close(more["teacher"][0], began)
    assert image.requires_grad and text.requires_grad
    assert not any(features.requires_grad for features in more["teacher"])
    assert not torch.allclose(image, began)
    names = {name for name, _ in tuning.named_parameters()}
    assert len(names) == len(list(clip.model.parameters())), "the teacher is no part of it"
    seen.raw = False
    tuning = _tuning(tmp_path / "other", seen)
    tuning._loss(batch, Alone())
    for features in (*seen.given[:2], *seen.given[3]["teacher"]):
        torch.testing.assert_close(features.norm(dim=1), torch.ones(3))


def test_class_prompts_stand_for_captions(tmp_path: Path) -> None:
    seen = Seen()
    seen.raw, seen.wants, seen.captions = False, (), "classes"
    tuning = _tuning(tmp_path, seen, ("a {}.", "the {}!"))
    drawn = set()
    for consumed in range(8):
        batch = replace(_batch(), consumed=consumed)
        prompted = tuning.on_before_batch_transfer(batch, 0)
        assert prompted.captions == tuning.on_before_batch_transfer(batch, 0).captions
        drawn.add(prompted.captions)
        tuning._loss(prompted, Alone())
        ids = tuning._backbone.tokenize(prompted.captions)
        torch.testing.assert_close(seen.given[1], tuning._backbone.text(ids))
    assert {captions[0] for captions in drawn} == {"a sea ice.", "the sea ice!"}
    assert {captions[1] for captions in drawn} == {"a bush.", "the bush!"}
    assert {captions[2] for captions in drawn} == {"caption 2"}, "an image without a class"
    tuning._trainer.training = False  # type: ignore[union-attr]
    found = tuning.on_before_batch_transfer(_batch(), 0)
    assert found.captions == ("a sea ice.", "a bush.", "caption 2")
    seen.captions = "pairs"
    assert tuning.on_before_batch_transfer(batch, 0) is batch


def test_what_an_objective_cannot_do_without_is_asked_for(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 12)
    tower = ToyTower()
    data = PairsDataModule(pairs, DataSettings(), tower)
    given: Any = (tower, Whole(tower))
    with pytest.raises(BadInput, match="at least two classes"):
        fit(*given, InfoNCE(captions="classes"), data, TrainerSettings(), out=tmp_path / "a")
    with pytest.raises(BadInput, match=r"only text\.name 'truncate'"):
        fit(*given, CLIPRefine(), data, TrainerSettings(), out=tmp_path / "a",
            long=Window())  # fmt: skip
