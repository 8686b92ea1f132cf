"""A recipe is refused for everything that is wrong with it, at once, with lines and near names."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from domainclip.cli import main
from domainclip.errors import BadInput, RecipeError, UnknownName
from domainclip.recipe import Component, expand, load_recipe, to_yaml

GOOD = """\
name: small
seed: 3
backbone: {name: embedded}
data:
  pairs: somewhere
  augment: {flip: true, crop_scale: [0.8, 1]}
text: {classnames: {no: Norway, 1: one}, templates: ["a {}."]}
objective: {name: class_prompts, label_smoothing: 0}
trainer: {lr: 1e-3, clip_norm: null}
"""


@pytest.fixture
def write(tmp_path: Path):
    def written(text: str, name: str = "r.yaml") -> Path:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return written


def errors_of(path: Path, *overrides: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, overrides)
    return [line.replace(f"{path}:", "") for line in str(caught.value).split("\n")]


def made(folder: Path) -> str:
    """The override that names pairs which are there."""
    (folder / "pairs").mkdir(exist_ok=True)
    (folder / "pairs" / "part-000000.parquet").touch()
    return f"data.pairs={folder / 'pairs'}"


def test_a_good_recipe_becomes_typed_sections(write) -> None:
    recipe = load_recipe(write(GOOD))
    assert recipe.trainer.lr == 1e-3 and recipe.trainer.clip_norm is None
    assert recipe.data.augment.crop_scale == (0.8, 1.0)
    assert recipe.text.classnames == {"no": "Norway", "1": "one"}
    # options come with the defaults of their class, and with its types
    assert recipe.objective is not None
    assert recipe.objective.options["label_smoothing"] == 0.0
    assert isinstance(recipe.objective.options["label_smoothing"], float)
    assert recipe.objective.options["weight"] == "none"
    assert recipe.objective.build("objectives").label_smoothing == 0.0


def test_all_errors_come_at_once_with_lines_and_near_names(write) -> None:
    text = (
        GOOD.replace("seed: 3", "sed: 3").replace("1e-3", "fast").replace("flip: true", "flip: no")
    )
    text += "evaluate: [{name: zero_shto}]\nadapter: {name: ./none.py}\n"
    text = text.replace("label_smoothing", "label_smothing").replace("  pairs: somewhere\n", "")
    found = errors_of(write(text), "trainer.epochs=0", "data.batch_sise=4", "seed=1.5")
    for expected in (
        "2 sed: unknown key. Did you mean 'seed'?",
        "5 data.augment.flip: expected true or false, got 'no'.",
        "override 'data.batch_sise=4' data.batch_sise: unknown key. Did you mean 'batch_size'?",
        "7 objective.label_smothing: unknown option of 'class_prompts'. Did you mean "
        "'label_smoothing'?",
        "8 trainer.lr: expected a number (> 0), got 'fast'.",
        "override 'trainer.epochs=0' trainer.epochs: expected a whole number (>= 1), got 0.",
        "override 'seed=1.5' seed: expected a whole number, got 1.5.",
        "10 adapter.name: none.py: no such file; a name that ends in .py must be a Python file.",
    ):
        assert expected in found, found
    assert any(
        line.startswith("9 evaluate.0.name: Unknown evaluator 'zero_shto'") for line in found
    )


def test_errors_come_in_the_order_of_lines_and_overrides_last(write) -> None:
    text = "trainer: {lr: fast}\nsed: 1\n" + GOOD.replace("seed: 3", "seed: x")
    text = text.replace("trainer: {lr: 1e-3, clip_norm: null}\n", "objektive: 1\n")
    found = errors_of(write(text), "data.batch_size=0", "trainr.epochs=1")
    assert [line.split()[0] for line in found] == ["1", "2", "4", "11", "override", "override"]
    assert found[-1] == ("override 'trainr.epochs=1' trainr: unknown key. Did you mean 'trainer'?")


def test_errors_between_sections_come_with_their_lines(write) -> None:
    text = GOOD.replace("pairs: somewhere", "split: {fractions: {train: 0.9, vla: 0.2}}")
    joined = "\n".join(errors_of(write(text), "data.augment.crop_scale=[0.9, 0.2]"))
    assert "5 data.split.fractions.vla: unknown split. Did you mean 'val'?" in joined
    assert "5 data.split.fractions: shares are above 0, and add up to 1." in joined
    assert "crop_scale: give [smallest, largest], both above 0." in joined
    joined = "\n".join(errors_of(write(GOOD.replace("  pairs: somewhere\n", ""))))
    assert (
        "4 data: missing; give 'extract', or the directory of your pairs: data.pairs=PATH."
        in joined
    )
    assert "sweep.seed: give a list" in errors_of(write(GOOD + "sweep: {seed: []}\n"))[0]
    both = GOOD.replace("pairs: somewhere", "pairs: a\n  extract: tests.data.fake_extractor:Folder")
    assert any("either 'pairs' or 'extract'" in line for line in errors_of(write(both)))
    text = GOOD.replace('["a {}."]', '["a photo"]').replace("name: embedded", "name: ViT-B-61")
    joined = "\n".join(errors_of(write(text)))
    assert "7 text.templates.0: 'a photo' has no {} for the class." in joined
    pytest.importorskip("open_clip")
    assert "3 backbone.name: unknown backbone 'ViT-B-61'. Did you mean 'ViT-B-16'?" in joined


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("by: cell", "data.split.by: cells need their side"),
        ("cell_m: 500", "data.split.by: cells need their side"),
        ("by: cell, cell: 5, cell_m: 5", "data.split.cell_m: give the side in metres or in units"),
        ("by: cell, cell_m: 0.5", "data.split.cell_m: expected a number (>= 1)"),
        ("buffer: 1, buffer_m: 1", "data.split.buffer_m: give the buffer in metres or in units"),
    ],
)
def test_a_split_that_cannot_be_is_refused_before_anything_is_extracted(
    write, split: str, message: str
) -> None:
    (said,) = errors_of(write(GOOD.replace("pairs: somewhere", f"split: {{{split}}}")))
    assert message in said, said


def test_pairs_and_weights_that_are_not_there_are_refused_before_a_run(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(GOOD.replace("{name: embedded}", "{name: ViT-B-16, pretrained: w/b16.pt}"))
    assert load_recipe(path).data.pairs == "somewhere", "a finished run's recipe is read anyway"
    for verb in ("check", "run"):
        assert main([verb, str(path)]) == 2
        said = capsys.readouterr().err
        assert "5 data.pairs: somewhere: no such directory" in said
        assert "3 backbone.pretrained: w/b16.pt: no such file" in said
    (tmp_path / "empty").mkdir()
    there = tmp_path / "weights.safetensors"
    there.touch()
    words = [f"data.pairs={tmp_path / 'empty'}", f"backbone.pretrained={there}"]
    assert main(["check", str(path), *words]) == 2
    said = capsys.readouterr().err
    assert "holds no part-*.parquet" in said and "pretrained" not in said
    assert main(["check", str(path), made(tmp_path), "backbone.pretrained=openai"]) == 0
    sweep = "sweep: {backbone.pretrained: [openai, absent.safetensors]}\n"
    assert main(["check", str(write(path.read_text() + sweep)), made(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "absent.safetensors: no such file" in said and said.count("\n") == 1


NESTED = [
    ("evaluate=[{name: few_shot, head: gdaa}]", "evaluate.0.head: Unknown head 'gdaa'. Did you "
     "mean 'gda'?"),
    ("evaluate=[{name: few_shot, head_options: {alpah: 1}}]", "evaluate.0.head_options.alpah: "
     "unknown option of 'gda'. Did you mean 'alpha'?"),
    ("evaluate=[{name: few_shot, head: knn, head_options: {k: 0}}]", "evaluate.0.head_options.k: "
     "expected a whole number (>= 1) or null, got 0."),
    ("evaluate=[{name: few_shot, head: 3}]", "expected a name that `domainclip list heads` shows"),
    ("evaluate=[{name: few_shot, shots: [4, 0]}]", "evaluate.0.shots.1: expected a whole number"),
    ("adapter={name: combined, parts: [{name: svd}, {name: cop}]}", "adapter.parts.1.name: "
     "Unknown adapter 'cop'. Did you mean 'coop'?"),
    ("adapter={name: combined, parts: [{name: svd, tower: [image]}]}", "adapter.parts.0.tower: "
     "unknown option of 'svd'. Did you mean 'towers'?"),
    ("adapter={name: combined, parts: [svd]}", "{name: ...} with a name that"),
    ("adapter={name: combined, parts: [{rank: 3}]}", "expected {name: ..., option: ...}"),
    ("adapter={name: wise_ft, of: svdd}", "adapter.of: Unknown adapter 'svdd'. Did you mean 'svd'"),
    ("adapter={name: wise_ft, of: lora, options: {rnk: 2}}", "adapter.options.rnk: unknown option "
     "of 'lora'. Did you mean 'rank'?"),
    ("adapter={name: wise_ft, alpha: 1.5}", "adapter.alpha: expected a number (>= 0 <= 1)"),
    ("adapter={name: lora, rank: 0}", "adapter.rank: expected a whole number (>= 1), got 0."),
    ("adapter={name: lora, dropout: 2}", "adapter.dropout: expected a number"),
    ("adapter={name: lora, towers: [imag]}", "adapter.towers.0: expected one of 'image', 'text', "
     "got 'imag'."),
    ("adapter={name: full, towers: [imag]}", "adapter.towers.0: expected one of"),
    ("adapter={name: svd, targets: [qkv]}", "adapter.targets.0: expected one of 'q', 'k', 'v',"),
    ("head={name: clap, epochs: 0}", "head.epochs: expected a whole number (>= 1), got 0."),
    ("objective.label_smoothing=1.5", "objective.label_smoothing: expected a number"),
    ("objective={name: weighted, terms: [{name: infonce}], weights: [0]}", "objective.weights: all "
     "of them are 0; give at least one above 0."),
    ("objective={name: weighted, terms: [{name: infonce}], weights: [-1]}", "objective.weights.0: "
     "expected a number (>= 0), got -1."),
    ("objective={name: matryoshka, weights: [0.0, 0]}", "objective.weights: all of them are 0"),
    ("objective={name: distillation, teacher: [ViT-B-61]}", "objective.teacher: unknown backbone "
     "'ViT-B-61'. Did you mean 'ViT-B-16'?"),
    ("objective={name: weighted, terms: [{name: infonce}, {name: distillation, teacher: [x]}]}",
     "objective.terms.1.teacher: unknown backbone 'x'"),
    ("objective={name: matryoshka, of: {name: distillation, teacher: [x]}}",
     "objective.of.teacher: unknown backbone 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("override", "message"), NESTED, ids=[each for each, _ in NESTED])
def test_options_of_components_are_checked_by_value_and_by_the_names_in_them(
    write, override: str, message: str
) -> None:
    (said,) = errors_of(write(GOOD), override)
    assert message in said, said


def test_nested_options_stay_as_they_are_written(write) -> None:
    parts = "[{name: svd, towers: [image]}, {name: coop}]"
    words = [f"adapter={{name: combined, parts: {parts}}}",
             "evaluate=[{name: few_shot, head: gda, head_options: {alpha: 1}}]"]  # fmt: skip
    recipe = load_recipe(write(GOOD), words)
    assert recipe.adapter is not None  # the seed of a part is that of the whole, where it has none
    assert recipe.adapter.options["parts"] == ({"name": "svd", "towers": ["image"]},
                                               {"name": "coop"})  # fmt: skip
    assert recipe.evaluate[0].options["head_options"] == {"alpha": 1}
    recipe = load_recipe(write(GOOD), ["adapter={name: wise_ft, of: lora, options: {rank: 4}}"])
    assert recipe.adapter is not None and recipe.adapter.options["options"] == {"rank": 4}
    assert load_recipe(write(to_yaml(recipe), "resolved.yaml")) == recipe


def test_an_image_size_that_the_tower_cannot_see_is_refused(write) -> None:
    pytest.importorskip("open_clip")
    (said,) = errors_of(write(GOOD), "data.image_px=64", "backbone.name=ViT-B-16")
    assert "data.image_px: 'ViT-B-16' sees images of 224 pixels and no other size, got 64" in said
    assert "data.image_px=null" in said
    for fine in (["data.image_px=224", "backbone.name=ViT-B-16"],
                 ["data.image_px=64", "backbone.name=ViT-B-16-SigLIP"],  # timm's, asked later
                 ["data.image_px=336", "backbone.name=ViT-L-14-336"],
                 ["data.image_px=64"]):  # fmt: skip
        load_recipe(write(GOOD), fine)


def test_two_labels_of_one_name_are_refused(write) -> None:
    (said,) = errors_of(write(GOOD.replace("1: one", "1: Norway")))
    assert "7 text.classnames.1: 'Norway' is the name of 'no' already." in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nname: b\n", "2 name: given twice, first at"),
        ("a: &x 1\nb: *x\n", "2: recipes have no aliases"),
        ("name: !!python/object/apply:os.system ['true']\n", "1: the tag"),
        ("name: [a\nb: c\n", "2: "),
        ("- a\n", "the file holds a list, and a recipe is sections (key: value)"),
        ("", "the file is empty, and a recipe is sections (key: value)"),
        ("lora\n", "the file holds only 'lora', and a recipe is sections (key: value)"),
        ("? {a: b}\n: 1\n", "1: a key must be text"),
        ("backbone: embedded\n", "data: missing; give a section."),
        ("name: 3\n", "1 name: expected text, got 3."),
        ("data: 3\n", "1 data: expected a section (key: value), got 3."),
    ],
)
def test_what_is_no_recipe_is_refused_with_its_line(write, text: str, message: str) -> None:
    assert message in "\n".join(errors_of(write(text)))


def test_yaml_means_what_people_mean(write) -> None:
    text = GOOD.replace("{no: Norway, 1: one}", "{no: on, off: yes, y: 2024-01-01, e: 12:30}")
    assert load_recipe(write(text)).text.classnames == {
        "no": "on", "off": "yes", "y": "2024-01-01", "e": "12:30",
    }  # fmt: skip
    for number in ("1e-3", "1.e-3", ".001", "1E-3", "0.001"):
        assert load_recipe(write(GOOD), [f"trainer.lr={number}"]).trainer.lr == 1e-3
    assert "got '3'" in errors_of(write(GOOD), 'seed="3"')[0]


def test_overrides_reach_every_place(write) -> None:
    path = write(GOOD + "evaluate: [{name: ./mine.py, shots: [1]}]\n")
    mine = path.parent / "mine.py"
    mine.write_text(
        "from dataclasses import dataclass\nimport torch_that_is_absent\n"
        '__all__ = ["Mine"]\n@dataclass(frozen=True)\nclass Mine:\n'
        '    shots: tuple[int, ...] = (1, 2)\n    head: "str | None" = None\n'
    )
    name = f"evaluate.0.name={mine}"
    recipe = load_recipe(path, [name, "evaluate.0.shots=[4, 8]", "data.split.seed=7"])
    assert recipe.evaluate[0].options == {"shots": (4, 8), "head": None}
    assert recipe.data.split is not None and recipe.data.split.seed == 7
    assert load_recipe(path, [name, "objective=infonce"]).objective == Component(
        "infonce",
        {"same_text": "positive", "label_smoothing": 0.0, "captions": "pairs",
         "same_group": "ignore"},
    )  # fmt: skip
    wrong = ["evaluate.3.shots=1", "name.sub=1", "=3", "objective.name=infonce"]
    found = errors_of(path, name, *wrong, "objective.weight=none")
    assert "override 'evaluate.3.shots=1': 'evaluate' has 1 entries, from 0." in found
    assert "override 'name.sub=1': 'name' has no parts to set." in found
    assert "override '=3': write it as key.sub=value." in found
    assert any("To replace the whole component, write objective={name: ...}" in e for e in found)


@pytest.mark.parametrize(
    ("overrides", "text", "objective"),
    [
        (["text.name=sentences"], {"pool_by": "mean"}, {}),  # the default again, not the recipe's
        (["text.name=sentences", "text.pool_by=attention"], {"pool_by": "attention"}, {}),
        (["text.pool_by=attention", "text.name=sentences"], {"pool_by": "attention"}, {}),
        (["text.name=window"], {"pool_by": "max", "overlap": 9}, {}),  # the recipe's own name
        (["text.name=truncate"], {}, {}),
        (["objective.name=infonce"], {}, {"same_text": "positive"}),
        (["objective.terms.0.name=infonce"], {}, {"terms": ({"name": "infonce"},)}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_another_name_starts_a_component_anew(write, overrides, text, objective) -> None:
    given = GOOD.replace(
        "text: {", "text: {name: window, pool_by: max, overlap: 9, words: [w], "
    ).replace(
        "{name: class_prompts, label_smoothing: 0}",
        "{name: weighted, terms: [{name: siglip, same_text: negative}]}",
    )
    recipe = load_recipe(write(given), overrides)
    assert text.items() <= recipe.text.options.items()
    assert recipe.objective is not None
    assert objective.items() <= recipe.objective.options.items()
    # what stands beside a component's options is not of it
    assert recipe.text.words == ("w",) and recipe.text.templates == ("a {}.",)


def test_another_name_drops_no_section_that_is_no_component(write) -> None:
    recipe = load_recipe(write(GOOD), ["text.classnames.name=Name", "backbone.name=RN50"])
    assert recipe.text.classnames == {"no": "Norway", "1": "one", "name": "Name"}
    assert load_recipe(write(GOOD), ["name=other"]).seed == 3
    extract = "extract: {name: dicom, source: [a], options: {window: soft}}"
    path = write(GOOD.replace("pairs: somewhere", extract))
    made = load_recipe(path, ["data.extract.options.size_px=64", "data.extract.name=tiles"]).data
    assert made.extract is not None and made.extract.source == ("a",)
    assert made.extract.options["size_px"] == 64 and "window" not in made.extract.options


def test_a_sweep_over_names_leaves_the_options_of_the_others(write) -> None:
    given = GOOD.replace("text: {", "text: {name: window, overlap: 9, ")
    recipe = load_recipe(write(given + "sweep: {text.name: [truncate, window, sentences]}\n"))
    runs = dict(expand(recipe))
    assert list(runs) == ["text=truncate", "text=window", "text=sentences"]
    assert runs["text=window"].text.options["overlap"] == 9
    assert "overlap" not in runs["text=sentences"].text.options


def test_null_switches_a_sweep_off(write) -> None:
    path = write(GOOD + "sweep: {seed: [0, 1], data.batch_size: [8, 16]}\n")
    assert load_recipe(path, ["sweep=null"]).sweep == {}
    assert load_recipe(path, ["sweep.seed=null"]).sweep == {"data.batch_size": (8, 16)}
    assert load_recipe(write(GOOD + "sweep:\n")).sweep == {}


def test_resolved_recipe_reads_back_as_itself(write) -> None:
    recipe = load_recipe(write(GOOD + "sweep: {seed: [0, 1]}\n"))
    assert load_recipe(write(to_yaml(recipe), "resolved.yaml")) == recipe


def test_a_sweep_is_the_product_of_its_values(write) -> None:
    sweep = (
        "sweep:\n  data.split.seed: [0, 1]\n"
        "  objective: [{name: infonce}, {name: class_prompts}, "
        "{name: class_prompts, temperature: 2}]\n"
    )
    runs = expand(load_recipe(write(GOOD + sweep)))
    assert [label for label, _ in runs][:3] == [
        "seed=0,objective=infonce",
        "seed=0,objective=class_prompts",
        "seed=0,objective=class_prompts-temperature2",
    ]
    assert len(runs) == 6 and all(not recipe.sweep for _, recipe in runs)
    assert [recipe.data.split.seed for _, recipe in runs] == [0, 0, 0, 1, 1, 1]
    assert expand(load_recipe(write(GOOD)))[0][0] == ""
    found = errors_of(write(GOOD + "sweep:\n  trainer.lr: [1, -1]\n  seed: [x]\n"))
    assert "11 sweep trainer.lr: expected a number (> 0), got -1." in found
    assert "12 sweep seed: expected a whole number, got 'x'." in found


def test_names_and_files_that_are_absent(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Unknown recipe 'quickstar'"):
        load_recipe("quickstar")
    with pytest.raises(BadInput, match="no such recipe file"):
        load_recipe(tmp_path / "absent.yaml")


def test_check_prints_ok_or_every_error(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(write(GOOD)), "trainer.epochs=2", made(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("ok: small\n")
    assert main(["check", str(write(GOOD)), "trainer.epoch=2", "seed=x", made(tmp_path)]) == 2
    assert len(capsys.readouterr().err.strip().split("\n")) == 2
    assert main(["check", "--json", str(write(GOOD)), made(tmp_path)]) == 0
    assert '"ok": true' in capsys.readouterr().out


def test_copy_keeps_comments_and_overwrites_nothing(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write("# a comment\n" + GOOD)
    target = tmp_path / "new" / "mine.yaml"
    assert main(["copy", str(source), str(target)]) == 0
    assert target.read_text() == source.read_text()
    assert main(["copy", str(source), str(target)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["copy", "--force", str(source), str(target)]) == 0


def test_copy_writes_whole_or_not_at_all(
    write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = write(GOOD + "#" * 9_000), tmp_path / "mine.yaml"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, before[1]))
    try:
        assert main(["copy", str(source), str(target)]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "the disk is full" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [source]


def test_checking_needs_no_torch_and_half_a_second(write, tmp_path: Path) -> None:
    code = (
        "import sys, time; sys.modules['torch'] = None\nfrom domainclip.cli import main\n"
        f"main(['check', {str(write(GOOD))!r}, {made(tmp_path)!r}])\nprint(time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "ok: small" in done.stdout, done.stderr
    assert float(done.stdout.split()[-1]) < 0.5
