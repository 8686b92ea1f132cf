"""The loop trains the real adapters in a real open_clip model, from a recipe's own words."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from domainclip.backbones import load_backbone
from domainclip.data import PairsDataModule, split_features
from domainclip.recipe import load_recipe
from domainclip.training.fit import fit
from tests.data.tiny_clip import write_tiny_clip
from tests.data.toy_tower import striped_pairs

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
