"""The parts of a run: stages that are whole or absent, labels, means over a sweep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from domainclip._run_directory import RunDirectory, Stages
from domainclip._run_environment import environment, homeless
from domainclip._run_evaluate import evaluate
from domainclip._run_names import evaluator_labels
from domainclip._run_report import component_text, duration
from domainclip._run_sweep import Row, combined, folders, mean_of
from domainclip.classifier import load_classifier
from domainclip.errors import OutputInUse, UsageError
from domainclip.evaluation._results import Measured, find
from domainclip.evaluation.metrics import Value
from domainclip.evaluation.report import headline
from domainclip.recipe import Component, load_recipe


def test_a_stage_is_made_once_and_a_broken_file_again(tmp_path) -> None:  # type: ignore[no-untyped-def]
    stages, calls = Stages(tmp_path / "stages"), []

    def make() -> dict[str, int]:
        calls.append(1)
        return {"answer": 42}

    assert stages.once("a", make)["answer"] == stages.once("a", make)["answer"] == 42
    assert len(calls) == 1
    (tmp_path / "stages" / "a.json").write_text('{"answer": 4')
    assert stages.once("a", make)["answer"] == 42 and len(calls) == 2
    stages.put_arrays("b", {"keys": np.array(["é", "b"]), "x": np.eye(2)})
    found = stages.arrays("b")
    assert found is not None and found["keys"].tolist() == ["é", "b"]
    (tmp_path / "stages" / "b.npz").write_bytes(b"PK\x03\x04 cut short")
    assert stages.arrays("b") is None and stages.arrays("c") is None


def test_a_training_goes_on_with_other_ranks_and_no_other_change(tmp_path: Path) -> None:
    recipe = load_recipe("quickstart")
    assert recipe.trainer is not None
    other = replace(
        recipe, data=replace(recipe.data, batch_size=7), trainer=replace(recipe.trainer, devices=2)
    )
    with RunDirectory(tmp_path / "run", recipe):
        (tmp_path / "run" / "checkpoints").mkdir()
    with RunDirectory(tmp_path / "run", other):
        pass
    objective = load_recipe("quickstart", ["objective.name=infonce"])
    with pytest.raises(OutputInUse, match=r"differs in .*objective\.name"):
        RunDirectory(tmp_path / "run", objective).__enter__()
    (tmp_path / "run" / "stages").mkdir()
    (tmp_path / "run" / "stages" / "train.json").write_text("{}")
    with pytest.raises(OutputInUse, match=r"differs in data\.batch_size, trainer\.devices"):
        RunDirectory(tmp_path / "run", recipe).__enter__()


@pytest.mark.parametrize("inner", [".", "runs/seed=0"])
@pytest.mark.parametrize("made", ["stages/train.json", "stages/after-x.json", "checkpoints/1.pt"])
def test_a_directory_is_free_until_something_depends_on_its_recipe(
    tmp_path: Path, inner: str, made: str
) -> None:
    run = tmp_path / "run"
    with RunDirectory(run, load_recipe("quickstart")):
        (run / inner / "stages").mkdir(parents=True)
        # kept under the hash of what it depends on
        (run / inner / "stages" / "before-zero_shot-0a1b.json").write_text("{}")
    corrected = load_recipe("quickstart", ["sweep=null", "trainer.lr=1"])
    with RunDirectory(run, corrected):
        (run / inner / made).parent.mkdir(exist_ok=True)
        (run / inner / made).write_text("{}")
    with pytest.raises(OutputInUse, match=r"another recipe, which differs in .*trainer\.lr"):
        RunDirectory(run, load_recipe("quickstart")).__enter__()


def test_evaluators_of_one_name_are_told_apart_by_what_differs() -> None:
    both = [
        Component("few_shot", {"head": "gda", "draws": 3}),
        Component("few_shot", {"head": "linear_probe", "draws": 3}),
        Component("zero_shot", {}),
    ]
    labels = [label for label, _ in evaluator_labels(both)]
    assert labels == ["few_shot-gda", "few_shot-linear_probe", "zero_shot"]


def test_the_mean_of_repetitions_has_students_interval() -> None:
    numbers = [0.81, 0.84, 0.86]
    found = mean_of([Value(number, 0.1, 0.9, 10, 3) for number in numbers])
    low, high = stats.t.interval(0.95, 2, np.mean(numbers), stats.sem(numbers))
    assert found.value == pytest.approx(np.mean(numbers)) and found.n == 30
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert mean_of([Value(0.5, 0.4, 0.6, 10)]) == Value(0.5, 0.4, 0.6, 10)


def test_a_sweep_averages_seeds_and_keeps_variants_apart() -> None:
    recipe = load_recipe("quickstart", ["sweep={}"])
    rows = [
        Row(
            f"adapter={name},seed={seed}", recipe,
            (
                Measured("before", "zero_shot", "accuracy", Value(0.2 + 0.01 * seed, n=10)),
                Measured("after", "adapted", "accuracy", Value(score + 0.01 * seed, n=10)),
            ),
        )
        for name, score in (("lora", 0.8), ("full", 0.85))
        for seed in (0, 1)
    ]  # fmt: skip
    values, compared = combined(rows)
    assert [(m.label, round(m.value.value, 3)) for m in compared] == [
        ("zero shot", 0.205), ("lora", 0.805), ("full", 0.855),
    ]  # fmt: skip
    assert [row.evaluator for row in values] == ["zero_shot", "lora/adapted", "full/adapted"]
    shown = headline(values)
    assert shown is not None and shown[1] is not None and shown[2] is not None
    assert (round(shown[1].value, 3), round(shown[2].value, 3)) == (0.205, 0.855)


def test_variants_whose_plain_models_differ_have_their_own_before() -> None:
    recipe = load_recipe("quickstart", ["sweep={}"])
    numbers = {"truncate": (0.1, 0.3), "clipmd": (0.0, 0.2)}  # recall before and after
    rows = [
        Row(
            f"text={name}", recipe,
            (
                Measured("before", "retrieval", "image_to_text_R@1", Value(before, n=10)),
                Measured("before", "zero_shot", "accuracy", Value(before, n=10)),
                Measured("before", "colour_histogram", "accuracy", Value(0.4, n=10)),
                Measured("after", "retrieval", "image_to_text_R@1", Value(after, n=10)),
            ),
        )
        for name, (before, after) in numbers.items()
    ]  # fmt: skip
    values, compared = combined(rows)
    for name, (before, after) in numbers.items():
        row = f"text={name}/retrieval"
        found = [find(values, stage, row, "image_to_text_R@1") for stage in ("before", "after")]
        assert found == [Value(before, n=10), Value(after, n=10)]
    assert find(values, "before", "retrieval", "image_to_text_R@1") is None
    # what all measured alike stays one row
    assert [row.evaluator for row in values].count("colour_histogram") == 1
    assert {m.label: m.value.value for m in compared} == {
        "text=truncate, zero shot": 0.1, "text=clipmd, zero shot": 0.0,
        "colour histogram (no network)": 0.4,
    }  # fmt: skip
    retrieval = [row for row in values if row.metric != "accuracy"]
    assert headline(retrieval) == ("image to text R@1", Value(0.1, n=10), Value(0.3, n=10))


@pytest.mark.parametrize("use", [load_classifier, lambda path: evaluate(str(path), path)])
def test_a_sweep_is_no_run_and_names_its_runs(tmp_path: Path, use) -> None:
    recipe = load_recipe("quickstart", ["sweep={seed: [0, 1, 2, 3, 4, 5, 6, 7]}"])
    with RunDirectory(tmp_path / "sweep", recipe):
        pass
    for seed in range(8):
        with RunDirectory(tmp_path / "sweep" / "runs" / f"seed={seed}", recipe):
            pass
    with pytest.raises(UsageError, match=r"a sweep .* name one of them: .*runs/seed=0, ") as said:
        use(tmp_path / "sweep")
    assert str(said.value).endswith("runs/seed=5 and 2 more.")


def test_folders_of_a_sweep_are_plain_names_and_differ() -> None:
    recipe = load_recipe("quickstart")
    named = folders(
        [("adapter=full-towers['image']", recipe), ("adapter=full-towers/image", recipe)]
    )
    assert [name for name, _ in named] == ["adapter=full-towersimage", "adapter=full-towersimage+"]


def test_nothing_tells_whose_machine_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    import torch

    monkeypatch.setenv("HOME", "/home/jane")
    assert homeless("domainclip run /home/jane/x.yaml") == "domainclip run ~/x.yaml"
    found = environment(torch.device("cpu"))
    assert {"python", "torch", "open_clip_torch", "cores", "threads", "device"} <= set(found)
    assert socket.gethostname() not in found.values()


def test_words_for_durations_and_components() -> None:
    assert [duration(s) for s in (0.42, 59.6, 232, 4000)] == [
        "0.4 s", "1 min", "3 min 52 s", "1 h 6 min",
    ]  # fmt: skip
    tuned = Component("full", {"towers": ("text",), "logit_scale": True})
    assert component_text(tuned, "adapters") == "full (towers text, logit_scale True)"
