"""How long texts are read stays with what was trained so, and leaves with it."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch

from domainclip.adapters.lora import LoRA
from domainclip.adapters.storage import load_adapter, save_adapter
from domainclip.backbones import Backbone, load_backbone
from domainclip.backbones._folder import CONFIG
from domainclip.errors import BadInput, UnsafeFile
from tests.data.tiny_clip import write_tiny_clip

LONG = " ".join(f"finding {number} of the left lung" for number in range(60))
WINDOW = {"name": "window", "overlap": 20}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_clip(tmp_path / "clip")


@pytest.fixture
def saved(folder: Path, tmp_path: Path) -> Path:
    """An adapter that was trained in windows."""
    clip = load_backbone(str(folder)).read_long("window", overlap=20)
    adapter = LoRA(rank=2, towers=("text",))
    adapter.inject(clip)
    return save_adapter(tmp_path / "adapter", adapter, "lora", clip)


def fresh(folder: Path) -> Backbone:
    return load_backbone(str(folder))


def test_a_merged_model_reads_as_it_was_trained(folder: Path, saved: Path, tmp_path: Path) -> None:
    clip = fresh(folder)
    load_adapter(saved, clip).merge()
    assert clip.long == WINDOW
    merged = load_backbone(str(clip.save(tmp_path / "merged")))
    assert merged.long == WINDOW and not merged.reading.chosen
    assert torch.equal(merged.encode_text([LONG]), clip.encode_text([LONG]))
    again = load_backbone(str(merged.save(tmp_path / "again")))
    assert again.long == WINDOW
    open_clip.create_model(f"local-dir:{tmp_path / 'merged'}")  # which knows nothing of it
    assert "long_text" not in json.loads(
        (fresh(folder).save(tmp_path / "cut") / CONFIG).read_text()
    )


def test_eject_gives_back_what_was_before(folder: Path, saved: Path) -> None:
    clip = fresh(folder)
    before = clip.encode_text([LONG])
    for _ in range(2):
        adapter = load_adapter(saved, clip)
        assert clip.long == WINDOW
        adapter.eject()
        assert clip.long == {"name": "truncate"}
        assert torch.equal(clip.encode_text([LONG]), before)
    assert set(vars(adapter)) >= {"rank"} and "_injected" in vars(adapter)
    adapter.inject(clip)  # by hand: nothing is set
    adapter.eject()
    assert clip.long == {"name": "truncate"}


def test_the_adapters_way_wins_over_an_earlier_choice_and_says_so(
    folder: Path, saved: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = fresh(folder).read_long("sentences")
    adapter = load_adapter(saved, clip)
    assert clip.long == WINDOW
    (said,) = [r.getMessage() for r in caplog.records if "long texts" in r.getMessage()]
    assert "read by window" in said and "no longer by sentences" in said
    adapter.eject()
    assert clip.long == {"name": "sentences"}
    caplog.clear()
    load_adapter(saved, fresh(folder)).eject()
    load_adapter(saved, fresh(folder).read_long("window", overlap=20)).eject()
    assert not [r for r in caplog.records if "long texts" in r.getMessage()]


def test_a_later_choice_wins_and_outlives_the_adapter(folder: Path, saved: Path) -> None:
    clip = fresh(folder)
    adapter = load_adapter(saved, clip)
    clip.read_long("sentences")
    adapter.eject()
    assert clip.long == {"name": "sentences"}
    load_adapter(saved, clip).merge()
    assert clip.long == WINDOW


def test_an_ejected_adapter_lets_pictures_be_cut_again(folder: Path, tmp_path: Path) -> None:
    clip = fresh(folder).see_whole()
    adapter = LoRA(rank=2)
    adapter.inject(clip)
    saved = save_adapter(tmp_path / "whole", adapter, "lora", clip)
    other = fresh(folder)
    loaded = load_adapter(saved, other)
    assert other.whole
    loaded.eject()
    assert not other.whole
    still = fresh(folder).see_whole()
    load_adapter(saved, still).eject()
    assert still.whole


@pytest.mark.parametrize("text", [3, {"name": "nonsense"}, {"name": "window", "overlap": 80}])
def test_a_wrong_description_is_refused_and_leaves_nothing(
    folder: Path, saved: Path, text: object
) -> None:
    path = saved / "adapter.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "text": text}))
    clip = fresh(folder)
    with pytest.raises(BadInput, match="'text'"):
        load_adapter(saved, clip)
    assert clip.state_dict_plain().keys() == clip.model.state_dict().keys()
    config = folder / CONFIG
    config.write_text(json.dumps({**json.loads(config.read_text()), "long_text": text}))
    with pytest.raises(BadInput, match="'long_text'"):
        load_backbone(str(folder))


def test_code_that_reads_texts_is_not_run_unasked(
    folder: Path, saved: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("from domainclip.text.window import Window as Mine\n__all__ = ['Mine']\n")
    path = saved / "adapter.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "text": {"name": str(mine)}}))
    with pytest.raises(UnsafeFile, match="read_long"):
        load_adapter(saved, fresh(folder))
    clip = fresh(folder).read_long(str(mine))
    load_adapter(saved, clip).merge()
    merged = load_backbone(str(clip.save(tmp_path / "merged")))
    assert merged.long == {"name": "truncate"}
    assert any("Long texts are cut until then" in r.getMessage() for r in caplog.records)
