"""The recipe that learns from captions alone runs on tiny data, and says what it can't use."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import domainclip as dc
from domainclip.adapters.storage import load_adapter, read_tensors
from domainclip.cli import main
from domainclip.errors import RecipeError
from domainclip.recipe import load_recipe
from domainclip.runs import read_result
from tests.data.make_pairs import write_pairs
from tests.data.map_pairs import CLASSES, map_pairs
from tests.data.tiny_clip import write_tiny_clip

NAME = "figures/captions"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOMAINCLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _run(folder: Path, pairs: str, *words: str) -> Path:
    out = folder / f"run of {pairs}"
    given = [
        f"backbone.name={folder / 'clip'}", "backbone.pretrained=null", "backbone.device=cpu",
        f"data.pairs={folder / pairs}", "data.batch_size=16", "data.image_px=16",
        "adapter.n_ctx=4", "adapter.synonyms={snow: [ice]}", "evaluate=[{name: zero_shot}]",
    ]  # fmt: skip
    assert main(["run", NAME, *given, *words, "-o", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("captions")
    map_pairs(folder / "pairs")
    write_tiny_clip(folder / "clip")
    _run(folder, "pairs", "trainer.epochs=8", "trainer.lr=0.2")
    return folder


def test_the_shipped_recipe_learns_from_captions(place: Path) -> None:
    out = place / "run of pairs"
    result = read_result(out)
    assert {value.evaluator for value in result.values} == {"zero_shot", "adapted"}
    page = (out / "report.html").read_text()
    assert "tai_dpt" in page
    training = json.loads((out / "stages" / "train.json").read_text())
    losses = [row["train_loss"] for row in training["history"]]
    assert len(losses) == 8 and losses[-1] < losses[0]
    assert training["history"][-1]["step"] == 8 * 3  # 48 captions
    assert training["history"][-1]["lr"] == 0


def test_its_adapter_reads_the_parts_of_an_image_too(place: Path) -> None:
    clip = dc.load_backbone(str(place / "clip"))
    adapter = load_adapter(place / "run of pairs" / "adapter", clip)
    pictures = [pair.image for pair in dc.open_pairs(place / "pairs").rows(split="test")][:4]
    assert adapter.image_logits(pictures).shape == (4, len(CLASSES))
    assert adapter.synonyms == {"snow": ["ice"]}


def test_what_has_no_effect_is_refused() -> None:
    words = ["data.pairs=P", "objective={name: infonce}", "trainer.ema=0.9", "text.name=window"]
    with pytest.raises(RecipeError) as error:
        load_recipe(NAME, words)
    said = str(error.value)
    for part in ("objective: tai_dpt learns from captions", "trainer.ema: has no effect",
                 "text.name: tai_dpt reads"):  # fmt: skip
        assert part in said
    with pytest.raises(RecipeError, match="objective: missing"):
        load_recipe(NAME, ["data.pairs=P", "adapter={name: coop}"])


def test_captions_without_labels_are_read_for_class_names(place: Path) -> None:
    rows = dc.open_pairs(place / "pairs").rows()
    bare = (replace(pair, labels=()) if pair.split == "train" else pair for pair in rows)
    write_pairs(place / "bare", bare)
    out = _run(place, "bare", "trainer.epochs=8", "trainer.lr=0.2")
    found, given = (
        read_tensors(folder / "adapter" / "adapter.safetensors")
        for folder in (out, place / "run of pairs")
    )
    assert all(torch.equal(found[name], given[name]) for name in given)


def test_training_pairs_without_captions_are_refused(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    map_pairs(place / "silent", text="", texts=())
    with pytest.raises(AssertionError):
        _run(place, "silent")
    assert "no pair of the training split has a caption" in capsys.readouterr().err
