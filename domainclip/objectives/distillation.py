"""Distillation: what is alike to a frozen teacher is to be alike to the student, and as much so.

loss = relations · T² (KL(P_i ‖ Q_i) + KL(P_t ‖ Q_t)) + features · (|i - i'|² + |t - t'|²), means
over pairs, Q_i = softmax(s i tᵀ / T) of an image over the batch's captions, P_i the same by the
teacher (i', t'), _t over the batch's images; s the logit scale.
Reference: CLIP-KD, Yang et al. 2024, https://arxiv.org/abs/2307.12732, section 3.2: contrastive
relational distillation and feature distillation.
Differs: the teacher's scale is the student's own where ``teacher_scale`` is not given; its features
must be as wide as the student's for ``features``, there is no projection; of the paper's
other terms, the task's is another term of ``weighted``, and gradient and interactive ones are left
out. T is Hinton's, 1 in the paper.
Shapes: image, text (b, d), the teacher's (b, d'). Ranks: this rank's pairs against those of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.backbones._unit import widened
from domainclip.errors import UsageError
from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, rows_mean

__all__ = ["Distillation"]


@dataclass(frozen=True)
class Distillation:
    """teacher: [name, pretrained] of a backbone, or a folder alone; empty for the model as training
    found it. relations, features: weights of the two parts (the paper's 1 and 2000). temperature:
    T, above 1 for softer similarities. teacher_scale: the teacher's factor on cosines; null for the
    student's.
    """

    teacher: tuple[str, ...] = ()
    relations: Annotated[float, ">= 0"] = 1.0
    features: Annotated[float, ">= 0"] = 0.0
    temperature: Annotated[float, "> 0"] = 1.0
    teacher_scale: Annotated[float, "> 0"] | None = None

    needs: ClassVar[str] = "captions"
    wants: ClassVar[tuple[str, ...]] = ("teacher",)

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
        teacher: tuple[Tensor, Tensor],
    ) -> Tensor:
        """This rank's part of the mean over all pairs."""
        images, texts = gather(image), gather(text)  # (n, d)
        one, other = (z.detach() for z in teacher)
        ones, others = gather(one), gather(other)
        scale = logit_scale.detach() if self.teacher_scale is None else self.teacher_scale
        pairs = (
            (logit_scale * image @ texts.T, scale * one @ others.T),
            (logit_scale * text @ images.T, scale * other @ ones.T),
        )  # (b, n) each
        told = torch.stack([self._divergence(said, taught) for said, taught in pairs]).sum()
        loss = self.relations * told
        if self.features:
            if one.shape != image.shape:
                raise UsageError(
                    f"distillation: features of the teacher are {one.shape[-1]} wide, the model's "
                    f"{image.shape[-1]}; set features to 0, which leaves their similarities."
                )
            apart = (image - one).square().sum() + (text - other).square().sum()
            loss = loss + self.features * apart
        return rows_mean(loss, len(image), gather)

    def _divergence(self, said: Tensor, taught: Tensor) -> Tensor:
        """T² KL(P ‖ Q), summed over rows (b, n)."""
        q = (widened(said) / self.temperature).log_softmax(1)
        p = (widened(taught) / self.temperature).log_softmax(1)
        apart = functional.kl_div(q, p, reduction="sum", log_target=True)
        return apart * self.temperature**2
