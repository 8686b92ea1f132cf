"""InfoNCE with every image of a class as the positive of every caption of that class.

The multi-positive loss (MPCL) of FarSLIP (https://github.com/NJU-LHRS/FarSLIP), which is SupCon's
L_out (Khosla et al. 2020): targets uniform over the same class. It differs from ``infonce`` where
the captions of a class are several strings, which there are each other's negatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from domainclip.objectives._protocol import Batch, Gather

__all__ = ["ClassPositives"]


@dataclass(frozen=True)
class ClassPositives:
    """label_smoothing and captions as in infonce; an image without a class has its own caption."""

    label_smoothing: float = 0.0
    captions: Literal["pairs", "classes"] = "pairs"

    needs: ClassVar[str] = "captions"

    def __call__(
        self, image: Tensor, text: Tensor, batch: Batch, *, logit_scale: Tensor,
        logit_bias: Tensor | None, gather: Gather,
    ) -> Tensor:  # fmt: skip
        """This rank's part of the mean; image, text (b, d)."""
        images, texts = gather(image), gather(text)
        start, stop = gather.mine(len(image))
        labels = gather(batch.labels)
        mine = labels[start:stop, None]
        rows = torch.arange(len(labels), device=labels.device)
        positive = ((mine == labels) & (mine >= 0)) | (rows[start:stop, None] == rows)
        target = positive / positive.sum(1, keepdim=True)
        target = target * (1 - self.label_smoothing) + self.label_smoothing / len(labels)
        both: Sequence[Tensor] = (image @ texts.T, text @ images.T)
        total = sum(-(target * (logit_scale * each).float().log_softmax(1)).sum() for each in both)
        return total * (gather.world_size / (2 * len(images)))
