"""CoOp: learned context vectors in the class prompts; both towers stay frozen.

prompt of class c: [v_1 ... v_m] name_c . with v (m, w) learned, shared by all classes or one set a
class; trained by cross-entropy on the scaled cosines of images to the prompts' features.
Reference: CoOp, Zhou et al. 2022, arXiv 2109.01134, section 3.2 (end and middle positions, shared
and class-specific contexts); the front position is the released code's.
Differs: the text tower is run on the shortest exact context and computes in its own precision
(the released code in float16); any text tower is served, not CLIP's alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from domainclip.adapters._prompting import PromptAdapter, Prompts, first_vectors
from domainclip.backbones import Backbone
from domainclip.backbones.soft_prompts import Position
from domainclip.errors import UsageError

__all__ = ["CoOp"]


@dataclass
class CoOp(PromptAdapter):
    """n_ctx: number m of vectors, started at N(0, 0.02²). init: words to start from instead, whose
    tokens then give m ("a photo of a"). position: of the class name: end, middle or front.
    class_specific: a context of its own for every class, which then knows those classes alone.
    seed: of the random start."""

    n_ctx: int = 16
    init: str = ""
    position: Position = "end"
    class_specific: bool = False
    seed: int = 0

    def _build(self, backbone: Backbone) -> Prompts:
        if self.position not in ("end", "middle", "front"):
            raise UsageError(
                f"coop: position is 'end', 'middle' or 'front', not {self.position!r}."
            )
        if self.class_specific and not self._classnames:
            raise UsageError(
                "coop with class_specific has a context a class; call "
                "for_classes(classnames, templates) before it is injected."
            )
        return _Context(backbone, self, self._classnames if self.class_specific else ())


class _Context(Prompts):
    def __init__(self, backbone: Backbone, options: CoOp, own: Sequence[str]) -> None:
        super().__init__(backbone)
        generator = torch.Generator().manual_seed(options.seed)
        self.position, self.own = options.position, tuple(own)
        self.context = nn.Parameter(
            first_vectors(backbone, options.init, options.n_ctx, generator, len(own))
        )  # (m, w) or (c, m, w)
        # says by name, before any work, what the tower has no room for
        self.tokens(own or ["class"], self.context.shape[-2], self.position)

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        if self.own and tuple(names) != self.own:
            raise UsageError(
                "class-specific contexts know the classes that they were trained on alone; use "
                "coop with class_specific false for others."
            )
        return self.encoded(self.context, names, self.position)
