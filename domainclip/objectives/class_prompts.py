"""Cross-entropy of images against class prompts: the classifier is the text tower's.

loss = CE(s I Wᵀ, label), W (c, d) the class embeddings (mean of the normalised prompts of a class,
normalised), s the logit scale. Used by CoOp, CLIP-LoRA, CLIP-SVD and full tuning alike.
Reference: CoOp, Zhou et al. 2022, https://arxiv.org/abs/2109.01134.
Differs: samples without a class are left out instead of refused; classes can be weighted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from domainclip.objectives._precision import single_precision
from domainclip.objectives._protocol import Batch, Gather, products

__all__ = ["ClassPrompts"]


@dataclass(frozen=True)
class ClassPrompts:
    """Cross-entropy over the classes.

    label_smoothing: share of the target spread over all classes, 0 to 1. weight: "balanced" weighs
    classes by the inverse of their number of training images, mean 1 over the images.
    temperature: multiplies the logit scale; below 1 the loss is softer than the tower's own scale.
    """

    label_smoothing: Annotated[float, ">= 0 <= 1"] = 0.0
    weight: Literal["none", "balanced"] = "none"
    temperature: Annotated[float, "> 0"] = 1.0

    needs: ClassVar[str] = "classes"

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
    ) -> Tensor:
        """The mean over the images that have a class; image (b, d), text (c, d), unit length, or
        (b, c, d) where an adapter's prompts depend on the image."""
        logits = (self.temperature * logit_scale * products(image, text)).float()  # (b, c)
        labelled = batch.labels >= 0
        weight = None
        if self.weight == "balanced" and batch.class_counts is not None:
            counts = batch.class_counts.to(logits)
            weight = counts.sum() / (counts.clamp(min=1) * (counts > 0).sum())
        each = F.cross_entropy(
            logits, batch.labels.clamp(min=0), weight, reduction="none",
            label_smoothing=self.label_smoothing,
        )  # fmt: skip
        # the mean is over the labelled images of all ranks; ranks average their losses afterwards
        count = gather(labelled.sum()[None].to(each)).sum() / gather.world_size
        return (each * labelled).sum() / torch.clamp(count, min=1 / gather.world_size)
