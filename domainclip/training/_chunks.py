"""Large contrastive batches in little memory: a tower reads the batch in chunks and forgets them.

The features of the whole batch are made without keeping what the backward pass needs, chunk by
chunk; the loss sees all of them; then each chunk is read again, with the same dropout, when its
gradient is asked for. The gradients are those of the joint batch, at one more forward pass, and
only one chunk's activations lie in memory at a time.
Reference: GradCache, Gao et al. 2021, arXiv 2101.06983, section 3.
Differs: the second reading is the checkpoint of PyTorch, so that every loss and adapter works as it
is; layers that look across the batch (batch norm in training mode) see a chunk instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["in_chunks"]


T = TypeVar("T", Tensor, tuple[Tensor, Tensor])


def in_chunks(read: Callable[[Tensor], T], x: Tensor, size: int | None) -> T:
    """``read(x)``, rows of x (n, ...) -> (n, ...) or two of them, at most ``size`` rows at once;
    None: all."""
    if size is None or len(x) <= size:
        return read(x)
    parts = [
        checkpoint(read, part, use_reentrant=False) if torch.is_grad_enabled() else read(part)
        for part in torch.split(x, size)
    ]
    if isinstance(parts[0], Tensor):
        return torch.cat(parts)
    one, other = (torch.cat(each) for each in zip(*parts, strict=True))
    return one, other
