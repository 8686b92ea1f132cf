"""Small networks on features that self-supervised losses train beside the towers, and throw away.

Their batch normalisation is over the rows of all ranks, with the gradient through its statistics,
and keeps none: a loss that validates is normalised by the batch that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from domainclip.backbones._unit import widened
from domainclip.objectives._protocol import Gather

__all__ = ["MLP", "Prototypes", "Queue"]


class MLP(nn.Module):
    """Linear layers (b, widths[0]) -> (b, widths[-1]), each but the last followed by normalisation
    and ReLU, or by GELU alone. norm_last: the last one is normalised too."""

    def __init__(
        self, widths: Sequence[int], *, norm: bool = True, norm_last: bool = False
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(one, other) for one, other in pairwise(widths))
        normed = widths[1:] if norm_last else widths[1:-1]
        self.norms = nn.ModuleList(_Norm(width) for width in normed if norm)

    def forward(self, x: Tensor, gather: Gather) -> Tensor:
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number < len(self.norms):
                x = self.norms[number](x, gather)
            if number < len(self.layers) - 1:
                x = functional.relu(x) if len(self.norms) else functional.gelu(x)
        return x


class _Norm(nn.Module):
    def __init__(self, width: int, eps: float = 1e-5) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.eps = eps

    def forward(self, x: Tensor, gather: Gather) -> Tensor:
        x = widened(x)
        everyone = gather(x)  # (n, w)
        if not len(everyone):
            return x
        mean, variance = everyone.mean(0), everyone.var(0, correction=0)
        return (x - mean) * (variance + self.eps).rsqrt() * self.weight + self.bias


class Prototypes(nn.Module):
    """DINO's head: three layers to a bottleneck of unit length, and its cosines with prototypes."""

    def __init__(self, dim: int, hidden: int, bottleneck: int, prototypes: int) -> None:
        super().__init__()
        self.mlp = MLP((dim, hidden, hidden, bottleneck), norm=False)
        self.prototypes = nn.Parameter(torch.empty(prototypes, bottleneck))
        for weight in self.parameters():
            if weight.ndim > 1:
                nn.init.trunc_normal_(weight, std=0.02)
            else:
                nn.init.zeros_(weight)

    def bottleneck(self, x: Tensor, gather: Gather) -> Tensor:
        """(b, d) -> (b, bottleneck) of unit length."""
        z: Tensor = self.mlp(x, gather)
        return functional.normalize(z, dim=-1)

    def scores(self, z: Tensor) -> Tensor:
        """(b, bottleneck) -> (b, prototypes)."""
        return z @ functional.normalize(self.prototypes, dim=-1).T.to(z.dtype)


class Queue(nn.Module):
    """The last rows that it was given, at most ``size``: in a buffer, which checkpoints keep. What
    a step brings waits until the step is done, so a loss may be asked for twice."""

    rows: Tensor
    waiting: Tensor
    place: Tensor
    filled: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(size, dim))
        self.register_buffer("waiting", torch.zeros(0, dim))
        self.register_buffer("place", torch.tensor(0))
        self.register_buffer("filled", torch.tensor(0))

    def wait(self, rows: Tensor) -> None:
        """Rows (n, d), the same on every rank, that come in after the step."""
        self.waiting = torch.cat([self.waiting, rows.detach().to(self.waiting.dtype)])

    def after_step(self) -> None:
        """The oldest rows make place for those that wait."""
        size, count = len(self.rows), len(self.waiting)
        new = self.waiting[-size:]
        places = (self.place + count - len(new) + torch.arange(len(new), device=new.device)) % size
        self.rows[places] = new
        self.place = (self.place + count) % size
        self.filled = (self.filled + count).clamp(max=size)
        self.waiting = self.waiting[:0]

    def nearest(self, z: Tensor) -> Tensor:
        """(b, d) -> (b, d): the row of the highest product with each; itself while there is none.
        No gradient."""
        with torch.no_grad():
            alike = z @ self.rows.T.to(z.dtype)  # (b, size)
            unfilled = torch.arange(len(self.rows), device=z.device) >= self.filled
            found = self.rows[alike.masked_fill(unfilled, -torch.inf).argmax(1)].to(z.dtype)
            return torch.where(self.filled > 0, found, z)
