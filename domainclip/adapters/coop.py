"""CoOp: learned context vectors in the class prompts; both towers stay frozen.

prompt of class c: [v_1 ... v_m] name_c . with v (m, w) learned, shared by all classes or one set a
class; trained by cross-entropy on the scaled cosines of images to the prompts' features.
Reference: CoOp, Zhou et al. 2022, arXiv 2109.01134, section 3.2 (end and middle positions, shared
and class-specific contexts); the front position is the released code's.
Differs: the text tower is run on the shortest exact context and computes in its own precision
(the released code in float16); any text tower is served, not CLIP's alone. ``few_shot`` lowers the
rate at every step, without the released epoch of warm-up at 1e-5, and takes 50 epochs where the
authors take 50 for one shot, 100 for two and four, 200 for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from domainclip.adapters._prompting import Context, PromptAdapter, Prompts
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

    n_ctx: Annotated[int, ">= 1"] = 16
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
        own = self._classnames if self.class_specific else ()
        return Context(backbone, self.init, self.n_ctx, self.seed, position=self.position, own=own)
