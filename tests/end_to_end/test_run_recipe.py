"""A recipe run through the real command: its files, its resumption, its refusals."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

import domainclip as dc
from domainclip import _run_directory
from domainclip._run_data import pairs_of
from domainclip.adapters.storage import load_adapter
from domainclip.backbones import load_backbone
from domainclip.cli import main
from domainclip.data.settings import DataSettings, ExtractSettings
from domainclip.evaluation._results import find
from domainclip.runs import read_result
from tests.data.make_pairs import write_pairs
from tests.data.map_pairs import CLASSES, map_pairs
from tests.data.tiny_clip import write_tiny_clip

FILES = (
    "recipe.yaml", "environment.json", "metrics.json", "report.html", "report.md", "log.txt",
    "adapter/adapter.safetensors", "adapter/adapter.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pairs, a model, a recipe of each kind, and a cache of its own."""
    folder = tmp_path_factory.mktemp("runs")
    map_pairs(folder / "pairs")
    write_tiny_clip(folder / "clip")
    write_recipe(folder / "tiny.yaml", folder)
    return folder


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOMAINCLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def finished(place: Path) -> Path:
    """The tiny recipe, run to its end."""
    assert main(["run", str(place / "tiny.yaml"), "-o", str(place / "run"), "--merge"]) == 0
    return place / "run"


def write_recipe(path: Path, folder: Path, **changes: Any) -> Path:
    recipe: dict[str, Any] = {
        "name": "tiny",
        "backbone": {"name": str(folder / "clip"), "device": "cpu"},
        "data": {"pairs": str(folder / "pairs"), "image_px": 16, "batch_size": 8,
                 "augment": {"flip": True}},
        "text": {"templates": ["a {}."]},
        "adapter": {"name": "full", "towers": ["image"]},
        "objective": {"name": "class_prompts"},
        "trainer": {"epochs": 2, "lr": 1e-4, "checkpoint_every": 1, "warmup": 0},
        "evaluate": [
            {"name": "zero_shot"}, {"name": "few_shot", "shots": [1, 2], "draws": 2},
            {"name": "linear_probe"}, {"name": "colour_histogram"}, {"name": "retrieval"},
        ],
    }  # fmt: skip
    given = {key: value for key, value in (recipe | changes).items() if value is not None}
    path.write_text(yaml.safe_dump(given, sort_keys=False))
    return path


def numbers(run: Path) -> list[Any]:
    found: list[Any] = json.loads((run / "metrics.json").read_text())["values"]
    return found


def test_a_run_leaves_everything_that_is_promised(finished: Path, place: Path) -> None:
    for name in FILES:
        assert (finished / name).is_file(), name
    assert not list(finished.rglob("*.writing")) and not (finished / "checkpoints").exists()
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["command"].startswith("domainclip run ") and metrics["seed"] == 0
    assert metrics["splits"] == {"test": 24, "train": 48, "val": 24}
    result = read_result(finished)
    for evaluator in ("zero_shot", "linear_probe"):
        for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc", "ece"):
            for stage in ("before", "after"):
                value = find(result.values, stage, evaluator, name)
                assert value is not None and value.n == 24 and value.groups == 6
    assert find(result.values, "before", "colour_histogram", "accuracy") is not None
    assert find(result.values, "after", "colour_histogram", "accuracy") is None
    assert find(result.values, "after", "retrieval", "image_to_text_R@1") is not None
    adapted = find(result.values, "after", "adapted", "accuracy")
    assert adapted == find(result.values, "after", "zero_shot", "accuracy")
    described = json.loads((finished / "adapter" / "adapter.json").read_text())
    assert described["metrics"]["after/adapted/accuracy"] == pytest.approx(adapted.value)
    assert described["classnames"] == list(CLASSES)


def test_the_saved_adapter_and_the_merged_model_are_the_one_that_was_measured(
    finished: Path, place: Path
) -> None:
    adapted = load_backbone(str(place / "clip"))
    load_adapter(finished / "adapter", adapted)
    merged = load_backbone(str(finished / "open_clip"))
    images = [pair.image for pair in dc.open_pairs(place / "pairs").rows(split="test")]
    one, other = adapted.encode_image(images), merged.encode_image(images)
    assert float((one - other).abs().max()) < 1e-5
    plain = load_backbone(str(place / "clip")).encode_image(images)
    assert float((one - plain).abs().max()) > 1e-3


def test_the_report_is_one_file_that_asks_for_nothing(finished: Path, place: Path) -> None:
    page = (finished / "report.html").read_text()
    assert len(page) < 3_000_000
    for word in ("Where it is right", "Confusion matrix", "Training", "Data card", "Reproduce it"):
        assert word in page, word
    assert "<script" not in page and not re.search(r'(src|href)="(?!data:|#|runs/)', page)
    assert not re.search(r"url\((?!#|data:)", page)
    links = set(re.findall(r"https?://[^\s\"'<>]+", page))
    assert links <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_a_finished_run_repeated_prints_its_result_again(
    finished: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished / "metrics.json").stat().st_mtime_ns
    assert main(["run", str(place / "tiny.yaml"), "-o", str(finished)]) == 0
    shown = capsys.readouterr().out
    assert "full (this run)" in shown and "report.html" in shown and "zero shot" in shown
    (split,) = (line for line in shown.splitlines() if line.startswith("split: "))
    assert split in (finished / "log.txt").read_text()
    assert (finished / "metrics.json").stat().st_mtime_ns == before
    assert main(["run", str(place / "tiny.yaml"), "-o", str(finished), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tiny"


def test_another_recipe_is_refused_and_the_keys_are_named(
    finished: Path, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(place / "tiny.yaml"), "trainer.lr=0.5", "seed=3", "-o", str(finished)]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "trainer.lr" in said and "seed" in said and "-o" in said and said.count("\n") == 1


def test_a_directory_with_other_things_is_left_alone(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    assert main(["run", str(place / "tiny.yaml"), "-o", str(tmp_path)]) == 2
    assert "thesis.tex" in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_in_the_way_is_said_in_one_sentence(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["run", str(place / "tiny.yaml"), "-o", str(tmp_path / "file" / "run")]) == 2
    said = capsys.readouterr().err
    assert "a file stands where a directory is needed" in said and said.count("\n") == 1


def test_two_runs_on_one_directory_and_a_dead_lock(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    out.mkdir()
    (out / ".lock").write_text("999999\n")  # what a killed process leaves
    descriptor = _run_directory.hold(out / ".lock", out)
    try:
        assert main(["run", str(place / "tiny.yaml"), "-o", str(out)]) == 2
        assert f"another run is writing it (process {os.getpid()})" in capsys.readouterr().err
    finally:
        os.close(descriptor)
    quick = ["adapter=null", "objective=null", "evaluate=[{name: zero_shot}]"]
    assert main(["run", str(place / "tiny.yaml"), *quick, "-o", str(out)]) == 0
    assert "zero shot" in capsys.readouterr().out


def test_a_full_disk_leaves_what_was_good_and_the_run_goes_on_later(
    place: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    words = ["run", str(place / "tiny.yaml"), "-o", str(tmp_path / "run")]
    real, calls = os.fsync, []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 14:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert re.search("the disk is full|No space left", said) and said.count("\n") == 1
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert not list((tmp_path / "run").rglob("*.writing"))
    for path in (tmp_path / "run" / "stages").glob("*.json"):
        json.loads(path.read_text())
    monkeypatch.setattr(os, "fsync", real)
    assert main(words) == 0
    assert numbers(tmp_path / "run") == numbers(finished)


def test_a_killed_run_repeated_gives_the_same_numbers(
    place: Path, finished: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ["run", str(place / "tiny.yaml"), "-o", str(out)]
    process = subprocess.Popen([sys.executable, "-m", "domainclip.cli", *words])
    deadline = time.monotonic() + 120
    while not list(out.glob("checkpoints/step-*2.pt")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "stages" / "train.json").exists(), "it was killed in mid-epoch"
    done = {path: path.stat().st_mtime_ns for path in (out / "stages").glob("before-*.json")}
    assert len(done) == 5
    assert main(words) == 0
    assert numbers(out) == numbers(finished)
    assert {path: path.stat().st_mtime_ns for path in done} == done, "finished stages are skipped"
    log = (out / "log.txt").read_text()
    assert "goes on after an interruption" in log and "train: goes on after step " in log
    assert len(re.findall(r"train: epoch \d of 2, loss ", log)) == 2


def test_the_log_has_a_line_for_each_validated_epoch_and_says_what_is_kept(
    finished: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = (finished / "log.txt").read_text()
    line = r"train: epoch {} of 2, loss [\d.]+, validation loss [\d.]+, accuracy [\d.]+\n"
    assert re.search(line.format(1), log) and re.search(line.format(2), log)
    assert re.search(r"train: 2 epochs, best [12], ", log) and "goes on" not in log
    words = [str(place / "tiny.yaml"), "trainer.keep=last", "trainer.validate_every=2"]
    words += ["evaluate=[{name: zero_shot}]", "-o", str(tmp_path / "run")]
    assert main(["run", *words]) == 0
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "train: 2 epochs, the last one kept, " in log
    assert "epoch 1 of" not in log and "epoch 2 of" in log
    assert not capsys.readouterr().err, "nothing is printed where stderr is no terminal"


def test_labels_without_a_name_are_said_and_equal_names_refused(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["run", str(place / "tiny.yaml"), "adapter=null", "objective=null",
             "evaluate=[{name: zero_shot}]"]  # fmt: skip
    some = "text.classnames={{{}: one, {}: two}}".format(*CLASSES[:2])
    assert main([*quick, some, "-o", str(tmp_path / "some")]) == 0
    log = (tmp_path / "some" / "log.txt").read_text()
    lost = 24 * (len(CLASSES) - 2) // len(CLASSES)
    assert f"text.classnames leaves out {CLASSES[2]!r}" in log
    assert f"{lost} of 24 labelled rows in test" in log
    same = "text.classnames={{{}: one, {}: one}}".format(*CLASSES[:2])
    assert main([*quick, same, "-o", str(tmp_path / "same")]) == 2
    assert "'one'" in capsys.readouterr().err


def test_a_head_is_fitted_saved_and_loaded(place: Path, tmp_path: Path) -> None:
    path = write_recipe(
        tmp_path / "head.yaml", place, adapter=None, objective=None, head={"name": "gda"},
        evaluate=[{"name": "zero_shot"}],
    )  # fmt: skip
    assert main(["run", str(path), "-o", str(tmp_path / "run")]) == 0
    result = read_result(tmp_path / "run")
    clip = load_backbone(str(place / "clip"))
    loaded = dc.load_classifier(tmp_path / "run" / "head", clip)
    rows = list(dc.open_pairs(place / "pairs").rows(split="test"))
    score = loaded.score([row.image for row in rows], [row.labels[0] for row in rows])
    adapted = find(result.values, "after", "adapted", "accuracy")
    assert adapted is not None and score == pytest.approx(adapted.value)
    assert find(result.values, "after", "zero_shot", "accuracy") is None


def test_captions_without_labels_are_trained_and_measured(place: Path, tmp_path: Path) -> None:
    map_pairs(tmp_path / "pairs", 48, labels=(), where={})
    path = write_recipe(
        tmp_path / "captions.yaml", place, objective={"name": "infonce"},
        evaluate=[{"name": "retrieval"}],
        data={"pairs": str(tmp_path / "pairs"), "image_px": 16, "batch_size": 8},
    )  # fmt: skip
    assert main(["run", str(path), "trainer.epochs=1", "-o", str(tmp_path / "run")]) == 0
    result = read_result(tmp_path / "run")
    assert not result.methods and len(result.values) == 16
    assert "Image to text R@1" in (tmp_path / "run" / "report.html").read_text()


def test_a_sweep_measures_what_its_runs_share_once(place: Path, tmp_path: Path) -> None:
    path = write_recipe(
        tmp_path / "sweep.yaml", place,
        evaluate=[{"name": "zero_shot"}, {"name": "colour_histogram"}],
        trainer={"epochs": 1, "lr": 1e-3},
        data={"pairs": str(place / "pairs"), "image_px": 16, "batch_size": 16,
              "split": {"fractions": {"train": 0.6, "test": 0.4}}},
        sweep={"data.split.seed": [0, 1], "adapter": [
            {"name": "full", "towers": ["image"]}, {"name": "full", "towers": ["text"]}]},
    )  # fmt: skip
    assert main(["run", str(path), "-o", str(tmp_path / "run")]) == 0
    result = read_result(tmp_path / "run")
    assert len(result.runs) == 4
    shared = list((tmp_path / "run" / "stages").glob("before-colour_histogram-*.json"))
    assert len(shared) == 2, "once for each split, whatever the adapter"
    kinds = [method.kind for method in result.methods]
    assert kinds == ["untrained", "baseline", "adapted", "adapted"]
    for method in result.methods:
        runs = list(result.runs.values())
        assert method.value.low is not None and method.value.high is not None
        assert method.value.low <= method.value.value <= method.value.high
        if method.kind == "baseline":
            each = [find(one.values, "before", "colour_histogram", "accuracy") for one in runs]
            mean = sum(value.value for value in each if value) / len(each)
            assert method.value.value == pytest.approx(mean)
    page = (tmp_path / "run" / "report.html").read_text()
    for label in result.runs:
        assert (tmp_path / "run" / "runs" / label / "report.html").is_file()
        assert f"runs/{label}/report.html" in page


def test_two_runs_at_once_extract_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))
    settings = DataSettings(
        extract=ExtractSettings("tests.data.fake_extractor:Folder", ("count:8",))
    )
    said: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        found = [pairs for pairs, _ in pool.map(lambda _: pairs_of(settings, said.append), "ab")]
    assert found[0].path == found[1].path and len(found[0]) == len(found[1]) == 8
    assert sum("extract:" in text for text in said) == 1


def test_extracted_pairs_are_made_once_and_split_in_memory(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOMAINCLIP_CACHE", str(tmp_path / "cache"))
    (tmp_path / "made.py").write_text(_EXTRACTOR)
    path = write_recipe(
        tmp_path / "extract.yaml", place, adapter=None, objective=None,
        evaluate=[{"name": "colour_histogram"}],
        data={"extract": {"name": str(tmp_path / "made.py"), "source": [str(place / "pairs")],
                          "options": {"count": 40}}, "image_px": 16,
              "split": {"fractions": {"train": 0.5, "test": 0.5}}},
    )  # fmt: skip
    for out in ("one", "two"):
        assert main(["run", str(path), "-o", str(tmp_path / out)]) == 0
    assert "extract:" in (tmp_path / "one" / "log.txt").read_text()
    assert "extract:" not in (tmp_path / "two" / "log.txt").read_text()
    assert "split: train 20, test 20" in (tmp_path / "two" / "log.txt").read_text()
    assert numbers(tmp_path / "one") == numbers(tmp_path / "two")
    (made,) = (path for path in (tmp_path / "cache" / "pairs").iterdir() if path.is_dir())
    assert dict(dc.open_pairs(made).count_splits()) == {"": 40}, "no file is rewritten for a split"
    changed = ["data.extract.options.count=12", "data.split.fractions={train: 0.5, test: 0.5}"]
    assert main(["run", str(path), *changed, "-o", str(tmp_path / "three")]) == 0
    assert len([p for p in (tmp_path / "cache" / "pairs").iterdir() if p.is_dir()]) == 2


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        (["data.pears=x"], "Did you mean 'pairs'?"),
        (["backbone.name=ViT-B-61"], "Did you mean 'ViT-B-16'?"),
        (["evaluate=[{name: zeroshot}]"], "Did you mean 'zero_shot'?"),
        (["adapter.name=lroa"], "Did you mean 'lora'?"),
        (["data.pairs=/nowhere"], "/nowhere: no such directory"),
        (["data.image_px=32"], "made for 16 pixels and cannot see 32; in a recipe give data"),
        (["evaluate=[]", "adapter=null", "objective=null", "text.classnames={desert: sand}"],
         "nothing was measured"),
        (["text.classnames={dessert: sand}"], "Did you mean 'desert'?"),
    ],
)  # fmt: skip
def test_bad_input_ends_in_a_sentence(
    place: Path, tmp_path: Path, changes: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(place / "tiny.yaml"), *changes, "-o", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert wanted in said and "Traceback" not in said and said.count("\n") == 1
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_a_recipe_that_failed_at_once_can_be_corrected_in_place(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = ["adapter=null", "objective=null", "evaluate=[{name: zero_shot}]"]
    words = ["run", str(place / "tiny.yaml"), *quick, "-o", str(tmp_path / "run")]
    assert main([*words, "data.pairs=nowhere"]) == 2
    assert main(words) == 0
    assert "zero shot" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("data.weights={source: 0.5}", "no training pair has the source 'source'"),
        ("objective={name: weighted, terms: [{name: infonce}, {name: anchor}]}",
         "trainer.strategy: the objective anchor reads all weights"),
        ("data.text_roles=[captoin]", "Did you mean 'caption'?"),
        ("objective.name=region_category", "no training pair has boxes of objects"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_training_is_told_before_anything_is_measured(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: str, wanted: str
) -> None:
    run = tmp_path / "run"
    words = [str(place / "tiny.yaml"), "data.augment={}", "-o", str(run)]
    words += ["trainer.strategy=fsdp"] if "anchor" in change else []
    assert main(["run", *words, change]) == 2
    said = capsys.readouterr().err
    assert wanted in said and said.count("\n") == 1
    assert not (run / "stages").exists()
    corrected = ["trainer.strategy=auto", "evaluate=[{name: retrieval}]", "trainer.epochs=1"]
    assert main(["run", *words, *corrected]) == 0


def test_nothing_is_measured_where_nothing_was_asked(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(place / "tiny.yaml"), "evaluate=[]", "trainer.epochs=1"]
    assert main([*words, "objective.name=infonce", "-o", str(tmp_path / "captions")]) == 0
    assert "accuracy" not in capsys.readouterr().out
    assert read_result(tmp_path / "captions").values == ()
    page = (tmp_path / "captions" / "report.md").read_text()
    assert "accuracy" not in page and "Every metric" not in page
    # an objective over classes asks
    assert main([*words, "-o", str(tmp_path / "classes")]) == 0
    assert "full (this run)" in capsys.readouterr().out


def test_a_corrupt_image_costs_itself_and_is_mentioned(place: Path, tmp_path: Path) -> None:
    rows = list(dc.open_pairs(place / "pairs"))
    for number in (0, 1, 12):  # two in training, one in the test split
        rows[number] = replace(rows[number], image=rows[number].image[:30], sha256="")
    write_pairs(tmp_path / "pairs", rows)
    words = [f"data.pairs={tmp_path / 'pairs'}", "trainer.epochs=1"]
    out = tmp_path / "run"
    assert main(["run", str(place / "tiny.yaml"), *words, "-o", str(out)]) == 0
    page = (out / "report.html").read_text()
    assert "could not be decoded" in page
    accuracy = find(read_result(out).values, "after", "adapted", "accuracy")
    assert accuracy is not None and accuracy.n == 23


def test_evaluate_a_run_and_a_backbone_on_other_pairs(
    finished: Path, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs = str(place / "pairs")
    assert main(["evaluate", str(finished), "--on", pairs, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = {(row["evaluator"], row["metric"]): row["value"] for row in found["values"]}
    after = find(read_result(finished).values, "after", "zero_shot", "accuracy")
    assert after is not None and rows["zero_shot", "accuracy"] == pytest.approx(after.value)
    assert found["split"] == "test" and found["rows"] == 24
    words = ["--split", "val", "--with", "zero_shot", "--template", "a {}.", "--image-px", "16"]
    assert main(["evaluate", str(place / "clip"), "--on", pairs, *words]) == 0
    assert "zero_shot" in capsys.readouterr().out
    # pairs that hold only some of the run's classes, and one that it never heard of
    map_pairs(tmp_path / "some", 24, labels=("desert",), split="")
    assert main(["evaluate", str(finished), "--on", str(tmp_path / "some")]) == 0
    assert "retrieval" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["run", "--on", "nowhere"], "nowhere: no such directory"),
        (["run", "--on", "pairs", "--split", "tset"], "there are 'test', 'train', 'val'"),
        (["run", "--on", "pairs", "--pretrained", "openai"], "a run knows its own weights"),
        (["run", "--on", "pairs", "--with", "zeroshot"], "Did you mean 'zero_shot'?"),
        (["ViT-B-61", "--on", "pairs"], "Did you mean 'ViT-B-16'?"),
        (["clip", "--on", "pairs", "--template", "a thing"], "lacks the {}"),
    ],
)
def test_evaluate_refuses_in_a_sentence(
    finished: Path, place: Path, words: list[str], wanted: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(place)
    assert main(["evaluate", *words]) == 2
    said = capsys.readouterr().err
    assert wanted in said and "Traceback" not in said


_EXTRACTOR = '''
from collections.abc import Iterator
from dataclasses import dataclass
from domainclip.extraction.protocol import Source
from domainclip.pairs import Pair, open_pairs
__all__ = ["Made"]

@dataclass(frozen=True)
class Made:
    """Pairs of another directory. count: how many."""
    count: int = 10
    version = "1"

    def sources(self, root: str) -> Iterator[Source]:
        for number in range(self.count):
            yield Source(f"made-{number}", root, (("number", number),))

    def pairs(self, source: Source) -> Iterator[Pair]:
        from dataclasses import replace
        pair = open_pairs(source.path)[dict(source.part)["number"]]
        yield replace(pair, split="")
'''
