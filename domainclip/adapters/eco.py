"""ECO: several learned contexts a class, averaged into one class text.

t_c = mean over groups g of t_c(v_g), each of unit length, brought to unit length again; one
cross-entropy on the ensemble. The stored class weight costs at test time what one prompt costs.
Reference: "ECO: Ensembling Context Optimization for Vision-Language Models", Agnolucci et al. 2023
(ICCV workshops), arXiv 2307.14063.
Differs: the lengths are free, four groups of four vectors by default (16 in all, as CoOp has).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.adapters._prompting import PromptAdapter, Prompts, first_vectors
from domainclip.backbones import Backbone
from domainclip.errors import UsageError

__all__ = ["ECO"]


@dataclass
class ECO(PromptAdapter):
    """n_ctx: vectors of each group. seed: of their random start, N(0, 0.02²)."""

    n_ctx: tuple[Annotated[int, ">= 1"], ...] = (4, 4, 4, 4)
    seed: int = 0

    def _build(self, backbone: Backbone) -> Prompts:
        if not self.n_ctx:
            raise UsageError("eco: n_ctx lists the vectors of each group, and lists none.")
        return _Contexts(backbone, self)


class _Contexts(Prompts):
    def __init__(self, backbone: Backbone, options: ECO) -> None:
        super().__init__(backbone)
        generator = torch.Generator().manual_seed(options.seed)
        self.contexts = nn.ParameterList(
            nn.Parameter(first_vectors(backbone, "", length, generator)) for length in options.n_ctx
        )
        self.tokens(["class"], max(options.n_ctx))

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        groups = [self.encoded(context, names, "end") for context in self.contexts]
        return functional.normalize(torch.stack(groups).mean(0), dim=-1)  # (c, d)
