"""Counted FLOPs are those of the tower's products, and memory grows with what is kept."""

from __future__ import annotations

import re
import sys

import pytest
import torch
from torch import nn

from benchmarks import recipe_flops
from benchmarks.recipe_flops import needed, passes
from benchmarks.tower_flops import _Live, _step, count
from domainclip.catalogue import load, recipes
from domainclip.recipe import load_recipe
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_towers import VIT, make_backbone


def test_a_transformers_products_are_counted() -> None:
    backbone = make_backbone("vit")
    backbone.model.requires_grad_(True)
    found = count(backbone, TrainerSettings(), image_px=64)
    width, layers, patch = VIT["width"], VIT["layers"], VIT["patch_size"]
    n = (64 // patch) ** 2 + 1
    block = 2 * n * (4 * width * width + 2 * 4 * width * width) + 2 * 2 * n * n * width
    patches = 2 * (n - 1) * 3 * patch**2 * width
    expected = layers * block + patches + 2 * width * 32
    assert found.image_forward == pytest.approx(expected, rel=0.02)
    # twice as much again for the gradients, but none of the pixels
    assert found.image_flops == pytest.approx(3 * found.image_forward - patches, rel=0.001)
    assert found.trained == found.weights == sum(p.nbytes for p in backbone.model.parameters())


def test_a_frozen_tower_costs_its_forward_pass_alone() -> None:
    backbone = make_backbone("vit")
    backbone.model.requires_grad_(False)
    found = count(backbone, TrainerSettings(), image_px=64)
    assert found.image_flops == found.image_forward and found.image_bytes == 0 == found.trained


def test_patch_dropout_and_checkpoints_cost_what_they_say() -> None:
    backbone = make_backbone("vit")
    backbone.model.requires_grad_(True).train()
    plain = count(backbone, TrainerSettings(), image_px=64)
    half = count(backbone, TrainerSettings(patch_dropout=0.5), image_px=64)
    again = count(backbone, TrainerSettings(checkpoint_blocks=True), image_px=64)
    assert half.image_flops < 0.7 * plain.image_flops
    assert again.image_bytes < plain.image_bytes and again.image_flops > 1.1 * plain.image_flops


@pytest.mark.parametrize(
    ("name", "expected"),
    [("infonce", (1, 1)), ("multi_view", (2, 2)), ("hard_negatives", (1, 2)), ("triplet", (2, 2))],
)
def test_what_an_objective_has_encoded_besides_is_counted(
    name: str, expected: tuple[int, int]
) -> None:
    assert passes(load("objectives", name)()) == expected


def test_a_copy_of_the_weights_is_no_part_of_each_pair() -> None:
    """In bfloat16 a step keeps a copy of the weights, however many pairs there are."""
    backbone = make_backbone("vit")
    backbone.model.requires_grad_(True)
    matrices = sum(p.numel() for name, p in backbone.model.named_parameters()
                   if p.ndim > 1 and "embedding" not in name)  # fmt: skip
    for precision, copies in (("32-true", 0), ("bf16-mixed", 2 * matrices)):
        settings = TrainerSettings(precision=precision)  # type: ignore[arg-type]
        few, many = (count(backbone, settings, image_px=64, rows=rows) for rows in (1, 4))
        assert few.image_bytes == pytest.approx(many.image_bytes, rel=0.01)
        assert few.once == pytest.approx(copies, rel=0.1, abs=4096)


def test_a_depthwise_convolution_costs_its_own_products() -> None:
    conv = nn.Conv2d(64, 64, 3, padding=1, groups=64, bias=False)
    holder = type("Holder", (), {"model": conv})
    x = torch.rand(1, 64, 8, 8, requires_grad=True)
    both, forward, _ = _step(lambda x: conv(x).flatten(1), x, "32-true", holder)
    assert forward == 2 * 64 * 64 * 9 and both == 3 * forward


def test_what_is_alive_at_once_is_counted() -> None:
    with torch.no_grad(), _Live() as live:
        x = torch.zeros(1000)
        for _ in range(5):
            x = x + 1  # two of them at a time
    assert live.most == 2 * 4000


def test_class_texts_are_read_once_a_step_and_heads_read_an_image_once() -> None:
    backbone = make_backbone("vit")
    backbone.model.requires_grad_(True)
    counted = count(backbone, TrainerSettings(), image_px=64, templates=["a {}."])
    recipe = load_recipe("medical/lora", ["data.pairs=P", "data.batch_size=20"])
    assert needed(recipe, counted, classes=10).text == pytest.approx(counted.text_flops / 2)
    head = load_recipe("medical/gda", ["data.pairs=P", "data.views=rot90"])
    found = needed(head, counted)
    assert (found.flops, found.first) == (0, 4 * counted.image_forward)


def test_the_header_of_a_recipe_says_what_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "remote_sensing/flyp"
    header = recipes()[name].read_text("utf-8")
    monkeypatch.setattr(sys, "argv", ["recipe_flops", name])
    assert recipe_flops.main() == 0
    said = capsys.readouterr().out
    for pattern, counted, digits in (
        (r"# Memory +([\d.]+) GiB", r"memory +([\d.]+) GiB", 1),
        (r"([\d.]+) GFLOPs a tile", r"GFLOPs a pair +([\d.]+)", 0),
    ):
        stated, found = re.search(pattern, header), re.search(counted, said)
        assert stated and found, said
        assert float(stated[1]) == round(float(found[1]), digits)
