"""Every shipped recipe is complete, and its adapter, objective and trainer run on tiny data."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from domainclip.adapters.storage import load_adapter
from domainclip.backbones import load_backbone
from domainclip.banks import BankRow, write_bank
from domainclip.catalogue import recipes
from domainclip.cli import main
from domainclip.recipe import load_recipe
from domainclip.runs import read_result
from tests.data.make_papers import write_jats
from tests.data.make_rasters import scene_values, write_scene
from tests.data.make_study import write_key, write_patients
from tests.data.map_pairs import CLASSES, map_pairs
from tests.data.tiny_clip import write_tiny_clip
from tests.data.tiny_towers import make_backbone

TUNING = [name for name in recipes() if name.startswith(("remote_sensing/", "medical/"))]
SCENES = ["remote_sensing/boxes", "remote_sensing/captions", "remote_sensing/class_folders"]
# what makes a run on the tiny model small, where a test looks at the weights that it makes
SMALL = ["trainer.epochs=1", "data.batch_size=8", "data.image_px=16", "backbone.device=cpu"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shipped")
    map_pairs(folder / "world")
    assert main(["pairs", "export", str(folder / "world"), "-o", str(folder / "classes"),
                 "-f", "folders"]) == 0  # fmt: skip
    assert main(["pairs", "import", str(folder / "classes"), "-o", str(folder / "pairs")]) == 0
    write_tiny_clip(folder / "clip")
    return folder


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOMAINCLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("name", sorted(recipes()))
def test_a_shipped_recipe_is_short_complete_and_explained(name: str, tmp_path: Path) -> None:
    lines = recipes()[name].read_text("utf-8").split("\n")
    assert len(lines) <= 71
    header = "\n".join(line for line in lines if line.startswith("#"))
    for word in ("Data", "Split", "Memory", "Time"):
        assert re.search(rf"^# {word} ", header, re.MULTILINE), word
    assert f"domainclip run {name}" in header
    (tmp_path / "part-000000.parquet").touch()
    yours = name.startswith(("medical/", "figures/")) or name in (*SCENES, *SWEEPS, *VIEWS)
    needed = [f"data.pairs={tmp_path}"] if yours else []
    assert main(["check", name, *needed]) == 0
    recipe = load_recipe(name, needed)
    written = yaml.safe_load("\n".join(lines))
    assert recipe.name == written["name"]
    for section in ("backbone", "data", "evaluate"):
        assert section in written


@pytest.mark.parametrize(
    "name", [name for name in TUNING if name.startswith("medical/") or name in SCENES]
)
def test_a_recipe_for_your_own_pairs_says_what_it_lacks(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", name]) == 2
    said = capsys.readouterr().err
    assert "data: missing" in said and "data.pairs=PATH" in said and said.count("\n") == 1


def small_world(place: Path) -> list[str]:
    """The pairs of a small world, in their own splits, in place of a recipe's own data."""
    return [f"data.pairs={place / 'pairs'}", "data.extract=null", "data.split=null"]


def smoked(name: str, folder: Path, *words: str) -> Path:
    """The directory of a smoke run of a recipe."""
    out = folder / "run"
    assert main(["run", name, "--smoke", *words, "-o", str(out)]) == 0
    return out


HEADS = [name for name in TUNING if name.endswith("/gda")]
PROMPTS = ["remote_sensing/coop", "medical/biomedcoop"]
FIGURES = [
    "figures/papers", "figures/captions_long", "figures/teacher", "medical/pmc_figures",
]  # fmt: skip
REPORTS = ["medical/chest_reports", "medical/ct_mr", "medical/reports_long"]
VIEWS = ["medical/mammography", "remote_sensing/opposites"]  # test_second_views.py
SWEEPS = ["medical/objectives", "medical/long_text", "remote_sensing/objectives"]


@pytest.mark.parametrize(
    "name",
    [
        "quickstart",
        *(n for n in TUNING if n not in (
            "remote_sensing/climate", *FIGURES, *HEADS, *PROMPTS, *REPORTS, *SCENES, *SWEEPS,
            *VIEWS,
        )),
    ],
)  # fmt: skip
def test_a_shipped_recipe_adapts_its_small_towers(name: str, place: Path, tmp_path: Path) -> None:
    out = smoked(name, tmp_path, *small_world(place), "--merge")
    recipe, result = load_recipe(out / "recipe.yaml"), read_result(out)
    assert {value.evaluator for value in result.values} == {
        *(each.name for each in recipe.evaluate), "adapted"}  # fmt: skip
    with (out / "changes.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[0]["relative"]) > 0
    page = (out / "report.html").read_text()
    assert "What it changed" in page and rows[0]["weight"] in page
    assert "a task that it was not trained for" in page
    directions = out / "directions.csv"
    assert recipe.adapter is not None
    assert directions.is_file() == (recipe.adapter.name == "svd")
    if recipe.adapter.name == "svd":
        with directions.open(newline="") as file:
            (first, *_) = csv.DictReader(file)
        assert first["towards"] in page and "(" in first["towards"]


def test_the_recipe_of_captions_alone_tries_itself_in_small(place: Path, tmp_path: Path) -> None:
    out = smoked("figures/captions", tmp_path, f"data.pairs={place / 'pairs'}")
    assert (out / "adapter").is_dir()
    load_recipe(out / "recipe.yaml")  # nothing was set that has no effect on it


def test_a_shipped_sweep_tries_each_method_in_small(place: Path, tmp_path: Path) -> None:
    out = smoked("remote_sensing/climate", tmp_path, *small_world(place))
    assert sorted(read_result(out).runs) == ["seed=0,adapter=full", "seed=0,adapter=lora"]


@pytest.mark.parametrize("name", [*HEADS, "remote_sensing/coop"])
def test_a_shipped_recipe_that_leaves_the_towers_alone_learns_a_classifier(
    name: str, place: Path, tmp_path: Path
) -> None:
    out = smoked(name, tmp_path, *small_world(place))
    found = {(value.stage, value.evaluator) for value in read_result(out).values}
    assert {("before", "zero_shot"), ("after", "adapted")} <= found
    made = out / ("adapter" if name == "remote_sensing/coop" else "head")
    assert {path.suffix for path in made.iterdir()} == {".json", ".safetensors"}


def test_the_recipe_with_a_text_bank_asks_for_it_and_learns_prompts(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, out = tmp_path / "bank.jsonl", tmp_path / "run"
    write_bank(bank, [BankRow(c, f"A {c} {w}.", "made") for c in CLASSES for w in ("1", "2", "3")])
    words = ["run", "medical/biomedcoop", "--smoke", f"data.pairs={place / 'pairs'}"]
    assert main([*words, "-o", str(tmp_path / "none")]) == 2
    assert "give bank=FILE" in capsys.readouterr().err
    assert main([*words, f"adapter.bank={bank}", "-o", str(out)]) == 0
    assert {"zero_shot", "adapted"} <= {value.evaluator for value in read_result(out).values}
    bank.unlink()  # a saved adapter carries the sentences of its classes
    clip = load_backbone(load_recipe(out / "recipe.yaml").backbone.name)
    load_adapter(out / "adapter", clip)
    assert clip.classifier(CLASSES).shape[0] == len(CLASSES)


def test_a_run_is_left_between_plain_and_trained_weights(place: Path, tmp_path: Path) -> None:
    words = [
        *SMALL, f"backbone.name={place / 'clip'}", *small_world(place),
        "evaluate=[{name: zero_shot}]",
    ]  # fmt: skip
    states: dict[str, Any] = {}
    for alpha in ("null", "0.5", "[0.5, 0]"):
        out = tmp_path / f"run {len(states)}"
        given = [*words, f"trainer.wise_ft={alpha}", "-o", str(out)]
        assert main(["run", "remote_sensing/wise_ft", *given]) == 0
        clip = load_backbone(str(place / "clip"))
        states[alpha] = load_adapter(out / "adapter", clip).state()
        metrics = json.loads((out / "metrics.json").read_text())
        if alpha == "null":
            assert "wise_ft" not in metrics
            assert "WiSE-FT" not in (out / "report.md").read_text()
        else:
            assert metrics["wise_ft"] in (0.5, 0.0)
            assert f"{metrics['wise_ft']:g} of the way" in (out / "report.md").read_text()
            assert f"wise_ft at {metrics['wise_ft']:g}" in (out / "log.txt").read_text()
    plain = load_backbone(str(place / "clip")).model.state_dict()
    for name, value in states["0.5"].items():
        middle = (plain[name] + states["null"][name]) / 2
        assert float((value - middle).abs().max()) < 1e-6


@pytest.mark.parametrize("fisher", ["false", "true"])
def test_wise_ft_and_a_combination_are_adapters_of_a_recipe(
    fisher: str, place: Path, tmp_path: Path
) -> None:
    words = [
        "medical/full", *SMALL, f"backbone.name={place / 'clip'}", f"data.pairs={place / 'pairs'}",
        "data.augment={}", "evaluate=[{name: zero_shot}]", "objective={name: class_prompts}",
    ]  # fmt: skip
    given = f"adapter={{name: wise_ft, of: bitfit, alpha: 0.5, fisher: {fisher}}}"
    assert main(["run", *words, given, "-o", str(tmp_path / "between")]) == 0
    assert main(["run", *words, "adapter={name: bitfit}", "-o", str(tmp_path / "whole")]) == 0
    clip = load_backbone(str(place / "clip"))
    plain = {name: value.clone() for name, value in clip.model.state_dict().items()}
    whole = load_adapter(tmp_path / "whole" / "adapter", clip)
    ends = whole.state()
    whole.eject()
    for label, value in load_adapter(tmp_path / "between" / "adapter", clip).state().items():
        name = label.removeprefix("0_bitfit.")
        low, high = torch.minimum(plain[name], ends[name]), torch.maximum(plain[name], ends[name])
        assert bool((value >= low - 1e-6).all() and (value <= high + 1e-6).all())
        if fisher == "false":
            torch.testing.assert_close(value, (low + high) / 2, rtol=1e-5, atol=1e-6)


def test_a_recipe_combines_adapters(place: Path, tmp_path: Path) -> None:
    words = [
        "medical/lora", *SMALL, f"backbone.name={place / 'clip'}", f"data.pairs={place / 'pairs'}",
        "evaluate=[{name: zero_shot}]",
        "adapter={name: combined, parts: [{name: svd, towers: [image]}, {name: coop, n_ctx: 2}]}",
    ]  # fmt: skip
    assert main(["run", *words, "-o", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "directions.csv").is_file()
    state = load_adapter(tmp_path / "run" / "adapter", load_backbone(str(place / "clip"))).state()
    assert {name.partition(".")[0] for name in state} == {"0_svd", "1_coop"}


def test_words_of_the_users_own_name_the_directions(place: Path, tmp_path: Path) -> None:
    words = [
        *SMALL, f"backbone.name={place / 'clip'}", f"data.pairs={place / 'pairs'}",
        "evaluate=[{name: zero_shot}]", "text.words=[a lighthouse]", "adapter.towers=[image]",
    ]  # fmt: skip
    assert main(["run", "medical/svd", *words, "-o", str(tmp_path / "run")]) == 0
    found = (tmp_path / "run" / "directions.csv").read_text()
    said = {text.split(" (")[0] for row in csv.DictReader(found.split("\n"))
            for text in row["towards"].split(", ")}  # fmt: skip
    assert said <= {"a lighthouse", "desert", "forest", "ocean", "snow"} and "a lighthouse" in found


def test_layer_decay_gives_each_stage_of_the_embedded_tower_its_own_rate() -> None:
    """The blocks of an EfficientNet are grouped as FT-CLIP groups those of a transformer."""
    from domainclip.training.optimizer import parameter_groups

    recipe = load_recipe("remote_sensing/full_layer_decay")
    decay, rate = recipe.trainer.layer_decay, recipe.trainer.lr
    named = {f"model.{n}": p for n, p in make_backbone("efficientnet").model.named_parameters()
             if n.startswith("visual.")}  # fmt: skip
    groups = parameter_groups(named.items(), recipe.trainer)
    lr = {id(p): group["lr"] for group in groups for p in group["params"]}  # type: ignore[union-attr]
    decayed = {id(p): group["weight_decay"] for group in groups for p in group["params"]}  # type: ignore[union-attr]
    for name, p in named.items():
        above = 8 if "conv_stem" in name or (".bn1." in name and "blocks" not in name) else 0
        if "blocks." in name:
            above = 7 - int(name.split("blocks.")[1].split(".")[0])
        assert lr[id(p)] == pytest.approx(rate * decay**above), name
        assert decayed[id(p)] == (recipe.trainer.weight_decay if p.ndim > 1 else 0.0)


@pytest.mark.parametrize("name", FIGURES)
def test_papers_become_pairs_and_a_model_of_their_figures(name: str, tmp_path: Path) -> None:
    for number in range(12):
        write_jats(tmp_path / "in" / f"article{number}", f"article{number}", figures=3)
    pairs = tmp_path / "pairs"
    assert (
        main(["extract", "papers", str(tmp_path / "in"), "-o", str(pairs), "--workers", "1"]) == 0
    )
    out = smoked(name, tmp_path, f"data.pairs={pairs}")
    found = {(value.stage, value.evaluator) for value in read_result(out).values}
    # the figures' kinds are labels, and yet nothing is measured of classes
    asked = {"retrieval", *(["forgetting"] if name == "medical/pmc_figures" else [])}
    assert found == {(stage, asked_for) for stage in ("before", "after") for asked_for in asked}


@pytest.mark.parametrize("name, modality", zip(REPORTS, ("CR", "CT", "CR"), strict=True))
def test_studies_become_pairs_and_a_model_of_their_reports(
    tmp_path: Path, name: str, modality: str
) -> None:
    pairs = tmp_path / "pairs"
    write_patients(tmp_path / "in", modality, 12)
    words = ["extract", "dicom", str(tmp_path / "in"), "-o", str(pairs), "--workers", "1"]
    assert main([*words, "--key", write_key(tmp_path)]) == 0
    out = smoked(name, tmp_path, f"data.pairs={pairs}")
    found = {(value.stage, value.evaluator) for value in read_result(out).values}
    assert found == {("before", "retrieval"), ("after", "retrieval")}


def test_scenes_become_pairs_and_models_of_their_classes_and_captions(tmp_path: Path) -> None:
    rows = []
    for number in range(24):
        kind = ("field", "harbour", "forest")[number % 3]
        folder = tmp_path / "in" / kind
        folder.mkdir(parents=True, exist_ok=True)
        scene = write_scene(folder / f"s{number}.tif", scene_values(32, 32), origin=(number, 50))
        rows += [f"{scene.name},{at},2,{at + 6},9,ship" for at in range(number % 4 + 1)]
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("\n".join(["image_path,xmin,ymin,xmax,ymax,label", *rows]))
    made = {
        "class_folders": ["--classes", "folders", "--whole"],
        "captions": ["--classes", "folders", "--size-px", "32", "--captions", "3"],
        "boxes": ["--boxes", str(boxes), "--size-px", "32", "--captions", "3"],
    }
    for recipe, options in made.items():
        pairs = tmp_path / f"{recipe} pairs"
        words = ["extract", "tiles", str(tmp_path / "in"), *options, "-o", str(pairs)]
        assert main([*words, "--workers", "1"]) == 0
        out = smoked(f"remote_sensing/{recipe}", tmp_path / recipe, f"data.pairs={pairs}")
        found = {(value.stage, value.evaluator) for value in read_result(out).values}
        evaluator = "zero_shot" if recipe == "class_folders" else "retrieval"
        assert {("before", evaluator), ("after", evaluator)} <= found


@pytest.mark.parametrize("name", SWEEPS)
def test_every_loss_and_every_way_of_reading_long_texts_trains(name: str, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs"
    if name.startswith("medical/"):
        write_patients(tmp_path / "in", "CR", 12)
        words = ["extract", "dicom", str(tmp_path / "in"), "--key", write_key(tmp_path)]
    else:
        for number in range(24):
            folder = tmp_path / "in" / ("field", "harbour", "forest")[number % 3]
            folder.mkdir(parents=True, exist_ok=True)
            write_scene(folder / f"s{number}.tif", scene_values(32, 32), origin=(number, 50))
        words = ["extract", "tiles", str(tmp_path / "in"), "--classes", "folders", "--whole"]
    assert main([*words, "-o", str(pairs), "--workers", "1"]) == 0
    out = smoked(name, tmp_path, f"data.pairs={pairs}")
    recipe = load_recipe(name, [f"data.pairs={pairs}"])
    (values,) = recipe.sweep.values()
    runs = [path.parent for path in out.rglob("metrics.json") if path.parent != out]
    assert len(runs) == len(values)
    for run in runs:
        assert {value.stage for value in read_result(run).values} == {"before", "after"}
