"""Prompt methods against their published arithmetic, written out on a small causal CLIP."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from domainclip.adapters.cocoop import CoCoOp
from domainclip.adapters.coop import CoOp
from domainclip.adapters.eco import ECO
from domainclip.adapters.kgcoop import KgCoOp
from domainclip.backbones import Backbone
from domainclip.backbones.soft_prompts import prompts_around
from domainclip.errors import UsageError
from domainclip.objectives._protocol import products
from tests.data.tiny_towers import images, make_backbone

NAMES = ["cat", "polar bear", "sea"]


def _published(backbone: Backbone, context: Tensor, position: str = "end") -> Tensor:
    """CoOp's way: [SOS] embeddings, vectors, the rest's embeddings; all 77 (here 16) positions;
    pooled at the end of text of the prompt with placeholders. context (c, m, w)."""
    model = backbone.model
    m, rows = context.shape[1], []
    ids = backbone.tokenize([" ".join(["X"] * m) + f" {name}." for name in NAMES])
    embedded = model.token_embedding(ids)  # (c, t, w)
    for c, name in enumerate(NAMES):
        length = len(backbone.tokenizer.encode(name))
        first, own = embedded[c, :1], embedded[c, 1 + m : 1 + m + length]
        rest, half = embedded[c, 1 + m + length :], m // 2
        parts = {
            "end": [first, context[c], own, rest],
            "front": [first, own, context[c], rest],
            "middle": [first, context[c, :half], own, context[c, half:], rest],
        }[position]
        rows.append(torch.cat(parts))
    x = torch.stack(rows) + model.positional_embedding
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask))
    x = x[torch.arange(len(x)), ids.argmax(1)] @ model.text_projection
    return functional.normalize(x, dim=-1)


def _injected(adapter: Any) -> Backbone:
    backbone = make_backbone("vit")
    adapter.for_classes(NAMES, ["a photo of a {}."])
    adapter.inject(backbone)
    return backbone


@pytest.mark.parametrize("specific", [False, True])
@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_coop_is_the_published_encoder(position: Any, specific: bool) -> None:
    adapter = CoOp(n_ctx=5, position=position, class_specific=specific)
    backbone = _injected(adapter)
    (context,) = adapter.parameters()
    assert context.shape == ((3, 5, 32) if specific else (5, 32))
    copy = context.detach().clone().requires_grad_()
    image = backbone.image(images()).detach()
    expected = _published(backbone, copy.expand(3, -1, -1), position)
    found = backbone.class_text(NAMES)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    labels = torch.tensor([0, 1, 2])
    loss = functional.cross_entropy(backbone.cosines(image, found), labels)
    slow = functional.cross_entropy(backbone.logit_scale * image @ expected.T, labels)
    loss.backward()
    slow.backward()
    torch.testing.assert_close(context.grad, copy.grad, rtol=1e-3, atol=1e-6)
    one, two = (torch.optim.SGD([p], lr=2e-3, momentum=0.9, weight_decay=5e-4)
                for p in (context, copy))  # fmt: skip
    one.step()
    two.step()
    torch.testing.assert_close(context, copy, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("position", ["end", "middle", "front"])
def test_names_have_the_tokens_that_coop_counts(position: Any) -> None:
    """A mark at a name's end stays with it, though the full stop behind joins it in one token."""
    backbone, m = make_backbone("vit"), 3
    names = ["plane (b)", "U.S.", "cat!", "st. bernard", "don't", "a/b", "'s", "x", "polar_bear"]
    prompts = prompts_around(backbone, names, m, position)
    for row, at, name in zip(prompts.ids, prompts.at, names, strict=True):
        name = name.replace("_", " ")
        ids = backbone.tokenize([" ".join(["X"] * m) + f" {name}."])[0].tolist()
        count, vectors = len(backbone.tokenizer.encode(name)), [-1] * m
        own, rest = ids[1 + m : 1 + m + count], ids[1 + m + count :]
        expected = (
            ids[:1]
            + {
                "end": [*vectors, *own, *rest],
                "middle": [*vectors[: m // 2], *own, *vectors[m // 2 :], *rest],
                "front": [*own, *vectors, *rest],
            }[position]
        )
        row[at] = -1
        assert row.tolist() == expected[: len(row)], name
        assert not any(expected[len(row) :]), name


def test_words_to_start_from_are_the_hand_written_prompt() -> None:
    backbone = make_backbone("vit")
    plain = backbone.class_text(NAMES, ["a photo of a {}."])
    CoOp(init="a photo of a").inject(backbone)
    torch.testing.assert_close(backbone.class_text(NAMES), plain, rtol=1e-5, atol=1e-6)


def test_class_specific_contexts_know_their_classes_alone() -> None:
    backbone = make_backbone("vit")
    with pytest.raises(UsageError, match="for_classes"):
        CoOp(class_specific=True).inject(backbone)
    with pytest.raises(UsageError, match="trained on alone"):
        _injected(CoOp(n_ctx=2, class_specific=True)).class_text(["dog"])


def test_kgcoop_penalty() -> None:
    adapter = KgCoOp(init="", n_ctx=3, weight=8.0)
    backbone = _injected(adapter)
    (context,) = adapter.parameters()
    learned = _published(backbone, context.expand(3, -1, -1))
    taught = make_backbone("vit").class_text(NAMES, ["a photo of a {}."])
    expected = 8 * (1 - functional.cosine_similarity(learned, taught).mean())
    found = adapter.penalty(torch.zeros(0), torch.zeros(0), backbone.class_text(NAMES))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


def _kgcoop(backbone: Backbone, parts: dict[str, Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
    learned = _published(backbone, parts["context"].expand(3, -1, -1))
    taught = make_backbone("vit").class_text(NAMES, ["a photo of a {}."]).detach()
    penalty = 8 * (1 - functional.cosine_similarity(learned, taught).mean())
    return backbone.logit_scale * image @ learned.T, penalty


def _eco(backbone: Backbone, parts: dict[str, Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
    groups = [_published(backbone, v.expand(3, -1, -1)) for v in parts.values()]
    text = functional.normalize(torch.stack(groups).sum(0), dim=-1)
    return backbone.logit_scale * image @ text.T, torch.zeros(())


def _cocoop(backbone: Backbone, parts: dict[str, Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
    hidden = functional.relu(image @ parts["meta_net.0.weight"].T + parts["meta_net.0.bias"])
    shift = hidden @ parts["meta_net.2.weight"].T + parts["meta_net.2.bias"]  # (b, w)
    logits = [
        backbone.logit_scale * _published(backbone, (parts["context"] + s).expand(3, -1, -1)) @ x
        for x, s in zip(image, shift, strict=True)
    ]
    return torch.stack(logits), torch.zeros(())


@pytest.mark.parametrize(
    ("adapter", "slow"),
    [
        (KgCoOp(), _kgcoop),
        (ECO(n_ctx=(2, 4)), _eco),
        (CoCoOp(init="", n_ctx=3), _cocoop),
    ],
    ids=["kgcoop", "eco", "cocoop"],
)
def test_logits_gradients_and_a_step_are_the_published_ones(adapter: Any, slow: Any) -> None:
    backbone, labels = _injected(adapter), torch.tensor([2, 0, 1])
    parts = {name: part.requires_grad_() for name, part in adapter.state().items()}
    image = backbone.image(images()).detach()
    expected, more = slow(backbone, parts, image)
    text = backbone.class_text(NAMES, image=image)
    found = backbone.logit_scale * products(image, text)
    for logits in (found, backbone.classify(image, NAMES)):
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
    loss = functional.cross_entropy(found, labels)
    if hasattr(adapter, "penalty"):
        loss = loss + adapter.penalty(image, labels, text)
    loss.backward()
    (functional.cross_entropy(expected, labels) + more).backward()
    for own, theirs in zip(adapter.parameters(), parts.values(), strict=True):
        torch.testing.assert_close(own.grad, theirs.grad, rtol=1e-3, atol=1e-6)
    for trained in (list(adapter.parameters()), list(parts.values())):
        torch.optim.SGD(trained, lr=2e-3, momentum=0.9, weight_decay=5e-4).step()
    for own, theirs in zip(adapter.parameters(), parts.values(), strict=True):
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-7)
