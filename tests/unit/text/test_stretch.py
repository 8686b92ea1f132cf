"""Stretched positions: towers of every kind, gradients, and what is refused."""

from __future__ import annotations

import pytest
import torch

from domainclip.backbones import Backbone
from domainclip.errors import UsageError
from domainclip.text._protocol import PieceEncoder
from domainclip.text.stretch import Stretch
from tests.data.tiny_towers import make_backbone

LONG = " ".join(f"finding {number} of the left lung" for number in range(5))  # 30 tokens
SHORT = "a cat"
TO_40 = Stretch(keep=5, length=40)


def test_the_end_of_a_long_text_is_read() -> None:
    clip = make_backbone("vit")
    read = clip.encode_text([LONG, LONG + " and pneumothorax", LONG * 9], long=TO_40)
    assert not torch.allclose(read[0], read[1], atol=1e-4)
    count, share = TO_40.lost(clip, [LONG, LONG * 9, SHORT])
    assert count == 1 and 0 < share < 1


def test_gradients_reach_the_towers_own_positions() -> None:
    clip = make_backbone("vit")
    table = clip.model.positional_embedding
    z = _features(clip, [LONG + " and of the right", SHORT])
    (gradient,) = torch.autograd.grad(z.sum(dim=1).square().sum(), table)
    assert (gradient.abs().sum(dim=1) > 0).all()


def test_a_batch_of_long_and_short_equals_each_alone() -> None:
    for kind, strategy in (("vit", TO_40), ("timm_vit", TO_40), ("bert", Stretch()),
                           ("timm_siglip", Stretch(keep=5, length=40, untested=True))):  # fmt: skip
        clip = make_backbone(kind)
        texts = [LONG, SHORT, LONG + " x"]
        joint = _features(clip, texts, strategy)
        alone = torch.cat([_features(clip, [text], strategy) for text in texts])
        torch.testing.assert_close(joint, alone, rtol=0, atol=1e-5)
        plain = clip.encode_text([SHORT])
        torch.testing.assert_close(joint[1:2].detach(), plain, rtol=0, atol=1e-5)


def test_bert_is_read_on_all_its_positions_and_no_more() -> None:
    bert = make_backbone("bert")  # 512 positions, of which its config reads 16
    texts = [LONG * 30, LONG * 30 + " x", LONG, LONG + " x"]
    assert Stretch().pieces(bert, texts).ids.shape == (4, 512)
    read = bert.encode_text(texts, long=Stretch())
    assert not torch.allclose(read[2], read[3], atol=1e-5)
    assert Stretch().lost(bert, texts)[0] == 2


def test_towers_that_cannot_be_stretched_say_so() -> None:
    with pytest.raises(UsageError, match="untested=true"):
        make_backbone("timm_siglip").encode_text([LONG], long=TO_40)
    with pytest.raises(UsageError, match="use long='window'"):
        make_backbone("coca").encode_text([LONG], long=TO_40)
    with pytest.raises(UsageError, match=r"text\.keep: 20 is not between 0 and 14"):
        make_backbone("vit").encode_text([LONG], long="stretch")


def test_no_longer_than_the_tower_is_the_tower_itself() -> None:
    clip = make_backbone("vit")
    same = clip.encode_text([LONG, SHORT], long=Stretch(keep=5, length=16))
    assert torch.equal(same, clip.encode_text([LONG, SHORT]))


def test_a_stretch_to_less_than_the_tower_has_is_refused() -> None:
    with pytest.raises(UsageError, match=r"text\.length: 10 is less than the 16 positions"):
        make_backbone("vit").read_long("stretch", keep=5, length=10)
    with pytest.raises(UsageError, match=r"text\.length: 10 positions are no stretch"):
        Stretch(length=10)
    assert make_backbone("bert").read_long("stretch").long == {"name": "stretch"}


def _features(clip: Backbone, texts: list[str], strategy: PieceEncoder = TO_40) -> torch.Tensor:
    return strategy.read(clip, strategy.pieces(clip, texts).ids)
