"""Sources mixed by weights and a temperature: what is drawn, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from domainclip.data import PairsDataModule
from domainclip.data.settings import DataSettings
from domainclip.errors import BadInput, RecipeError
from domainclip.objectives.infonce import InfoNCE
from domainclip.pairs import Pairs
from domainclip.recipe import load_recipe
from domainclip.training import _checkpoints as checkpoints
from domainclip.training._pace import Leg, Pace
from domainclip.training.fit import fit
from domainclip.training.settings import TrainerSettings
from tests.data.make_pairs import make_pair, write_pairs
from tests.data.toy_tower import ToyTower, Whole


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return write_pairs(tmp_path_factory.mktemp("mixed") / "pairs", [
        make_pair(number, source="large" if number < 60 else "small", split="train")
        for number in range(80)
    ])  # fmt: skip


def drawn(pairs: Pairs, epochs: int = 6, **options: Any) -> tuple[Counter[str], list[int]]:
    """How often each source is read in some epochs, and the length of each."""
    data = PairsDataModule(pairs, DataSettings(batch_size=8, **options), ToyTower(), seed=1)
    source = {pair.key: pair.source for pair in pairs.rows(("key", "source"))}
    found: Counter[str] = Counter()
    lengths = []
    for epoch in range(epochs):
        data.place(epoch, 0)
        keys = [key for batch in data.train_dataloader() for key in batch.keys]
        found.update(source[key] for key in keys)
        lengths.append(len(keys))
    return found, lengths


def test_weights_are_mean_copies_and_need_not_sum_to_anything(pairs: Pairs) -> None:
    found, lengths = drawn(pairs, weights={"small": 2.5, "large": 0.5})
    assert found["large"] / 6 == pytest.approx(30, abs=5)
    assert found["small"] / 6 == pytest.approx(50, abs=5)
    assert len(set(lengths)) > 1  # a fraction of a copy is drawn anew in every epoch


def test_every_epoch_is_trained_whole_whatever_it_drew(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places: list[tuple[int, int]] = []
    monkeypatch.setattr(checkpoints, "save", lambda directory, step, content: places.append(
        (content["journal"]["epoch"], content["journal"]["consumed"])
    ))  # fmt: skip
    settings = DataSettings(batch_size=4, weights={"large": 0.5})
    tower = ToyTower()
    data = PairsDataModule(pairs, settings, tower, seed=1)
    lengths = [data.samples(epoch) for epoch in range(4)]
    assert lengths == drawn(pairs, 4, weights={"large": 0.5})[1] and len(set(lengths)) > 1
    result = fit(
        tower, Whole(tower, "visual", "table"), InfoNCE(), data,
        TrainerSettings(epochs=4, checkpoint_every=1), out=tmp_path, seed=1,
    )  # fmt: skip
    steps = [row.step for row in result.history]
    assert [after - before for before, after in zip([0, *steps], steps, strict=False)] == [
        -(-length // 4) for length in lengths
    ]
    # after its last batch an epoch is kept once it is validated, as the start of the next one
    within = [(epoch, at) for epoch in range(4) for at in range(4, lengths[epoch], 4)]
    assert sorted(places) == sorted(within + [(epoch, 0) for epoch in range(1, 5)])


def test_steps_are_the_sum_over_epochs_of_unequal_length() -> None:
    lengths = [40, 43, 39]

    def pace(leg: Leg, settings: TrainerSettings | None = None, **place: int) -> Pace:
        return Pace.of(
            settings or TrainerSettings(epochs=3), samples=lambda epoch: lengths[epoch % 3],
            ranks=1, leg=leg, **{"batch": 4, **place},
        )  # fmt: skip

    first = pace(Leg())
    assert (first.whole, first.leg.total, first.epochs) == (10 + 11 + 10, 31, 3)
    assert pace(first.leg, step=20, epoch=1, consumed=40) == first
    # in batches of 8 what is left takes 1 + 5 steps, after a share of the samples, not of epochs
    larger = pace(first.leg, batch=8, step=20, epoch=1, consumed=40)
    assert larger.leg.total == 20 + 1 + 5
    assert larger.at(20) == pytest.approx(larger.whole * (40 + 40) / sum(lengths))
    assert [pace(Leg(), TrainerSettings(steps=n)).epochs for n in (10, 11, 21, 22, 32)] == [
        1, 2, 2, 3, 4
    ]  # fmt: skip


def test_a_temperature_evens_sources_out_at_the_length_of_an_epoch(pairs: Pairs) -> None:
    found, lengths = drawn(pairs, temperature=2.0)
    share = 60**0.5 / (60**0.5 + 20**0.5)
    assert found["large"] / sum(found.values()) == pytest.approx(share, abs=0.05)
    assert sum(lengths) / 6 == pytest.approx(80, abs=6)
    both, _ = drawn(pairs, temperature=2.0, weights={"small": 0.0})
    assert both["small"] == 0


def test_the_same_seed_draws_the_same(pairs: Pairs) -> None:
    assert drawn(pairs, temperature=3.0) == drawn(pairs, temperature=3.0)


def test_sources_that_are_not_there_and_weights_that_leave_none_are_said(pairs: Pairs) -> None:
    with pytest.raises(BadInput, match=r"data\.weights: .*'smal'; they have 'large', 'small'\."):
        _ = drawn(pairs, weights={"smal": 2.0})
    with pytest.raises(BadInput, match=r"every source has weight 0"):
        _ = drawn(pairs, weights={"small": 0.0, "large": 0.0})


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.temperature=0.5", r"data\.temperature: expected a number \(>= 1\)"),
        ("data.weights={a: -1}", r"data\.weights\.a: give a number from 0 up"),
        (
            "data.text_roles=[caption, mention]|data.role_weights={caption: 0, mention: 0}",
            r"data\.role_weights: every role of data\.text_roles has weight 0",
        ),
        (
            "data.role_weights={mention: 1}",
            r"data\.text_roles: lists 'caption' and not 'mention', which data\.role_weights weighs",
        ),
    ],
)
def test_a_recipe_says_what_no_weight_can_be(override: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_recipe("quickstart", override.split("|"))
    load_recipe("quickstart", ["data.text_roles=[caption, mention]", "data.role_weights.caption=0"])
