"""Logistic regression for evaluators: its strength searched on a part of the rows, then one fit."""

from __future__ import annotations

import numpy as np
import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
from torch import Tensor

from domainclip.evaluation._features import class_ranks, evenly
from domainclip.evaluation._predict import head_probabilities
from domainclip.heads.linear_probe import LinearProbe

__all__ = ["fitted_probe"]

STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)
_SEARCHED = 2000  # rows; the search on all of 15,000 took six times as long and chose alike


def fitted_probe(
    features: Tensor,
    labels: Tensor,
    classes: int,
    validation: tuple[Tensor, Tensor] | None = None,
    strength: float | None = None,
) -> LinearProbe:
    """A probe on features (n, d), labels (n,) with the strength of least loss on ``validation``.

    Without a validation set every fifth row of a class is held out for the search.
    """
    text = torch.zeros(classes, features.shape[1])
    # These products are small: threads cost more than they bring, on a busy machine tenfold.
    with threadpool_limits(1, user_api="blas"):
        return _fitted(features, labels, text, validation, strength)


def _fitted(
    features: Tensor,
    labels: Tensor,
    text: Tensor,
    validation: tuple[Tensor, Tensor] | None,
    strength: float | None,
) -> LinearProbe:
    if strength is None:
        rows = torch.from_numpy(evenly(labels.numpy(), _SEARCHED))
        if validation is None:
            held = torch.from_numpy(class_ranks(labels[rows].numpy()) % 5 == 4)
            fit, check = rows[~held], rows[held]
            validation = (features[check], labels[check])
        else:
            fit = rows
        strength = 1.0
        if len(validation[1]) and len(torch.unique(labels[fit])) > 1:
            losses = {
                each: _loss(LinearProbe(strength=each).fit(features[fit], labels[fit], text),
                            *validation)
                for each in STRENGTHS
            }  # fmt: skip
            strength = min(losses, key=lambda each: losses[each])
    return LinearProbe(strength=strength).fit(features, labels, text)


def _loss(head: LinearProbe, features: Tensor, labels: Tensor) -> float:
    chance = head_probabilities(head, features)
    truth = labels.numpy()
    return float(-np.log(chance[np.arange(len(truth)), truth] + 1e-12).mean())
