"""A baseline without any network: logistic regression on the colours of the images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from domainclip.backbones.pictures import to_rgb
from domainclip.errors import BadInput
from domainclip.evaluation._bootstrap import Floats
from domainclip.evaluation._predict import head_probabilities
from domainclip.evaluation._probe import fitted_probe
from domainclip.evaluation._protocol import Context, Value
from domainclip.evaluation.metrics import classification

__all__ = ["ColourHistogram"]


@dataclass(frozen=True)
class ColourHistogram:
    """What colour alone tells of the classes: a method below it has learnt nothing of shape.

    The features are square roots of histograms (Hellinger kernel): each channel of RGB and of HSV
    in ``bins`` bins, and RGB jointly in ``joint`` bins a channel. The images are first shrunk to
    ``side_px``. The regression is ``linear_probe``'s, its strength chosen on the validation split.
    """

    bins: Annotated[int, ">= 1"] = 16
    joint: Annotated[int, ">= 1"] = 6
    side_px: Annotated[int, ">= 1"] = 64

    again: ClassVar[bool] = False
    of_classes: ClassVar[bool] = True

    def run(self, context: Context) -> Iterator[tuple[str, Value]]:
        if min(self.bins, self.joint, self.side_px) < 1:
            raise BadInput("colour_histogram: bins, joint and side_px are 1 or more.")
        for name in ("train", context.test):
            context.require_labels(name, "colour_histogram")
        train, held, test = (self._split(context, name) for name in ("train", "val", context.test))
        head = fitted_probe(
            train[0], train[1], len(context.classes), held[:2] if len(held[1]) else None
        )
        yield from classification(
            head_probabilities(head, test[0]), test[1].numpy(), groups=test[2],
            resamples=context.resamples, seed=context.seed,
        ).items()  # fmt: skip

    def _split(self, context: Context, split: str) -> tuple[Tensor, Tensor, list[str]]:
        """Histograms (n, k) of the labelled rows that can be decoded, labels, groups."""
        rows, labels, groups = [], [], []
        total = context.pairs.count_splits().get(split, 0)
        columns = ("key", "image", "labels", "group")
        for done, pair in enumerate(context.pairs.rows(columns, split=split)):
            label = context.classes.index(pair.labels)
            if label < 0:
                continue
            try:
                rows.append(self.histogram(to_rgb(pair.image)))
            except BadInput:
                continue  # an image that no decoder reads is no row of any method
            labels.append(label)
            groups.append(pair.group)
            if done % 100 == 0:
                context.progress(done, total)
        made = np.stack(rows) if rows else np.zeros((0, 6 * self.bins + self.joint**3))
        return torch.from_numpy(made).float(), torch.tensor(labels, dtype=torch.int64), groups

    def histogram(self, image: Image.Image) -> Floats:
        """(6 * bins + joint³,) of an RGB image, unit length."""
        small = image.copy()
        small.thumbnail((self.side_px, self.side_px), Image.Resampling.BOX)
        rgb = np.asarray(small).reshape(-1, 3).astype(np.int64)
        hsv = np.asarray(small.convert("HSV")).reshape(-1, 3).astype(np.int64)
        parts: list[Floats] = []
        for channel in (*rgb.T, *hsv.T):
            counts = np.bincount(channel * self.bins // 256, minlength=self.bins)
            parts.append(counts / 6)
        cell = rgb * self.joint // 256  # (pixels, 3)
        flat = (cell[:, 0] * self.joint + cell[:, 1]) * self.joint + cell[:, 2]
        parts.append(np.bincount(flat, minlength=self.joint**3).astype(np.float64))
        return np.asarray(np.sqrt(np.concatenate(parts) / (2 * len(rgb))))
