"""A smoke run keeps the recipe, is small, and is told apart from a real one."""

from __future__ import annotations

import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domainclip._run_data import pairs_of
from domainclip._run_smoke import smoke
from domainclip.backbones import load_backbone
from domainclip.cli import main
from domainclip.data.settings import DataSettings
from domainclip.recipe import Recipe, load_recipe
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.map_pairs import map_pairs


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a smoke run asks the network for something")

    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def small(name: str, *words: str) -> Recipe:
    return smoke(load_recipe(name, ["data.pairs=PAIRS", *words]))


@pytest.mark.parametrize(
    ("name", "width", "context", "image"),
    [
        ("ViT-L-14", 768, 77, "q"), ("RN50", 1024, 77, "conv"), ("ViT-B-16-SigLIP", 768, 64, "q"),
        ("hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224", 512, 77, "q"),
    ],
)  # fmt: skip
def test_small_towers_are_of_the_recipes_kind(
    name: str, width: int, context: int, image: str
) -> None:
    recipe = small("medical/lora", f"backbone.name={name}", "backbone.device=cuda")
    backbone = load_backbone(recipe.backbone.name, device=recipe.backbone.device)
    assert (backbone.embed_dim, backbone.context_length) == (width, context)
    assert backbone.sites("image", [image]) and backbone.sites("text", ["q", "k", "v", "o", "mlp"])
    assert (backbone.model.logit_bias is not None) == ("SigLIP" in name)
    assert sum(p.numel() for p in backbone.model.parameters()) < 10_000_000


def test_the_recipe_stays_and_becomes_small() -> None:
    before = load_recipe("medical/pmc_figures", ["data.pairs=P", "trainer.chunk=64"])
    after = smoke(before)
    assert (after.adapter, after.text, after.data.split) == (
        before.adapter, before.text, before.data.split)  # fmt: skip
    assert after.objective == before.objective
    assert (after.data.batch_size, after.data.limit, after.trainer.chunk) == (8, 64, 4)
    assert (after.trainer.epochs, after.trainer.precision) == (1, "32-true")
    assert after.name == "medical_pmc_figures-smoke" and "numbers mean nothing" in after.note
    assert small("quickstart", "data.extract=null").backbone.name == "embedded"


def test_a_teacher_is_small_too_and_as_wide_as_its_name_says() -> None:
    objective = small("figures/teacher").objective
    assert objective is not None
    ((teacher,),) = [term["teacher"] for term in objective.options["terms"] if "teacher" in term]
    assert load_backbone(teacher, device="cpu").embed_dim == 768  # ViT-L-14's


def test_a_sweep_runs_what_differs_in_kind_and_one_of_its_numbers() -> None:
    swept = "sweep={trainer.lr: [0.1, 0.2], backbone.name: [ViT-B-32, ViT-B-16, ViT-L-14], "
    objectives = "objective: [{name: infonce}, {name: slip}, {name: siglip}]}"
    sweep = small("medical/objectives", swept + objectives).sweep
    assert len(sweep["objective"]) == 3 and sweep["trainer.lr"] == (0.1,)
    widths = [load_backbone(name, device="cpu").embed_dim for name in sweep["backbone.name"]]
    assert widths == [512, 768]  # two of them are alike in small


def test_a_limit_takes_whole_groups_evenly_over_labels(tmp_path: Path) -> None:
    def labelled(number: int) -> Any:
        label = "rare" if number >= 392 else f"class {number // 4 % 3}"
        split = ("train", "test")[number // 4 % 2]
        return make_pair(number, labels=(label,), split=split)

    path = str(write_pairs(tmp_path / "pairs", map(labelled, range(400))).path)
    found, said = pairs_of(DataSettings(pairs=path, limit=64))
    counts = found.count_splits()
    assert counts["train"] == counts["test"] == 64 and "data.limit leaves" in said
    rows = [row for row in found.rows(("labels", "group", "split")) if row.split]
    assert set(Counter(row.group for row in rows).values()) == {4}
    for split in ("train", "test"):
        labels = Counter(row.labels[0] for row in rows if row.split == split)
        assert labels["rare"] == 4 and max(labels.values()) - min(
            count for label, count in labels.items() if label != "rare"
        ) <= 4  # fmt: skip


def test_a_limit_keeps_each_of_many_labels_and_cuts_large_groups(tmp_path: Path) -> None:
    def many(number: int) -> Any:
        return make_pair(number, labels=(f"class {number % 40}",), group="all", split="train")

    path = str(write_pairs(tmp_path / "pairs", map(many, range(200))).path)
    found, _ = pairs_of(DataSettings(pairs=path, limit=20))
    rows = [row for row in found.rows(("labels", "split")) if row.split]
    assert len(rows) == 40 == len({row.labels for row in rows})


def test_a_smoke_run_is_told_apart_from_a_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    map_pairs(tmp_path / "pairs")
    words = ["medical/lora", "data.pairs=pairs", "evaluate=[{name: zero_shot}]"]
    assert main(["run", *words, "--smoke"]) == 0
    assert "its numbers mean nothing" in capsys.readouterr().out
    out = tmp_path / "runs" / "medical_lora-smoke"
    top = (out / "report.html").read_text().partition("<section>")[0]
    assert "its numbers mean nothing" in top.partition("<body>")[2]
    assert "its numbers mean nothing" in (out / "report.md").read_text().split("\n")[2]
    assert "domainclip run medical/lora" in (out / "report.md").read_text()
    assert "--smoke" in (out / "report.md").read_text()
    assert main(["run", *words, "backbone.name=embedded", "-o", str(out)]) != 0
    assert "another recipe, which differs in name, note" in capsys.readouterr().err
    assert main(["run", *words, "--smoke"]) == 0  # a finished one prints its result again
    # a trial is edited and tried again
    assert main(["run", *words, "trainer.lr=1e-5", "--smoke"]) == 0
    assert load_recipe(str(out / "recipe.yaml")).trainer.lr == 1e-5
    assert "goes on" not in (out / "log.txt").read_text()
