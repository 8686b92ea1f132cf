"""Texts read sentence by sentence."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import normalize

from domainclip.backbones import Backbone
from domainclip.text.sentences import Sentences
from tests.data.tiny_towers import make_backbone

REPORT = [
    "The heart is not enlarged.",
    "No effusion is seen in either of the lungs.",
    "A nodule of 3.4 cm lies at the apex.",
]


@pytest.fixture(scope="module")
def clip() -> Backbone:
    return make_backbone("vit")  # 16 positions


def test_sentences_are_averaged_by_their_tokens(clip: Backbone) -> None:
    tokens = torch.tensor([len(clip.tokenizer.encode(each)) for each in REPORT])
    expected = normalize((clip.encode_text(REPORT) * tokens[:, None]).sum(0), dim=-1)
    found = clip.encode_text([" ".join(REPORT)], long="sentences")[0]
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("kind", ["vit", "bert", "timm_siglip", "coca"])
@pytest.mark.parametrize("pool_by", ["mean", "max", "attention"])
def test_any_tower_and_pool_reads_the_last_sentence(kind: str, pool_by: str) -> None:
    tower = make_backbone(kind)
    strategy = Sentences(pool_by=pool_by)  # type: ignore[arg-type]
    z = strategy.encode(tower, [" ".join(REPORT), " ".join(REPORT[:2]), "a cat"])
    torch.testing.assert_close(z.norm(dim=1), torch.ones(3))
    assert not torch.allclose(z[0], z[1], atol=1e-4)
    torch.testing.assert_close(z[2], tower.encode_text(["a cat"])[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "sentence", ["word " * 100, "無論如何這個句子沒有任何空白而且非常長" * 4, "😀🫁" * 60]
)
def test_a_sentence_beyond_the_context_is_halved_and_none_is_lost(
    clip: Backbone, sentence: str
) -> None:
    pieces = Sentences().pieces(clip, [sentence])
    eot = clip.tokenizer.eot_token_id
    assert len(pieces) > 1
    assert (pieces.ids == eot).sum() == len(pieces)
    content = sum(len(clip.tokenizer.encode(part)) for part in sentence.split())
    assert int(pieces.weights.sum()) >= content
    assert int(pieces.weights.max()) <= clip.context_length - 2


def test_a_training_step_may_draw_one_sentence(clip: Backbone) -> None:
    always, texts = Sentences(sample=1.0), [" ".join(REPORT), "a cat"]
    torch.manual_seed(0)
    drawn = [always.pieces(clip, texts) for _ in range(20)]
    assert {len(each) for each in drawn} == {2}
    plain = clip.tokenize(REPORT).tolist()
    rows = [plain.index(each.ids[0].tolist()) for each in drawn]
    assert set(rows) == {0, 1, 2}
    torch.manual_seed(0)
    again = [plain.index(always.pieces(clip, texts).ids[0].tolist()) for _ in range(20)]
    assert rows == again
    assert len(Sentences(sample=0.0).pieces(clip, texts)) == 4
    with torch.no_grad():
        assert len(always.pieces(clip, texts)) == 4
