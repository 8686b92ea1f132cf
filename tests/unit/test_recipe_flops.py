"""Counted FLOPs are those of the tower's products, and memory grows with what is kept."""

from __future__ import annotations

import pytest

from benchmarks.recipe_flops import count, passes
from domainclip.catalogue import load
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
