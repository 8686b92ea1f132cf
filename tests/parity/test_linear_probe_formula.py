"""The linear probe as CoOp and LP++ publish it, against sklearn and their search written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.heads.linear_probe import LinearProbe

C, D = 5, 24


def _problem(seed: int = 0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Support features of uneven lengths, labels, validation features and labels."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(C, D, generator=generator)

    def drawn(each: int) -> tuple[Tensor, Tensor]:
        y = torch.arange(C).repeat(each)
        z = centres[y] + 1.6 * torch.randn(len(y), D, generator=generator)
        return z * (1 + torch.rand(len(y), 1, generator=generator)), y

    return *drawn(4), *drawn(8)


def _regression(x: Any, y: Any, strength: float) -> Any:
    return LogisticRegression(C=strength, max_iter=1000).fit(x, y)


def _published_strength(x: Any, y: Any, held: Any, truth: Any, steps: int) -> float:
    def right(strength: float) -> float:
        return float((_regression(x, y, strength).predict(held) == truth).mean())

    coarse = [1e6, 1e4, 1e2, 1, 1e-2, 1e-4, 1e-6]
    peak = coarse[int(np.argmax([right(c) for c in coarse]))]
    low, high, found = np.log10(peak) - 1, np.log10(peak) + 1, peak
    for _ in range(steps):
        middle = 0.5 * (low + high)
        if right(10**low) < right(10**high):
            found, low = 10**high, middle
        else:
            found, high = 10**low, middle
    return float(found)


@pytest.mark.parametrize("scaling", ["none", "unit"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_published_form_is_sklearns_at_the_strength_that_coops_search_finds(
    scaling: Any, seed: int
) -> None:
    z, y, held, truth = _problem(seed)
    x, inside = (
        (functional.normalize(part, dim=1) if scaling == "unit" else part).numpy()
        for part in (z, held)
    )
    strength = _published_strength(x, y.numpy(), inside, truth.numpy(), 8)
    head = LinearProbe(scaling=scaling, criterion="accuracy", refine=8, tolerance=1e-4)
    found = head.fit(z, y, torch.eye(C, D), (held, truth)).logits(held).numpy()
    expected = _regression(x, y.numpy(), strength).decision_function(inside)
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_the_strength_depends_on_the_images() -> None:
    """Else the search above would be tested at one of its ends alone."""
    found = set()
    for seed in range(3):
        z, y, held, truth = (part.numpy() for part in _problem(seed))
        found.add(round(float(np.log10(_published_strength(z, y, held, truth, 8))), 3))
    assert len(found) > 1


def test_without_validation_images_accuracy_is_cross_validated() -> None:
    z, y, held, truth = _problem()
    head = LinearProbe(criterion="accuracy", refine=1).fit(z, y, torch.eye(C, D))
    assert float((head.logits(held).argmax(1) == truth).float().mean()) > 0.4


@pytest.mark.parametrize("option", ["scaling", "criterion"])
def test_unknown_names_are_refused(option: str) -> None:
    z, y, _, _ = _problem()
    with pytest.raises(UsageError, match=option):
        LinearProbe(**{option: "other"}).fit(z, y, torch.eye(C, D))  # type: ignore[arg-type]
