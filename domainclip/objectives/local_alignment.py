"""InfoNCE plus a symmetric local alignment, after MaMA: words find patches, and patches words.

With p_ix patch x of image i, w_jy word y of caption j (all of unit length), for every i and j
    by words    t_ij = mean over y of max over x of p_ix·w_jy
    by patches  v_ij = mean over x of max over y of p_ix·w_jy
loss = C(s I·T) + ``weight`` (C(l t) + C(l v)), C(z) = (CE(z) + CE(zᵀ)) / 2 with targets on the
diagonal, s the logit scale, l one of its own that trains too and starts at ``scale``.
Reference: MaMA, Du et al. 2024, https://arxiv.org/abs/2409.18119 and its code.
Differs: MaMA aligns sentences, here words, start and end of text among them, and puts both through
projections of their own; patches and words here lie in the joint space already. Its loss is the sum
where this has means: twice this. Its second view is ``multi_view`` with ``data.second_view``, to be
added by ``weighted``.
Pairs of one caption or group are left out of each other's negatives, unless ``negative``.
Shapes: image, text (b, d), patches (b, p, d), words (b, w, d) and which are real (b, w).
Ranks: words of all are gathered, then the scores (n, n); patches stay where they are. Texts are
compared few at a time, so memory grows with b p w and not with b² p w. The b² p w d multiplications
are in single precision, as all that objectives do: the costliest of them, not timed on a GPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.objectives._positives import both_ways, same_as
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["LocalAlignment"]

_AT_ONCE = 2**22  # products of patches and words, 16 MB
_STEEPEST = 100.0  # the bound of CLIP's own scale


@dataclass(frozen=True)
class LocalAlignment:
    """weight: of the two local terms. scale: where their logit scale starts, MaMA's 1/0.07.
    same_text, same_group: pairs of one caption or group are left out of each other's negatives."""

    weight: Annotated[float, ">= 0"] = 1.0
    scale: Annotated[float, "> 0 <= 100"] = 14.3
    same_text: Literal["ignore", "negative"] = "ignore"
    same_group: Literal["ignore", "negative"] = "ignore"

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("patches", "words", "parts")

    def make_parts(self, dim: int) -> nn.Module:
        """The logarithm of the local scale."""
        return nn.ParameterDict({"scale": nn.Parameter(torch.tensor(math.log(self.scale)))})

    @single_precision
    def __call__(
        self,
        image: Tensor,
        text: Tensor,
        batch: Batch,
        *,
        logit_scale: Tensor,
        logit_bias: Tensor | None,
        gather: Gather,
        patches: Tensor,
        words: tuple[Tensor, Tensor],
        parts: nn.Module,
    ) -> Tensor:
        """This rank's part of the mean over all pairs."""
        images, texts = gather(image), gather(text)  # (n, d)
        start, stop = gather.mine(len(image))
        alike = same_as(batch, gather, image.device).judged(
            text=self.same_text, group=self.same_group
        )
        loss = both_ways(logit_scale * image @ texts.T, logit_scale * text @ images.T, alike)
        scale = parts["scale"].exp().clamp(max=_STEEPEST)  # type: ignore[index]
        scores = gather(torch.stack(_scores(patches, *_gathered(words, gather)), 1))  # (n, 2, n)
        for one in (scores * scale).unbind(1):
            local = both_ways(one[start:stop], one[:, start:stop].T, alike)
            loss = loss + self.weight * local
        return rows_mean(loss, len(image), gather)


def _scores(patches: Tensor, words: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
    """patches (b, p, d), words (n, w, d), real (n, w) -> by words and by patches, (b, n) each."""
    by_words, by_patches = [], []
    size = max(_AT_ONCE // max(patches.shape[0] * patches.shape[1] * words.shape[1], 1), 1)
    for some, there in zip(torch.split(words, size), torch.split(real, size), strict=True):
        cosines = torch.einsum("bpd,nwd->bnpw", patches, some)
        best = cosines.max(2).values.masked_fill(~there, 0)  # (b, n', w)
        by_words.append(best.sum(2) / there.sum(1).clamp(min=1))
        found = cosines.masked_fill(~there[:, None], -torch.inf).max(3).values  # (b, n', p)
        by_patches.append(found.mean(2))
    return torch.cat(by_words, 1), torch.cat(by_patches, 1)


def _gathered(words: tuple[Tensor, Tensor], gather: Gather) -> tuple[Tensor, Tensor]:
    """Words of all ranks, filled up to the longest caption of any."""
    features, real = words
    if gather.world_size == 1:
        return words  # without waiting for the device
    length = torch.full((len(features),), features.shape[1], device=features.device)
    missing = int(gather(length).max()) - features.shape[1]
    features = functional.pad(features, (0, 0, 0, missing))
    return gather(features), gather(functional.pad(real, (0, missing)).int()).bool()
