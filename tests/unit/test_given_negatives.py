"""What pairs must bring to be told apart, and what a run says where they do not."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainclip._run_warnings import warnings_said
from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data._negatives import said_of_groups
from domainclip.data.settings import DataSettings
from domainclip.errors import BadInput
from domainclip.pairs import Pairs
from domainclip.pairs.schema import Text
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.objective_inputs import inputs
from tests.data.toy_tower import ToyTower

GIVEN = {"name": "hard_negatives", "source": "given"}


def pairs_of(folder: Path, **fields: Any) -> Pairs:
    """Four pairs of the training split and one of the validation split; fields: one value each."""
    splits = ("train", "train", "train", "train", "val")
    made = [
        make_pair(at, split=split, **{name: values[at] for name, values in fields.items()})
        for at, split in enumerate(splits)
    ]
    return write_pairs(folder, made)


def module_of(pairs: Pairs, objective: Any) -> PairsDataModule:
    given = getattr(objective, "given_negatives", False)
    settings = DataSettings(batch_size=4)
    return PairsDataModule(pairs, settings, ToyTower(px=16), given_negatives=given)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hard_negatives", {"source": "given"}),
        ("weighted", {"terms": ({"name": "infonce"}, GIVEN)}),
        ("matryoshka", {"of": GIVEN}),
    ],
)
def test_given_negatives_that_no_training_pair_has_stop(
    name: str, options: dict[str, Any], tmp_path: Path
) -> None:
    objective, negative = load("objectives", name)(**options), (Text("negative", "no ship"),)
    bare = pairs_of(tmp_path / "bare", texts=[(), (), (), (), negative])
    with pytest.raises(BadInput, match=r"no training pair has a text in the role 'negative'; give"):
        module_of(bare, objective)
    one = pairs_of(tmp_path / "one", texts=[(), (), negative, (), ()])
    (batch,) = module_of(one, objective).train_dataloader()
    assert sorted(batch.negatives) == [(), (), (), ("no ship",)]


def test_negatives_by_rules_need_none(tmp_path: Path) -> None:
    module_of(pairs_of(tmp_path / "pairs"), load("objectives", "hard_negatives")())


def test_pairs_without_a_group_have_that_of_their_document(tmp_path: Path) -> None:
    pairs = pairs_of(
        tmp_path / "pairs", group=("a", "", "", "", ""), document=("x", "x", "y", "", "y")
    )
    (batch,) = module_of(pairs, None).train_dataloader()
    assert dict(zip(batch.keys, batch.groups, strict=True)) == {
        pair.key: group for pair, group in zip(pairs, ("a", "x", "y", ""), strict=False)
    }


@pytest.mark.parametrize(
    ("groups", "documents", "said"),
    [
        ("aaaab", "xyxyx", True),
        (("",) * 5, "xxxxy", True),
        ("aabba", "xxxxx", False),
        (("",) * 5, ("x", "x", "x", "", "x"), False),
        (("",) * 5, ("",) * 5, False),
    ],
)
def test_one_group_for_all_is_said(groups: Any, documents: Any, said: bool, tmp_path: Path) -> None:
    pairs = pairs_of(tmp_path / "pairs", group=groups, document=documents)
    infonce = load("objectives", "infonce")
    lines = list(said_of_groups(pairs, infonce()))
    assert len(lines) == said and all("objective.same_group=negative" in line for line in lines)
    assert not list(said_of_groups(pairs, replace(infonce(), same_group="negative")))
    assert not list(said_of_groups(pairs, load("objectives", "class_prompts")()))


def test_own_warnings_are_said_once_and_those_of_others_are_left() -> None:
    given, lines = inputs(load("objectives", "primary_component")()), list[str]()
    with (
        pytest.warns(UserWarning, match="of another package") as others,
        warnings_said(lines.append),
    ):
        warnings.simplefilter("always")
        for rows in (range(8), range(4)):
            given.call(list(rows))
        warnings.warn("of another package", stacklevel=1)
    assert len(others) == 1
    assert len(lines) == 1 and lines[0].startswith("train: primary_component: batches of 33 images")
