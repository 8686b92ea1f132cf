"""What is wrong with a training is told before anything is measured or made."""

from __future__ import annotations

import pytest

from domainclip.catalogue import load
from domainclip.errors import BadInput, UsageError
from domainclip.training.fit import check_plan
from domainclip.training.settings import TrainerSettings
from tests.data.tiny_towers import make_backbone

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
