"""Methods that learn from a text bank against their published arithmetic, written out slowly."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.adapters.biomedcoop import BiomedCoOp
from domainclip.adapters.vdt import VDT
from domainclip.backbones import Backbone
from tests.data.tiny_towers import images, make_backbone

NAMES = ["cat", "polar bear", "sea"]
WORDS = ["fur", "whiskers", "paws", "ice", "snow", "seals", "waves", "ships", "foam", "ears"]
TEXTS = {
    name: [f"{name} with {first} and {second}" for first, second in
           zip(WORDS[shift:] + WORDS[:shift], WORDS[2 * shift + 1 :] + WORDS, strict=False)]
    for shift, name in enumerate(NAMES)
}  # fmt: skip


def _injected(adapter: Any, kind: str = "vit") -> Backbone:
    backbone = make_backbone(kind)
    adapter.for_classes(NAMES, ["a photo of a {}."])
    adapter.inject(backbone)
    return backbone


def _raw(backbone: Backbone, text: str) -> Tensor:
    """The plain text tower on all positions of one sentence, (d,)."""
    with torch.no_grad():
        features: Tensor = backbone.model.encode_text(backbone.tokenize([text]))
    return features[0]


def _biomedcoop(backbone: Backbone, image: Tensor, text: Tensor, options: BiomedCoOp) -> Tensor:
    """The released arithmetic, sentence by sentence, with the median that cancels."""
    scale = backbone.logit_scale
    with torch.no_grad():
        bank = torch.stack([
            torch.stack([_raw(backbone, sentence) for sentence in TEXTS[name]]) for name in NAMES
        ])  # fmt: skip
        bank = bank / bank.norm(dim=-1, keepdim=True)
        scores = []
        for n in range(bank.shape[1]):
            best = [max(float(scale * x @ bank[c, n]) for c in range(3)) for x in image]
            scores.append(sum(best) / len(best))
        median = sorted(scores)[(len(scores) - 1) // 2]
        mad = sorted(abs(s - median) for s in scores)[(len(scores) - 1) // 2]
        z = [(s - median) / mad for s in scores]
        mean = sum(z) / len(z)
        std = math.sqrt(sum((v - mean) ** 2 for v in z) / (len(z) - 1))
        kept = [n for n, v in enumerate(z) if abs((v - mean) / std) <= options.tau]
        assert 0 < len(kept) < len(z)
        chosen = bank[:, kept].mean(1)
        chosen = chosen / chosen.norm(dim=-1, keepdim=True)
        taught = bank.mean(1)
        taught = taught / taught.norm(dim=-1, keepdim=True)
        q = (scale * image @ chosen.T).softmax(1)
    p = (scale * image @ text.T).softmax(1)
    sccm = ((text - taught) ** 2).sum() / text.numel()
    kdsp = (q * (q.log() - p.log())).sum() / q.numel()
    return options.sccm * sccm + options.kdsp * kdsp


@pytest.mark.parametrize("tau", [1.0, 1.5])
@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_biomedcoop_loss_gradient_and_step(kind: str, tau: float) -> None:
    adapter = BiomedCoOp(texts=TEXTS, sccm=0.75, kdsp=2.0, tau=tau, init="", n_ctx=3)
    backbone = _injected(adapter, kind)
    (context,) = adapter.parameters()
    image, labels = backbone.image(images(4)).detach(), torch.tensor([0, 1, 2, 1])
    gradients, penalties, starts = [], [], context.detach().clone()
    for slow in (True, False):
        text = backbone.class_text(NAMES)
        penalty = (
            _biomedcoop(backbone, image, text, adapter)
            if slow
            else adapter.penalty(image, labels, text)
        )
        loss = functional.cross_entropy(backbone.cosines(image, text), labels) + penalty
        (gradient,) = torch.autograd.grad(loss, context)
        gradients.append(gradient)
        penalties.append(penalty.detach())
    torch.testing.assert_close(penalties[1], penalties[0], rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-3, atol=1e-6)
    context.grad = gradients[1]
    torch.optim.SGD([context], lr=2.5e-3, momentum=0.9, weight_decay=5e-4).step()
    expected = starts - 2.5e-3 * (gradients[0] + 5e-4 * starts)
    torch.testing.assert_close(context.detach(), expected, rtol=1e-4, atol=1e-7)


def test_biomedcoop_takes_as_many_sentences_as_the_shortest_class_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fewer = {name: texts[: 5 + 2 * at] for at, (name, texts) in enumerate(TEXTS.items())}
    equal = {name: texts[:5] for name, texts in TEXTS.items()}
    image, found = torch.nn.functional.normalize(torch.randn(4, 32), dim=-1), []
    for texts in (fewer, equal):
        adapter = BiomedCoOp(texts=texts, init="", n_ctx=2)
        backbone = _injected(adapter)
        found.append(adapter.penalty(image, torch.zeros(4), backbone.class_text(NAMES)))
    assert torch.equal(*found)
    assert "have 5 to 9 sentences; the first 5 of each" in caplog.text


@pytest.mark.parametrize("count", [1, 2])
def test_biomedcoop_keeps_every_sentence_where_scores_do_not_differ(count: int) -> None:
    """One sentence a class has no deviation, where the released code divides by zero."""
    texts = {name: sentences[:1] * count for name, sentences in TEXTS.items()}
    adapter = BiomedCoOp(texts=texts, init="", n_ctx=2, kdsp=1.0, sccm=0.0)
    backbone = _injected(adapter)
    text, image = backbone.class_text(NAMES), backbone.image(images()).detach()
    rows = torch.stack([_raw(backbone, texts[name][0]) for name in NAMES])
    teacher = backbone.logit_scale * image @ functional.normalize(rows, dim=-1).T
    student = backbone.logit_scale * image @ text.T
    expected = (teacher.softmax(1) * (teacher.log_softmax(1) - student.log_softmax(1))).mean()
    found = adapter.penalty(image, torch.zeros(3), text)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


class _SelfAttention(nn.Module):
    """CLIP-A-self with ordinary layers, one class at a time."""

    def __init__(self, parts: dict[str, Tensor], ratio: float) -> None:
        super().__init__()
        inner, d = parts["query"].shape
        self.q, self.k, self.v = (nn.Linear(d, inner, bias=False) for _ in range(3))
        self.fc, self.norm, self.ratio = nn.Linear(inner, d), nn.LayerNorm(d), ratio
        with torch.no_grad():
            for layer, name in ((self.q, "query"), (self.k, "key"), (self.v, "value"),
                                (self.fc, "out")):  # fmt: skip
                layer.weight.copy_(parts[name])
            self.fc.bias.copy_(parts["bias"])

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        rows = []
        for i in range(len(x)):
            weights = torch.stack([q[i] @ k[j] for j in range(len(x))]) / math.sqrt(q.shape[1])
            mixed = sum(w * v[j] for j, w in enumerate(weights.softmax(0)))
            rows.append(self.norm(2 * (self.ratio * self.fc(mixed) + (1 - self.ratio) * x[i])))
        mean = torch.stack(rows).sum(0) / len(rows)
        return mean / mean.norm()


@pytest.mark.parametrize("ratio", [0.2, 0.7])
@pytest.mark.parametrize("kind", ["vit", "bert"])
def test_vdt_logits_gradients_and_step(kind: str, ratio: float) -> None:
    texts = {name: texts[: 4 + at] for at, (name, texts) in enumerate(TEXTS.items())}
    adapter = VDT(texts=texts, ratio=ratio)
    backbone = _injected(adapter, kind)
    parts = dict(adapter._in().named_parameters())
    assert parts["query"].shape == (8, 32) and parts["out"].shape == (32, 8)
    slow = _SelfAttention({n: p.detach() for n, p in parts.items()}, ratio)
    image, labels = backbone.image(images()).detach(), torch.tensor([2, 0, 1])
    rows = [torch.stack([_raw(backbone, text) for text in texts[name]]) for name in NAMES]
    expected = backbone.logit_scale * image @ torch.stack([slow(x) for x in rows]).T
    found = backbone.cosines(image, backbone.class_text(NAMES))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    functional.cross_entropy(found, labels).backward()
    functional.cross_entropy(expected, labels).backward()
    pairs = {"query": slow.q.weight, "key": slow.k.weight, "value": slow.v.weight,
             "out": slow.fc.weight, "bias": slow.fc.bias, "norm.weight": slow.norm.weight,
             "norm.bias": slow.norm.bias}  # fmt: skip
    assert set(pairs) == set(parts)
    optimizers = [torch.optim.SGD(list(p), lr=2e-3, momentum=0.9, weight_decay=5e-4)
                  for p in (parts.values(), pairs.values())]  # fmt: skip
    for name, theirs in pairs.items():
        torch.testing.assert_close(parts[name].grad, theirs.grad, rtol=1e-3, atol=1e-6)
    for optimizer in optimizers:
        optimizer.step()
    for name, theirs in pairs.items():
        torch.testing.assert_close(parts[name], theirs, rtol=1e-4, atol=1e-7)


def test_vdt_starts_as_published_and_drops_in_training_only() -> None:
    backbone = make_backbone("vit")
    state = torch.random.get_rng_state()
    adapter = VDT(texts=TEXTS, seed=3)
    adapter.for_classes(NAMES, [])
    adapter.inject(backbone)
    assert torch.equal(torch.random.get_rng_state(), state)  # its own generator
    parts = dict(adapter._in().named_parameters())
    for name, gain in (("query", 1.0), ("key", 1.0), ("value", 0.67), ("out", 0.67)):
        expected = gain * math.sqrt(2 / (32 + 8))
        assert float(parts[name].detach().std()) == pytest.approx(expected, rel=0.2), name
    assert float(parts["bias"].detach().abs().max()) <= 8**-0.5
    plain = backbone.class_text(NAMES)
    assert torch.equal(backbone.class_text(NAMES), plain)
    adapter.train()
    assert not torch.equal(backbone.class_text(NAMES), plain)
    adapter.eval()
    assert torch.equal(backbone.class_text(NAMES), plain)
