"""Loading a backbone: what is right loads, the rest ends in a sentence, and nothing is run."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from domainclip.backbones import load_backbone
from domainclip.errors import BadInput, DomainclipError, UnknownName, UnsafeFile, UsageError
from tests.data.tiny_clip import CONFIG, write_tiny_clip

WEIGHTS = "open_clip_model.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_clip(tmp_path / "tiny")


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> str:
    """A tiny model that open_clip knows by name, as a large one of its own."""
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "ViT-tiny-test", CONFIG)
    return "ViT-tiny-test"


class Bomb:
    """Leaves a mark where its pickle is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
def test_a_checkpoint_file_gives_its_weights(named: str, folder: Path, suffix: str) -> None:
    tensors = load_file(folder / WEIGHTS)
    path = folder / f"mine{suffix}"
    if suffix == ".pt":  # as open_clip's training writes them, under DDP's prefix
        torch.save({"state_dict": {f"module.{k}": v for k, v in tensors.items()}, "epoch": 3}, path)
    else:
        save_file(tensors, path)
    backbone = load_backbone(named, path)
    assert backbone.weights_hash() == load_backbone(str(folder)).weights_hash()
    assert not backbone.model.training


def test_no_tag_gives_random_weights_and_the_agreed_preprocessing(named: str) -> None:
    assert load_backbone(named).mean == pytest.approx(open_clip.OPENAI_DATASET_MEAN)
    siglip = load_backbone("ViT-B-16-SigLIP")
    assert siglip.mean == (0.5, 0.5, 0.5)
    assert siglip.logit_bias is not None


def test_a_tag_trained_with_quick_gelu_gets_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored(*arguments: Any) -> Path:
        return folder / WEIGHTS

    name = "ViT-tiny-test"
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, name, CONFIG)
    described = {"hf_hub": "org/repo/", "quick_gelu": True, "mean": (0.1, 0.2, 0.3)}
    monkeypatch.setattr(open_clip, "get_pretrained_cfg", lambda model, tag: described)
    monkeypatch.setattr("domainclip.backbones.load.fetch", stored)
    backbone = load_backbone(name, "openai")
    kinds = {type(module).__name__ for module in backbone.model.modules()}
    assert "QuickGELU" in kinds
    assert backbone.mean == (0.1, 0.2, 0.3)


def test_a_hub_repository_from_the_local_copy(folder: Path, tmp_path: Path) -> None:
    """As huggingface_hub lays it out; no network is asked for what is stored."""
    snapshot = tmp_path / "hub" / "models--org--tiny" / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    refs = snapshot.parents[1] / "refs"
    refs.mkdir()
    (refs / "main").write_text("0" * 40)
    for file in folder.iterdir():
        shutil.copy(file, snapshot)
    backbone = load_backbone("hf-hub:org/tiny", cache_dir=tmp_path / "hub")
    assert backbone.weights_hash() == load_backbone(str(folder)).weights_hash()


def test_a_hub_out_of_reach_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BadInput, match=r"org/none.*cannot be reached.*embedded"):
        load_backbone("hf-hub:org/none", cache_dir=tmp_path)
    with pytest.raises(BadInput, match=r"laion.*cannot be reached"):
        load_backbone("ViT-B-32", "laion2b_s34b_b79k", cache_dir=tmp_path)


def test_unknown_names_show_the_nearest() -> None:
    with pytest.raises(UnknownName, match="ViT-B-16"):
        load_backbone("ViT-B-61")
    with pytest.raises(UnknownName, match="embedded"):
        load_backbone("embeded")
    with pytest.raises(UnknownName, match="openai"):
        load_backbone("ViT-B-32", "openia")


def test_wrong_calls() -> None:
    with pytest.raises(UsageError, match="brings its own weights"):
        load_backbone("embedded", "openai")
    with pytest.raises(BadInput, match="no such folder"):
        load_backbone("/nowhere/at/all")
    with pytest.raises(BadInput, match=r"gone\.pt"):
        load_backbone("ViT-B-32", "gone.pt")


def test_wrong_device_and_dtype(folder: Path) -> None:
    with pytest.raises(UsageError, match="float16"):
        load_backbone(str(folder), dtype="float23")
    with pytest.raises(UsageError, match="dtype"):
        load_backbone(str(folder), dtype="int64")
    with pytest.raises(UsageError, match="device"):
        load_backbone(str(folder), device="toaster")


def test_bfloat16_weights_give_float32_features(folder: Path) -> None:
    backbone = load_backbone(str(folder), dtype="bfloat16")
    assert backbone.dtype == torch.bfloat16
    z = backbone.encode_image(torch.zeros(2, 3, 16, 16))
    assert z.dtype == torch.float32
    torch.testing.assert_close(z.norm(dim=1), torch.ones(2))


@pytest.mark.parametrize("name", ["bomb.pt", "bomb.bin", "bomb.safetensors"])
def test_a_pickle_with_more_than_tensors_is_not_opened(
    named: str, tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "mark"
    torch.save({"state_dict": {"x": torch.zeros(1)}, "more": Bomb(mark)}, tmp_path / name)
    with pytest.raises(UnsafeFile, match=name):
        load_backbone(named, tmp_path / name)
    assert not mark.exists()


def test_a_bare_pickle_is_not_opened(named: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "old.pt").write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(DomainclipError, match=r"old\.pt"):
        load_backbone(named, tmp_path / "old.pt")
    assert not mark.exists()


def test_a_torchscript_archive_is_not_opened(named: str, tmp_path: Path) -> None:
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "program.pt")
    with pytest.raises(UnsafeFile, match="program"):
        load_backbone(named, tmp_path / "program.pt")


def test_a_pickle_in_a_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (folder / WEIGHTS).unlink()
    torch.save(Bomb(mark), folder / "open_clip_pytorch_model.bin")
    with pytest.raises(UnsafeFile):
        load_backbone(str(folder))
    assert not mark.exists()


@pytest.mark.parametrize("keep", [0, 7, 100, 0.5])
def test_a_file_cut_short_is_named(named: str, folder: Path, keep: float) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    torch.save(load_file(folder / WEIGHTS), folder / "whole.pt")
    for name, data in (("cut.safetensors", whole), ("cut.pt", (folder / "whole.pt").read_bytes())):
        (folder / name).write_bytes(data[: int(keep if keep >= 1 else keep * len(data))])
        with pytest.raises(BadInput, match=name):
            load_backbone(named, folder / name)


def test_weights_of_another_model_are_named(folder: Path) -> None:
    with pytest.raises(BadInput, match="do not fit 'ViT-B-32'"):
        load_backbone("ViT-B-32", folder / WEIGHTS)


@pytest.mark.parametrize(
    ("content", "says"),
    [("{", "not an open_clip configuration"), ("[]", "not an open_clip"), ("{}", "model_cfg"),
     (json.dumps({"model_cfg": {"embed_dim": 8, "vision_cfg": {"layers": "x"}, "text_cfg": {}}}),
      "builds no model")],
)  # fmt: skip
def test_a_broken_configuration_is_named(folder: Path, content: str, says: str) -> None:
    (folder / "open_clip_config.json").write_text(content)
    with pytest.raises(BadInput, match=says):
        load_backbone(str(folder))


def test_a_folder_without_weights_is_named(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    with pytest.raises(BadInput, match="no weights"):
        load_backbone(str(folder))


def test_a_name_without_weights_warns(caplog: pytest.LogCaptureFixture) -> None:
    load_backbone("RN50-quickgelu")
    assert "RN50-quickgelu has random weights" in caplog.text and "openai" in caplog.text
