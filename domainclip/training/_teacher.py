"""A frozen teacher: the model as training found it, or another backbone that an objective names."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from domainclip.errors import UsageError
from domainclip.training._encoder import Encoder

__all__ = ["Teacher"]


class Teacher:
    """What a frozen backbone says of the images and captions that a student is given.

    named: (name, pretrained) as ``load_backbone`` takes them; empty for a copy of the student,
    adapters and all. A named one has its own tokenizer, which cuts captions beyond its context, and
    sees the student's images resized to its own size: their normalisation is undone, and its own
    is done. It is no module of the training, so it is in no state dict; a named one is loaded anew.
    """

    def __init__(self, student: Encoder, named: Sequence[str | None] | None) -> None:
        self._student = student.backbone
        self._other = bool(named)
        if named:
            backbone = self._loaded(named)
        else:
            backbone = copy.copy(student.backbone)
            backbone.model = copy.deepcopy(student.backbone.model)
        backbone.model.requires_grad_(False).eval()
        self._chunk = student.chunk
        self._reads = Encoder(
            backbone, raw=student.raw, long=None if named else student.long, chunk=student.chunk,
            same_views=False,
        )  # fmt: skip
        self._reads.forget(text_trained=False)  # its captions are encoded once and kept

    def features(self, x: Tensor, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Images as the student sees them (b, 3, h, w) and captions -> (b, d') each."""
        with self._there(x):
            return self._reads.pixels(self._prepared(x)), self._reads.captions(captions)

    def crops(self, x: Tensor, grid: int) -> tuple[Tensor, Tensor]:
        """Of the grid's cells, each enlarged to the whole image's size: its feature (b, grid², d')
        and the mean of its patches' features, of unit length both; cells row by row."""
        from domainclip.backbones.dense import dense_image

        cells = torch.stack(_cells(x, grid), 1).flatten(0, 1)  # (b * grid², 3, h, w)
        pooled, means = [], []
        with self._there(x):
            for part in torch.split(self._prepared(cells), self._chunk or max(len(x), 1)):
                feature, patches = dense_image(self._reads.backbone, part)
                pooled.append(feature)
                means.append(functional.normalize(patches.mean(1), dim=-1))
        feature, mean = torch.cat(pooled), torch.cat(means)
        shape = len(x), grid * grid, feature.shape[-1]
        return feature.reshape(shape), mean.reshape(shape)

    def _there(self, x: Tensor) -> torch.no_grad:
        self._reads.backbone.model.to(x.device)
        return torch.no_grad()

    def _prepared(self, x: Tensor) -> Tensor:
        """The student's images as the teacher wants them."""
        if not self._other:
            return x
        one, other = self._student, self._reads.backbone
        x = x * _column(one.std, x) + _column(one.mean, x)
        if x.shape[-2:] != tuple(other.image_size):
            x = functional.interpolate(
                x.float(), size=other.image_size, mode="bicubic", antialias=True
            ).to(x.dtype)
        return (x.clamp(0, 1) - _column(other.mean, x)) / _column(other.std, x)

    def _loaded(self, named: Sequence[str | None]) -> Any:
        from domainclip.backbones import load_backbone

        if len(named) > 2 or not named[0]:
            raise UsageError(f"a teacher is [name, pretrained] of a backbone, not {list(named)!r}.")
        name, pretrained = named[0], named[1] if len(named) == 2 else None
        student = self._student
        return load_backbone(name, pretrained, device=student.device, dtype=student.dtype)


def _cells(x: Tensor, grid: int) -> list[Tensor]:
    """grid² of (b, 3, h, w), row by row."""
    if grid == 1:
        return [x]
    height, width = x.shape[-2:]
    rows = [round(height * number / grid) for number in range(grid + 1)]
    columns = [round(width * number / grid) for number in range(grid + 1)]
    return [
        functional.interpolate(
            x[..., rows[i] : rows[i + 1], columns[j] : columns[j + 1]].float(),
            size=(height, width), mode="bicubic",
        ).to(x.dtype)
        for i in range(grid) for j in range(grid)
    ]  # fmt: skip


def _column(values: Sequence[float], x: Tensor) -> Tensor:
    return torch.tensor(values, device=x.device, dtype=x.dtype).view(3, 1, 1)
