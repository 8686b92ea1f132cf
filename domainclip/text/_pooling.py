"""From features of pieces to features of texts: the mean, the maximum, or by attention."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["SHARPNESS", "PoolBy", "pooled", "sums"]

PoolBy = Literal["mean", "max", "attention"]
SHARPNESS = 10.0


def pooled(z: Tensor, owners: Tensor, weights: Tensor, by: PoolBy) -> Tensor:
    """(w, d) unit features of pieces -> (n, d) unit features of texts; a single piece stays as it
    is, bit for bit.

    owners: (w,) the text of each piece, none without. ``mean``: weighted by ``weights`` (w,).
    ``max``: of each dimension. ``attention``: weights are multiplied by exp(10 cos(piece, weighted
    mean of the text's pieces)), so that pieces which say what the text as a whole says count more;
    nothing is learned.
    """
    owners, weights = owners.to(z.device), weights.to(z)
    counts = torch.bincount(owners)
    n = len(counts)
    if len(z) == n:
        return z
    if by == "max":
        index = owners[:, None].expand_as(z)
        joined = z.new_zeros(n, z.shape[1]).scatter_reduce(0, index, z, "amax", include_self=False)
    else:
        if by == "attention":
            centre = functional.normalize(sums(z, owners, weights, n), dim=-1)
            weights = weights * torch.exp(SHARPNESS * ((z * centre[owners]).sum(-1) - 1))
        joined = sums(z, owners, weights, n)
    alone = sums(z, owners, (counts[owners] == 1).to(z), n)
    return torch.where((counts == 1)[:, None], alone, functional.normalize(joined, dim=-1))


def sums(z: Tensor, owners: Tensor, weights: Tensor, n: int) -> Tensor:
    """(w, d) -> (n, d): weighted sums of each text's pieces; owners, weights (w,) where z is."""
    return z.new_zeros(n, z.shape[1]).index_add(0, owners, z * weights[:, None])
