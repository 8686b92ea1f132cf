"""What is no number ends a training before anything is kept that holds it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lightning.pytorch as lightning
import pytest
import torch
from lightning.pytorch.plugins.precision import MixedPrecision
from torch import Tensor

from domainclip.data import PairsDataModule
from domainclip.data.settings import DataSettings
from domainclip.errors import NotFinite
from domainclip.objectives.infonce import InfoNCE
from domainclip.pairs import Pairs
from domainclip.training import _checkpoints as checkpoints
from domainclip.training import wise_ft
from domainclip.training.finite import FiniteLoss
from domainclip.training.fit import FitResult, fit
from domainclip.training.keeper import Journal
from domainclip.training.settings import TrainerSettings
from tests.data.toy_tower import ToyTower, Whole, striped_pairs


class Odd:
    """InfoNCE, but for call ``at`` in training: of ``kind`` "loss", "gradient" (NaN under a finite
    loss) or "kill"; and the validations of the first ``unknown`` calls are NaN."""

    needs = "captions"

    def __init__(self, kind: str = "", at: int = 0, unknown: int = 0) -> None:
        self.kind, self.at, self.unknown = kind, at, unknown

    def __call__(self, image: Tensor, text: Tensor, batch: Any, **more: Any) -> Tensor:
        loss: Tensor = InfoNCE()(image, text, batch, **more)
        if not torch.is_grad_enabled():
            self.unknown -= 1
            return loss * float("nan") if self.unknown >= 0 else loss
        self.at -= 1
        if self.at or not self.kind:
            return loss
        if self.kind == "kill":
            raise KeyboardInterrupt
        return loss * float("nan") if self.kind == "loss" else loss + (image * 0).sum().sqrt()

    def __repr__(self) -> str:
        return "Odd()"


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("finite") / "pairs")  # 6 steps of 8 an epoch


def run(
    pairs: Pairs, out: Path, objective: Odd, lines: list[str] | None = None, **options: Any
) -> FitResult:
    tower = ToyTower()
    data = PairsDataModule(pairs, DataSettings(batch_size=8), tower, seed=1)
    settings = TrainerSettings(**{"epochs": 2, "lr": 1e-2, "checkpoint_every": 2, **options})
    result = fit(
        tower, Whole(tower, "visual", "table"), objective, data, settings, out=out, seed=1,
        say=[].append if lines is None else lines.append,
    )  # fmt: skip
    assert all(torch.isfinite(p).all() for p in tower.model.parameters())
    return result


def kept_steps(out: Path) -> list[int]:
    """Of the checkpoints, all of which hold numbers, as the best weights do."""
    steps = []
    for path in sorted((out / "checkpoints").glob("*.pt")):
        content = checkpoints.load_file(path)
        assert content is not None
        tensors = [*content["weights"].values(), *content.get("average", ())]
        assert all(torch.isfinite(tensor).all() for tensor in tensors), path
        steps += [content["journal"]["step"]] if "journal" in content else []
    return steps


@pytest.mark.parametrize(
    ("step", "last", "options"),
    [
        (4, 2, {}),  # a checkpoint is due
        (6, 4, {"ema": 0.9}),  # the end of an epoch, which is validated
        (12, 10, {"keep": "last", "clip_norm": None}),  # the very last one
        (3, 2, {"accumulate": 2, "checkpoint_every": 1}),
    ],
)
def test_a_gradient_that_is_no_number_stops_before_anything_is_kept(
    pairs: Pairs, tmp_path: Path, step: int, last: int, options: dict[str, Any]
) -> None:
    call = step * options.get("accumulate", 1)
    with pytest.raises(NotFinite, match=f"the gradient of step {step} is no finite n") as said:
        run(pairs, tmp_path, Odd("gradient", call), **options)
    assert said.value.exit_code == 2  # no run that is done, as 1 would say
    assert kept_steps(tmp_path)[-1] == last
    (found,) = json.loads((tmp_path / "logs" / "not_finite.json").read_text())
    assert (found["step"], found["what"]) == (step, "gradient")
    assert len(found["keys"]) == 8 * options.get("accumulate", 1)
    again = run(pairs, tmp_path, Odd(), **options)
    assert again.resumed == last and kept_steps(tmp_path)


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_where_a_look_costs_a_wait_steps_are_those_of_the_run_after_a_restart(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(FiniteLoss, "AT_EVERY_STEP", ())  # as on a GPU
    options = {"epochs": 3, "checkpoint_every": 4, "log_every": 100}
    with pytest.raises(KeyboardInterrupt):
        run(pairs, tmp_path, Odd("kill", 7), **options)
    assert kept_steps(tmp_path) == [4, 6]
    # the second step of this attempt is the eighth of the run, where a checkpoint is due
    with pytest.raises(NotFinite, match=f"the {kind} of step 8 is no finite number"):
        run(pairs, tmp_path, Odd(kind, 2), **options)
    assert kept_steps(tmp_path) == [4, 6]
    with pytest.raises(NotFinite, match=f"the {kind} of step 7 is"):  # seen at step 8
        run(pairs, tmp_path, Odd(kind, 1), **options)


def test_weights_that_finite_gradients_carry_beyond_numbers_are_not_kept(
    pairs: Pairs, tmp_path: Path
) -> None:
    with pytest.raises(NotFinite, match=r"the weights after step 1 are no finite numbers"):
        run(pairs, tmp_path, Odd(), checkpoint_every=1, lr=1e39, warmup=0)
    assert kept_steps(tmp_path) == []


@pytest.mark.filterwarnings("ignore:Detected call of `lr_scheduler")  # after a step left out
def test_a_gradient_that_the_scaler_leaves_out_is_no_error(
    pairs: Pairs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    trainer = lightning.Trainer

    def scaled(**options: Any) -> Any:
        del options["precision"]
        return trainer(**options, plugins=[MixedPrecision("16-mixed", "cpu", scaler)])

    # Lightning itself has no float16 on a CPU
    monkeypatch.setattr(sys.modules["domainclip.training.fit"].lightning, "Trainer", scaled)
    result = run(pairs, tmp_path, Odd("gradient", 9), precision="16-mixed", epochs=8)
    assert scaler.get_scale() < 2.0**30  # it has left out ten of them and more
    assert result.history[-1].train_loss < result.history[0].train_loss and kept_steps(tmp_path)


def test_an_infinite_gradient_is_an_error_where_no_scaler_leaves_it_out(tmp_path: Path) -> None:
    for scaler in (object(), None):
        watch = FiniteLoss(tmp_path, TrainerSettings(), Journal(step=4))
        module = SimpleNamespace(gradient_norm=torch.tensor(math.inf), device=torch.device("cpu"))
        trainer: Any = SimpleNamespace(
            global_step=1, precision_plugin=SimpleNamespace(scaler=scaler), world_size=1,
            global_rank=0, is_global_zero=True,
        )  # fmt: skip
        given = (trainer, module, {"loss": torch.tensor(1.0)}, SimpleNamespace(keys=["a"]), 0)
        if scaler is not None:
            watch.on_train_batch_end(*given)
            continue
        with pytest.raises(NotFinite, match=r"the gradient of step 5 .* \(pairs a\)"):
            watch.on_train_batch_end(*given)


def test_a_validation_that_is_no_number_is_never_the_best(pairs: Pairs, tmp_path: Path) -> None:
    lines: list[str] = []
    result = run(pairs, tmp_path / "some", Odd(unknown=4), lines, epochs=4)  # 2 calls an epoch
    losses = [row.val_loss for row in result.history]
    assert [loss == loss for loss in losses] == [False, False, True, True]
    assert result.best_epoch == 3 + losses[2:].index(min(losses[2:]))  # type: ignore[type-var]
    assert [line for line in lines if "no number" in line] == [
        "train: the validation of epoch 1 gave no number (nan), so no epoch like it can be the "
        "best one"
    ]
    lost = run(pairs, tmp_path / "none", Odd(unknown=99), epochs=2)
    assert lost.best_epoch == 0 and not (tmp_path / "none" / "checkpoints" / "best.pt").exists()


def test_a_point_without_a_validation_is_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {0.0: math.nan, 0.5: 0.25, 1.0: 0.5}
    at: list[float] = []
    monkeypatch.setattr(wise_ft, "interpolate", lambda adapter, alpha, state: at.append(alpha))
    monkeypatch.setattr(wise_ft, "score", lambda validated, monitor: found[at[-1]])
    module: Any = SimpleNamespace(validated=True)
    trainer = SimpleNamespace(validate=lambda *given, **options: None)

    def settled() -> float | None:
        settings = TrainerSettings(wise_ft=(0.0, 0.5, 1.0))
        adapter = SimpleNamespace(state=dict)
        return wise_ft.settle(adapter, settings, module, None, lambda: trainer)

    assert settled() == 1.0 and at[-1] == 1.0
    found.update({0.5: math.nan, 1.0: math.nan})
    with pytest.raises(NotFinite, match=r"trainer\.wise_ft: no point"):
        settled()
