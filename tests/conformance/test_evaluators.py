"""Every evaluator of the catalogue keeps the protocol; a new file is tested as it is."""

from __future__ import annotations

import pickle
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from domainclip.backbones import load_backbone
from domainclip.catalogue import entries, load
from domainclip.errors import BadInput
from domainclip.evaluation._features import Features
from domainclip.evaluation._protocol import Context
from domainclip.evaluation.metrics import Value
from domainclip.pairs import Pairs
from tests.data.map_pairs import map_pairs
from tests.data.tiny_clip import write_tiny_clip

NAMES = [entry.name for entry in entries("evaluators")]
QUICK: dict[str, dict[str, Any]] = {
    "few_shot": {"shots": (1, 2), "draws": 2},
    "forgetting": {"images": 60, "methods": ("linear_probe", "knn", "zero_shot")},
}
CAPTIONS_ONLY = {"retrieval"}
OWN_DATA = {"forgetting"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("evaluators")
    pairs = map_pairs(folder / "pairs")
    return make_context(load_backbone(str(write_tiny_clip(folder / "clip"))), pairs)


def make_context(backbone: Any, pairs: Pairs) -> Context:
    features = Features(backbone, pairs, image_px=16)
    return Context(features, ("a {}.",), backbone.encode_text, resamples=50)


def test_the_catalogue_holds_the_evaluators_and_nothing_else() -> None:
    assert {"zero_shot", "retrieval", "linear_probe", "few_shot", "forgetting"} < set(NAMES)
    assert not {"metrics", "report"} & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_is_a_frozen_dataclass_with_defaults(name: str) -> None:
    kind = load("evaluators", name)
    assert is_dataclass(kind) and kind.__dataclass_params__.frozen
    for each in fields(kind):
        assert each.default is not MISSING or each.default_factory is not MISSING, each.name
        assert each.name in (kind.__doc__ or ""), f"{each.name} is not documented"
    assert isinstance(kind.again, bool)
    assert isinstance(kind.of_classes, bool)
    assert pickle.loads(pickle.dumps(kind())) == kind()


@pytest.mark.parametrize("name", NAMES)
def test_yields_named_values_with_intervals_twice_the_same(name: str, context: Context) -> None:
    evaluator = load("evaluators", name)(**QUICK.get(name, {}))
    found = list(evaluator.run(context))
    assert found and len({label for label, _ in found}) == len(found)
    for label, value in found:
        assert label and label.isprintable() and isinstance(value, Value)
        assert value.n > 0 and value.low is not None and value.high is not None
        assert value.low - 1e-9 <= value.value <= value.high + 1e-9 or label == "ece"
        assert value.value >= 0 and (value.value <= 1 or "rank" in label)
    assert list(evaluator.run(context)) == found
    if name not in OWN_DATA:
        groups = {value.groups for label, value in found}
        assert groups == {6}, "test rows come in 6 map cells, which are the unit to resample"


@pytest.mark.parametrize("name", sorted(set(NAMES) - OWN_DATA))
def test_data_that_cannot_tell_is_refused_in_a_sentence(
    name: str, context: Context, tmp_path: Path
) -> None:
    pairs = map_pairs(tmp_path / "bare", 8, labels=(), text="", texts=())
    bare = make_context(context.backbone, pairs.with_splits(["test"] * 8))
    with pytest.raises(BadInput, match=r"needs .*"):
        list(load("evaluators", name)().run(bare))


@pytest.mark.parametrize("name", sorted(set(NAMES) - OWN_DATA - CAPTIONS_ONLY))
def test_an_empty_test_split_is_refused(name: str, context: Context) -> None:
    pairs = context.pairs.with_splits(["train"] * len(context.pairs))
    with pytest.raises(BadInput, match="'test'"):
        list(load("evaluators", name)().run(make_context(context.backbone, pairs)))
