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
    (category, box) of objects. negative_image: uint8 (3, h, w), with its own caption, which is not
    of the image.
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
    negative_image: Tensor | None = None
    negative_caption: str = ""


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
    image), negative_captions: a text that is not of the image but of one of negative_images, empty
    where there is none, negative_images: (m, 3, h, w) of those that are not empty, None for none.
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
    negative_images: Tensor | None = None
    negative_captions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.keys)

    def to(self, device: torch.device | str, non_blocking: bool = True) -> Self:
        """The batch with its tensors on a device."""
        counts = self.class_counts

        def moved(images: Tensor | None) -> Tensor | None:
            return None if images is None else images.to(device, non_blocking=non_blocking)

        return replace(
            self,
            images=self.images.to(device, non_blocking=non_blocking),
            labels=self.labels.to(device, non_blocking=non_blocking),
            class_counts=None if counts is None else counts.to(device),
            views=moved(self.views),
            negative_images=moved(self.negative_images),
        )

    def pin_memory(self) -> Self:
        """The batch in page-locked memory, which copies to a GPU in the background."""
        wrong = self.negative_images
        return replace(
            self,
            images=self.images.pin_memory(),
            labels=self.labels.pin_memory(),
            views=None if self.views is None else self.views.pin_memory(),
            negative_images=None if wrong is None else wrong.pin_memory(),
        )


def collate(samples: Sequence[Sample], size: tuple[int, int] = (1, 1)) -> PairBatch:
    """Samples as a batch; those without an image only leave their key. size: (h, w) if none has."""
    good = [sample for sample in samples if sample.image is not None]
    images = [sample.image for sample in good if sample.image is not None]
    views = [sample.views for sample in good if sample.views is not None]
    wrong = [sample.negative_image for sample in good if sample.negative_image is not None]
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
        negative_images=torch.stack(wrong) if wrong else None,
        negative_captions=tuple(sample.negative_caption for sample in good),
        skipped=tuple((sample.key, sample.reason) for sample in samples if sample.image is None),
    )
