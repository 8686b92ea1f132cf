"""Every registered text strategy, through one protocol."""

from __future__ import annotations

import pytest
import torch

from domainclip.backbones import Backbone, load_backbone
from domainclip.catalogue import entries, load
from domainclip.errors import UsageError
from domainclip.text.window import Window
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import make_backbone

STRATEGIES = [entry.name for entry in entries("text")]
LONG = " ".join(f"finding {number} of the left lung" for number in range(60))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(str(write_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny")))


@pytest.mark.parametrize("name", STRATEGIES)
def test_rows_are_unit_and_in_order(name: str, clip: Backbone) -> None:
    texts = ["a", LONG, "", "b c", LONG + " more"]
    z = load("text", name)().encode(clip, texts, batch_size=2)
    assert z.shape == (5, clip.embed_dim)
    assert z.dtype == torch.float32
    torch.testing.assert_close(z.norm(dim=1), torch.ones(5))
    for row, text in enumerate(texts):
        alone = load("text", name)().encode(clip, [text])
        torch.testing.assert_close(z[row : row + 1], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_text_that_fits_is_what_the_tower_says(name: str, clip: Backbone) -> None:
    texts = ["a photo of a cat.", "x"]
    with torch.no_grad():
        plain = clip.model.encode_text(clip.tokenize(texts), normalize=True)
    found = load("text", name)().encode(clip, texts)
    torch.testing.assert_close(found, plain, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", STRATEGIES)
def test_no_texts_give_no_rows(name: str, clip: Backbone) -> None:
    assert load("text", name)().encode(clip, []).shape == (0, clip.embed_dim)


def test_windows_cover_every_token_once(clip: Backbone) -> None:
    strategy = Window(overlap=7)
    content = clip.tokenizer.encode(LONG)
    windows = strategy.pieces(clip, [LONG])
    assert windows.weights.sum() == len(content)
    rebuilt: list[int] = []
    for ids, new in zip(windows.ids, windows.weights.int().tolist(), strict=True):
        inner = ids[1 : int((ids == 49407).int().argmax())].tolist()
        assert ids[0] == 49406
        rebuilt += inner[len(inner) - new :]
    assert rebuilt == content


def test_windows_see_the_end_that_truncation_drops(clip: Backbone) -> None:
    other = LONG + " and a pneumothorax at the very end of the report"
    cut = clip.encode_text([LONG, other])
    read = clip.encode_text([LONG, other], long="window")
    torch.testing.assert_close(cut[0], cut[1])
    assert not torch.allclose(read[0], read[1], atol=1e-4)


def test_windows_weigh_by_the_tokens_they_add(clip: Backbone) -> None:
    windows = Window(overlap=0).pieces(clip, [LONG])
    z = clip.encode_ids(windows.ids)
    expected = torch.nn.functional.normalize((z * windows.weights[:, None]).sum(0), dim=-1)
    torch.testing.assert_close(clip.encode_text([LONG], long=Window(overlap=0))[0], expected)


def test_an_overlap_as_long_as_the_window_is_refused(clip: Backbone) -> None:
    with pytest.raises(UsageError, match="overlap"):
        clip.encode_text([LONG], long=Window(overlap=75))


def test_windows_on_a_tower_of_another_length() -> None:
    backbone = make_backbone("vit")  # 16 positions
    z = backbone.encode_text([LONG], long="window")
    torch.testing.assert_close(z.norm(dim=1), torch.ones(1))
