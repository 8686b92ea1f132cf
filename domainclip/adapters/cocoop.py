"""CoCoOp: learned context vectors shifted by a small network that reads the image.

prompt of class c for image x: [v_1 + p(x) ... v_m + p(x)] name_c . with p(x) = W2 relu(W1 x + b1) +
b2, W1 (d / 16, d), W2 (w, d / 16) on the image's unit feature x (d,). The text tower runs once for
every image and class, so memory and time grow with their product.
Reference: CoCoOp, Zhou et al. 2022, arXiv 2203.05557, section 3.2.
Differs: without an image (``clip.classifier``) the shift is left out, which gives what the shared
context alone says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn

from domainclip.adapters._prompting import Context, PromptAdapter, Prompts
from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.backbones.soft_prompts import SoftPrompts, encode_prompts, token_embedding

__all__ = ["CoCoOp"]


@dataclass
class CoCoOp(PromptAdapter):
    """init: words to start from; empty for ``n_ctx`` random vectors. reduction: narrowing of the
    network. seed: of the random start."""

    init: str = "a photo of a"
    n_ctx: Annotated[int, ">= 1"] = 4
    reduction: Annotated[int, ">= 1"] = 16
    seed: int = 0

    schedule: ClassVar[Schedule] = Schedule("sgd", 2e-3, 5e-4, 10, 1)

    def _build(self, backbone: Backbone) -> Prompts:
        return _Conditional(backbone, self)


class _Conditional(Context):
    conditional = True

    def __init__(self, backbone: Backbone, options: CoCoOp) -> None:
        super().__init__(backbone, options.init, options.n_ctx, options.seed)
        width, narrow = backbone.embed_dim, max(1, backbone.embed_dim // options.reduction)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.meta_net = nn.Sequential(
                nn.Linear(width, narrow),
                nn.ReLU(),
                nn.Linear(narrow, token_embedding(backbone.model).embedding_dim),
            ).to(backbone.dtype)

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        if image is None:
            return super().forward(names)
        shifted = self.context + self.meta_net(image.to(self.context))[:, None]  # (b, m, w)
        tokens = self.tokens(names, len(self.context))
        b, c = len(image), len(names)
        every = SoftPrompts(tokens.ids.repeat(b, 1), tokens.at.repeat(b, 1))
        text = encode_prompts(self.clip, every, shifted.repeat_interleave(c, 0))
        return text.reshape(b, c, -1)
