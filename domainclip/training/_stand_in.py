"""What a rank does whose whole batch could not be decoded, while the others wait for its rows.

It reads one blank image and an empty text, so that every weight is in its graph and each collective
is joined, and leaves their features out: it brings no rows, and its loss is 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

__all__ = ["no_rows", "stand_in"]


def stand_in(batch: Any) -> Any:
    """A batch of one row that says nothing, for an empty one (``domainclip.data.PairBatch``)."""
    images, views = batch.images, batch.views
    return replace(
        batch,
        images=images.new_zeros((1, *images.shape[1:])),
        labels=torch.full((1,), -1, dtype=batch.labels.dtype, device=batch.labels.device),
        captions=("",), keys=("",), groups=("",), tags=((),), seconds=("",), negatives=(("",),),
        negative_images=None, negative_captions=("",),
        views=None if views is None else views.new_zeros((1, *views.shape[1:])),
    )  # fmt: skip


def no_rows(more: Mapping[str, Any]) -> dict[str, Any]:
    """What objectives ask for, without its rows."""
    return {name: _cut(value) for name, value in more.items()}


def _cut(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_cut(each) for each in value)
    return value[:0] if isinstance(value, Tensor) else value
