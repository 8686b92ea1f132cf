"""What an adaptation changed: norms against merged weights, and directions that were planted."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch

from domainclip.backbones import Backbone
from domainclip.catalogue import load
from domainclip.evaluation.understanding import (
    direction_changes,
    general_words,
    table,
    weight_changes,
)
from tests.data.tiny_towers import make_backbone

METHODS: list[tuple[str, dict[str, Any], str]] = [
    ("full", {"towers": ("image", "text")}, "vit"),
    ("svd", {}, "vit"),
    ("svd", {"paper_mode": True}, "timm_vit"),
    ("lora", {"rank": 3}, "vit"),
    ("lora", {"rank": 3, "dora": True}, "timm_vit"),
    ("lora", {"rank": 2}, "efficientnet"),
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Factors of random weights are no use to anybody later."""
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path))


def _moved(name: str, options: dict[str, Any], kind: str) -> tuple[Backbone, Any]:
    backbone = make_backbone(kind)
    adapter = load("adapters", name)(**options)
    adapter.inject(backbone)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in adapter.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=generator))
    return backbone, adapter


@pytest.mark.parametrize(("name", "options", "kind"), METHODS)
def test_norms_are_those_of_the_merged_weights(
    name: str, options: dict[str, Any], kind: str
) -> None:
    backbone, adapter = _moved(name, options, kind)
    rows = weight_changes(adapter)
    relative = [row.relative or 0.0 for row in rows]
    assert relative == sorted(relative, reverse=True) and relative[0] > 0.01
    adapter.merge()
    plain, merged = make_backbone(kind).model.state_dict(), backbone.model.state_dict()
    squares = sum(float((merged[key] - plain[key]).float().square().sum()) for key in plain)
    assert sum(row.norm**2 for row in rows) == pytest.approx(squares, rel=1e-3)
    by_name = {row.weight: row for row in rows}
    for key, row in by_name.items():
        if f"{key}.weight" in plain or key in plain:
            whole = key if key in plain else f"{key}.weight"
            norm = float((merged[whole] - plain[whole]).norm())
            assert row.norm == pytest.approx(norm, rel=1e-3)
            if not plain[whole].any():
                assert row.relative is None
            else:
                assert row.relative == pytest.approx(norm / float(plain[whole].norm()), rel=1e-3)


def test_a_weight_that_alone_was_changed_comes_first() -> None:
    adapter = load("adapters", "lora")(targets=("q", "v"))
    adapter.inject(make_backbone("vit"))
    with torch.no_grad():
        for name, factor in zip(adapter.state(), adapter.parameters(), strict=True):
            if name == "visual.transformer.resblocks.1.attn.v_proj.lora_B.weight":
                factor.fill_(1.0)
    rows = weight_changes(adapter)
    assert rows[0].weight == "visual.transformer.resblocks.1.attn.v_proj" and rows[0].norm > 0
    assert {row.norm for row in rows[1:]} == {0.0}


@pytest.mark.parametrize("kind", ["vit", "timm_vit"])
@pytest.mark.parametrize("end", [1.0, -1.0])
def test_a_planted_direction_is_found_and_named(kind: str, end: float) -> None:
    """The output projection of the last block gets a direction that the tower's own norm and
    projection turn into a word's embedding."""
    words = ["a cat", "the sea", "a wall", "red", "snow", "a forest"]
    backbone = make_backbone(kind)
    visual = backbone.model.visual
    if kind == "vit":
        norm, projection = visual.ln_post, visual.proj
        weight = visual.transformer.resblocks[1].attn.out_proj.weight
    else:
        norm, projection = visual.trunk.norm, visual.head.proj.weight.T
        weight = visual.trunk.blocks[1].attn.proj.weight
    text = backbone.classifier(words, ["{}"])
    wanted = text[4] - text.mean(0)
    with torch.no_grad():
        norm.weight.copy_(torch.linspace(0.5, 2, len(norm.weight)))
        u = torch.linalg.pinv(projection.T @ torch.diag(norm.weight)) @ (end * wanted)
        u = u - u.mean()  # what a layer norm leaves of it
        u = u / u.norm()
        weight.copy_(9 * torch.outer(u, torch.ones(len(u)) / len(u) ** 0.5))
    adapter = load("adapters", "svd")(towers=("image",))
    adapter.inject(backbone)
    name = next(key for key in adapter.state() if ".1.attn" in key and key.endswith("weight.o"))
    with torch.no_grad():
        values = dict(zip(adapter.state(), adapter.parameters(), strict=True))
        values[name][0] = -3.0
        values[name.replace(".1.", ".0.")][1] = 5.0  # not among what is written last
    (row,) = direction_changes(adapter, backbone, words, ["{}"])
    assert (row.weight, row.number, row.delta) == (name, 0, -3.0)
    assert row.singular_value == pytest.approx(9, rel=1e-4)
    named = {row.towards.split(" (")[0], row.opposite.split(" (")[0]}
    assert "snow" in named
    side = row.towards if row.towards.startswith("snow") else row.opposite
    assert float(side.split("(")[1].split(")")[0]) > 0.8


def test_methods_without_directions_have_none_and_unmoved_ones_are_left_out() -> None:
    backbone, adapter = _moved("lora", {}, "vit")
    assert direction_changes(adapter, backbone, general_words()) == []
    backbone = make_backbone("vit")
    adapter = load("adapters", "svd")()
    adapter.inject(backbone)
    assert direction_changes(adapter, backbone, general_words()) == []

    class Prompt:
        """Changes no weight."""

    assert weight_changes(Prompt()) == []


def test_a_convolutional_tower_is_read_where_it_writes_features() -> None:
    backbone, adapter = _moved("svd", {"towers": ("image",)}, "efficientnet")
    rows = direction_changes(adapter, backbone, general_words(), most=5)
    assert len(rows) == 5
    assert {row.weight for row in rows} == {"visual.trunk.conv_head.weight.conv"}


def test_the_vocabulary_is_of_distinct_words() -> None:
    words = general_words()
    assert len(words) > 100 and len(set(words)) == len(words) and all(words)


def test_a_table_reads_back() -> None:
    rows = weight_changes(_moved("svd", {}, "vit")[1])
    found = list(csv.DictReader(StringIO(table(rows))))
    assert [row["weight"] for row in found] == [row.weight for row in rows]
    assert [float(row["norm"]) for row in found] == [row.norm for row in rows]
