"""A batch of pairs: images with their class, caption and key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

__all__ = ["PairBatch", "Sample", "collate"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One pair on its way into a batch. image: uint8 (3, h, w), or None with the reason."""

    key: str
    image: Tensor | None
    label: int = -1
    caption: str = ""
    reason: str = ""


@dataclass  # not frozen: Lightning refuses to look for half-precision tensors in a frozen one
class PairBatch:
    """b pairs of one rank.

    images: (b, 3, h, w), uint8 from the loader, normalised floats once on the device.
    labels: (b,) int64 class indices, -1 for none. captions, keys: b each. class_counts: (c,) int64
    training images of each class. skipped: (key, reason) of images that could not be decoded.
    consumed: samples of the epoch that all ranks have used, this batch included.
    """

    images: Tensor
    labels: Tensor
    captions: tuple[str, ...]
    keys: tuple[str, ...]
    class_counts: Tensor | None = None
    skipped: tuple[tuple[str, str], ...] = field(default=())
    consumed: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    def to(self, device: torch.device | str, non_blocking: bool = True) -> Self:
        """The batch with its tensors on a device."""
        counts = self.class_counts
        return replace(
            self,
            images=self.images.to(device, non_blocking=non_blocking),
            labels=self.labels.to(device, non_blocking=non_blocking),
            class_counts=None if counts is None else counts.to(device),
        )

    def pin_memory(self) -> Self:
        """The batch in page-locked memory, which copies to a GPU in the background."""
        return replace(self, images=self.images.pin_memory(), labels=self.labels.pin_memory())


def collate(samples: Sequence[Sample], size: tuple[int, int] = (1, 1)) -> PairBatch:
    """Samples as a batch; those without an image only leave their key. size: (h, w) if none has."""
    good = [sample for sample in samples if sample.image is not None]
    images = [sample.image for sample in good if sample.image is not None]
    return PairBatch(
        images=torch.stack(images) if images else torch.empty((0, 3, *size), dtype=torch.uint8),
        labels=torch.tensor([sample.label for sample in good], dtype=torch.int64),
        captions=tuple(sample.caption for sample in good),
        keys=tuple(sample.key for sample in good),
        skipped=tuple((sample.key, sample.reason) for sample in samples if sample.image is None),
    )
