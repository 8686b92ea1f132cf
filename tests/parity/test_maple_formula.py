"""MaPLe against its arithmetic written out over a CLIP's blocks: logits, gradients, a step."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from domainclip.adapters.maple import MaPLe
from domainclip.backbones import Backbone
from domainclip.errors import UsageError
from tests.data.tiny_towers import images, make_backbone

NAMES = ["cat", "polar_bear", "sea"]


def _image(model: Any, x: Tensor, first: Tensor, deep: list[Tensor]) -> Tensor:
    """Tokens behind the position embedding and ahead of the first norm, the last ones replaced."""
    tower = model.visual
    z = tower.conv1(x).flatten(2).transpose(1, 2)  # (b, n, w)
    z = torch.cat([tower.class_embedding.expand(len(x), 1, -1), z], 1) + tower.positional_embedding
    z = tower.ln_pre(torch.cat([z, first.expand(len(x), -1, -1)], 1))
    for number, block in enumerate(tower.transformer.resblocks):
        if 0 < number <= len(deep):
            m = len(first)
            z = torch.cat([z[:, :-m], deep[number - 1].expand(len(x), -1, -1)], 1)
        z = block(z)
    z = tower.ln_post(z)[:, 0] @ tower.proj
    return z / z.norm(dim=-1, keepdim=True)


def _text(backbone: Backbone, first: Tensor, deep: list[Tensor]) -> Tensor:
    """All 16 positions, the learned ones at 1 ... m, the rest "of a" and the name."""
    model = backbone.model
    ids = backbone.tokenize([f"a photo of a {name.replace('_', ' ')}." for name in NAMES])
    m, c = len(first), len(NAMES)
    words = model.token_embedding(ids)
    z = torch.cat([words[:, :1], first.expand(c, -1, -1), words[:, 1 + m :]], 1)
    z = z + model.positional_embedding
    for number, block in enumerate(model.transformer.resblocks):
        if 0 < number <= len(deep):
            prompts = deep[number - 1].expand(c, -1, -1)
            z = torch.cat([z[:, :1], prompts, z[:, 1 + m :]], 1)
        z = block(z, attn_mask=model.attn_mask)
    z = model.ln_final(z)[torch.arange(c), ids.argmax(-1)] @ model.text_projection
    return z / z.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("kind", ["vit", "vit_own_attention"])
def test_logits_gradients_and_a_step_are_those_of_the_blocks_written_out(kind: str) -> None:
    backbone = make_backbone(kind)
    adapter = MaPLe(depth=9, seed=3)
    adapter.inject(backbone)
    learned = backbone.model.class_prompts
    x, y = images(), torch.tensor([0, 1, 2])

    def expected() -> Tensor:
        first, deep = learned.context, list(learned.deep)
        vision = [f(p) for f, p in zip(learned.project, [first, *deep], strict=True)]
        image = _image(backbone.model, x, vision[0], vision[1:])
        return backbone.logit_scale * image @ _text(backbone, first, deep).T

    def found() -> Tensor:
        return backbone.cosines(backbone.image(x), backbone.class_text(NAMES))

    learned.detach()  # the written-out image tower must not be prompted twice
    slow = expected()
    slow_gradients = torch.autograd.grad(
        torch.nn.functional.cross_entropy(slow, y), list(adapter.parameters())
    )
    learned.attach()
    torch.testing.assert_close(found(), slow, rtol=1e-4, atol=1e-4)
    gradients = torch.autograd.grad(
        torch.nn.functional.cross_entropy(found(), y), list(adapter.parameters())
    )
    for mine, theirs in zip(gradients, slow_gradients, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-6)
    optimizer = torch.optim.SGD(adapter.parameters(), lr=0.0035, momentum=0.9, weight_decay=5e-4)
    before = [p.detach().clone() for p in adapter.parameters()]
    torch.nn.functional.cross_entropy(found(), y).backward()
    optimizer.step()
    for start, gradient, p in zip(before, slow_gradients, adapter.parameters(), strict=True):
        step = start - 0.0035 * (gradient + 5e-4 * start)
        torch.testing.assert_close(p.detach(), step, rtol=1e-4, atol=1e-7)


def test_a_tower_without_tokens_and_words_that_do_not_fit_are_refused_before_any_work() -> None:
    for kind in ("resnet", "convnext", "efficientnet"):
        backbone = make_backbone(kind)
        before = list(backbone.model.state_dict())
        with pytest.raises(UsageError, match=f"image tower of 'tiny-{kind}' is none"):
            MaPLe().inject(backbone)
        assert list(backbone.model.state_dict()) == before
        assert all(p.requires_grad for p in backbone.model.parameters())
    with pytest.raises(UsageError, match="words of one token"):
        MaPLe(init="photography of crystallographers").inject(make_backbone("vit"))
    with pytest.raises(UsageError, match="1 or more"):
        MaPLe(depth=0).inject(make_backbone("vit"))


def test_the_deepest_tokens_are_those_of_the_shallower_tower() -> None:
    backbone = make_backbone("timm_siglip")  # one image block
    adapter = MaPLe()
    adapter.inject(backbone)
    assert [name for name in adapter.state() if name.startswith("deep")] == []
