"""What is trained, how it is scheduled, averaged and kept."""

from __future__ import annotations

import csv
import json
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from domainclip.catalogue import load
from domainclip.data import PairsDataModule
from domainclip.data.settings import AugmentSettings, DataSettings
from domainclip.errors import BadInput, OutputError, OutputInUse
from domainclip.objectives.class_prompts import ClassPrompts
from domainclip.objectives.infonce import InfoNCE
from domainclip.pairs import Pairs
from domainclip.training import _checkpoints as checkpoints
from domainclip.training.averaging import Average
from domainclip.training.fit import FitResult, fit
from domainclip.training.optimizer import make_optimizer, make_schedule, parameter_groups
from domainclip.training.settings import TrainerSettings
from tests.data.toy_tower import ToyTower, Whole, striped_pairs

NAMES = (("asphalt", "bush", "crops"), ("a photo of {}.",))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Pairs:
    return striped_pairs(tmp_path_factory.mktemp("train") / "pairs", broken=7)


def run(
    pairs: Pairs, out: Path, objective: object = None, parts: tuple[str, ...] = ("visual",),
    **options: object,
) -> tuple[FitResult, ToyTower]:  # fmt: skip
    tower = ToyTower()
    data = PairsDataModule(
        pairs, DataSettings(batch_size=8, augment=AugmentSettings(flip=True)), tower, seed=1
    )
    settings = TrainerSettings(**{"epochs": 2, "lr": 1e-2, "checkpoint_every": 2, **options})  # type: ignore[arg-type]
    result = fit(
        tower, Whole(tower, *parts), objective or ClassPrompts(), data, settings,  # type: ignore[arg-type]
        out=out, seed=1, class_text=NAMES,
    )  # fmt: skip
    return result, tower


def weights(tower: ToyTower) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in tower.model.state_dict().items()}


def test_only_the_adapters_weights_move_and_learn(pairs: Pairs, tmp_path: Path) -> None:
    before = weights(ToyTower())
    result, tower = run(pairs, tmp_path, epochs=4)
    after = weights(tower)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    # batch-norm statistics and the text tower stay
    assert moved == {f"visual.{at}.{kind}" for at in (0, 1, 6) for kind in ("weight", "bias")}
    assert result.history[-1].accuracy is not None and result.history[-1].accuracy > 0.9
    assert [row.epoch for row in result.history] == [1, 2, 3, 4]
    assert [row.step for row in result.history] == [6, 12, 18, 24]
    assert [key for key, _ in result.skipped] == ["pair-000007"]
    assert not any(module.training for module in tower.model.modules())
    assert all(p.requires_grad and p.grad is None for p in tower.model.parameters())


def test_the_weights_of_the_best_epoch_are_left(pairs: Pairs, tmp_path: Path) -> None:
    result, tower = run(pairs, tmp_path, epochs=3, lr=0.5, schedule="constant", monitor="loss")
    assert result.best_epoch == min(result.history, key=lambda row: row.val_loss or 0).epoch
    best = checkpoints.load_file(tmp_path / "checkpoints" / "best.pt")
    assert best is not None
    assert torch.equal(best["weights"]["model.visual.6.weight"], tower.model.visual[6].weight)


def test_patience_ends_a_run(pairs: Pairs, tmp_path: Path) -> None:
    result, _ = run(pairs, tmp_path, epochs=9, lr=1e-9, patience=2, monitor="accuracy")
    assert len(result.history) == 3 and result.best_epoch == 1


def test_steps_may_end_within_an_epoch_and_are_validated(pairs: Pairs, tmp_path: Path) -> None:
    result, _ = run(pairs, tmp_path, steps=8)
    assert [row.step for row in result.history] == [6, 8]
    assert result.history[-1].val_loss is not None


def test_captions_ema_accumulation_and_logs(pairs: Pairs, tmp_path: Path) -> None:
    result, tower = run(
        pairs, tmp_path, InfoNCE(), ("visual", "table"), ema=0.9, accumulate=2, log_every=1
    )
    assert [row.step for row in result.history] == [3, 6]
    assert result.history[1].train_loss < result.history[0].train_loss
    with (tmp_path / "logs" / "train.csv").open(newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)][-1] == 6
    assert len((tmp_path / "logs" / "epochs.csv").read_text().splitlines()) == 3
    assert list((tmp_path / "logs").glob("events.out.tfevents*"))
    assert "pair-000007" in (tmp_path / "logs" / "skipped.csv").read_text()
    assert not Path("lightning_logs").exists()
    content = checkpoints.newest(tmp_path / "checkpoints")
    assert content is not None
    best = checkpoints.load_file(tmp_path / "checkpoints" / "best.pt")
    assert best is not None
    # what is kept is the average, not the last weights
    name = "model.visual.6.weight"
    assert not torch.equal(best["weights"][name], content["weights"][name])
    assert torch.equal(best["weights"][name], tower.model.visual[6].weight)


def test_bf16_and_sgd_and_no_validation(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 12)
    only_train = pairs.with_splits(["train"] * 12)
    result, _ = run(only_train, tmp_path, precision="bf16-mixed", optimizer="sgd", ema=0.5)
    assert result.best_epoch == 0 and result.history[-1].val_loss is None
    assert result.history[-1].train_loss > 0


def test_a_batch_without_any_readable_image_is_passed_over(tmp_path: Path) -> None:
    pairs = striped_pairs(tmp_path / "pairs", 16, broken=range(15))
    result, _ = run(pairs, tmp_path / "run", log_every=1)
    assert [row.step for row in result.history] == [2, 4] and len(result.skipped) == 12
    with (tmp_path / "run" / "logs" / "train.csv").open(newline="") as file:
        assert len({row["step"] for row in csv.DictReader(file)}) == 2  # of four


def test_a_finished_run_is_not_trained_again(pairs: Pairs, tmp_path: Path) -> None:
    first, tower = run(pairs, tmp_path)
    again, other = run(pairs, tmp_path)
    assert again.history == first.history and again.resumed == 12
    assert all(torch.equal(a, weights(other)[n]) for n, a in weights(tower).items())


def test_other_settings_do_not_go_on_with_a_run(pairs: Pairs, tmp_path: Path) -> None:
    run(pairs, tmp_path)
    with pytest.raises(OutputInUse, match=r"other settings \(trainer\)"):
        run(pairs, tmp_path, lr=0.5)


class Stops(InfoNCE):
    """Ctrl-C in a later call."""

    def __init__(self, left: int) -> None:
        object.__setattr__(self, "left", [left])

    def __call__(self, *given: Any, **more: Any) -> torch.Tensor:
        self.left[0] -= 1  # type: ignore[attr-defined]
        if not self.left[0]:  # type: ignore[attr-defined]
            raise KeyboardInterrupt
        return super().__call__(*given, **more)

    def __repr__(self) -> str:
        return "Stops()"


@pytest.mark.parametrize(
    ("named", "data", "more"),
    [
        ("data.augment", {"augment": AugmentSettings(flip=True, colour=0.5)}, {}),
        ("data.weights", {"weights": {"made 1": 1.0}}, {}),
        ("text", {}, {"long": load("text", "window")()}),
        ("classes", {}, {"class_text": (("asphalt", "bush", "grass"), NAMES[1])}),
        ("data.batch_size", {"batch_size": 4}, {}),
        ("", {"memory_mb": 0}, {}),
    ],
)
def test_a_run_goes_on_with_the_same_data_and_texts_alone(
    pairs: Pairs, tmp_path: Path, named: str, data: dict[str, Any], more: dict[str, Any]
) -> None:
    lines: list[str] = []

    def go(calls: int, data: dict[str, Any], more: dict[str, Any]) -> FitResult:
        tower = ToyTower()
        given: dict[str, Any] = {"batch_size": 8, "augment": AugmentSettings(flip=True), **data}
        module = PairsDataModule(pairs, DataSettings(**given), tower, seed=1)
        options: dict[str, Any] = {"class_text": NAMES, "say": lines.append, **more}
        return fit(
            tower, Whole(tower, "visual", "table"), Stops(calls), module,
            TrainerSettings(checkpoint_every=2, epochs=1), out=tmp_path, seed=1, **options,
        )  # fmt: skip

    with pytest.raises(KeyboardInterrupt):
        go(4, {}, {})
    if not named:
        assert go(99, data, more).resumed == 2
        return
    with pytest.raises(OutputInUse, match=rf"other settings \({named}\)"):
        go(99, data, more)
    assert lines == []  # not a word on how it goes on


class Higher:
    """Wants the highest scale that it can get, and notes each that it is given."""

    needs = "captions"

    def __init__(self) -> None:
        self.seen: list[float] = []

    def __call__(self, image: Any, text: Any, batch: Any, **more: Any) -> torch.Tensor:
        scale: torch.Tensor = more["logit_scale"]
        self.seen.append(float(scale.detach()))
        return 0 * image.sum() + 0 * text.sum() - scale.log()


@pytest.mark.parametrize("start", [2.0, 4.6, 5.0])
def test_no_loss_sees_and_no_file_keeps_a_logit_scale_above_100(
    pairs: Pairs, tmp_path: Path, start: float
) -> None:
    tower, objective = ToyTower(), Higher()
    tower.model.logit_scale.data.fill_(start)
    adapter = Whole(tower, "visual")
    trained = [*adapter.parameters(), tower.model.logit_scale]
    adapter.parameters = lambda: iter(trained)  # type: ignore[method-assign]
    data = PairsDataModule(pairs, DataSettings(batch_size=8), tower, seed=1)
    settings = TrainerSettings(epochs=1, lr=1.0, warmup=0, keep="last", ema=0.5)
    fit(tower, adapter, objective, data, settings, out=tmp_path)
    content = checkpoints.newest(tmp_path / "checkpoints")
    assert content is not None
    kept = [content["weights"]["model.logit_scale"], tower.model.logit_scale]
    kept += [mean for mean in content["average"] if mean.ndim == 0]
    scales = [*objective.seen, *(float(scale.detach().exp()) for scale in kept)]
    assert len(kept) == 3 and max(scales) == pytest.approx(100.0, rel=1e-6)


@pytest.mark.parametrize(
    ("batch_size", "objective", "said"),
    [(1, InfoNCE(), True), (2, InfoNCE(), False), (1, ClassPrompts(), False)],
)
def test_one_pair_to_a_batch_has_nothing_to_tell_it_apart_from(
    tmp_path: Path, batch_size: int, objective: Any, said: bool
) -> None:
    lines: list[str] = []
    tower = ToyTower()
    pairs = striped_pairs(tmp_path / "pairs", 10)
    data = PairsDataModule(pairs, DataSettings(batch_size=batch_size), tower, seed=1)
    fit(
        tower, Whole(tower, "visual"), objective, data, TrainerSettings(epochs=2),
        out=tmp_path / "run", class_text=NAMES, say=lines.append,
    )  # fmt: skip
    assert sum("data.batch_size: with one pair" in line for line in lines) == said


def test_nothing_to_train_and_no_classes_are_said(pairs: Pairs, tmp_path: Path) -> None:
    tower = ToyTower()
    data = PairsDataModule(pairs, DataSettings(), tower)
    empty = Whole(tower)
    empty.parameters = lambda: iter(())  # type: ignore[method-assign]
    with pytest.raises(BadInput, match="nothing to train"):
        fit(tower, empty, ClassPrompts(), data, TrainerSettings(), out=tmp_path, class_text=NAMES)
    with pytest.raises(BadInput, match="at least two classes"):
        fit(tower, Whole(tower), ClassPrompts(), data, TrainerSettings(), out=tmp_path)


def test_a_checkpoint_cut_short_falls_back_to_the_one_before(tmp_path: Path) -> None:
    for step in (2, 4, 6):
        checkpoints.save(tmp_path, step, {"step": step, "weights": {"a": torch.ones(9)}})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-00000004.pt", "step-00000006.pt",
    ]  # fmt: skip
    last = tmp_path / "step-00000006.pt"
    last.write_bytes(last.read_bytes()[:-100])
    found = checkpoints.newest(tmp_path)
    assert found is not None and found["step"] == 4 and not last.exists()


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    torch.save(Evil(), tmp_path / "step-00000001.pt")
    assert checkpoints.newest(tmp_path) is None
    assert not (tmp_path / "ran").exists()


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match="the disk is full"):
        checkpoints.save(tmp_path, 1, {})


def test_a_disk_that_fills_up_while_writing_is_the_same_sentence(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            checkpoints.save(tmp_path, 1, {f"w{i}": torch.ones(100_000) for i in range(4)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def named(*names: str) -> list[tuple[str, nn.Parameter]]:
    return [(n, nn.Parameter(torch.zeros(3) if "bias" in n else torch.zeros(3, 3))) for n in names]


def test_biases_are_not_decayed() -> None:
    groups = parameter_groups(named("a.weight", "a.bias"), TrainerSettings(weight_decay=0.3))
    assert [(group["weight_decay"], len(group["params"])) for group in groups] == [  # type: ignore[arg-type]
        (0.3, 1), (0.0, 1),
    ]  # fmt: skip


def test_positions_are_not_decayed_and_singular_values_are() -> None:
    settings = TrainerSettings(weight_decay=0.3)
    table = nn.Parameter(torch.zeros(2, 3))
    (group,) = parameter_groups([("visual.positional_embedding", table)], settings)
    assert group["weight_decay"] == 0.0
    values = nn.Parameter(torch.zeros(3))
    for wanted in (False, True):
        (group,) = parameter_groups([("svd.values", values)], settings, decay_vectors=wanted)
        assert group["weight_decay"] == (0.3 if wanted else 0.0)
    assert load("adapters", "svd").decay_vectors


def test_layer_decay_follows_the_formula() -> None:
    names = {
        "model.visual.conv1.weight": 4, "model.visual.positional_embedding": 4,
        "model.visual.transformer.resblocks.0.attn.in_proj_weight": 3,
        "model.visual.transformer.resblocks.2.mlp.c_fc.weight": 1,
        "model.visual.ln_post.weight": 0, "model.visual.proj": 0,
        "model.token_embedding.weight": 2, "model.transformer.resblocks.0.mlp.c_fc.weight": 1,
        "model.text_projection": 0,
    }  # fmt: skip
    parameters = named(*names)
    groups = parameter_groups(parameters, TrainerSettings(lr=1.0, layer_decay=0.5))
    lr = {id(p): group["lr"] for group in groups for p in group["params"]}  # type: ignore[union-attr]
    assert {name: lr[id(p)] for name, p in parameters} == {n: 0.5**k for n, k in names.items()}


def test_schedule_warms_up_and_falls_to_the_floor() -> None:
    def rates(total: int, **options: object) -> list[float]:
        settings = TrainerSettings(lr=1.0, **options)  # type: ignore[arg-type]
        optimizer = make_optimizer(named("w"), settings)
        schedule = make_schedule(optimizer, settings, total)
        found = []
        for _ in range(total):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        return [*found, optimizer.param_groups[0]["lr"]]

    assert rates(4, warmup=0.0, schedule="linear") == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert rates(5, warmup=3, schedule="constant") == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]
    cosine = rates(10, warmup=0.2, min_lr=0.1)
    assert cosine[2] == 1.0 and cosine[-1] == pytest.approx(0.1)
    assert cosine[6] == pytest.approx(0.55)


def test_average_is_the_recursion_and_steps_aside() -> None:
    tensor = torch.zeros(2)
    average = Average([tensor], 0.5)
    slow = 0.0
    for step in range(4):
        tensor += 1
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        slow = decay * slow + (1 - decay) * float(tensor[0])
    with average.in_place():
        assert tensor[0].item() == pytest.approx(slow)
    assert tensor.tolist() == [4, 4]
    with Average([tensor], None).in_place():
        assert tensor.tolist() == [4, 4]


def test_history_is_plain_json(pairs: Pairs, tmp_path: Path) -> None:
    from dataclasses import asdict

    result, _ = run(pairs, tmp_path, epochs=1)
    assert json.loads(json.dumps(asdict(result)))["history"][0]["epoch"] == 1
