"""Points between the plain and the adapted weights: WiSE-FT and Fisher-weighted interpolation.

theta = (1 - a) theta0 + a theta1, theta0 the plain weights, theta1 the trained ones; Fisher: each
weight by itself, with (1 - a) max(f0, floor) and a max(f1, floor) for 1 - a and a, over their sum.
References: WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903; Fisher merging, Matena and
Raffel 2022, arXiv 2111.09832.
Differs: every weight method that moves the weights along a line can be interpolated, through its
``start``: full tuning, singular values (the delta is scaled), LoRA (B is scaled, which scales the
change). For these Fisher information is that of the method's own parameters. What an adapter does
not train (batch-norm statistics) does not move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from domainclip.errors import UsageError

__all__ = ["diagonal_fisher", "fisher_interpolate", "interpolate", "start_of"]

State = Mapping[str, Tensor]


def interpolate(adapter: Any, alpha: float, trained: State | None = None) -> State:
    """Set an injected adapter to (1 - alpha) plain + alpha trained weights; give the trained state.

    alpha: 0 to 1 is between, beyond 1 is an extrapolation. trained: the end at alpha = 1; None
    takes the adapter's present state. A second call would start from the interpolated point, so
    give it what the first one returned. Raises UsageError for a method that cannot be interpolated.
    """
    trained = adapter.state() if trained is None else trained
    start = start_of(adapter, trained)
    adapter.load_state(
        {name: (1 - alpha) * start[name] + alpha * end for name, end in trained.items()}
    )
    return trained


def fisher_interpolate(
    adapter: Any,
    alpha: float,
    fisher0: State,
    fisher1: State,
    trained: State | None = None,
    *,
    floor: float = 1e-8,
) -> State:
    """``interpolate`` with every weight by its own certainty at either end.

    fisher0, fisher1: diagonals by the names of ``adapter.state()``, measured by ``diagonal_fisher``
    at alpha 0 and 1. floor: the least certainty; where both ends have it, the plain mean is taken.
    """
    trained = adapter.state() if trained is None else trained
    start = start_of(adapter, trained)
    missing = sorted((set(trained) - set(fisher0)) | (set(trained) - set(fisher1)))
    if missing:
        raise UsageError(
            f"the Fisher information lacks {missing[0]!r}; measure it on this adapter."
        )
    mixed = {}
    for name, end in trained.items():
        first = (1 - alpha) * fisher0[name].clamp(min=floor)
        second = alpha * fisher1[name].clamp(min=floor)
        mixed[name] = ((first * start[name] + second * end) / (first + second)).to(end.dtype)
    adapter.load_state(mixed)
    return trained


def diagonal_fisher(adapter: Any, losses: Iterable[Tensor]) -> dict[str, Tensor]:
    """Mean squared gradient of each trained weight, by the names of ``adapter.state()``.

    losses: negative log-likelihoods of one sample each, made one after the other (a generator), so
    that only one graph is alive. With labels drawn from the model it is the Fisher information,
    with the true ones the empirical one. On the CPU. Raises UsageError where there is no loss.
    """
    parameters = list(adapter.parameters())
    sums = [torch.zeros_like(p, dtype=torch.float32, device="cpu") for p in parameters]
    count = 0
    for loss in losses:
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        for total, gradient in zip(sums, found, strict=True):
            if gradient is not None:
                total += gradient.detach().float().cpu() ** 2
        count += 1
    if not count:
        raise UsageError("diagonal_fisher: there is no loss to take gradients of.")
    return {name: total / count for name, total in zip(adapter.state(), sums, strict=True)}


def start_of(adapter: Any, trained: State) -> State:
    """The state that computes what the plain towers do, on a line with ``trained``.

    Raises UsageError for a method whose change is no straight line of weights.
    """
    if not hasattr(adapter, "start"):
        raise UsageError(
            f"{type(adapter).__name__} does not change weights along a line, so it cannot be "
            "interpolated; leave wise_ft out, or use full, svd or lora."
        )
    start: State = adapter.start(trained)
    return start
