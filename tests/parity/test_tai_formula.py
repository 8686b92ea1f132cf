"""TaI-DPT against its published arithmetic, written out slowly on small CLIPs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.adapters.tai_dpt import TaIDPT
from domainclip.backbones import Backbone
from tests.data.tiny_towers import images, make_backbone

NAMES = ["cat", "polar bear", "sea"]
CAPTIONS = ["a cat by the sea", "two polar bears asleep on ice near the sea", "the sea", "a cat!"]
TARGETS = torch.tensor([[1, 0, 1], [0, 1, 1], [0, 0, 1], [1, 0, 0]]).bool()


def _class_texts(backbone: Backbone, context: Tensor) -> Tensor:
    """[SOS] embedding, vectors, the rest of the prompt, every position, pooled at its end."""
    model, m = backbone.model, len(context)
    ids = backbone.tokenize([" ".join(["X"] * m) + f" {name}." for name in NAMES])
    embedded = model.token_embedding(ids)
    rows = torch.stack([torch.cat([row[:1], context, row[1 + m :]]) for row in embedded])
    return functional.normalize(_sequence(backbone, rows)[range(3), ids.argmax(1)], dim=-1)


def _sequence(backbone: Backbone, embedded: Tensor) -> Tensor:
    model = backbone.model
    x = embedded + model.positional_embedding
    return model.ln_final(model.transformer(x, attn_mask=model.attn_mask)) @ model.text_projection


def _hinge(logits: Tensor, targets: Tensor) -> Tensor:
    total = logits.new_zeros(())
    for y, named in zip(logits, targets, strict=True):
        for p in range(len(y)):
            for n in range(len(y)):
                if named[p] and not named[n]:
                    total = total + torch.relu(1 - y[p] + y[n])
    return total / len(logits)


def _local(tokens: Tensor, texts: Tensor, scale: float) -> Tensor:
    """One image's or caption's tokens (n, d) -> (c,)."""
    found = []
    for text in texts:
        cosines = torch.stack([functional.cosine_similarity(token, text, 0) for token in tokens])
        found.append((functional.softmax(scale * cosines, 0) * 4 * cosines).sum())
    return torch.stack(found)


def _loss(backbone: Backbone, whole: Tensor, parts: Tensor, rows: list[int]) -> Tensor:
    ids = backbone.tokenize([CAPTIONS[row] for row in rows])
    tokens = _sequence(backbone, backbone.model.token_embedding(ids))
    ends = tokens[range(len(rows)), ids.argmax(1)]
    g, l = _class_texts(backbone, whole), _class_texts(backbone, parts)  # noqa: E741
    above = 4 * functional.normalize(ends, dim=-1) @ g.T
    below = torch.stack([_local(t[i != 0], l, 50) for t, i in zip(tokens, ids, strict=True)])
    return _hinge(above, TARGETS[rows]) + _hinge(below, TARGETS[rows])


def _injected(kind: str = "vit") -> tuple[Backbone, TaIDPT, Tensor, Tensor]:
    backbone, adapter = make_backbone(kind), TaIDPT(n_ctx=4, seed=3)
    adapter.for_classes(NAMES, ["a photo of a {}."])
    adapter.inject(backbone)
    state = adapter.state()
    assert set(state) == {"whole.context", "local.context"}
    assert not torch.equal(state["whole.context"], state["local.context"])
    whole, parts = (state[n].requires_grad_() for n in ("whole.context", "local.context"))
    return backbone, adapter, whole, parts


def test_one_epoch_is_the_published_loss_gradient_and_step() -> None:
    backbone, adapter, whole, parts = _injected()
    schedule = replace(adapter.schedule, epochs=1)
    assert (schedule.lr, schedule.weight_decay, schedule.batch_size) == (1e-4, 5e-4, 512)
    loss = _loss(backbone, whole, parts, [0, 1, 2, 3])
    gradients = torch.autograd.grad(loss, (whole, parts))
    adapter.fit_captions(CAPTIONS, TARGETS, schedule, seed=1)
    torch.testing.assert_close(torch.tensor(adapter.losses), loss.detach()[None], rtol=1e-4, atol=0)
    for own, slow, gradient in zip(adapter.parameters(), (whole, parts), gradients, strict=True):
        assert own.grad is not None
        torch.testing.assert_close(own.grad, gradient, rtol=1e-3, atol=1e-6)
        expected = slow - 1e-4 * (gradient + 5e-4 * slow)
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-7)


def test_batches_and_epochs_are_those_of_a_plain_loop() -> None:
    backbone, adapter, whole, parts = _injected()
    schedule = replace(adapter.schedule, epochs=3, batch_size=3, lr=0.05)
    optimizer = torch.optim.SGD([whole, parts], 0.05, momentum=0.9, weight_decay=5e-4)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 6)
    generator = torch.Generator().manual_seed(7)
    for _ in range(3):
        order = torch.randperm(4, generator=generator).tolist()
        for rows in (order[:3], order[3:]):
            optimizer.zero_grad()
            _loss(backbone, whole, parts, rows).backward()
            optimizer.step()
            falling.step()
    adapter.fit_captions(CAPTIONS, TARGETS, schedule, seed=7)
    state = adapter.state()
    torch.testing.assert_close(state["whole.context"], whole.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(state["local.context"], parts.detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_an_image_in_the_captions_place(kind: str) -> None:
    backbone, adapter, whole, parts = _injected(kind)
    x, visual = images(), backbone.model.visual
    feed: dict[str, Any] = {}
    with torch.no_grad():
        if kind == "resnet":
            hook = visual.attnpool.register_forward_pre_hook(
                lambda m, given: feed.update(x=given[0])
            )
            pooled = visual(x)
            hook.remove()
            pool, cells = visual.attnpool, feed["x"].flatten(2).transpose(1, 2)
            tokens = pool.c_proj(pool.v_proj(cells))
        else:
            pooled = visual(x)
            h = visual._embeds(x)
            first, last = visual.transformer.resblocks
            h, w = first(h), last.attn.in_proj_weight.shape[1]
            v = functional.linear(
                last.ln_1(h), last.attn.in_proj_weight[2 * w :], last.attn.in_proj_bias[2 * w :]
            )
            h = h + last.attn.out_proj(v)
            h = h + last.mlp(last.ln_2(h))
            tokens = visual.ln_post(h[:, 1:]) @ visual.proj
        g, l = _class_texts(backbone, whole), _class_texts(backbone, parts)  # noqa: E741
        above = 4 * functional.normalize(pooled, dim=-1) @ g.T
        below = torch.stack([_local(each, l, 40) for each in tokens])
    torch.testing.assert_close(adapter.image_logits(x), (above + below) / 2, rtol=1e-4, atol=1e-5)
