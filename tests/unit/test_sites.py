"""Weights are found by what the modules hold, in every kind of tower."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from domainclip.backbones.sites import find_sites
from domainclip.errors import UsageError
from tests.data.tiny_towers import KINDS, make_backbone

BLOCK = {"q": 2, "k": 2, "v": 2, "o": 2, "mlp": 4}  # two transformer blocks
EXPECTED = {
    "vit": {**BLOCK, "conv": 1},
    "vit_own_attention": {**BLOCK, "conv": 1},
    # a stem of 3; 3 convolutions and a shortcut in each of 4 blocks; the attention that pools
    "resnet": {"conv": 19, "q": 1, "k": 1, "v": 1, "o": 1},
    "timm_vit": {**BLOCK, "conv": 1, "proj": 1},
    # one block, and the pool with its own query, keys and values fused, projection and MLP
    "timm_siglip": {"q": 2, "k": 2, "v": 2, "o": 2, "mlp": 4, "conv": 1},
    "timm_eva": {**BLOCK, "conv": 1, "proj": 1},
    # 12 blocks of a depthwise convolution and an MLP; a stem, three reductions, a projection
    "convnext": {"depthwise": 12, "mlp": 24, "conv": 4, "proj": 1},
    "coca": {"q": 3, "k": 3, "v": 3, "o": 3, "mlp": 4, "conv": 1},
    "bert": {**BLOCK, "conv": 1},
    # a stem, 15 expansions, 16 projections, a head
    "efficientnet": {"conv": 33, "depthwise": 16, "proj": 1},
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_matrix_of_a_tower_is_one_site(kind: str) -> None:
    model = make_backbone(kind).model
    image, text = find_sites(model, "image"), find_sites(model, "text")
    assert Counter(site.kind for site in image) == EXPECTED[kind]
    blocks = Counter(site.kind for site in text if site.block >= 0)
    assert blocks == BLOCK
    # rows of one weight cover it once; a weight without rows is named once
    covered: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for site in image + text:
        weight = model.get_submodule(site.module)._parameters[site.parameter]
        covered.setdefault((site.module, site.parameter), []).append(site.rows or (0, len(weight)))
    for (module, parameter), rows in covered.items():
        rows.sort()
        assert rows[0][0] == 0
        assert all(a[1] == b[0] for a, b in pairwise(rows))
        assert rows[-1][1] == len(model.get_submodule(module)._parameters[parameter])


def test_blocks_are_numbered_from_the_outside() -> None:
    vit = find_sites(make_backbone("vit").model, "image", ["q"])
    assert [site.block for site in vit] == [0, 1]
    siglip = find_sites(make_backbone("timm_siglip").model, "image", ["q"])
    assert sorted(site.block for site in siglip) == [-1, 0]  # the pool stands outside of them


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(UsageError, match=r"\['qq'\]; known: q, k"):
        find_sites(make_backbone("vit").model, "image", ["qq"])
