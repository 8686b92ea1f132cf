"""Texts that no one means to write: each strategy reads them in bounded time, or says why not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from domainclip.backbones import Backbone, load_backbone
from domainclip.backbones._words import breakable
from domainclip.catalogue import entries, load
from domainclip.text._tokens import spread
from domainclip.text.truncate import Truncate
from domainclip.text.window import Window
from tests.data.tiny_clip import write_tiny_clip

NAMES = [entry.name for entry in entries("text")]
HARD = {
    "nothing": "",
    "blanks": " \n\t ",
    "one word": "a" * 10**6,
    "one line": "_" * 10**5,
    "prose": "The left lung is clear. " * 4000,
    "tibetan": "བོད་ཡིག་" * 2000,
    "emoji": "😀" * 5000,
    "marks": "<end_of_text> <start_of_text> " * 200,
    "no bytes": "\x00\ud800" * 200,
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder: Path = tmp_path_factory.mktemp("clip") / "tiny"
    return load_backbone(str(write_tiny_clip(folder)))


@pytest.mark.parametrize("text", HARD)
@pytest.mark.parametrize("name", NAMES)
def test_hard_texts_have_a_feature(name: str, text: str, clip: Backbone) -> None:
    texts = [HARD[text], "a cat", HARD[text]]
    strategy = load("text", name)()
    assert len(strategy.pieces(clip, texts)) <= 2 * 64 + 1
    z = strategy.encode(clip, texts)
    torch.testing.assert_close(z.norm(dim=1), torch.ones(3))
    assert torch.equal(z[0], z[2]) or torch.allclose(z[0], z[2], atol=1e-6)
    torch.testing.assert_close(z[1], clip.encode_text(["a cat"])[0], rtol=0, atol=1e-5)


def test_windows_of_an_endless_text_are_spread_evenly(clip: Backbone) -> None:
    text = " ".join(str(number) for number in range(3000))
    every = Window(most=10**6).pieces(clip, [text])
    some = Window(most=5).pieces(clip, [text])
    chosen = spread(len(every), 5)
    assert len(some) == 5 and chosen[0] == 0 and chosen[-1] == len(every) - 1
    assert torch.equal(some.ids, every.ids[chosen])
    assert torch.equal(some.weights, every.weights[chosen])


def test_only_overlong_words_are_broken(clip: Backbone) -> None:
    plain = "It's a 3.4 cm nodule, " + "x" * 256 + " 😀" * 300 + " 1" * 300
    assert breakable(clip.tokenizer, [plain]) == [plain]
    (broken,) = breakable(clip.tokenizer, ["a " + "y" * 600])
    assert [len(word) for word in broken.split()] == [1, 256, 256, 88]
    assert breakable(object(), ["y" * 600]) == ["y" * 600]


def test_what_truncation_loses_is_counted(clip: Backbone) -> None:
    assert Truncate().lost(clip, ["a cat", "cat " * 150, ""]) == (
        1,
        pytest.approx(75 / (4 + 152 + 2)),
    )
    assert Truncate().lost(clip, []) == (0, 0.0)
