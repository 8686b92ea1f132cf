"""Patches left out, blocks computed again, losses that are no number, texts by their weight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from domainclip.adapters._protocol import inject_for
from domainclip.backbones import load_backbone
from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data._loading import choices_of
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.errors import NotFinite, UsageError
from domainclip.objectives.class_prompts import ClassPrompts
from domainclip.pairs import Text
from domainclip.training import _checkpoints as checkpoints
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from domainclip.training.thrift import switch_patch_dropout, thrift
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import images, make_backbone
from tests.data.toy_tower import ToyTower, Whole, striped_pairs


@pytest.mark.parametrize("kind", ["vit", "timm_vit"])
def test_half_of_the_patches_are_read_in_training_and_all_of_them_afterwards(kind: str) -> None:
    clip = make_backbone(kind)
    x, lengths = images(), []
    trunk = getattr(clip.model.visual, "trunk", None)
    blocks = trunk.blocks if trunk is not None else clip.model.visual.transformer.resblocks
    watch = blocks[0].register_forward_hook(lambda _, given, out: lengths.append(given[0].shape[1]))
    with torch.no_grad():
        plain = clip.image(x)
        with thrift(clip.model, TrainerSettings(patch_dropout=0.5)):
            torch.testing.assert_close(clip.image(x), plain)  # eval mode
            switch_patch_dropout(clip.model, on=True)
            assert not torch.allclose(clip.image(x), plain)
        torch.testing.assert_close(clip.image(x), plain)
    watch.remove()
    assert lengths[2] - 1 == (lengths[0] - 1) // 2 and lengths[3] == lengths[0]


def _trained(
    tmp_path: Path, adapter: str, **options: Any
) -> tuple[list[str], list[tuple[int, int]]]:
    """What a run with ``patch_dropout`` says, and how many images and positions the first block
    reads in each pass: eight images at once in training, four in validation."""
    clip = load_backbone(str(write_tiny_clip(tmp_path / "clip")))
    lines, reads = list[str](), list[tuple[int, int]]()
    pairs = striped_pairs(tmp_path / "pairs", 20)
    data = PairsDataModule(pairs, DataSettings(batch_size=8, **options), clip, seed=1)
    made = load("adapters", adapter)(**{"coop": {"n_ctx": 2}}.get(adapter, {"rank": 2}))
    names = (data.classes.names, ("a {}.",))
    inject_for(made, clip, *names)
    clip.model.visual.transformer.resblocks[0].register_forward_hook(
        lambda _, given, out: reads.append((given[0].shape[0], given[0].shape[1]))
    )
    fit(
        clip, made, ClassPrompts(), data, TrainerSettings(epochs=2, patch_dropout=0.5),
        out=tmp_path / "run", class_text=names, say=lines.append,
    )  # fmt: skip
    return lines, reads


@pytest.mark.parametrize("flip", [False, True])
def test_a_frozen_image_tower_reads_all_patches(tmp_path: Path, flip: bool) -> None:
    """Kept features of half an image would be those of that half in every epoch."""
    lines, reads = _trained(tmp_path, "coop", augment=AugmentSettings(flip=flip))
    assert {length for _, length in reads} == {5}
    if flip:
        assert reads.count((8, 5)) == 4
    else:  # where all is alike, one by one, kept, and one more to see that the tower is frozen
        assert reads == [(1, 5)] * (16 + 4 + 1)
    assert sum("trainer.patch_dropout: the image tower does not train" in x for x in lines) == 1


def test_an_image_tower_that_trains_reads_half_of_them(tmp_path: Path) -> None:
    lines, reads = _trained(tmp_path, "lora")
    trained = [length for images, length in reads if images == 8]
    assert trained == [3] * 4 and not any("patch_dropout" in line for line in lines)


def test_an_image_tower_without_patches_is_refused_by_name() -> None:
    settings = TrainerSettings(patch_dropout=0.5)
    model = make_backbone("resnet").model
    with (
        pytest.raises(UsageError, match=r"trainer\.patch_dropout: .* no patches"),
        thrift(model, settings),
    ):
        pass


def test_blocks_computed_again_give_the_same_gradients() -> None:
    found = []
    for again in (False, True):
        clip = make_backbone("vit")
        with thrift(clip.model, TrainerSettings(checkpoint_blocks=again)):
            clip.model.train()
            clip.image(images()).sum().backward()
        found.append(clip.model.visual.conv1.weight.grad)
        assert not clip.model.visual.transformer.grad_checkpointing
    torch.testing.assert_close(found[0], found[1])


class Breaks:
    """A loss that is no number from some call on."""

    needs = "classes"

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, image: Tensor, text: Tensor, batch: Any, **more: Any) -> Tensor:
        self.left -= 1
        loss = ClassPrompts()(image, text, batch, **more)
        return loss * float("nan") if self.left < 0 else loss

    def __repr__(self) -> str:
        return "Breaks()"


def test_a_loss_that_is_no_number_stops_and_names_its_pairs(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 40)
    tower = ToyTower()
    data = PairsDataModule(pairs, DataSettings(batch_size=8), tower, seed=1)
    settings = TrainerSettings(epochs=3, lr=1e-2, checkpoint_every=1)
    names = (("a", "b", "c"), ("{}",))
    with pytest.raises(NotFinite, match=r"not_finite\.json: the loss of step \d+ .*pair-0000"):
        fit(tower, Whole(tower), Breaks(2), data, settings, out=tmp_path / "run", class_text=names)
    (said,) = json.loads((tmp_path / "run" / "logs" / "not_finite.json").read_text())
    assert len(said["keys"]) == 8
    kept = checkpoints.newest(tmp_path / "run" / "checkpoints")
    assert kept is not None and kept["journal"]["step"] == 2
    assert all(torch.isfinite(value).all() for value in kept["weights"].values())


def test_texts_are_drawn_by_the_weight_of_their_role() -> None:
    pair = make_pair(
        0, text="c", texts=(Text("mention", "m"), Text("mention", "n"), Text("title", "t"))
    )
    choices = dict(choices_of(pair, ("caption", "mention"), {"caption": 3.0}))
    assert choices == {"c": 0.75, "m": 0.125, "n": 0.125}
    assert dict(choices_of(pair, ("caption", "mention"), {})) == dict.fromkeys("cmn", 1 / 3)
    assert dict(choices_of(pair, ("title",), {"title": 0.0})) == {"t": 1.0}


@pytest.mark.parametrize(("temperature", "share"), [(1.0, 0.75), (2.0, 0.634), (1e9, 0.5)])
def test_temperature_draws_sources_more_evenly(
    tmp_path: Path, temperature: float, share: float
) -> None:
    pairs = write_pairs(tmp_path / "pairs", [
        make_pair(number, source="large" if number < 60 else "small", split="train")
        for number in range(80)
    ])  # fmt: skip
    data = PairsDataModule(pairs, DataSettings(temperature=temperature), ToyTower())
    weights = data.source_weights() or {"large": 1.0, "small": 1.0}
    total = 60 * weights["large"] + 20 * weights["small"]
    assert total == pytest.approx(80)
    assert 60 * weights["large"] / total == pytest.approx(share, abs=1e-3)


def test_modules_of_other_names_are_left_alone() -> None:
    model = nn.Sequential(nn.Dropout(0.5)).eval()
    switch_patch_dropout(model, on=True)
    assert not model[0].training
