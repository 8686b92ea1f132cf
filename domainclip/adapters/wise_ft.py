"""WiSE-FT: any weight method, left part of the way from the plain weights to the trained ones.

theta = (1 - alpha) theta0 + alpha theta1 once the training is over; with ``fisher`` every weight by
its own certainty at either end (see ``interpolation``). Less is forgotten, and often more is won.
Reference: WiSE-FT, Wortsman et al. 2022, arXiv 2109.01903; Fisher weights: Matena and Raffel 2022,
arXiv 2111.09832.
Differs: the ends are those of any method on a line (full, svd, lora, bitfit, ...), and the text
tower's class prompts are the classifier. A recipe can also say ``trainer.wise_ft`` beside any
adapter, which chooses among several alphas by validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from torch import Tensor

from domainclip.adapters._parts import PartAdapter, built
from domainclip.adapters.interpolation import diagonal_fisher, fisher_interpolate, interpolate
from domainclip.errors import UsageError

__all__ = ["WiSEFT"]


@dataclass
class WiSEFT(PartAdapter):
    """of: the method, with its ``options``. alpha: 0 is the plain model, 1 the trained one. fisher:
    weigh by the diagonal Fisher information of the training images (empirical, with true labels).
    seed: of a method that has one and was given none."""

    of: Annotated[str, "adapters"] = "full"
    options: Annotated[Mapping[str, Any], "options of of"] = field(default_factory=dict)
    alpha: Annotated[float, ">= 0 <= 1"] = 0.5
    fisher: bool = False
    seed: int = 0

    def finish(self, losses: Callable[[], Iterable[Tensor]]) -> None:
        """Leave the weights between. losses: one image's negative log-likelihood after the other,
        by the weights as they then are."""
        (adapter,) = self._in()
        if not self.fisher:
            interpolate(adapter, self.alpha)
            return
        trained = adapter.state()
        interpolate(adapter, 0.0, trained)
        plain = diagonal_fisher(adapter, losses())
        interpolate(adapter, 1.0, trained)
        tuned = diagonal_fisher(adapter, losses())
        fisher_interpolate(adapter, self.alpha, plain, tuned, trained)

    def _make(self) -> Iterator[tuple[str, Any]]:
        if not 0 <= self.alpha <= 1:
            raise UsageError(f"wise_ft: alpha is {self.alpha}, and must lie from 0 to 1.")
        adapter = built("wise_ft", self.of, self.options, self.seed)
        if not hasattr(adapter, "start") or getattr(adapter, "dora", False):
            raise UsageError(
                f"wise_ft: {self.of} does not move weights along a line; use full, bitfit, "
                "norm_tuning, svd, or lora without DoRA."
            )
        yield self.of, adapter
