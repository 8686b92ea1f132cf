"""What an encoder keeps of frozen towers is the same whatever was read beside it."""

from __future__ import annotations

import pytest
import torch

from domainclip.catalogue import load
from domainclip.training._encoder import Encoder
from tests.data.tiny_towers import make_backbone

TEXTS = ["a cat", "a photo of two dogs beside a very long river", "sea", "the left lung " * 40]


def encoder(kind: str, long: str) -> Encoder:
    backbone = make_backbone(kind)
    backbone.model.requires_grad_(False)
    found = Encoder(backbone, raw=False, long=load("text", long)(), chunk=None, same_views=True)
    found.forget(text_trained=False)
    found.image_trained = False
    return found


@pytest.mark.parametrize("kind, long", [("vit", "truncate"), ("vit", "window"), ("bert", "window")])
def test_captions(kind: str, long: str) -> None:
    """A run that goes on after an interruption meets them in other batches."""
    whole = encoder(kind, long).captions(TEXTS)
    later = encoder(kind, long)
    later.captions([TEXTS[3], "what another batch holds"])
    assert torch.equal(later.captions(TEXTS[::-1]), whole.flip(0))


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_images(kind: str) -> None:
    towers = encoder(kind, "truncate"), encoder(kind, "truncate")
    x = torch.rand(5, 3, 64, 64)
    whole = towers[0].image("abcde", x)
    towers[1].image("cx", torch.cat([x[2:3], torch.rand_like(x[:1])]))
    assert torch.equal(towers[1].image("edcba", x.flip(0)), whole.flip(0))


def test_a_tower_that_trains_keeps_nothing() -> None:
    trained = encoder("vit", "truncate")
    trained.backbone.model.requires_grad_(True)
    trained.image_trained = True
    x = torch.rand(2, 3, 64, 64)
    assert trained.image("ab", x).requires_grad and trained.image("ab", x).requires_grad
