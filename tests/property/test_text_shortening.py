"""Shortened texts give what the whole context gives; towers that read their pads are left alone."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from domainclip.backbones import Backbone
from domainclip.backbones.shortening import text_features, used_positions
from tests.data.tiny_towers import make_backbone, token_ids

SHORTENED = ("vit", "vit_own_attention", "resnet", "timm_vit", "bert", "efficientnet")
WHOLE = ("timm_siglip", "coca")

made = cache(make_backbone)


@pytest.mark.parametrize("kind", SHORTENED)
def test_short_texts_are_shortened(kind: str) -> None:
    backbone = made(kind)
    ids = token_ids(backbone)
    used = used_positions(backbone.model, ids)
    assert used is not None
    assert int(used.max()) < ids.shape[1]


@pytest.mark.parametrize("kind", WHOLE)
def test_towers_that_read_their_pads_are_left_whole(kind: str) -> None:
    backbone = made(kind)
    assert used_positions(backbone.model, token_ids(backbone)) is None


@given(
    kind=st.sampled_from(SHORTENED),
    words=st.lists(st.integers(1, 14), min_size=1, max_size=4),
    more=st.integers(0, 3),
    seed=st.integers(0, 99),
)
@settings(max_examples=40, deadline=None)
def test_any_length_from_the_used_one_on_is_exact(
    kind: str, words: list[int], more: int, seed: int
) -> None:
    backbone = made(kind)
    ids = _ids(backbone, words, seed)
    used = used_positions(backbone.model, ids)
    assert used is not None
    length = min(ids.shape[1], int(used.max()) + more)
    with torch.no_grad():
        whole = backbone.model.encode_text(ids, normalize=False)
        short = text_features(backbone.model, ids[:, :length])
    torch.testing.assert_close(short, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", SHORTENED)
def test_gradients_are_those_of_the_whole_text(kind: str) -> None:
    backbone = make_backbone(kind)
    ids = token_ids(backbone)
    used = used_positions(backbone.model, ids)
    assert used is not None

    def gradients(features: torch.Tensor) -> dict[str, torch.Tensor]:
        backbone.model.zero_grad()
        features.square().sum().backward()
        found = backbone.model.named_parameters()
        return {name: p.grad.clone() for name, p in found if p.grad is not None}

    whole = gradients(backbone.model.encode_text(ids, normalize=False))
    short = gradients(text_features(backbone.model, ids[:, : int(used.max())]))
    assert whole.keys() == short.keys()
    for name, gradient in whole.items():
        error = float((short[name] - gradient).norm())
        assert error <= 1e-5 * float(gradient.norm()) + 1e-5, name


def _ids(backbone: Backbone, words: list[int], seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.zeros(len(words), 16, dtype=torch.int64)
    bert = backbone.name == "tiny-bert"
    first, last = (101, 102) if bert else (49406, 49407)
    for row, count in enumerate(words):
        rows[row, 0] = first
        rows[row, 1 : count + 1] = torch.randint(200, 900, (count,), generator=generator)
        rows[row, count + 1] = last
    return rows
