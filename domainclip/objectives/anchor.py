"""Anchors against forgetting: weights, and what the towers say, stay near where training began.

loss = weights / 2 · Σ_w |w - w₀|² + features · mean over pairs of ((1 - cos(i, i₀)) +
(1 - cos(t, t₀))) / 2; w everything that the adapter trains, w₀, i₀, t₀ before training. A term of
``weighted``, beside what is to be learned.
References: L2-SP, Li et al. 2018, https://arxiv.org/abs/1802.01483, section 3 (there is no new
head here, so its β has nothing to decay); features as LDIFS anchors them, Mukhoti et al. 2023,
https://arxiv.org/abs/2308.13320.
Differs: features are those of the joint space, by their cosine; LDIFS takes squared distances of
features of all layers. Of an adapter, w are its own weights: LoRA's factors, not their product;
then features say more. w₀ costs the memory of what trains, and is whole: not for ``strategy:
fsdp``. An optimiser that decays weights draws them to 0: set trainer.weight_decay to 0 beside it.
Shapes: image, text (b, d). Ranks: the sum over weights is each rank's own, the mean is joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones._unit import widened
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["Anchor"]


@dataclass(frozen=True)
class Anchor:
    """weights, features: how strongly each is held, 0 for not at all; nothing is kept for that."""

    weights: Annotated[float, ">= 0"] = 0.01
    features: Annotated[float, ">= 0"] = 1.0

    needs: ClassVar[str] = "captions"

    @property
    def wants(self) -> tuple[str, ...]:
        """What is held."""
        return ("teacher",) * (self.features > 0) + ("weights",) * (self.weights > 0)

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
        teacher: tuple[Tensor, Tensor] | None = None,
        weights: Sequence[tuple[Tensor, Tensor]] = (),
    ) -> Tensor:
        """This rank's part; 0 where nothing is held."""
        loss = image.new_zeros((), dtype=torch.promote_types(image.dtype, torch.float32))
        for now, before in weights:
            loss = loss + self.weights / 2 * widened(now - before).square().sum()
        if teacher is not None:
            gather(batch.labels)  # how many rows there are
            towers = zip((image, text), teacher, strict=True)
            turned = torch.stack([len(z) - functional.cosine_similarity(z, old, dim=-1).sum()
                                  for z, old in towers]).sum()  # fmt: skip
            loss = loss + rows_mean(self.features * turned / 2, len(image), gather)
        return loss
