"""Features of positions and words lie in the joint space, by the pooled feature's own way."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.backbones import Backbone
from domainclip.backbones.dense import (
    check_dense,
    dense_image,
    dense_text,
    image_tokens,
    text_tokens,
)
from domainclip.errors import UsageError
from tests.data.tiny_towers import KINDS, images, make_backbone, token_ids

SERVED = [kind for kind in KINDS if kind != "coca"]


def _model(backbone: Backbone) -> Any:
    return backbone.model


@pytest.mark.parametrize("path", ["value", "projected"])
@pytest.mark.parametrize("kind", SERVED)
def test_image_tokens_are_of_unit_length_and_come_with_the_pooled_feature(
    kind: str, path: Any
) -> None:
    backbone, x = make_backbone(kind), images()
    before = {name: len(m._forward_hooks) for name, m in backbone.model.named_modules()}
    with torch.no_grad():
        pooled, tokens = dense_image(backbone, x, path=path)
        expected = backbone.image(x)
    torch.testing.assert_close(pooled, expected, rtol=1e-5, atol=1e-6)
    side = 2 if kind in ("resnet", "convnext", "efficientnet") else 4
    assert tokens.shape == (3, side**2, expected.shape[1])
    torch.testing.assert_close(tokens.norm(dim=-1), torch.ones(3, side**2))
    assert {n: len(m._forward_hooks) for n, m in backbone.model.named_modules()} == before


@pytest.mark.parametrize("kind", SERVED)
def test_text_tokens_are_masked_where_no_word_is(kind: str) -> None:
    backbone = make_backbone(kind)
    ids = token_ids(backbone)
    with torch.no_grad():
        tokens, mask = text_tokens(backbone, ids)
        pooled, again, _ = dense_text(backbone, ids)
    assert tokens.shape == (3, mask.shape[1], backbone.embed_dim)
    assert mask.sum(1).tolist() == (ids != 0).sum(1).tolist()
    torch.testing.assert_close(tokens.norm(dim=-1), torch.ones(mask.shape))
    torch.testing.assert_close(pooled, backbone.text(ids).detach())
    assert torch.equal(tokens, again)


@pytest.mark.parametrize("kind", [kind for kind in SERVED if kind not in ("bert", "timm_siglip")])
def test_the_end_of_text_is_the_pooled_text(kind: str) -> None:
    backbone = make_backbone(kind)
    ids = token_ids(backbone)
    tokens, mask = text_tokens(backbone, ids)
    end = tokens[torch.arange(3), mask.sum(1) - 1]
    torch.testing.assert_close(end, backbone.text(ids), rtol=1e-5, atol=1e-6)


def test_the_mean_of_a_mean_pooled_towers_words_is_the_pooled_text() -> None:
    backbone = make_backbone("bert")
    _, tokens, mask = dense_text(backbone, token_ids(backbone), unit=False)
    mean = (tokens * mask[..., None]).sum(1)
    text = backbone.text(token_ids(backbone))
    torch.testing.assert_close(functional.normalize(mean, dim=-1), text, rtol=1e-5, atol=1e-6)


def test_the_mean_of_an_averaging_towers_positions_is_the_pooled_image() -> None:
    pooled, tokens = dense_image(make_backbone("efficientnet"), images(), unit=False)
    torch.testing.assert_close(tokens.mean(1), pooled, rtol=1e-4, atol=1e-5)


def test_where_a_resnets_attention_is_even_its_mean_is_the_pooled_image() -> None:
    backbone = make_backbone("resnet")
    pool = _model(backbone).visual.attnpool
    for p in (pool.positional_embedding, pool.q_proj.weight, pool.q_proj.bias):
        nn.init.zeros_(p)
    pooled, tokens = dense_image(backbone, images(), unit=False)
    torch.testing.assert_close(tokens.mean(1), pooled, rtol=1e-4, atol=1e-5)


def test_siglip_tokens_are_what_its_pool_gives_for_one_position() -> None:
    backbone, x = make_backbone("timm_siglip"), images()
    trunk = _model(backbone).visual.trunk
    features = trunk.forward_features(x)
    expected = trunk.fc_norm(trunk.attn_pool(features[:, 5:6]))
    tokens = image_tokens(backbone, x)[:, 5]
    torch.testing.assert_close(tokens, functional.normalize(expected, dim=-1))


def test_a_clip_vits_value_path_is_maskclips() -> None:
    backbone, x = make_backbone("vit"), images()
    visual = _model(backbone).visual
    h = visual._embeds(x)
    for block in visual.transformer.resblocks[:-1]:
        h = block(h)
    last = visual.transformer.resblocks[-1]
    weight, bias = last.attn.in_proj_weight.chunk(3)[2], last.attn.in_proj_bias.chunk(3)[2]
    v = last.attn.out_proj(functional.linear(last.ln_1(h), weight, bias)) + h
    v = v + last.mlp(last.ln_2(v))
    expected = functional.normalize(visual.ln_post(v[:, 1:]) @ visual.proj, dim=-1)
    torch.testing.assert_close(image_tokens(backbone, x), expected, rtol=1e-4, atol=1e-6)
    own = make_backbone("vit_own_attention")
    own.model.load_state_dict(backbone.model.state_dict(), strict=False)
    torch.testing.assert_close(image_tokens(own, x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["vit", "timm_vit", "timm_eva"])
def test_a_position_goes_the_way_of_the_class_token(kind: str) -> None:
    """Projected: a patch that has the class token's features has the pooled one as its token."""
    backbone, x = make_backbone(kind), images()
    visual = _model(backbone).visual
    blocks = visual.trunk.blocks if hasattr(visual, "trunk") else visual.transformer.resblocks
    blocks[-1].register_forward_hook(lambda m, given, out: torch.cat([out[:, :1], out[:, :1]], 1))
    pooled, tokens = dense_image(backbone, x, path="projected")
    torch.testing.assert_close(tokens[:, 0], pooled, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", SERVED)
def test_gradients_reach_the_towers(kind: str) -> None:
    backbone = make_backbone(kind)
    tokens, mask = text_tokens(backbone, token_ids(backbone))
    loss = image_tokens(backbone, images()).square().sum(1).mul(torch.rand(tokens.shape[-1])).sum()
    (loss + tokens[mask].sum()).backward()
    reached = {n.split(".")[0] for n, p in backbone.model.named_parameters() if p.grad is not None}
    assert "visual" in reached and len(reached) > 1


def test_pads_are_found_where_the_tower_reads_them() -> None:
    backbone = make_backbone("timm_siglip")
    ids = torch.zeros(2, 16, dtype=torch.int64)
    ids[1] = 5  # fills its context
    _, mask = text_tokens(backbone, ids)
    assert mask.sum(1).tolist() == [1, 16]


def test_a_tower_without_tokens_is_named() -> None:
    backbone = make_backbone("coca")
    for ask in (
        lambda: image_tokens(backbone, images()),
        lambda: text_tokens(backbone, token_ids(backbone)),
        lambda: check_dense(backbone, "tai_dpt"),
    ):
        with pytest.raises(UsageError, match="tiny-coca"):
            ask()
    with pytest.raises(UsageError, match="'value' or 'projected'"):
        image_tokens(make_backbone("vit"), images(), path="other")  # type: ignore[arg-type]


def test_many_positions_are_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = make_backbone("timm_vit")

    def tokens() -> Tensor:
        with torch.no_grad():
            return image_tokens(backbone, images())

    whole = tokens()
    monkeypatch.setattr("domainclip.backbones.dense._AT_ONCE", 5)
    torch.testing.assert_close(tokens(), whole, rtol=1e-5, atol=1e-6)
