"""A batch of pairs: images with their class, caption and key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from domainclip.data._regions import Region

__all__ = ["PairBatch", "Sample", "collate"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One pair on its way into a batch. image: uint8 (3, h, w), or None with the reason.

    choices: (text, chance) of every caption that it may show; the chances sum to 1. group: what
    never crosses a split; empty for none. tags: every class of the pair. second:
    another caption. views: uint8 (v, 3, h, w). negatives: texts that are not of the image. regions:
    (category, box) of objects.
    """

    key: str
    image: Tensor | None
    label: int = -1
    caption: str = ""
    choices: tuple[tuple[str, float], ...] = ()
    reason: str = ""
    group: str = ""
    tags: tuple[int, ...] = ()
    second: str = ""
    views: Tensor | None = None
    negatives: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()


@dataclass  # not frozen: Lightning refuses to look for half-precision tensors in a frozen one
class PairBatch:
    """b pairs of one rank.

    images: (b, 3, h, w), uint8 from the loader, normalised floats once on the device.
    labels: (b,) int64 class indices, -1 for none. captions, keys: b each. class_counts: (c,) int64
    training images of each class. skipped: (key, reason) of images that could not be decoded.
    consumed: samples of the epoch that all ranks have used, this batch included. groups: b each.
    tags: every class of each pair. Where an objective asks for them, seconds: another caption of
    each pair, views: (b, v, 3, h, w) more views like ``images``, negatives: texts that are not of
    the image, regions: of each pair's objects (category, box (x0, y0, x1, y1) as shares of the
    image).
    """

    images: Tensor
    labels: Tensor
    captions: tuple[str, ...]
    keys: tuple[str, ...]
    class_counts: Tensor | None = None
    skipped: tuple[tuple[str, str], ...] = field(default=())
    consumed: int = 0
    groups: tuple[str, ...] = ()
    tags: tuple[tuple[int, ...], ...] = ()
    seconds: tuple[str, ...] = ()
    views: Tensor | None = None
    negatives: tuple[tuple[str, ...], ...] = ()
    regions: tuple[tuple[Region, ...], ...] = ()

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
            views=None if self.views is None else self.views.to(device, non_blocking=non_blocking),
        )

    def pin_memory(self) -> Self:
        """The batch in page-locked memory, which copies to a GPU in the background."""
        return replace(
            self,
            images=self.images.pin_memory(),
            labels=self.labels.pin_memory(),
            views=None if self.views is None else self.views.pin_memory(),
        )


def collate(samples: Sequence[Sample], size: tuple[int, int] = (1, 1)) -> PairBatch:
    """Samples as a batch; those without an image only leave their key. size: (h, w) if none has."""
    good = [sample for sample in samples if sample.image is not None]
    images = [sample.image for sample in good if sample.image is not None]
    views = [sample.views for sample in good if sample.views is not None]
    return PairBatch(
        images=torch.stack(images) if images else torch.empty((0, 3, *size), dtype=torch.uint8),
        labels=torch.tensor([sample.label for sample in good], dtype=torch.int64),
        captions=tuple(sample.caption for sample in good),
        keys=tuple(sample.key for sample in good),
        groups=tuple(sample.group for sample in good),
        tags=tuple(sample.tags for sample in good),
        seconds=tuple(sample.second for sample in good),
        views=torch.stack(views) if views else None,
        negatives=tuple(sample.negatives for sample in good),
        regions=tuple(sample.regions for sample in good),
        skipped=tuple((sample.key, sample.reason) for sample in samples if sample.image is None),
    )
