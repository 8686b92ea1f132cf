"""KgCoOp: CoOp's learned context, held near the hand-written prompts.

loss = CE + w (1 - mean_c cos(t_c(v), t_c)), t_c(v) the class texts of the learned context, t_c
those of the templates; so names that were not trained on lose less.
Reference: KgCoOp, Yao et al. 2023, arXiv 2303.13283, section 3.2; w = 8 and four vectors that start
at "a photo of a", as in its scripts.
Differs: the penalty is the paper's squared distance |a - b|² = 2 (1 - cos) halved, as in the
released code. ``few_shot`` trains as it trains ``coop``; the authors take 100 epochs of batches of
128.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from torch import Tensor

from domainclip.adapters._prompting import Context, PromptAdapter, Prompts
from domainclip.backbones import Backbone

__all__ = ["KgCoOp"]


@dataclass
class KgCoOp(PromptAdapter):
    """weight: w of the penalty. init: words to start from; empty for ``n_ctx`` random vectors of
    ``seed``."""

    weight: Annotated[float, ">= 0"] = 8.0
    init: str = "a photo of a"
    n_ctx: Annotated[int, ">= 1"] = 4
    seed: int = 0
    _teacher: Tensor | None = field(default=None, init=False, repr=False, compare=False)

    def penalty(self, image: Tensor, labels: Tensor, text: Tensor) -> Tensor:
        """The scalar that training adds to the loss. text: the learned class texts (c, d)."""
        if self._teacher is None:
            self._teacher = self._hand_written().to(text)
        return self.weight * (1 - (text * self._teacher).sum(-1).mean())

    def eject(self) -> None:
        super().eject()
        self._teacher = None

    def _build(self, backbone: Backbone) -> Prompts:
        return Context(backbone, self.init, self.n_ctx, self.seed)
