"""Sums over a validation, which ranks add up, and what they come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["Sums", "Validation"]


class _Labelled(Protocol):
    """A batch, as far as it is counted."""

    @property
    def labels(self) -> Tensor:
        """(b,) int64 class indices, -1 for none."""

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Validation:
    """One pass over the validation split, of all ranks. Shares are 0 to 1; None without classes."""

    loss: float
    accuracy: float | None
    balanced_accuracy: float | None


class Sums:
    """Sums over a validation, which ranks can add up."""

    def __init__(self, classes: int) -> None:
        self.loss, self.images = 0.0, 0
        self.right = np.zeros(classes)
        self.seen = np.zeros(classes)

    def add(self, loss: Tensor, batch: _Labelled, predicted: Tensor | None) -> None:
        labels = batch.labels.cpu().numpy()
        weight = int((labels >= 0).sum()) if predicted is not None else len(batch)
        self.loss, self.images = self.loss + float(loss) * weight, self.images + weight
        if predicted is not None:
            right = predicted.cpu().numpy() == labels
            np.add.at(self.seen, labels[labels >= 0], 1)
            np.add.at(self.right, labels[right], 1)

    def result(self, device: torch.device, world_size: int) -> Validation:
        flat = torch.tensor([self.loss, self.images, *self.right, *self.seen], dtype=torch.float64)
        if world_size > 1:
            flat = flat.to(device)
            dist.all_reduce(flat)
        loss, images, *counts = flat.tolist()
        right, seen = np.array(counts).reshape(2, -1)
        present = seen > 0
        classes = bool(present.any())
        return Validation(
            loss=loss / images if images else float("nan"),
            accuracy=float(right.sum() / seen.sum()) if classes else None,
            balanced_accuracy=float((right[present] / seen[present]).mean()) if classes else None,
        )
