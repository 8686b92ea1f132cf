"""MaPLe: learned tokens in both towers, those of the image tower made from those of the text tower.

Text: [P_0] "of a" name_c . with P_0 (m, wt) in the place of the first words of ``init``; before
text block i, 0 < i < J, the prompts' tokens are replaced by P_i. Image: F_0(P_0) stands behind the
tower's own tokens, before block i it is replaced by F_i(P_i), F_i linear from wt to wv. Trained by
cross-entropy on the scaled cosines.
Reference: MaPLe, Khattak et al. 2023, arXiv 2210.03117, sections 3.2 to 3.4; m = 2, J = 9.
Differs: any two towers of blocks are served, of any width; the tokens do not take part in a pooling
over all tokens (towers that pool a class token compute what the authors' do); nothing is rounded to
half precision. A tower with fewer than J blocks is prompted in all of them.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from domainclip.adapters._prompting import SPREAD, PromptAdapter, Prompts, first_vectors
from domainclip.adapters._protocol import Schedule
from domainclip.backbones import Backbone
from domainclip.backbones.blocks import append_image_tokens, token_blocks
from domainclip.backbones.soft_prompts import encode_prompts
from domainclip.errors import UnfitTower, UsageError

__all__ = ["MaPLe"]


@dataclass
class MaPLe(PromptAdapter):
    """n_ctx: tokens m of a block. depth: J, blocks with tokens of their own. init: words of which
    the first m are learned and the rest stays; empty for m random vectors. seed: of all that starts
    at random."""

    n_ctx: Annotated[int, ">= 1"] = 2
    depth: Annotated[int, ">= 1"] = 9
    init: str = "a photo of a"
    seed: int = 0

    schedule: ClassVar[Schedule] = Schedule("sgd", 3.5e-3, 5e-4, 5, 4)

    def _build(self, backbone: Backbone) -> Prompts:
        if self.depth < 1 or self.n_ctx < 1:
            raise UsageError(
                f"maple: depth and n_ctx are 1 or more, not {self.depth} and {self.n_ctx}."
            )
        return _Deep(backbone, self)


class _Deep(Prompts):
    prompts_images = True

    def __init__(self, backbone: Backbone, options: MaPLe) -> None:
        super().__init__(backbone)
        self._image = token_blocks(backbone, "image", "maple")
        self._text = token_blocks(backbone, "text", "maple")
        self._handles: list[RemovableHandle] = []
        depth = min(options.depth, len(self._image.modules), len(self._text.modules))
        generator = torch.Generator().manual_seed(options.seed)
        first = first_vectors(backbone, options.init, options.n_ctx, generator)
        words = options.init.split()
        if words and (len(first) != len(words) or len(words) < options.n_ctx):
            raise UsageError(
                f"maple: init {options.init!r} has {len(first)} tokens in {len(words)} words; give "
                f"words of one token each, at least n_ctx = {options.n_ctx} of them."
            )
        self._kept = " ".join([*words[options.n_ctx :], ""]) if words else ""
        self.context = nn.Parameter(first[: options.n_ctx])  # (m, wt)
        width = first.shape[1]
        self.deep = nn.ParameterList(
            (torch.randn(options.n_ctx, width, generator=generator) * SPREAD).to(backbone.dtype)
            for _ in range(depth - 1)
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            shallow, later = (nn.Linear(width, self._image.width) for _ in range(2))
        layers = [shallow, *(copy.deepcopy(later) for _ in range(depth - 1))]
        self.project = nn.ModuleList(layer.to(backbone.dtype) for layer in layers)
        self.tokens([f"{self._kept}class"], options.n_ctx)

    def forward(self, names: Sequence[str], image: Tensor | None = None) -> Tensor:
        tokens = self.tokens([self._kept + name for name in names], len(self.context))
        return encode_prompts(self.clip, tokens, self.context, (self._text, list(self.deep)))

    def attach(self) -> None:
        vectors = [self.context, *self.deep]
        self._handles = append_image_tokens(
            self._image,
            [lambda i=i: self.project[i](vectors[i]) for i in range(len(vectors))],  # type: ignore[misc]
        )
        try:
            side = self.clip.model.visual.image_size
            size = side if isinstance(side, tuple | list) else (side, side)
            with torch.no_grad():
                self.clip.image(torch.zeros(1, 3, *size))
        except (RuntimeError, AssertionError, ValueError) as error:
            self.detach()
            raise UnfitTower(
                f"maple: the image tower of {self.clip.name!r} takes no more tokens than an image "
                f"has ({error})."
            ) from error

    def detach(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
