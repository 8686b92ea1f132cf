"""Metrics against scikit-learn, against closed forms, and their intervals against slow ones."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from sklearn import metrics as reference

from domainclip.errors import BadInput, UsageError
from domainclip.evaluation import metrics
from domainclip.evaluation.metrics import Sampling, classification, softmax


def _made(n: int, c: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    stream = np.random.default_rng(seed)
    labels = stream.integers(0, c, n)
    logits = stream.normal(size=(n, c)) + 1.2 * np.eye(c)[labels]
    return softmax(logits), labels


@pytest.mark.parametrize(("n", "c"), [(40, 2), (300, 5), (500, 13)])
def test_values_agree_with_scikit_learn(n: int, c: int) -> None:
    chance, labels = _made(n, c)
    found = classification(chance, labels, resamples=20)
    predicted = chance.argmax(1)
    area = (
        reference.roc_auc_score(labels, chance[:, 1])
        if c == 2
        else reference.roc_auc_score(labels, chance, multi_class="ovr", average="macro")
    )
    expected = {
        "accuracy": reference.accuracy_score(labels, predicted),
        "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
        "macro_f1": reference.f1_score(labels, predicted, average="macro"),
        "auroc": area,
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_absent_classes_are_left_out_as_scikit_learn_does() -> None:
    chance, labels = _made(200, 6)
    labels = np.where(labels == 4, 1, labels)  # class 4 has no row, but is predicted
    found = classification(chance, labels, resamples=10)
    predicted = chance.argmax(1)
    present = [0, 1, 2, 3, 5]
    areas = [reference.roc_auc_score(labels == c, chance[:, c]) for c in present]
    recalls = [(predicted[labels == c] == c).mean() for c in present]
    assert found["auroc"].value == pytest.approx(np.mean(areas))
    assert found["balanced_accuracy"].value == pytest.approx(np.mean(recalls))
    f1 = reference.f1_score(labels, predicted, average="macro")
    assert found["macro_f1"].value == pytest.approx(f1)


def test_ties_count_half_in_auroc() -> None:
    chance = np.array([[0.5, 0.5], [0.5, 0.5], [0.2, 0.8], [0.8, 0.2]])
    labels = np.array([0, 1, 1, 0])
    found = metrics.auroc(chance, labels, Sampling(4, resamples=0))
    assert found.value == reference.roc_auc_score(labels, chance[:, 1]) == 0.875


def test_a_single_class_has_no_auroc() -> None:
    found = classification(np.array([[0.9, 0.1]] * 4), np.zeros(4, int), resamples=10)
    assert np.isnan(found["auroc"].value) and found["auroc"].low is None
    assert found["accuracy"].value == found["accuracy"].low == 1


def test_calibration_error_closed_form() -> None:
    # 10 rows of confidence 0.9 with 6 right, 10 of 0.6 with 9 right: 0.5 * 0.3 + 0.5 * 0.3
    chance = np.array([[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 10)
    labels = np.array([0] * 6 + [1] * 4 + [0] * 9 + [1])
    found = metrics.calibration_error(chance, labels, Sampling(20, resamples=10))
    assert found.value == pytest.approx(0.3)
    bins = metrics.reliability(chance, labels)
    assert [(b.n, round(b.accuracy, 6), round(b.confidence, 6)) for b in bins] == [
        (10, 0.9, 0.6), (10, 0.6, 0.9),
    ]  # fmt: skip
    # 0.6 = 9/15 lies on the edge: it belongs to the bin below, (8/15, 9/15]
    assert bins[0].upper == pytest.approx(0.6)


def test_calibration_error_agrees_with_the_published_loop() -> None:
    chance, labels = _made(400, 4, seed=3)
    confidence, right = chance.max(1), chance.argmax(1) == labels
    edges, slow = np.linspace(0, 1, 16), 0.0
    for low, high in pairwise(edges):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            slow += abs(confidence[inside].mean() - right[inside].mean()) * inside.mean()
    found = metrics.calibration_error(chance, labels, Sampling(400, resamples=0))
    assert found.value == pytest.approx(slow)


def test_resampled_statistics_equal_a_loop_over_repeated_rows() -> None:
    chance, labels = _made(60, 4, seed=5)
    groups = [f"g{i // 7}" for i in range(60)]
    sampling = Sampling(60, groups, resamples=25, seed=1)
    drawn = np.concatenate(list(sampling.counts()), axis=1)[:, 1:]  # (units, 25)
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc", "ece"):
        slow = []
        for column in drawn.T:
            rows = np.repeat(np.arange(60), column[sampling.unit].astype(int))
            alone = classification(chance[rows], labels[rows], resamples=0)
            slow.append(alone[name].value)
        fast = classification(chance, labels, groups=groups, resamples=25, seed=1)[name]
        low, high = np.quantile(slow, (0.025, 0.975))
        assert (fast.low, fast.high) == (pytest.approx(low), pytest.approx(high)), name
        assert fast.groups == 9 and fast.n == 60


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    stream = np.random.default_rng(0)
    covered = 0
    for _ in range(150):
        right = stream.random(200) < 0.7
        found = Sampling(200, resamples=400, seed=int(stream.integers(1 << 30))).mean(right)
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.7 <= found.high
    assert 0.88 <= covered / 150 <= 0.99


def test_groups_widen_the_interval_of_rows_that_agree_within_them() -> None:
    stream = np.random.default_rng(1)
    by_group = stream.random(30) < 0.6
    right = np.repeat(by_group, 20)
    groups = [f"patient {i // 20}" for i in range(600)]
    wide = Sampling(600, groups, seed=2).mean(right)
    narrow = Sampling(600, seed=2).mean(right)
    assert wide.low is not None and wide.high is not None
    assert narrow.low is not None and narrow.high is not None
    assert wide.high - wide.low > 3 * (narrow.high - narrow.low)
    assert (wide.groups, narrow.groups) == (30, None)


def test_empty_groups_stand_alone_and_one_group_gives_no_interval() -> None:
    assert Sampling(4, ["", "", "a", "a"]).units == 3
    alone = Sampling(5, ["a"] * 5).mean(np.ones(5))
    assert (alone.value, alone.low, alone.high) == (1, None, None)


def test_the_seed_decides() -> None:
    chance, labels = _made(100, 3)
    one, same, other = (classification(chance, labels, seed=seed) for seed in (4, 4, 5))
    assert one == same and one["accuracy"].low != pytest.approx(other["ece"].low)
    assert one["accuracy"].value == other["accuracy"].value


def test_a_thousand_resamples_take_no_time() -> None:
    chance, labels = _made(2000, 13)
    started = time.process_time()
    classification(chance, labels, groups=[f"g{i % 200}" for i in range(2000)])
    assert time.process_time() - started < 5  # 0.4 s here; a loop of rows takes 30


def test_unlabelled_rows_are_left_out() -> None:
    chance, labels = _made(50, 3)
    some = labels.copy()
    some[10:] = -1
    found = classification(chance, some, resamples=10)
    assert found["accuracy"].n == 10
    assert found["accuracy"] == classification(chance[:10], labels[:10], resamples=10)["accuracy"]
    with pytest.raises(BadInput, match="no row has a label"):
        classification(chance, np.full(50, -1))
    with pytest.raises(UsageError, match="3 groups for 50 rows"):
        Sampling(50, ["a"] * 3)


def test_confusion_counts() -> None:
    found = metrics.confusion([0, 1, 1, 2, 0], [0, 1, 2, 2, -1], 3)
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
