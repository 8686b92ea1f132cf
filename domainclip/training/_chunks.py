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

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

__all__ = ["in_chunks"]


def in_chunks(read: Callable[[Tensor], Tensor], x: Tensor, size: int | None) -> Tensor:
    """``read(x)``, rows of x (n, ...) -> (n, d), at most ``size`` rows at once; None: all."""
    if size is None or len(x) <= size:
        return read(x)
    if not torch.is_grad_enabled():
        return torch.cat([read(part) for part in torch.split(x, size)])
    parts = [checkpoint(read, part, use_reentrant=False) for part in torch.split(x, size)]
    return torch.cat(parts)
