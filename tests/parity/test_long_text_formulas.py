"""Long-text strategies against direct transcriptions of what their papers' code computes."""

from __future__ import annotations

import open_clip
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from domainclip.backbones import Backbone, load_backbone
from domainclip.text._positions import stretched
from domainclip.text.stretch import Stretch
from domainclip.text.window import Window
from tests.data.tiny_clip import CONFIG, write_tiny_clip

SHORT = ["a photo of a cat.", "", "x"]
LONG = [" ".join(f"finding {n} of the left lung" for n in range(count)) for count in (13, 30, 61)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return load_backbone(str(write_tiny_clip(tmp_path_factory.mktemp("clip") / "tiny")))


def test_clipmd_equals_its_authors_arithmetic(clip: Backbone) -> None:
    texts = [SHORT[0], *LONG, SHORT[1]]
    expected = torch.cat([_clipmd(clip, text) for text in texts])
    found = clip.encode_text(texts, long="clipmd")
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("content", range(74, 79))
def test_clipmd_at_the_edge_of_the_context(clip: Backbone, content: int) -> None:
    text = " ".join(["cat"] * content)
    found = clip.encode_text([text], long="clipmd")
    torch.testing.assert_close(found, _clipmd(clip, text), rtol=1e-4, atol=1e-6)


def _clipmd(clip: Backbone, text: str) -> Tensor:
    """(1, d): ``embed_text`` of the authors' ClipMDModel.py, for one text."""
    ids = torch.tensor([49406, *clip.tokenizer.encode(text), 49407])
    windows = []
    if len(ids) > 77:
        windows += list(ids.unfold(0, 77, 70))
        ids = ids[70 * len(windows) :]
    if len(ids) > 0:
        last = torch.full((77,), 49407)
        last[: len(ids)] = ids
        windows.append(last)
    with torch.no_grad():
        z = clip.model.encode_text(torch.stack(windows), normalize=False)
    return normalize(z.mean(0, keepdim=True), dim=-1)


def test_the_stretched_table_is_long_clips_closed_form() -> None:
    p = torch.randn(77, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rows = [p[i] for i in range(20)]
    rows += [(1 - r / 4) * p[20 + i] + r / 4 * p[21 + i] for i in range(56) for r in range(4)]
    rows += [p[76] + r / 4 * (p[76] - p[75]) for r in range(4)]
    found = stretched(p, 20, 248)
    assert found.shape == (248, 3)
    torch.testing.assert_close(found, torch.stack(rows), rtol=0, atol=1e-9)
    assert torch.equal(found[:20], p[:20])


@pytest.mark.parametrize(("t", "keep", "length"), [(77, 20, 77), (16, 5, 41), (16, 0, 17)])
def test_any_keep_and_length_lie_on_straight_lines(t: int, keep: int, length: int) -> None:
    p = torch.randn(t, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = stretched(p, keep, length)
    for j in range(length):
        at = j if j < keep else keep + (j - keep) * (t - keep) / (length - keep)
        below = min(int(at + 1e-9), t - 2)
        expected = p[below] + (at - below) * (p[below + 1] - p[below])
        torch.testing.assert_close(found[j], expected, rtol=0, atol=1e-9)


def test_a_stretched_tower_equals_one_that_was_built_with_the_table(clip: Backbone) -> None:
    longer = open_clip.CLIP(**{**CONFIG, "text_cfg": {**CONFIG["text_cfg"], "context_length": 248}})
    state = clip.model.state_dict()
    state["positional_embedding"] = stretched(state["positional_embedding"], 20, 248)
    longer.load_state_dict(state)
    with torch.no_grad():
        ids = clip.tokenizer([*SHORT, *LONG], context_length=248)
        expected = longer.eval().encode_text(ids, normalize=True)
    every = clip.encode_text([*SHORT, *LONG], long=Stretch(every_text=True))
    torch.testing.assert_close(every, expected, rtol=1e-4, atol=1e-6)
    found = clip.encode_text([*SHORT, *LONG], long="stretch")
    torch.testing.assert_close(found[3:], expected[3:], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found[:3], clip.encode_text(SHORT), rtol=0, atol=1e-6)


def test_windows_equal_a_loop_over_windows(clip: Backbone) -> None:
    expected = []
    for text in LONG:
        content = clip.tokenizer.encode(text)
        total, stop, start = torch.zeros(1, clip.embed_dim), 0, 0
        while stop < len(content):
            new = min(start + 75, len(content))
            ids = torch.zeros(1, 77, dtype=torch.int64)
            part = [49406, *content[start:new], 49407]
            ids[0, : len(part)] = torch.tensor(part)
            with torch.no_grad():
                z = clip.model.encode_text(ids, normalize=True)
            total, stop, start = total + (new - stop) * z, new, new - 7
        expected.append(normalize(total, dim=-1))
    found = clip.encode_text(LONG, long=Window(overlap=7))
    torch.testing.assert_close(found, torch.cat(expected), rtol=1e-4, atol=1e-6)


def test_texts_that_fit_are_the_towers_own_bit_for_bit(clip: Backbone) -> None:
    for name in ("window", "clipmd", "stretch", "sentences"):
        assert torch.equal(clip.encode_text(SHORT, long=name), clip.encode_text(SHORT)), name
