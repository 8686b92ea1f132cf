"""The benchmark end to end on a tiny CLIP: protocols, resuming, failing cells, the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from domainclip import _benchmark_cells as cells
from domainclip._benchmark import benchmark
from domainclip._benchmark_data import Exam, Features, draw, exams_of
from domainclip._benchmark_fit import fitted
from domainclip.backbones import Backbone, load_backbone
from domainclip.cli import main
from domainclip.data.datasets import open_dataset
from domainclip.data.few_shot import draw_shots
from domainclip.data.labelled import LabelledImages, Part
from domainclip.errors import BadInput, OutputInUse, UnknownName, UsageError
from tests.data.colour_folders import make_tree, parts


def test_few_shot_gives_every_metric_of_heads_and_adapters(
    clip: Backbone, colours: LabelledImages, tmp_path: Path
) -> None:
    before = clip.state_hash()
    methods = {"zero_shot": {}, "gda": {}, "lora": {"epochs": 1}}
    found = benchmark(clip, [colours], methods, tmp_path, shots=(1, 2), seeds=(1, 2))
    assert clip.state_hash() == before  # every adapter is out again
    assert (found.measured, found.found, found.failed) == (9, 0, 0)
    metrics = {"accuracy", "balanced_accuracy", "macro_f1", "auroc", "ece"}
    one = parts(found.rows, method="gda", shots=2, seed=1)
    assert set(one) == {f"test {metric}" for metric in metrics}
    assert one["test accuracy"] > 0.5  # colours are easy, and chance is 0.25
    sizes = {row.method: row.parameters for row in found.rows}
    assert sizes["zero_shot"] == 0
    assert sizes["lora"] > 0
    by_hand = fitted_accuracy(clip, colours)
    assert one["test accuracy"] == pytest.approx(by_hand)
    table = pq.read_table(tmp_path / "results.parquet")
    assert table.num_rows == len(found.rows) == 9 * len(metrics)
    for name in ("results.csv", "summary.csv", "summary.md", "accuracy_at_shots.svg", "cost.svg"):
        assert (tmp_path / name).stat().st_size > 100


def fitted_accuracy(clip: Backbone, data: LabelledImages) -> float:
    """GDA on 2 shots of seed 1 with the tip sampler, step by step."""
    from domainclip.heads import GDA

    drawn = draw_shots(data.train.labels, data.val.labels, shots=2, seed=1, sampler="tip")
    z = clip.encode_image([data.train.images[row] for row in drawn.train])
    y = torch.tensor([data.train.labels[row] for row in drawn.train])
    zv = clip.encode_image([data.val.images[row] for row in drawn.val])
    yv = torch.tensor([data.val.labels[row] for row in drawn.val])
    head = GDA().fit(z, y, clip.classifier(data.classnames), (zv, yv))
    said = head.logits(clip.encode_image(list(data.test.images))).argmax(1)
    return float((said == torch.tensor(data.test.labels)).float().mean())


def test_base_to_new_fits_the_base_half_of_the_draw_of_all(
    clip: Backbone, colours: LabelledImages, tmp_path: Path
) -> None:
    found = benchmark(
        clip, [colours], {"zero_shot": {}, "knn": {}, "lora": {"epochs": 1}}, tmp_path,
        protocol="base-to-new", shots=(2,), seeds=(1,),
    )  # fmt: skip
    adapter = parts(found.rows, method="lora")
    base, new = adapter["base accuracy"], adapter["new accuracy"]
    both = adapter["both harmonic_mean"]
    assert both == pytest.approx(2 * base * new / (base + new) if base + new else 0)
    head = parts(found.rows, method="knn")
    assert head["base accuracy"] is not None
    assert head["new"] is None
    (why,) = [row.reason for row in found.rows if row.reason]
    assert "knows the classes that it was fitted on" in why
    assert {row.n for row in found.rows if row.part in ("base", "new")} == {6}
    whole = draw(colours, 2, 1, "tip", False)
    half = draw(colours, 2, 1, "tip", False, classes=2)
    assert half.train == whole.train.of(range(2))
    with_new = exams_of("base-to-new", colours, ())[1]
    assert with_new.data.classnames == ("red", "white")
    # what a head may not know is known for good: it is not tried again
    again = benchmark(
        clip, [colours], {"knn": {}}, tmp_path, protocol="base-to-new", shots=(2,), seeds=(1,)
    )
    assert (again.measured, again.found) == (0, 1)


def test_cross_dataset_encodes_the_foreign_class_names(
    clip: Backbone, colours: LabelledImages, place: Path, tmp_path: Path
) -> None:
    warm = open_dataset(str(place / "warm"))
    found = benchmark(
        clip, [colours, warm], {"zero_shot": {}, "lora": {"epochs": 1}}, tmp_path,
        protocol="cross-dataset", shots=(1,), seeds=(1,),
    )  # fmt: skip
    text = clip.classifier(warm.classnames)
    said = (clip.encode_image(list(warm.test.images)) @ text.T).argmax(1)
    truth = torch.tensor(warm.test.labels)
    alone = parts(found.rows, method="zero_shot")
    assert alone["warm accuracy"] == pytest.approx(float((said == truth).float().mean()))
    assert set(parts(found.rows, method="lora", metric="accuracy")) == {
        "colours accuracy", "warm accuracy",
    }  # fmt: skip


def test_domain_generalisation_asks_for_the_variant_s_classes_alone(
    clip: Backbone, colours: LabelledImages, place: Path, tmp_path: Path
) -> None:
    warm = open_dataset(str(place / "warm"))
    found = benchmark(
        clip, [colours, warm], {"gda": {}}, tmp_path, protocol="domain", shots=(4,), seeds=(1,)
    )
    assert parts(found.rows)["warm accuracy"] > 0.6
    (exam,) = exams_of("domain", colours, [warm])[1:]
    assert exam.columns == (2, 3)  # blue, green, red, white: sorted
    features = Features(clip, None)
    with fitted(
        clip, features, "gda", {}, colours, draw(colours, 2, 1, "tip", False), 1, False
    ) as made:
        every = made.logits(Exam("test", warm))
        assert torch.equal(made.logits(exam), every[:, [2, 3]])
    strange = LabelledImages("strange", ("red", "pink"), Part(), Part(), Part())
    with pytest.raises(BadInput, match="has no class 'pink'"):
        benchmark(clip, [colours, strange], {"gda": {}}, tmp_path, protocol="domain")


def test_an_interrupted_benchmark_goes_on(
    clip: Backbone, colours: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    methods = {"zero_shot": {}, "gda": {}, "knn": {}}
    whole = benchmark(clip, [colours], methods, tmp_path / "whole", shots=(1,), seeds=(1, 2))
    real, asked = cells.fitted, []

    def counted(clip: Backbone, features: Features, method: str, *rest: object) -> object:
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(method)
        return real(clip, features, method, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "fitted", counted)
    with pytest.raises(KeyboardInterrupt):
        benchmark(clip, [colours], methods, tmp_path / "cut", shots=(1,), seeds=(1, 2))
    assert pq.read_table(tmp_path / "cut" / "results.parquet").num_rows == 15
    monkeypatch.setattr(cells, "fitted", real)
    journal = tmp_path / "cut" / "cells.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:40])  # as a kill leaves it
    rest = benchmark(clip, [colours], methods, tmp_path / "cut", shots=(1,), seeds=(1, 2))
    assert (rest.measured, rest.found) == (3, 2)
    values = [
        sorted((r.method, r.seed, r.metric, r.value) for r in found.rows) for found in (whole, rest)
    ]
    assert values[0] == values[1]
    done = benchmark(clip, [colours], methods, tmp_path / "cut", shots=(1,), seeds=(1, 2))
    assert (done.measured, done.found) == (0, 5)
    # more methods come into the same folder, and the tables hold both
    more = benchmark(
        clip, [colours], {"lp_plus_plus": {}}, tmp_path / "cut", shots=(1,), seeds=(1,)
    )
    assert {row.method for row in more.rows} == {*methods, "lp_plus_plus"}
    with pytest.raises(OutputInUse, match="other images, splits or prompts of 'colours'"):
        other = open_dataset(str(colours.test.images[0].parents[1]), fractions=(0.8, 0.2))  # type: ignore[union-attr]
        benchmark(clip, [other], methods, tmp_path / "cut", shots=(1,), seeds=(1,))


def test_a_failing_cell_is_a_row_with_its_reason(
    clip: Backbone, colours: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    real = cells.fitted

    def failing(clip: Backbone, features: Features, method: str, *rest: object) -> object:
        if method == "knn":
            raise RuntimeError("out of memory\nwhile fitting")
        return real(clip, features, method, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(cells, "fitted", failing)
    found = benchmark(
        clip, [colours], {"knn": {}, "gda": {}}, tmp_path, shots=(1,), seeds=(1,), say=lines.append
    )
    assert (found.failed, found.broken) == (1, 1)
    assert lines == ["colours, knn, 1 shot, seed 1: RuntimeError: out of memory while fitting"]
    assert parts(found.rows, method="knn") == {"": None}
    assert parts(found.rows, method="gda")["test accuracy"] is not None
    monkeypatch.setattr(cells, "fitted", real)
    again = benchmark(clip, [colours], {"knn": {}, "gda": {}}, tmp_path, shots=(1,), seeds=(1,))
    # what failed is tried again
    assert (again.measured, again.found, again.failed, again.broken) == (1, 1, 0, 0)


def test_a_method_that_names_a_tower_it_cannot_serve_is_not_broken(
    clip: Backbone, colours: LabelledImages, tmp_path: Path
) -> None:
    options = {"targets": ("depthwise",)}
    found = benchmark(clip, [colours], {"lora": options}, tmp_path, shots=(1,), seeds=(1,))
    assert (found.failed, found.broken) == (1, 0)
    assert "finds nothing to change in the image tower" in found.rows[0].reason


def test_short_and_empty_classes_are_named(
    clip: Backbone, colours: LabelledImages, tmp_path: Path
) -> None:
    few = colours.train.of(range(4))
    short = Part(few.images[3:], few.labels[3:])  # blue keeps 2 of its 5
    data = LabelledImages("few", colours.classnames, short, colours.val, colours.test)
    found = benchmark(clip, [data], {"gda": {}}, tmp_path / "few", shots=(4, 64), seeds=(1,))
    notes = {row.shots: row.note for row in found.rows}
    assert notes[4] == "fewer than 4 images (all of them taken): blue 2"
    assert notes[64].endswith("blue 2, green 5, red 5, white 5")
    page = (tmp_path / "few" / "summary.md").read_text()
    assert "- few: fewer than 4 images (all of them taken): blue 2\n" in page
    filled = benchmark(
        clip, [data], {"gda": {}}, tmp_path / "filled", shots=(4,), seeds=(1,), repeats=True
    )
    assert {row.note for row in filled.rows} == {
        "fewer than 4 images (filled up with repeats): blue 2"
    }
    none = LabelledImages("none", colours.classnames, few.of((1, 2)), Part(), colours.test)
    reasons = benchmark(clip, [none], {"gda": {}, "zero_shot": {}}, tmp_path / "none", shots=(1,),
                        seeds=(1,)).rows  # fmt: skip
    assert [row.reason for row in reasons if row.method == "gda"] == [
        "none: no training image of 'red', 'white'; add some, or leave the class out."
    ]
    # the text alone needs no training image
    assert parts(reasons, method="zero_shot")["test accuracy"] is not None


def test_only_paper_mode_selects_on_the_test_images(
    clip: Backbone, colours: LabelledImages, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domainclip.heads import TipAdapterF

    seen: list[int] = []
    real = TipAdapterF.fit

    def fit(self: TipAdapterF, z: object, y: object, w: object, held: object = None) -> TipAdapterF:
        seen.append(len(held[1]))  # type: ignore[index]
        return real(self, z, y, w, held)  # type: ignore[arg-type]

    monkeypatch.setattr(TipAdapterF, "fit", fit)
    features, drawn = Features(clip, None), draw(colours, 1, 1, "tip", False)
    selected = []
    for paper_mode in (False, True):
        with fitted(clip, features, "tip_adapter_f", {}, colours, drawn, 1, paper_mode) as made:
            selected.append(made.selected_on)
    assert selected == ["val", "test"]
    assert seen == [len(drawn.val), len(colours.test)] == [4, 12]


def test_an_image_that_is_none_is_named(clip: Backbone, place: Path, tmp_path: Path) -> None:
    broken = make_tree(tmp_path / "broken", ("red", "blue"))
    for path in broken.rglob("*.png"):
        path.write_bytes(b"no picture")
    rows = benchmark(clip, [open_dataset(str(broken))], {"gda": {}}, tmp_path / "out", shots=(1,),
                     seeds=(1,)).rows  # fmt: skip
    assert "cannot be decoded" in rows[0].reason
    assert ".png" in rows[0].reason


def test_a_backbone_that_carries_an_adapter_is_refused(
    place: Path, colours: LabelledImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domainclip.adapters import LoRA

    clip = load_backbone(str(place / "tiny"))
    adapter = LoRA()
    adapter.inject(clip)
    with pytest.raises(UsageError, match="carries an adapter"):
        benchmark(clip, [colours], {"gda": {}}, tmp_path)
    adapter.eject()
    monkeypatch.setattr(LoRA, "eject", lambda self: None)
    with pytest.raises(UsageError, match="eject has not put the backbone back"):
        benchmark(clip, [colours], {"lora": {"epochs": 1}}, tmp_path, shots=(1,), seeds=(1,))


def test_wrong_calls_are_refused(clip: Backbone, colours: LabelledImages, tmp_path: Path) -> None:
    def call(**given: object) -> None:
        common: dict[str, object] = {"sets": [colours], "methods": {"gda": {}}, "output": tmp_path}
        benchmark(clip, **(common | given))  # type: ignore[arg-type]

    with pytest.raises(UnknownName, match="Did you mean 'gda'"):
        call(methods={"gdaa": {}})
    with pytest.raises(UsageError, match=r"gda has no option 'alpa'. Did you mean 'alpha'"):
        call(methods={"gda": {"alpa": 1}})
    with pytest.raises(UsageError, match="shots=0"):
        call(shots=(0,))
    with pytest.raises(UsageError, match="two data sets are called 'colours'"):
        call(sets=[colours, colours])
    with pytest.raises(UsageError, match="then those to test on"):
        call(protocol="cross-dataset")
    with pytest.raises(UsageError, match="one of few-shot"):
        call(protocol="few")


def test_the_command_measures_and_prints(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "benchmark", str(place / "colours"), "--backbone", str(place / "tiny"), "-o", str(out),
        "--methods", "zero_shot,gda", "--option", "gda.alpha=0.1", "--shots", "1", "--seeds", "1,2",
    ]  # fmt: skip
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "gda (alpha=0.1)" in shown
    assert "3 cells measured, 0 found done" in shown
    assert main([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["measured"], told["found"], told["failed"]) == (0, 3, 0)
    assert {row["metric"] for row in told["summary"]} >= {"accuracy", "ece"}
    text = (out / "summary.md").read_text()
    assert text.startswith("Made by `domainclip benchmark colours --methods zero_shot,gda")
    assert str(place) not in text
    assert main(["benchmark", "--list", "--json"]) == 0
    assert "eurosat" in {row["name"] for row in json.loads(capsys.readouterr().out)}


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "give at least one DATASET"),
        (["x"], "-o OUT is missing"),
        (["nowhere", "-o", "o"], "Unknown data set 'nowhere'"),
        (["eurosat", "-o", "o"], "holds no folder 'eurosat'"),
        (["eurosat", "-o", "o", "--shots", "one"], "whole numbers"),
        (["eurosat", "-o", "o", "--fractions", "half"], "shares such as"),
    ],
)
def test_the_command_refuses_in_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["benchmark", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "option, said",
    [
        ("gda.alpha", "write METHOD.KEY=VALUE"),
        ("lora.rank=4", "'lora' is not among --methods"),
        ("gda.alpa=4", "gda has no option 'alpa'"),
        ("gda.alpha=x", "'x' is not"),
    ],
)
def test_wrong_options_are_named(
    option: str, said: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--methods", "gda", "--option", option, "--backbone", str(place / "tiny")]
    assert main(["benchmark", str(place / "colours"), "-o", str(tmp_path / "o"), *words]) == 2
    assert said in capsys.readouterr().err


def test_help_and_list_need_no_torch() -> None:
    check = (
        "import domainclip.cli, sys\n"
        "for word in ('--help', '--list'):\n"
        "    assert domainclip.cli.main(['benchmark', word]) == 0\n"
        "assert not {'torch', 'open_clip', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--sampler" in done.stdout
