"""What is wrong with a training is told before anything is measured or made."""

from __future__ import annotations

from pathlib import Path

import pytest

from domainclip.catalogue import load
from domainclip.cli import main
from domainclip.errors import BadInput, UsageError
from domainclip.training.fit import check_plan
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_towers import make_backbone
from tests.data.toy_tower import striped_pairs

ANCHORED = {"terms": ({"name": "infonce"}, {"name": "anchor"})}


@pytest.mark.parametrize(
    ("objective", "options", "trainer", "classes", "said"),
    [
        ("infonce", {}, {"patch_dropout": 0.5}, (), r"trainer\.patch_dropout: the image tower"),
        ("weighted", ANCHORED, {"strategy": "fsdp"}, (), r"the objective anchor reads all weights"),
        ("anchor", {}, {"strategy": "fsdp"}, (), r"the objective anchor reads all weights"),
        ("class_prompts", {}, {}, ("a",), r"at least two classes, and the pairs have 1"),
    ],
)
def test_a_plan_is_refused_without_an_adapter(objective, options, trainer, classes, said) -> None:
    clip, plan = make_backbone("resnet"), load("objectives", objective)(**options)
    with pytest.raises((BadInput, UsageError), match=said):
        check_plan(clip, plan, TrainerSettings(**trainer), classes, None)
    check_plan(clip, plan, TrainerSettings(), ("a", "b"), None)


def test_prompts_that_cannot_be_merged_are_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "part-000000.parquet").touch()
    words = ["medical/lora", f"data.pairs={tmp_path}", "adapter.name=coop"]
    assert main(["run", *words, "-o", str(tmp_path / "run"), "--merge"]) == 2
    assert "merge: coop learns prompts" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_an_objective_of_ones_own_says_what_text_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text(
        "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass Mine:\n"
        "    def __call__(self, image, text, batch, *, logit_scale, logit_bias, gather):\n"
        "        return ((image - text) ** 2).sum(1).mean()\n"
    )
    pairs = striped_pairs(tmp_path / "pairs", 12)
    words = ["medical/lora", "backbone.name=embedded", f"data.pairs={pairs.path}",
             f"objective={{name: {mine}}}", "-o", str(tmp_path / "run")]  # fmt: skip
    assert main(["run", *words]) == 2
    assert "its class must say what text is: needs = 'captions'" in capsys.readouterr().err
