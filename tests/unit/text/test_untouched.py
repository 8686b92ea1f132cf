"""A text that fits has the same feature, bit for bit, whatever is read beside it and however."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from domainclip.backbones import Backbone, load_backbone
from domainclip.catalogue import load
from domainclip.errors import UsageError
from domainclip.text._tokens import fitting, lengths
from domainclip.text.sentences import Sentences
from tests.data.tiny_towers import make_backbone

WAYS: list[tuple[str, dict[str, Any]]] = [
    ("truncate", {}),
    ("window", {}),
    ("window", {"pool_by": "attention", "sentences": True}),
    ("window", {"pool_by": "max", "most": 1}),
    ("clipmd", {}),
    ("sentences", {"sample": 1.0}),
    ("stretch", {"keep": 5, "length": 160, "untested": True}),
]
WORDS = ["lung", "heart", "effusion", "mild", "left", "right", "opacity", "acute", "bone", "x"]


def texts_for(clip: Backbone) -> list[str]:
    """Short and long ones in turn; one of exactly the context, one more of a token more."""
    room = clip.context_length - 2
    counts = [1, 4 * room, 3, room, 5, room + 1, 0, 9 * room, 8, 2 * room, 10]
    return [" ".join(WORDS[(3 * at + n) % 10] for at in range(n)) for n in counts]


@pytest.fixture(scope="module", params=["vit", "vit_wide", "bert", "timm_siglip", "embedded"])
def clip(request: pytest.FixtureRequest) -> Backbone:
    if request.param == "embedded":
        pytest.importorskip("all_minilm_l6_v2")
        return load_backbone("embedded")
    if request.param == "vit_wide":  # wide enough that rounding depends on the batch
        import open_clip

        torch.manual_seed(0)
        vision = {"layers": 1, "width": 64, "patch_size": 32, "image_size": 64, "head_width": 32}
        text = {"context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 2}
        config: dict[str, Any] = {"embed_dim": 512, "vision_cfg": vision, "text_cfg": text}
        model = open_clip.CLIP(**config).eval()
        tokenizer = open_clip.get_tokenizer("ViT-B-32")
        made: Any = Backbone
        return Backbone(model, made, lambda: tokenizer, name="wide", config=config)
    return make_backbone(str(request.param))


@pytest.mark.parametrize(("name", "options"), WAYS)
def test_short_texts_beside_long_ones_are_untouched(
    clip: Backbone, name: str, options: dict[str, Any]
) -> None:
    texts = texts_for(clip)
    fits = lengths(clip, texts) <= clip.context_length
    assert 0 < int(fits.sum()) < len(texts)
    short = [text for text, each in zip(texts, fits.tolist(), strict=True) if each]
    way = load("text", name)(**options)
    for batch_size in (256, 2):
        mixed = clip.encode_text(texts, long=way, batch_size=batch_size)
        assert torch.equal(mixed[fits], clip.encode_text(short, batch_size=batch_size))
        assert torch.equal(mixed[fits], clip.encode_text(short, long=way, batch_size=batch_size))


def test_what_fits_is_told_from_the_ids(clip: Backbone) -> None:
    texts = [*texts_for(clip), "!", "! " * 300, ""]
    found = fitting(clip, texts, clip.tokenize(texts))
    assert torch.equal(found, lengths(clip, texts) <= clip.context_length)


def test_nothing_is_drawn_where_features_are_asked_for() -> None:
    clip = make_backbone("vit")
    text = "The heart is not enlarged at all here. No effusion. A nodule lies at the apex."
    drawn, every = (clip.encode_text([text], long=Sentences(sample=s)) for s in (1.0, 0.0))
    assert torch.is_grad_enabled() and torch.equal(drawn, every)


def test_a_wrong_overlap_is_refused_at_once_and_names_its_key() -> None:
    clip = make_backbone("vit")
    for name, most in (("window", 13), ("clipmd", 15)):
        with pytest.raises(UsageError, match=f"text.overlap: 80 is not between 0 and {most}"):
            clip.read_long(name, overlap=80)
    with pytest.raises(UsageError, match=r"text\.language: 'xx' has no rules.* give one of am, "):
        clip.read_long("sentences", language="xx")
    assert clip.long == {"name": "truncate"}
