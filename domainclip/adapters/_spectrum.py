"""Products with W' = U diag(s + delta) Vᵀ, by whichever order of multiplications is cheapest.

x (t, i) -> x W'ᵀ. Of a square W (d, d), counting a matrix product of t rows as t d² and leaving out
what is elementwise, forward and backward with the gradient of delta cost
    factored      ((x V) (s + delta)) Uᵀ                                     4 t d²
    materialised  W' made for the forward and again for the backward pass    3 t d² + 3 d³
since d delta_k = u_kᵀ (dL/dW') v_k. The factored form keeps x V (t, d) for each weight; the
materialised one keeps x, which q, k and v share, and the output of the attention keeps anyway. So
W' is made from t >= 3 d on, and of a rectangular W never. Without gradient W' is made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from domainclip.adapters._factors import Factors

__all__ = ["Spectra", "SpectralLayer", "Spectrum"]

_ROWS = 3  # rows of x for a column of a square weight, from which on W' is made


class Spectrum(nn.Module):
    """One matrix: ``values`` is trained, and called it gives U diag(delta) Vᵀ (o, i)."""

    u: Tensor
    s: Tensor
    vt: Tensor

    def __init__(self, found: Factors, like: Tensor, paper_mode: bool) -> None:
        super().__init__()
        self.paper_mode = paper_mode
        for name, tensor in zip(("u", "s", "vt"), found, strict=True):
            kept = tensor.to(like.device, like.dtype, copy=True)
            self.register_buffer(name, kept, persistent=False)
        self.values = nn.Parameter(self.origin.clone())

    @property
    def origin(self) -> Tensor:
        """The values at which nothing is changed: zeros, in paper mode s."""
        return self.s if self.paper_mode else torch.zeros_like(self.s)

    @property
    def delta(self) -> Tensor:
        return self.values - self.s if self.paper_mode else self.values

    def forward(self) -> Tensor:
        return (self.u * self.delta) @ self.vt

    def product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """x (..., i) -> (..., o) with gradients; weight and bias: the plain ones."""
        height, width = weight.shape
        rows = x.numel() // max(1, width)
        if height == width and rows >= _ROWS * width:
            y: Tensor = _Materialised.apply(x, self.delta, self.u, self.vt, weight, bias)
            return y
        if weight.dtype.itemsize < 4:  # U and V in half precision do not give W back well enough
            moved = functional.linear(functional.linear(x, self.vt) * self.delta, self.u)
            return functional.linear(x, weight, bias) + moved
        scale = self.values if self.paper_mode else self.s + self.values
        return functional.linear(functional.linear(x, self.vt) * scale, self.u, bias)


class _Materialised(torch.autograd.Function):
    """x W'ᵀ + b, which keeps x and nothing else of the batch."""

    @staticmethod
    def forward(
        context: Any, x: Tensor, delta: Tensor, u: Tensor, vt: Tensor, weight: Tensor,
        bias: Tensor | None,
    ) -> Tensor:  # fmt: skip
        context.save_for_backward(x, delta, u, vt, weight)
        return functional.linear(x, weight + (u * delta) @ vt, bias)

    @staticmethod
    @once_differentiable
    def backward(context: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, delta, u, vt, weight = context.saved_tensors
        dx = d_delta = None
        if context.needs_input_grad[0]:
            changed = weight + (u * delta) @ vt
            dx = (dy @ changed.to(dy.dtype)).to(x.dtype)
        if context.needs_input_grad[1]:
            gradient = dy.flatten(0, -2).T @ x.flatten(0, -2).to(dy.dtype)  # dL/dW' (o, i)
            d_delta = (u * (gradient.to(u.dtype) @ vt.T)).sum(0)
        return dx, d_delta, None, None, None, None


class Spectra(nn.Module):
    """W -> W', of the rows that have a spectrum; as the parametrisation of one weight."""

    def __init__(self, rows: Sequence[tuple[int, int]], parts: Sequence[Spectrum]) -> None:
        super().__init__()
        self.rows, self.parts = list(rows), nn.ModuleList(parts)
        self._known: tuple[Any, Tensor] | None = None

    def forward(self, weight: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            self._known = None
            return self._changed(weight)
        # an attention asks for its weight several times a forward, and W' costs o * i * min(o, i)
        state = tuple((t, t._version, t.data_ptr()) for t in (weight, *self.parameters()))
        if self._known is None or not _same(self._known[0], state):
            self._known = state, self._changed(weight)
        return self._known[1]

    def _changed(self, weight: Tensor) -> Tensor:
        pieces, end = [], 0
        for (start, stop), part in zip(self.rows, self.parts, strict=True):
            if start > end:
                pieces.append(weight.new_zeros(start - end, *weight.shape[1:]))
            pieces.append(part().reshape(stop - start, *weight.shape[1:]))
            end = stop
        if end < len(weight):
            pieces.append(weight.new_zeros(len(weight) - end, *weight.shape[1:]))
        return weight + (torch.cat(pieces) if len(pieces) > 1 else pieces[0])


class SpectralLayer(Spectra):
    """``Spectra`` of a linear layer that is called: ``product`` stands in for its forward."""

    def __init__(
        self, layer: nn.Linear, rows: Sequence[tuple[int, int]], parts: Sequence[Spectrum]
    ) -> None:
        super().__init__(rows, parts)
        self._layer = (layer,)  # in a tuple it is no child of its own child

    def product(self, x: Tensor) -> Tensor:
        layer = self._layer[0]
        weight, bias = layer.weight, layer.bias
        if not torch.is_grad_enabled():
            return functional.linear(x, self(weight), bias)
        self._known = None  # a fused optimiser writes without counting versions
        pieces, end = [], 0
        for (start, stop), part in zip(self.rows, self.parts, strict=True):
            if start > end:
                pieces.append(functional.linear(x, weight[end:start], _cut(bias, end, start)))
            assert isinstance(part, Spectrum)
            pieces.append(part.product(x, weight[start:stop], _cut(bias, start, stop)))
            end = stop
        if end < len(weight):
            pieces.append(functional.linear(x, weight[end:], _cut(bias, end, len(weight))))
        return torch.cat(pieces, dim=-1) if len(pieces) > 1 else pieces[0]


def _cut(bias: Tensor | None, start: int, stop: int) -> Tensor | None:
    return None if bias is None else bias[start:stop]


def _same(known: Any, state: Any) -> bool:
    return all(
        a is b and version == now and place == here
        for (a, version, place), (b, now, here) in zip(known, state, strict=True)
    )
