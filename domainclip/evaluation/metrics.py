"""Classification metrics as pure functions, each with a bootstrap 95 % interval.

probabilities (n, c) with rows that sum to 1, labels (n,) class indices 0 .. c-1, groups n names of
units that are resampled as a whole (patients, map cells). Point values agree with scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domainclip.errors import BadInput, UsageError
from domainclip.evaluation._bootstrap import Floats, Sampling, Value

__all__ = [
    "Reliability",
    "Sampling",
    "Value",
    "accuracy",
    "auroc",
    "balanced_accuracy",
    "calibration_error",
    "classification",
    "confusion",
    "macro_f1",
    "reliability",
    "softmax",
]

BINS = 15  # Guo et al. 2017, section 2


def classification(
    probabilities: Any,
    labels: Any,
    *,
    groups: Sequence[str] | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Value]:
    """Every metric of this file by name, on the same resamples; rows labelled -1 are left out.

    Raises BadInput where no row has a label.
    """
    chance, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    known = truth >= 0
    if not known.any():
        raise BadInput("no row has a label, so there is no accuracy; label the pairs first.")
    if groups is not None:
        groups = [group for group, keep in zip(groups, known, strict=True) if keep]
    chance, truth = chance[known], truth[known]
    sampling = Sampling(len(truth), groups, resamples=resamples, seed=seed)
    predicted = chance.argmax(1)
    return {
        "accuracy": accuracy(predicted, truth, sampling),
        "balanced_accuracy": balanced_accuracy(predicted, truth, sampling),
        "macro_f1": macro_f1(predicted, truth, sampling),
        "auroc": auroc(chance, truth, sampling),
        "ece": calibration_error(chance, truth, sampling),
    }


def accuracy(predicted: Any, labels: Any, sampling: Sampling) -> Value:
    """Share of rows whose predicted class (n,) is their label."""
    return sampling.mean(np.asarray(predicted) == np.asarray(labels))


def balanced_accuracy(predicted: Any, labels: Any, sampling: Sampling) -> Value:
    """Mean recall over the classes that occur among the labels (of a resample: in it)."""
    guess, truth, one = _one_hot(predicted, labels)
    size = sampling.total(one)  # (units, c)
    hits = sampling.total(one * (guess == truth)[:, None])

    def statistic(counts: Floats) -> Floats:
        n = size.T @ counts  # (c, r)
        return _mean_over(hits.T @ counts, n, n > 0)

    return sampling.value(statistic)


def macro_f1(predicted: Any, labels: Any, sampling: Sampling) -> Value:
    """Mean of 2 TP / (2 TP + FP + FN) over the classes that are labelled or predicted."""
    guess, truth, one = _one_hot(predicted, labels)
    said = np.eye(one.shape[1])[guess]
    hits = sampling.total(one * (guess == truth)[:, None])
    both = sampling.total(one) + sampling.total(said)  # 2 TP + FP + FN, (units, c)

    def statistic(counts: Floats) -> Floats:
        n = both.T @ counts
        return _mean_over(2 * (hits.T @ counts), n, n > 0)

    return sampling.value(statistic)


def auroc(probabilities: Any, labels: Any, sampling: Sampling) -> Value:
    """Area under the ROC curve, one class against the rest, mean over classes; ties count half.

    A class without a positive or without a negative row (in a resample: there) is left out; NaN
    where that leaves none.
    """
    chance, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    present = [c for c in range(chance.shape[1]) if 0 < (truth == c).sum() < len(truth)]
    if not present:
        return Value(
            float("nan"), n=len(truth), groups=sampling.units if sampling.grouped else None
        )
    rankings = [_Ranking(chance[:, c], truth == c, sampling.unit) for c in present]

    def statistic(counts: Floats) -> Floats:
        areas = np.stack([ranking.area(counts) for ranking in rankings])  # (c, r)
        return _mean_over(areas, np.ones_like(areas), ~np.isnan(areas))

    return sampling.value(statistic)


def calibration_error(
    probabilities: Any, labels: Any, sampling: Sampling, *, bins: int = BINS
) -> Value:
    """Expected calibration error: mean |confidence - accuracy| over equal-width bins of confidence.

    sum_b n_b / n |acc_b - conf_b|, confidence the largest probability, bins (lower, upper].
    Reference: Guo et al. 2017, https://arxiv.org/abs/1706.04599, equation 3. Resampling inflates
    the gaps of small bins, so the interval lies a little high.
    """
    chance, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    confidence = chance.max(1)
    gap = confidence - (chance.argmax(1) == truth)
    gaps = sampling.total(gap[:, None] * (_bin(confidence, bins)[:, None] == np.arange(bins)))
    size = sampling.total(np.ones(len(truth)))
    return sampling.value(lambda counts: np.abs(gaps.T @ counts).sum(0) / (size @ counts))


@dataclass(frozen=True, slots=True)
class Reliability:
    """One bin of a reliability diagram: rows with confidence in (lower, upper]."""

    lower: float
    upper: float
    n: int
    confidence: float
    accuracy: float


def reliability(probabilities: Any, labels: Any, *, bins: int = BINS) -> list[Reliability]:
    """The bins behind ``calibration_error`` that hold rows."""
    chance, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    confidence, right = chance.max(1), chance.argmax(1) == truth
    at = _bin(confidence, bins)
    return [
        Reliability(
            b / bins, (b + 1) / bins, int((at == b).sum()),
            float(confidence[at == b].mean()), float(right[at == b].mean()),
        )
        for b in np.unique(at)
    ]  # fmt: skip


def confusion(predicted: Any, labels: Any, classes: int) -> NDArray[np.int64]:
    """(c, c) counts: row the label, column the prediction; rows labelled -1 are left out."""
    guess, truth = np.asarray(predicted), np.asarray(labels)
    known = truth >= 0
    flat = truth[known].astype(np.int64) * classes + guess[known]
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)


def softmax(logits: Any) -> Floats:
    """(n, c) logits -> (n, c) probabilities."""
    values = np.asarray(logits, dtype=np.float64)
    raised = np.exp(values - values.max(1, keepdims=True))
    return np.asarray(raised / raised.sum(1, keepdims=True))


class _Ranking:
    """One class against the rest: who lies above whom, once; then any weighting is running sums."""

    def __init__(
        self, scores: Floats, positive: NDArray[np.bool_], unit: NDArray[np.int64]
    ) -> None:
        order = np.argsort(scores, kind="stable")
        ranked = scores[order]
        self._unit = unit[order]
        self._positive = positive[order]
        # a row's ties are the rows from first to last, in order of score
        self._first = np.searchsorted(ranked, ranked[self._positive], side="left")
        self._last = np.searchsorted(ranked, ranked[self._positive], side="right")

    def area(self, counts: Floats) -> Floats:
        """Counts (units, r) -> the area (r,), NaN without positives or negatives."""
        drawn = counts[self._unit]  # (n, r)
        ours = drawn[self._positive]
        drawn[self._positive] = 0
        below = np.zeros((len(drawn) + 1, drawn.shape[1]))
        np.cumsum(drawn, axis=0, out=below[1:])
        won = (ours * (below[self._first] + below[self._last])).sum(0) / 2
        pairs = ours.sum(0) * below[-1]
        with np.errstate(invalid="ignore"):
            return np.asarray(won / pairs)


def _one_hot(predicted: Any, labels: Any) -> tuple[NDArray[Any], NDArray[Any], Floats]:
    guess, truth = np.asarray(predicted), np.asarray(labels)
    if guess.shape != truth.shape:
        raise UsageError(f"{len(guess)} predictions for {len(truth)} labels.")
    if truth.min() < 0:
        raise UsageError("labels below 0; leave rows without a class out first.")
    return guess, truth, np.eye(int(max(guess.max(), truth.max())) + 1)[truth]


def _mean_over(top: Floats, bottom: Floats, counted: NDArray[np.bool_]) -> Floats:
    """Mean of top / bottom over the first axis, of those that count; NaN where none does."""
    ratio = np.divide(top, bottom, out=np.zeros_like(top), where=counted & (bottom > 0))
    ratio[~counted] = 0
    with np.errstate(invalid="ignore"):
        return np.asarray(ratio.sum(0) / counted.sum(0))


def _bin(confidence: Floats, bins: int) -> NDArray[np.int64]:
    """Index of (lower, upper]; a confidence of 0 falls in the first."""
    return np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
