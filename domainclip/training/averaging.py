"""Exponential moving average of the trained weights.

θ̄ ← d θ̄ + (1 − d) θ after each step, d = min(decay, (1 + t) / (10 + t)) at step t, so that a short
run is not held back by where it started. The average is what is validated and kept.
Reference: the warm-up of TensorFlow's and timm's averages.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from domainclip.training.sharding import dealt, local, whole

__all__ = ["Average"]


class Average:
    """The average of some tensors, which it can stand in for; nothing at all if decay is None."""

    def __init__(self, tensors: Sequence[Tensor], decay: float | None) -> None:
        self._tensors, self._decay = list(tensors), decay
        self.mean = [tensor.detach().clone() for tensor in tensors] if decay is not None else []

    def over(self, tensors: Sequence[Tensor]) -> Average:
        """This average for the same tensors, now dealt over ranks, or whole again."""
        other = Average(tensors, self._decay)
        pairs = zip(self.mean, tensors, strict=self._decay is not None)
        other.mean = [dealt(whole(mean), tensor) for mean, tensor in pairs]
        return other

    def update(self, step: int) -> None:
        """Take in the weights after step number ``step``, from 0."""
        if self._decay is not None:
            decay = min(self._decay, (1 + step) / (10 + step))
            with torch.no_grad():
                means, now = (
                    [local(t.detach()) for t in each] for each in (self.mean, self._tensors)
                )
                torch._foreach_lerp_(means, now, 1 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The averaged weights inside, the trained ones again afterwards."""
        self.swap()
        try:
            yield
        finally:
            self.swap()

    def swap(self) -> None:
        """Exchange the averaged and the trained weights."""
        with torch.no_grad():
            for tensor, mean in zip(self._tensors, self.mean, strict=self._decay is not None):
                kept = tensor.detach().clone()
                tensor.copy_(mean)
                mean.copy_(kept)
